"""The fixtures of a real API server, for the rooms that need one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kubernetes.cluster import Cluster, lacking, new_namespace, started, stop
from wanctl.kubernetes.resources import NAMESPACES


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Path]:
    """Of an administrator. The server ends with the run: workers come and go, and share it."""
    if reason := lacking():
        pytest.skip(reason)
    base = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        yield started(base.parent)
        return
    yield started(base)
    stop(base)


@pytest.fixture
def cluster(kubeconfig: Path) -> Iterator[Cluster]:
    """The server, and a namespace of this test alone, which is left to be deleted."""
    made = new_namespace(kubeconfig)
    yield made
    made.ask(lambda client: client.delete(NAMESPACES, made.namespace))
