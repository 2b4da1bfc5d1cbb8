"""A project with its own sandbox in its own folder: edited, applied, disturbed and looked at by tests."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import httpx
import yaml

from tests.datasets import small_dataset
from wanctl.address import Address
from wanctl.base.running import run
from wanctl.engine.converge import Outcome, Patience
from wanctl.plan import Plan, Step
from wanctl.project import Project
from wanctl.project.provider import call_sandbox, open_sandbox

Document = dict[str, Any]

HEAD: Document = {
    "version": 1,
    "project": "rain",
    "polling": "30m",
    "sandbox": {"speed": "instant", "seed": 1, "start": "2026-03-18T09:00:00+08:00", "strict": False},
}
CHANGING = {"POST", "PUT", "DELETE"}


def dataset(name: str = "train") -> Document:
    return {"kind": "Dataset", "name": name, "source": "../data"}


def finetune(name: str = "rain") -> Document:
    parameters = {"n_epochs": 40, "eval_epochs": 10}
    kind = {"kind": "FineTune", "name": name, "model": "wan2.6-i2v"}
    return {**kind, "training": ["train"], "hyper_parameters": parameters, "allow": ["few-steps"]}


def checkpoint(name: str = "best", snapshot: str = "checkpoint-20") -> Document:
    """Chosen before the training, which the spec allows."""
    kind = {"kind": "Checkpoint", "name": name, "finetune": "rain"}
    return {**kind, "checkpoint": snapshot, "unseen": "allow"}


def deployment(name: str = "rain", effect: str = "Then it rains.", **more: Any) -> Document:
    """Of the checkpoint `best`, unless it says what else it serves."""
    model = {} if {"checkpoint", "finetune"} & set(more) else {"checkpoint": "best"}
    config = {"prompt": "Describe it.", "lora_prompt_default": effect}
    allow = {"allow": ["capacity"]} if more.get("capacity", 1) > 1 else {}
    return {"kind": "Deployment", "name": name, **model, "aigc_config": config, **allow, **more}


DATASET, FINETUNE, CHECKPOINT, DEPLOYMENT = dataset(), finetune(), checkpoint(), deployment()


class ChangedAnswers(httpx.ASGITransport):
    """The sandbox, with some of what it answers changed on the way."""

    change: ClassVar[Callable[[str, Any], None]] = staticmethod(lambda _path, _body: None)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        content = await response.aread()
        if not content.startswith(b"{"):
            return response
        body = json.loads(content)
        type(self).change(request.url.path, body)
        return httpx.Response(response.status_code, json=body)


@dataclass(frozen=True)
class Harness:
    """One project, by the folder of its specs, and the account that it is in."""

    specs: Path

    @classmethod
    def begun(cls, root: Path, *, note: str = "") -> "Harness":
        (root / ".git").mkdir()
        (root / "specs").mkdir()
        small_dataset(root / "data", clips=2, note=note)
        return cls(root / "specs")

    def write(self, *documents: Document, **head: Any) -> None:
        (self.specs / "wanctl.yaml").write_text(yaml.safe_dump({**HEAD, **head}), encoding="utf-8")
        (self.specs / "all.yaml").write_text(yaml.safe_dump_all(documents), encoding="utf-8")

    def serve(self, *deployments: Document, snapshot: str = "checkpoint-20") -> None:
        """The specs: one model, and who serves it."""
        self.write(dataset(), finetune(), checkpoint(snapshot=snapshot), *deployments)

    def project(self, environment: str | None = None) -> Project:
        return Project.open(self.specs, environment)

    def plan(self) -> Plan:
        return self.project().plan()

    def step(self, address: Address) -> Step:
        step = self.plan().step(address)
        assert step is not None
        return step

    def apply(self, *, waits: bool = True, to_delete: Iterable[Address] | None = None) -> Outcome:
        """One run, with everything approved."""
        names = None if to_delete is None else tuple(to_delete)
        outcome = self.project().apply(lambda *_: True, Patience(waits=waits), to_delete=names)
        assert outcome is not None
        return outcome

    @property
    def ledger(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads((self.specs / ".wanctl/ledger.json").read_text(encoding="utf-8"))
        return read

    # The account: what somebody else does in it, and what the sandbox is arranged to do

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """The status and the text of an answer, whatever it is."""
        project = self.project()
        sandbox = open_sandbox(project.desired.settings, project.state)
        try:
            return run(call_sandbox(sandbox, method, path, body))
        finally:
            sandbox.close()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        code, text = self.ask(method, path, body)
        assert code == 200, text
        return json.loads(text)

    def advance(self, seconds: int) -> None:
        self.call("POST", "/_sandbox/advance", {"seconds": seconds})

    def rig(self, **arranged: Any) -> None:
        self.call("POST", "/_sandbox/rig", arranged)

    def lose_answer(self, path: str, when: str = "after") -> None:
        """The next POST to the path fails, before or after it had its effect."""
        rule = {"kind": "reset", "when": when, "method": "POST", "path": path, "nth": 1}
        self.call("POST", "/_sandbox/faults", rule)

    def lose_deploy_answer(self, when: str = "after") -> None:
        self.lose_answer("/api/v1/deployments", when)

    def lose_training_answer(self, when: str = "after") -> None:
        self.lose_answer("/api/v1/fine-tunes", when)

    def deploy_as_somebody(self, model_name: str, **more: Any) -> None:
        config = {"use_input_prompt": True, "prompt": "x", "lora_prompt_default": "Somebody else's."}
        body = {"model_name": model_name, "capacity": 1, "plan": "lora", "aigc_config": config, **more}
        self.call("POST", "/api/v1/deployments", body)

    def delete_as_somebody(self, deployed_model: str) -> None:
        self.call("DELETE", f"/api/v1/deployments/{deployed_model}")
        self.advance(3600)

    def jobs(self) -> list[dict[str, Any]]:
        return list(self.call("GET", "/api/v1/fine-tunes?page_size=100")["output"]["jobs"])

    @property
    def deployments(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call("GET", "/_sandbox/status")["deployments"]
        return found

    @property
    def deployed(self) -> list[str]:
        return [one["id"] for one in self.deployments]

    def calls(self, method: str, part: str) -> int:
        """How many requests had this method, and this in their path."""
        asked = self.call("GET", "/_sandbox/requests")
        return sum(one["method"] == method and part in one["path"] for one in asked)

    def changing_calls(self) -> list[tuple[str, int]]:
        """Every call at the service that changes deployments, with its status."""
        asked = self.call("GET", "/_sandbox/requests")
        part = "/api/v1/deployments"
        return [
            (one["method"], one["status"])
            for one in asked
            if one["method"] in CHANGING and one["path"].startswith(part)
        ]
