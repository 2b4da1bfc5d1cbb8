"""A project with its own sandbox in its own folder: edited, applied, disturbed and looked at by tests."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.datasets import small_dataset
from wanctl.address import Address
from wanctl.base.running import run
from wanctl.engine.converge import Outcome, Patience
from wanctl.plan import Plan
from wanctl.project import Project
from wanctl.project.provider import call_sandbox, open_sandbox

HEAD = {
    "version": 1,
    "project": "rain",
    "polling": "30m",
    "sandbox": {"speed": "instant", "seed": 1, "start": "2026-03-18T09:00:00+08:00"},
}
CHANGING = {"POST", "PUT", "DELETE"}


def dataset(name: str = "train") -> dict[str, Any]:
    return {"kind": "Dataset", "name": name, "source": "../data"}


def finetune(name: str = "rain") -> dict[str, Any]:
    parameters = {"n_epochs": 40, "eval_epochs": 10}
    kind = {"kind": "FineTune", "name": name, "model": "wan2.6-i2v"}
    return {**kind, "training": ["train"], "hyper_parameters": parameters}


def checkpoint(name: str = "best", snapshot: str = "checkpoint-20") -> dict[str, Any]:
    return {"kind": "Checkpoint", "name": name, "finetune": "rain", "checkpoint": snapshot}


def deployment(name: str = "rain", effect: str = "Then it rains.", **more: Any) -> dict[str, Any]:
    """Of the checkpoint `best`, unless it says what else it serves."""
    model = {} if {"checkpoint", "finetune"} & set(more) else {"checkpoint": "best"}
    config = {"prompt": "Describe it.", "lora_prompt_default": effect}
    return {"kind": "Deployment", "name": name, **model, "aigc_config": config, **more}


@dataclass(frozen=True)
class World:
    """One project and the account that it is in."""

    folder: Path

    @classmethod
    def begun(cls, root: Path) -> "World":
        (root / ".git").mkdir()
        (root / "specs").mkdir()
        small_dataset(root / "data", clips=2)
        return cls(root / "specs")

    def write(self, *documents: dict[str, Any]) -> None:
        (self.folder / "wanctl.yaml").write_text(yaml.safe_dump(HEAD), encoding="utf-8")
        (self.folder / "all.yaml").write_text(yaml.safe_dump_all(documents), encoding="utf-8")

    def serve(self, *deployments: dict[str, Any], snapshot: str = "checkpoint-20") -> None:
        """The specs: one model, and who serves it."""
        self.write(dataset(), finetune(), checkpoint(snapshot=snapshot), *deployments)

    def plan(self) -> Plan:
        return Project.open(self.folder).plan()

    def apply(self, *, waits: bool = True, to_delete: Iterable[Address] | None = None) -> Outcome:
        """One run, with everything approved."""
        project = Project.open(self.folder)
        names = None if to_delete is None else tuple(to_delete)
        outcome = project.apply(lambda *_: True, Patience(waits=waits), to_delete=names)
        assert outcome is not None
        return outcome

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """What somebody else does in the account, or what the sandbox is told."""
        project = Project.open(self.folder)
        sandbox = open_sandbox(project.desired.settings, project.state)
        try:
            code, text = run(call_sandbox(sandbox, method, path, body))
        finally:
            sandbox.close()
        assert code == 200, text
        return json.loads(text)

    def advance(self, seconds: int) -> None:
        self.call("POST", "/_sandbox/advance", {"seconds": seconds})

    def lose_deploy_answer(self, when: str = "after") -> None:
        """The next deploy call fails, before or after it had its effect."""
        rule = {"kind": "reset", "when": when, "method": "POST", "path": "/api/v1/deployments", "nth": 1}
        self.call("POST", "/_sandbox/faults", rule)

    def deploy_as_somebody(self, model_name: str, **more: Any) -> None:
        config = {"use_input_prompt": True, "prompt": "x", "lora_prompt_default": "Somebody else's."}
        body = {"model_name": model_name, "capacity": 1, "plan": "lora", "aigc_config": config, **more}
        self.call("POST", "/api/v1/deployments", body)

    def delete_as_somebody(self, deployed_model: str) -> None:
        self.call("DELETE", f"/api/v1/deployments/{deployed_model}")
        self.advance(3600)

    @property
    def deployments(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call("GET", "/_sandbox/status")["deployments"]
        return found

    @property
    def deployed(self) -> list[str]:
        return [one["id"] for one in self.deployments]

    def changing_calls(self) -> list[tuple[str, int]]:
        """Every call at the service that changes deployments, with its status."""
        asked = self.call("GET", "/_sandbox/requests")
        part = "/api/v1/deployments"
        return [
            (one["method"], one["status"])
            for one in asked
            if one["method"] in CHANGING and one["path"].startswith(part)
        ]

    @property
    def ledger(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads((self.folder / ".wanctl/ledger.json").read_text(encoding="utf-8"))
        return read
