"""A real API server for the tests: one for all workers of a run, and a namespace for each test.

`server.sh` makes and starts it; it ends with the process that runs the tests, however that ends.
"""

import itertools
import os
import subprocess
import uuid
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock

from wanctl.base.running import run
from wanctl.kubernetes.access import cluster_of_kubeconfig
from wanctl.kubernetes.client import KubernetesClient
from wanctl.kubernetes.resources import NAMESPACES, KubeObject, ResourceType

SERVER = Path(__file__).with_name("server.sh")
ROLES = ResourceType("rbac.authorization.k8s.io", "v1", "roles", "Role")
ROLE_BINDINGS = ResourceType("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding")
SERVICE_ACCOUNTS = ResourceType("", "v1", "serviceaccounts", "ServiceAccount")
_numbers = itertools.count()
_Result = TypeVar("_Result")


def lacking() -> str | None:
    """What the machine lacks for a real API server, as a reason to skip a test."""
    asked = subprocess.run([SERVER, "missing"], capture_output=True, text=True, check=True)
    return asked.stdout.strip() or None


def started(folder: Path) -> Path:
    """The kubeconfig of the server of this run, which the first who asks for it starts."""
    owner = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    kubeconfig = folder / "kubernetes" / "kubeconfig"
    with FileLock(folder / "kubernetes.lock"):
        if not kubeconfig.exists():
            command = [str(SERVER), "start", str(kubeconfig.parent), str(owner)]
            ended = subprocess.run(command, capture_output=True, text=True, check=False)
            assert ended.returncode == 0, ended.stderr
    return kubeconfig


def stop(folder: Path) -> None:
    subprocess.run([SERVER, "stop", str(folder / "kubernetes")], check=True)


@dataclass(frozen=True)
class Cluster:
    """The server, and a namespace of its own for this test."""

    kubeconfig: Path
    namespace: str

    def ledger(self, name: str = "rain") -> str:
        """For wanctl.yaml."""
        return f"kube:{self.namespace}/{name}"

    def ask(self, call: Callable[[KubernetesClient], Coroutine[Any, Any, _Result]]) -> _Result:
        """As an administrator."""

        async def asked() -> _Result:
            async with KubernetesClient(cluster_of_kubeconfig([self.kubeconfig])) as client:
                return await call(client)

        return run(asked())

    def kubeconfig_of(self, name: str, rules: Sequence[KubeObject], folder: Path) -> Path:
        """The kubeconfig of an account that may do this in the namespace, and nothing else."""
        inside = {"name": name, "namespace": self.namespace}

        async def made(client: KubernetesClient) -> str:
            await client.create(SERVICE_ACCOUNTS, {"metadata": inside})
            await client.create(ROLES, {"metadata": inside, "rules": list(rules)})
            reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
            subject = {"kind": "ServiceAccount", **inside}
            binding: KubeObject = {"metadata": inside, "roleRef": reference, "subjects": [subject]}
            await client.create(ROLE_BINDINGS, binding)
            return await token(client, name, self.namespace)

        admin = self.kubeconfig.read_text(encoding="utf-8")
        user = f'{{name: admin, user: {{token: "{self.ask(made)}"}}}}'
        before, _, _ = admin.partition("users: [")
        here = str(self.kubeconfig.parent / "ca.crt")
        path = folder / f"{name}.kubeconfig"
        text = before.replace("ca.crt", here).replace("namespace: default", f"namespace: {self.namespace}")
        path.write_text(f"{text}users: [{user}]\n", encoding="utf-8")
        return path


async def token(client: KubernetesClient, account: str, namespace: str) -> str:
    """A token of this service account."""
    kind = ResourceType("", "v1", f"serviceaccounts/{account}/token", "TokenRequest")
    wanted: KubeObject = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"audiences": []},
    }
    answer = await client.create(kind, {**wanted, "metadata": {"namespace": namespace}})
    return str(answer["status"]["token"])


def new_namespace(kubeconfig: Path) -> Cluster:
    """A namespace that no other test has."""
    cluster = Cluster(kubeconfig, f"t{next(_numbers)}-{uuid.uuid4().hex[:8]}")
    cluster.ask(lambda client: client.create(NAMESPACES, {"metadata": {"name": cluster.namespace}}))
    return cluster
