"""Where the ledger of a crashed project is: in a file, on a git branch, in an object store, or in a cluster.

Everything that a point needs is a folder that is copied; what a place keeps elsewhere goes along.
"""

import base64
import gzip
import json
import logging
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import httpx

from tests.kubernetes.cluster import started, stop
from tests.ledger.ledger_files import git, remote_with_one_commit
from tests.ledger.servers import KEYS, s3, serving
from wanctl.kubernetes.access import cluster_of_kubeconfig

PLACES = ("file", "git", "s3", "kube")
SINGLE = {"s3", "kube"}  # these swap one object at a time
_KEYS = ("ledger.json", "ledger.json.lease")
_SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=a/20260318/us-east-1/s3/aws4_request"}


class LedgerPlace(Protocol):
    """One kind of store, as the test sees it."""

    @property
    def location(self) -> str | None:
        """For wanctl.yaml."""

    def begin(self, folder: Path) -> None:
        """Make the folder a work tree."""

    def put_away(self, folder: Path) -> None:
        """Everything that the place holds goes into the folder, which is about to be copied."""

    def bring_back(self, folder: Path) -> None:
        """The place holds what the folder, a copy, has kept."""

    def record(self, folder: Path) -> dict[str, Any] | None:
        """The ledger as it stands."""


class File:
    """Beside the specs; it is copied with them."""

    location: str | None = None

    def begin(self, folder: Path) -> None:
        (folder / ".git").mkdir(parents=True)

    def put_away(self, folder: Path) -> None: ...

    def bring_back(self, folder: Path) -> None: ...

    def record(self, folder: Path) -> dict[str, Any] | None:
        path = folder / "specs" / ".wanctl" / "ledger.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


class GitBranch:
    """The remote is a folder within the clone, and so is copied with it."""

    location = "git:wanctl-ledger"

    def begin(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        remote_with_one_commit(folder)
        git(folder, "init", "--quiet", "--template=")
        git(folder, "remote", "add", "origin", "remote.git")

    def put_away(self, folder: Path) -> None: ...

    def bring_back(self, folder: Path) -> None: ...

    def record(self, folder: Path) -> dict[str, Any] | None:
        bare = ("git", "--git-dir", str(folder / "remote.git"))
        shown = subprocess.run(
            [*bare, "show", "wanctl-ledger:crash/ledger.json"], capture_output=True, check=False
        )
        return json.loads(shown.stdout) if shown.returncode == 0 else None


class Objects:
    """Two objects of a server; they are written down in the folder and put back from it."""

    location = "s3://crash/ledger.json"

    def __init__(self, address: str) -> None:
        self._bucket = f"{address}/crash"
        self._client = httpx.Client(headers=_SIGNED, trust_env=False)
        self._client.put(self._bucket).raise_for_status()

    def begin(self, folder: Path) -> None:
        (folder / ".git").mkdir(parents=True)
        self.bring_back(folder)

    def put_away(self, folder: Path) -> None:
        kept = {key: self._text(key) for key in _KEYS}
        (folder / "objects.json").write_text(json.dumps(kept), encoding="utf-8")

    def bring_back(self, folder: Path) -> None:
        path = folder / "objects.json"
        kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        for key in _KEYS:
            text = kept.get(key)
            if text is None:
                self._client.delete(f"{self._bucket}/{key}").raise_for_status()
            else:
                self._client.put(f"{self._bucket}/{key}", content=text).raise_for_status()

    def record(self, folder: Path) -> dict[str, Any] | None:  # noqa: ARG002 - as the others
        text = self._text(_KEYS[0])
        return json.loads(text) if text else None

    def _text(self, key: str) -> str | None:
        answer = self._client.get(f"{self._bucket}/{key}")
        return None if answer.status_code == 404 else answer.raise_for_status().text


class Cluster:
    """A Secret and a Lease in a cluster of its own; they are written down in the folder and put back."""

    location = "kube:crash/ledger"
    _paths = ("/api/v1/namespaces/crash/secrets", "/apis/coordination.k8s.io/v1/namespaces/crash/leases")

    def __init__(self, kubeconfig: Path) -> None:
        access = cluster_of_kubeconfig([kubeconfig])
        self._client = httpx.Client(base_url=access.server, verify=access.trust, trust_env=False, timeout=30)
        self._client.post("/api/v1/namespaces", json={"metadata": {"name": "crash"}}).raise_for_status()

    def begin(self, folder: Path) -> None:
        (folder / ".git").mkdir(parents=True)
        self.bring_back(folder)

    def put_away(self, folder: Path) -> None:
        kept = {path: self._found(path) for path in self._paths}
        (folder / "objects.json").write_text(json.dumps(kept), encoding="utf-8")

    def bring_back(self, folder: Path) -> None:
        written = folder / "objects.json"
        kept = json.loads(written.read_text(encoding="utf-8")) if written.exists() else {}
        for path in self._paths:
            if self._found(path):
                self._client.delete(f"{path}/ledger").raise_for_status()
            if item := kept.get(path):
                about = {key: item["metadata"].get(key) for key in ("name", "labels", "annotations")}
                self._client.post(path, json={**item, "metadata": about}).raise_for_status()

    def record(self, folder: Path) -> dict[str, Any] | None:  # noqa: ARG002 - as the others
        packed = ((self._found(self._paths[0]) or {}).get("data") or {}).get("ledger.json.gz")
        return json.loads(gzip.decompress(base64.b64decode(packed))) if packed else None

    def _found(self, path: str) -> dict[str, Any] | None:
        answer = self._client.get(f"{path}/ledger")
        return None if answer.status_code == 404 else answer.raise_for_status().json()


@contextmanager
def opened(kind: str) -> Iterator[LedgerPlace]:
    if kind == "s3":
        with _server() as address:
            os.environ.update({**KEYS, "AWS_ENDPOINT_URL": address})  # of a process that is only this test
            yield Objects(address)
    elif kind == "kube":
        with tempfile.TemporaryDirectory() as folder:
            kubeconfig = started(Path(folder))
            os.environ["KUBECONFIG"] = str(kubeconfig)  # likewise
            try:
                yield Cluster(kubeconfig)
            finally:
                stop(Path(folder))
    else:
        yield GitBranch() if kind == "git" else File()


@contextmanager
def _server() -> Iterator[str]:
    """In a process of its own: this one forks, and a fork has none of its threads."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        with serving(s3()) as address:
            os.write(writing, address.encode())
            os.close(writing)
            signal.pause()
    os.close(writing)
    with os.fdopen(reading) as told:
        address = told.read()
    try:
        yield address
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
