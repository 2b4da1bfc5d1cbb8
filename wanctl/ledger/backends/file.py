"""A ledger in a JSON file, with the lease and a copy in files beside it: for one machine, or a shared disk.

Each replacement is atomic, under an advisory lock. The lock must reach everyone who writes: on one
machine it does, on a network disk only if that disk passes locks on.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from wanctl.base.files import PRIVATE, replace_file
from wanctl.ledger.backends.backend import Blob, ChangedMeanwhileError, KnowsNoHolder, StoredBlobs
from wanctl.ledger.errors import LedgerError, LedgerUnreadableError

LOCK_PATIENCE = 10.0  # seconds for another process to finish its own compare-and-swap


class FileBackend(KnowsNoHolder):
    """Guards one folder's two files; a reader sees the old text or the new one, never a part."""

    def __init__(self, path: Path, shown: str | None = None) -> None:
        self._path = path
        self._shown = shown or str(path)
        self._paths = {Blob.RECORD: path, Blob.LEASE: path.with_name(path.name + ".lease")}
        self._copy = path.with_name(path.name + ".copy")  # of what was written last
        self._lock_path = path.with_name(path.name + ".lock")
        self._swept = False

    @property
    def location(self) -> str:
        return self._shown

    def read(self, *blobs: Blob) -> StoredBlobs:
        return StoredBlobs({blob: self._text(blob) for blob in blobs})

    def recall(self) -> StoredBlobs | None:
        return None

    def replace(self, seen: StoredBlobs, blob: Blob, text: str | None, why: str) -> None:  # noqa: ARG002 - a file keeps no log
        with self._locked():
            if any(self._text(one) != then for one, then in seen.texts.items()):
                raise ChangedMeanwhileError
            self._sweep()
            if text is None:
                self._paths[blob].unlink(missing_ok=True)
            else:
                replace_file(self._paths[blob], text, mode=PRIVATE, durable=True)
                if blob is Blob.RECORD:
                    replace_file(self._copy, text, mode=PRIVATE)

    def keep(self, text: str) -> str:
        with self._locked():
            number = 1
            while (aside := self._path.with_name(f"{self._path.name}.{number}")).exists():
                number += 1
            replace_file(aside, text, mode=PRIVATE, durable=True)
        return str(Path(self._shown).with_name(aside.name))

    def earlier(self, good: Callable[[str], bool]) -> str:
        copy = Path(self._shown).with_name(self._copy.name)
        try:
            found = good(self._copy.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            found = False
        if not found:
            return f"There is no good copy at {copy}: restore it from git or a backup."
        return f"The last good copy is {copy}: put it in its place."

    def prove(self, seen: StoredBlobs) -> None:
        """The lock is ours to hold: there is no service that could ignore it."""

    def _sweep(self) -> None:
        """Under the lock nobody else writes: what is half written is of a process that was killed over it."""
        if self._swept:
            return
        self._swept = True
        half = re.compile(rf"\.{re.escape(self._path.name)}(\.\w+)?\.[a-z0-9_]{{8}}")
        for path in self._path.parent.iterdir():
            if half.fullmatch(path.name):
                path.unlink(missing_ok=True)

    def _text(self, blob: Blob) -> str | None:
        try:
            return self._paths[blob].read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise LedgerUnreadableError(f"The ledger {self._paths[blob]} cannot be read: {error}") from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        from filelock import FileLock, Timeout  # for who writes

        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self._lock_path, timeout=LOCK_PATIENCE):
                yield
        except Timeout as error:
            raise LedgerError(
                f"Another process keeps {self._lock_path} locked for over {LOCK_PATIENCE:.0f} s."
            ) from error
        except OSError as error:
            raise LedgerError(f"The ledger {self.location} cannot be written: {error}") from error
