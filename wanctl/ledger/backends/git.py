"""A ledger on a branch of the repository's remote: shared by all who can push, with no other service.

Ledger and lease are files on that branch. Compare-and-swap is a push that the server takes only while the
branch is at the commit we built on, so that a save also proves that the lease stood at that moment.

All of it happens in a bare repository of our own in a temporary folder. The user's clone is only asked for
its remote and its credentials: its work tree, index, HEAD, branches, objects and shallowness stay as they
are, whatever they are, and any number of processes in one clone do not meet.
"""

import os
import shutil
import tempfile
import threading
import uuid
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from wanctl.base.git import OURS, Git, Ran, masked, remedy, settings_of, spoken
from wanctl.base.running import is_alive
from wanctl.ledger.backends.backend import Blob, ChangedMeanwhileError, KnowsNoHolder, StoredBlobs
from wanctl.ledger.errors import LedgerError, LedgerUnreadableError
from wanctl.ledger.location import GitLocation

ATTEMPTS_TO_KEEP = 5
_PREFIX = "wanctl-ledger-"
_TIP = "refs/wanctl/tip"
_IDENTITY = {
    f"GIT_{role}_{field}": value
    for role in ("AUTHOR", "COMMITTER")
    for field, value in (("NAME", "wanctl"), ("EMAIL", "wanctl@users.noreply.invalid"))
}


