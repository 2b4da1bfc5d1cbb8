"""What another run does to the ledger while this one is about to write it."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.ledger.ledger_files import git
from wanctl.ledger.backends.backend import Blob
from wanctl.ledger.backends.file import FileBackend
from wanctl.ledger.backends.kube import KubeBackend
from wanctl.ledger.backends.object import ObjectBackend
from wanctl.ledger.lease import LEASE_TTL, Lease
from wanctl.ledger.record import HistoryLine
from wanctl.ledger.store import LedgerStore
from wanctl.project import Project


def take_over(folder: Path, blob: Blob) -> None:  # noqa: ARG001 - as the others
    """This one stalled for longer than its lease lasts: another takes it, and gives it back unused."""
    with _lease_of_another(folder):
        pass


def take_over_and_write(folder: Path, blob: Blob) -> None:  # noqa: ARG001 - likewise
    """And this other one had something to do."""
    with _lease_of_another(folder) as (store, lease):
        if record := store.load():
            line = HistoryLine(at=lease.since, address="ledger", verb="look", result="noted", note="another")
            store.save(record.with_history(line), lease)


@contextmanager
def _lease_of_another(folder: Path) -> Iterator[tuple[LedgerStore, Lease]]:
    store = Project.open(folder / "specs").store
    now = datetime.now(UTC)
    lease = Lease(token=uuid.uuid4().hex, holder="another", since=now, expires=now + LEASE_TTL)
    store.acquire(lease, lambda _: True)
    yield store, lease
    store.release(lease)


def write(folder: Path, blob: Blob) -> None:
    """It touches the same place, and changes nothing of ours: the swap fails, and is made again."""
    backend: Any = Project.open(folder / "specs").store._backend
    if isinstance(backend, FileBackend | ObjectBackend | KubeBackend):
        seen = backend.read(blob)
        text = seen.text(blob)
        if text is not None:
            backend.replace(seen, blob, _spelled_otherwise(text), "spelled otherwise")
        return
    elsewhere = folder / "elsewhere"
    git(folder, "clone", "--quiet", "remote.git", str(elsewhere))
    known = git(elsewhere, "branch", "--remotes", "--list", "origin/wanctl-ledger")
    if known:
        git(elsewhere, "switch", "--quiet", "wanctl-ledger")
    else:
        git(elsewhere, "switch", "--quiet", "--orphan", "wanctl-ledger")
    (elsewhere / f"{uuid.uuid4().hex}.txt").write_text("somebody's\n", encoding="utf-8")
    git(elsewhere, "add", "--all")
    git(elsewhere, "commit", "--quiet", "-m", "a note")
    git(elsewhere, "push", "--quiet", "origin", "HEAD:wanctl-ledger")


def _spelled_otherwise(text: str) -> str:
    return json.dumps(json.loads(text)) + "\n"
