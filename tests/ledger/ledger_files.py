"""Records and leases to store, and git repositories to store them in."""

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from wanctl.ledger.lease import LEASE_TTL, Lease
from wanctl.ledger.opening import LedgerOwner
from wanctl.ledger.record import Generation, Record

NOW = datetime(2026, 3, 18, 9, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)
EXPIRED = NOW + LEASE_TTL


def record(**more: object) -> Record:
    return Record.model_validate({"lineage": "a", "project": "rain", "endpoint": "sandbox", **more})


def as_an_older_wanctl_wrote_it(data: dict[str, Any]) -> str:
    """The text of a ledger from before there were checksums: a test may have changed what is in it."""
    return json.dumps({**{key: one for key, one in data.items() if key != "checksum"}, "format_version": 1})


def generation(remote_id: str, identity: str = "i") -> Generation:
    return Generation(remote_id=remote_id, identity=identity, inputs={"n": 1}, since=NOW)


def lease(token: str, since: datetime = NOW) -> Lease:
    return Lease(token=token, holder=f"holder {token}", since=since, expires=since + LEASE_TTL)


def owner(directory: Path, environment: str | None = None, **environ: str) -> LedgerOwner:
    """Whose ledger it is, on a machine of which nothing shows but the path to its commands."""
    quiet = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    return LedgerOwner("rain", environment, directory, {**quiet, **environ})


def git(folder: Path, *words: str) -> str:
    """A command of git by somebody who is not wanctl."""
    somebody = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com")
    command = ["git", *somebody, "-c", "init.defaultBranch=main", *words]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def remote_with_one_commit(folder: Path) -> Path:
    """A bare repository whose main branch has a file."""
    bare, first = folder / "remote.git", folder / "first"
    git(folder, "init", "--quiet", "--bare", str(bare))
    git(folder, "clone", "--quiet", str(bare), str(first))
    (first / "readme").write_text("hello\n", encoding="utf-8")
    git(first, "add", "readme")
    git(first, "commit", "--quiet", "-m", "first")
    git(first, "push", "--quiet", "origin", "HEAD:main")
    return bare


def clone(bare: Path, name: str, *options: str) -> Path:
    folder = bare.parent / name
    git(bare.parent, "clone", "--quiet", *options, f"file://{bare}", str(folder))
    return folder