def _sweep() -> None:
    """Take away what processes that were killed have left in the system's temporary folder: ours alone."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        if not is_alive(left.name.removeprefix(_PREFIX).partition("-")[0]):
            shutil.rmtree(left, ignore_errors=True)


@dataclass(frozen=True)
class _Workshop:
    """Our own repository, with the way to the remote."""

    git: Git
    url: str  # for messages


class GitBackend(KnowsNoHolder):
    """One environment's ledger and lease on the branch. Guards its own repository: one command at a time."""

    def __init__(self, location: GitLocation, folder: Path, path: str, environ: Mapping[str, str]) -> None:
        self._where = location
        self._folder = folder
        self._environ = environ
        self._paths = {Blob.RECORD: path, Blob.LEASE: f"{path}.lease"}
        self._branch = f"refs/heads/{location.branch}"
        self._last: StoredBlobs | None = None
        self._one_at_a_time = threading.RLock()

    @property
    def location(self) -> str:
        return str(self._where)

    def read(self, *blobs: Blob) -> StoredBlobs:  # noqa: ARG002 - one fetch brings both
        with self._one_at_a_time:
            tip = self._fetch()
            return StoredBlobs({blob: self._text(tip, path) for blob, path in self._paths.items()}, tip)

    def recall(self) -> StoredBlobs | None:
        return self._last

    def replace(self, seen: StoredBlobs, blob: Blob, text: str | None, why: str) -> None:
        with self._one_at_a_time:
            self._last = None
            commit = self._commit(seen.stamp, self._paths[blob], text, why)
            self._push(seen.stamp, commit)
            self._last = StoredBlobs({**seen.texts, blob: text}, commit)

    def keep(self, text: str) -> str:
        with self._one_at_a_time:
            self._last = None
            for _ in range(ATTEMPTS_TO_KEEP):
                tip = self._fetch()
                number = 1
                while self._text(tip, path := f"{self._paths[Blob.RECORD]}.{number}") is not None:
                    number += 1
                with suppress(ChangedMeanwhileError):
                    self._push(tip, self._commit(tip, path, text, f"kept a copy as {path}"))
                    return f"{path} on {self.location}"
            raise LedgerError(f"{self.location} keeps changing: no copy of the ledger could be kept there.")

    def earlier(self, good: Callable[[str], bool]) -> str:  # noqa: ARG002 - git keeps them all
        branch, path = self._where.branch, self._paths[Blob.RECORD]
        return (
            f"Its last good state is in the history of the branch: git fetch {self._where.remote} {branch}; "
            f"git log -p FETCH_HEAD -- {path}. Put that file back with a commit on the branch."
        )

    def prove(self, seen: StoredBlobs) -> None:
        """Pushing on a lease of the ref is git's own; no server takes it and lets it pass."""

    @cached_property
    def _temporary(self) -> Path:
        _sweep()
        folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
        weakref.finalize(
            self, shutil.rmtree, folder, ignore_errors=True
        )  # at the latest when the process ends
        return folder

    @cached_property
    def _workshop(self) -> _Workshop:
        clone = Git.within(self._folder, self._environ, LedgerError)
        top = clone.run("rev-parse", "--show-toplevel")
        if top.code:
            raise LedgerError(
                f"ledger: {self.location} needs a clone of git, and {self._folder} is in none "
                f"({spoken(top.err)}). Work in a clone, or write another ledger: in wanctl.yaml."
            )
        clone = replace(clone, folder=Path(top.out.rstrip("\n")))  # a remote's relative path starts from here
        remote = self._where.remote
        found = clone.run("remote", "get-url", remote)
        if found.code:
            raise LedgerError(
                f"ledger: {self.location} needs the remote {remote}, and this clone has none of that name. "
                f"Add it (git remote add {remote} URL), or name another: git:{self._where.branch}@REMOTE."
            )
        git_dir = self._temporary
        git = clone.apart(git_dir, [*settings_of(clone, remote), *OURS])
        git.ask("init", "--quiet", "--bare", "--template=", str(git_dir))
        return _Workshop(git, masked(found.out.strip()))

    def _fetch(self) -> str | None:
        """Bring the branch's tip here; None where the branch is not there yet."""
        git = self._workshop.git
        words = ("--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
        ran = git.run("fetch", *words, self._where.remote, f"+{self._branch}:{_TIP}")
        if ran.code == 0:
            return git.ask("rev-parse", "--verify", f"{_TIP}^{{commit}}")
        if "couldn't find remote ref" in ran.err:
            return None
        raise self._failure("read", ran)

    def _text(self, tip: str | None, path: str) -> str | None:
        """A file at this commit. Its size is small, and every read is of a commit, so of one moment."""
        if tip is None:
            return None
        git = self._workshop.git
        listed = git.ask("ls-tree", tip, "--", path)
        if not listed:
            return None
        mode, kind, rest = listed.split(maxsplit=2)
        if kind != "blob" or mode == "120000":
            raise LedgerError(
                f"{path} on {self.location} is not a file. Move it away, or name another branch."
            )
        try:
            return git.run("cat-file", "blob", rest.split()[0]).raw.decode()
        except UnicodeDecodeError as error:
            raise LedgerUnreadableError(f"{path} on {self.location} cannot be read: {error}") from error

    def _commit(self, tip: str | None, path: str, text: str | None, why: str) -> str:
        """A commit on the tip in which this one file differs. No two are the same, even of one text."""
        git = self._workshop.git
        index = {"GIT_INDEX_FILE": str(self._temporary / f"index-{uuid.uuid4().hex}")}
        if tip:
            git.ask("read-tree", tip, also=index)
        if text is None:
            change = f"0 {'0' * 40}\t{path}\n"
        else:
            blob = git.ask("hash-object", "-w", "--stdin", stdin=text)
            change = f"100644 {blob}\t{path}\n"
        git.ask("update-index", "--add", "--index-info", stdin=change, also=index)
        tree = git.ask("write-tree", also=index)
        Path(index["GIT_INDEX_FILE"]).unlink(missing_ok=True)
        message = f"{why}\n\nWrite: {uuid.uuid4().hex}\n"
        parents = ("-p", tip) if tip else ()
        return git.ask("commit-tree", tree, *parents, stdin=message, also=_IDENTITY)

    def _push(self, expected: str | None, commit: str) -> None:
        """Move the branch from the expected commit to ours, or find out that somebody else moved it."""
        lease = f"--force-with-lease={self._branch}:{expected or ''}"
        target = f"{commit}:{self._branch}"
        ran = self._workshop.git.run("push", "--quiet", "--no-verify", lease, self._where.remote, target)
        if ran.code == 0:
            return
        try:
            tip = self._fetch()
        except LedgerError:
            raise self._failure("written", ran) from None
        if tip == commit:
            return  # it had arrived, and only the answer was lost
        if tip != expected or "stale info" in ran.err or "cannot lock ref" in ran.err:
            raise ChangedMeanwhileError
        raise self._failure("written", ran)

    def _failure(self, what: str, ran: Ran) -> LedgerError:
        return LedgerError(
            f"The ledger {self.location} ({self._workshop.url}) cannot be {what}: {spoken(ran.err)} "
            f"{remedy(ran.err)}"
        )
