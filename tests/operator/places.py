"""Projects as custom resources for the tests: objects, an inventory of them, and turns in a sandbox."""

import copy
import ssl
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.datasets import small_dataset
from wanctl.base.running import run
from wanctl.kubernetes.access import ClusterAccess
from wanctl.kubernetes.client import KubernetesClient
from wanctl.operator.conditions import Turn
from wanctl.operator.custom_resources import ACCOUNT, API_VERSION, PROJECT
from wanctl.operator.inventory import KnownObjects, ProjectKey, watched_kinds
from wanctl.operator.turning import OperatorPlace, Turning
from wanctl.project.accounts import Accounts
from wanctl.project.events import Silent
from wanctl.project.host import Host

Item = dict[str, Any]
SANDBOX = {"speed": "instant", "seed": 1, "start": "2026-03-18T09:00:00+08:00", "strict": False}


def account(namespace: str = "wanctl", **spec: Any) -> Item:
    whole = {"provider": "sandbox", "allowedNamespaces": ["*"], **spec}
    return item(ACCOUNT, "studio", namespace, whole)


def project(namespace: str = "films", name: str = "rain", **spec: Any) -> Item:
    whole = {"accountRef": {"name": "studio"}, "project": name, "sandbox": SANDBOX, **spec}
    return item(PROJECT, name, namespace, whole)


def chain(namespace: str = "films", part_of: str = "rain", prefix: str = "") -> list[Item]:
    """A data set on a volume, a training, a choice that was made before, and a deployment."""
    specs: dict[str, Item] = {
        "Dataset/train": {"source": {"pvc": {"claim": "clips", "path": "train"}}},
        "FineTune/rain": {
            "model": "wan2.6-i2v",
            "training": ["train"],
            "hyper_parameters": {"n_epochs": 40, "eval_epochs": 10},
            "allow": ["few-steps"],
        },
        "Checkpoint/best": {"finetune": "rain", "checkpoint": "checkpoint-20", "unseen": "allow"},
        "Deployment/rain": {
            "checkpoint": "best",
            "aigc_config": {"prompt": "Describe it.", "lora_prompt_default": "Then it rains."},
        },
    }
    found = []
    for address, spec in specs.items():
        kind, name = address.split("/")
        own = {"name": name} if prefix else {}
        whole = {"projectRef": {"name": part_of}, **own, **copy.deepcopy(spec)}
        found.append(item(kind, f"{prefix}{name}", namespace, whole))
    return found


def item(kind: str, name: str, namespace: str, spec: Item) -> Item:
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace, "generation": 1, "uid": f"{kind}-{name}"},
        "spec": spec,
    }


@dataclass
class TurningPlace:
    """One operator without a cluster: its inventory is filled by hand. No text and no key is asked for."""

    root: Path
    inventory: KnownObjects = field(default_factory=KnownObjects)
    key: ProjectKey = field(default_factory=lambda: ProjectKey("films", "rain"))
    kept: dict[ProjectKey, Turning] = field(default_factory=dict)

    def __post_init__(self) -> None:
        small_dataset(self.root / "volumes" / "films" / "clips" / "train", clips=2)

    @property
    def place(self) -> OperatorPlace:
        ledger = ".wanctl/{namespace}.{project}.json"
        return OperatorPlace(
            "wanctl", self.root / "state", self.root / "volumes", ledger, Host(environ={}, home=self.root)
        )

    def take(self, *items: Item) -> None:
        """Exactly these objects are there."""
        for kind in watched_kinds():
            self.inventory.take_all(kind, [one for one in items if one["kind"] == kind])

    def turn(self, *items: Item, key: ProjectKey | None = None) -> Turn:
        """A turn of the project with exactly these objects."""
        if items:
            self.take(*items)
        return run(self._turned(key or self.key))

    async def _turned(self, key: ProjectKey) -> Turn:
        access = ClusterAccess("https://127.0.0.1:1", ssl.create_default_context())
        accounts = Accounts()

        async def arrive() -> float:
            return time.monotonic()

        async with KubernetesClient(access) as client:
            turning = self.kept.setdefault(key, Turning(key, self.place, client, accounts, Silent()))
            turning.client, turning.accounts = client, accounts
            try:
                return await turning.take(self.inventory, arrive)
            finally:
                await accounts.close()

    def until(self, wanted: str, *items: Item, most: int = 40) -> Turn:
        """Turns until the plan is of this status; the sandbox's time goes on in between."""
        for _ in range(most):
            turn = self.turn(*items)
            assert turn.plan is not None, turn.problem
            if turn.plan.status == wanted:
                return turn
            self.advance()
        raise AssertionError(f"it did not come to be {wanted}")

    def advance(self, seconds: int = 3600) -> None:
        """Time passes in the project's sandbox."""
        self.call("POST", "/_sandbox/advance", {"seconds": seconds})

    def call(self, method: str, path: str, body: Any = None) -> Any:
        import json

        from wanctl.language.settings import SandboxSettings, Settings
        from wanctl.project.provider import call_sandbox, open_sandbox

        settings = Settings(version=1, project="rain", sandbox=SandboxSettings.model_validate(SANDBOX))
        state = self.root / "state" / self.key.namespace / self.key.name / ".wanctl"
        sandbox = open_sandbox(settings, state)
        try:
            _, text = run(call_sandbox(sandbox, method, path, body))
        finally:
            sandbox.close()
        return json.loads(text)

    def jobs(self) -> list[Any]:
        found: list[Any] = self.call("GET", "/api/v1/fine-tunes?page_no=1&page_size=100")["output"]["jobs"]
        return found

    def deployments(self) -> list[Any]:
        answer = self.call("GET", "/api/v1/deployments?page_no=1&page_size=100")
        found: list[Any] = answer["output"]["deployments"]
        return found


def leaving(one: Item) -> Item:
    """The object once somebody asked for it to be deleted."""
    found = copy.deepcopy(one)
    found["metadata"]["deletionTimestamp"] = "2026-03-18T09:00:00Z"
    return found
