"""The fixtures of a real API server, for the rooms that need one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kubernetes.cluster import Cluster, lacking, new_namespace, started
from wanctl.kubernetes.resources import NAMESPACES


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Of an administrator. The server ends with the run: workers come and go, and share it."""
    if reason := lacking():
        pytest.skip(reason)
    base = tmp_path_factory.getbasetemp()
    return started(base if worker_id == "master" else base.parent)


@pytest.fixture
def cluster(kubeconfig: Path) -> Iterator[Cluster]:
    """The server, and a namespace of this test alone, which is left to be deleted."""
    made = new_namespace(kubeconfig)
    yield made
    made.ask(lambda client: client.delete(NAMESPACES, made.namespace))
