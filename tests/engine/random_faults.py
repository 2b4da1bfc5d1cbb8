"""A project called rain on an instant sandbox, for tests that say what stands in its specs and apply them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import httpx
import yaml

from tests.datasets import small_dataset
from wanctl.base.running import run
from wanctl.engine.converge import Outcome, Patience
from wanctl.project import Project
from wanctl.project.provider import call_sandbox, open_sandbox

Document = dict[str, Any]

DATASET: Document = {"kind": "Dataset", "name": "train", "source": "../data"}
FINETUNE: Document = {
    "kind": "FineTune",
    "name": "rain",
    "model": "wan2.6-i2v",
    "training": ["train"],
    "hyper_parameters": {"n_epochs": 40, "eval_epochs": 10},
}
CHECKPOINT: Document = {
    "kind": "Checkpoint",
    "name": "best",
    "finetune": "rain",
    "checkpoint": "checkpoint-20",
}
DEPLOYMENT: Document = {
    "kind": "Deployment",
    "name": "rain",
    "checkpoint": "best",
    "aigc_config": {"prompt": "Describe it.", "lora_prompt_default": "Then it rains."},
}


class Bent(httpx.ASGITransport):
    """The sandbox, with some of what it answers changed on the way."""

    bend: ClassVar[Callable[[str, Any], None]] = staticmethod(lambda _path, _body: None)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        content = await response.aread()
        if not content.startswith(b"{"):
            return response
        body = json.loads(content)
        type(self).bend(request.url.path, body)
        return httpx.Response(response.status_code, json=body)


class Rain:
    """The project's folder, and what a person does with it."""

    def __init__(self, folder: Path) -> None:
        self.specs = folder / "specs"
        self.specs.mkdir()
        (folder / ".git").mkdir()
        small_dataset(folder / "data", clips=2)

    def write(self, *documents: Document, **head: Any) -> None:
        settings = {
            "version": 1,
            "project": "rain",
            "polling": "30m",
            "sandbox": {"speed": "instant", "seed": 1, "start": "2026-03-18T09:00:00+08:00"},
            **head,
        }
        (self.specs / "wanctl.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        (self.specs / "all.yaml").write_text(yaml.safe_dump_all(documents), encoding="utf-8")

    def project(self, environment: str | None = None) -> Project:
        return Project.open(self.specs, environment)

    def apply(self, *, waits: bool = True) -> Outcome:
        outcome = self.project().apply(lambda _plan, _steps: True, Patience(waits=waits))
        assert outcome is not None
        return outcome

    @property
    def ledger(self) -> dict[str, Any]:
        text = (self.specs / ".wanctl/ledger.json").read_text(encoding="utf-8")
        return dict(json.loads(text))

    def call(self, method: str, path: str, body: Any = None) -> Any:
        project = self.project()
        sandbox = open_sandbox(project.desired.settings, project.state)
        try:
            _, text = run(call_sandbox(sandbox, method, path, body))
            return json.loads(text)
        finally:
            sandbox.close()

    def calls(self, method: str, part: str) -> int:
        asked = self.call("GET", "/_sandbox/requests")
        return sum(one["method"] == method and part in one["path"] for one in asked)
