"""Ledgers in the cluster of a test, and the role that the document gives those who keep them."""

import re
from pathlib import Path

import yaml

from tests.kubernetes.cluster import Cluster
from tests.ledger.ledger_files import owner
from wanctl.kubernetes.resources import KubeObject
from wanctl.ledger.opening import open_store
from wanctl.ledger.store import LedgerStore

DOCUMENT = Path(__file__).parents[2] / "docs" / "kubernetes.md"


def opened(cluster: Cluster, folder: Path, kubeconfig: Path | None = None) -> LedgerStore:
    return open_store(cluster.ledger(), owner(folder, KUBECONFIG=str(kubeconfig or cluster.kubeconfig)))


def documented_rules() -> list[KubeObject]:
    """The rules of the role in the document."""
    text = DOCUMENT.read_text(encoding="utf-8")
    documents = [
        yaml.safe_load(one)
        for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
        for one in block.split("---\n")
    ]
    (role,) = (
        one
        for one in documents
        if one and one.get("kind") == "Role" and one["metadata"]["name"] == "wanctl-ledger"
    )
    return list(role["rules"])
