"""Where a ledger lives: the Store protocol, and the file store.

A store loads, saves by compare-and-swap on the serial, and grants a lease. What it cannot read it
refuses: an unreadable, newer or corrupt ledger is never overwritten.
"""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout
from pydantic import ValidationError

from wanctl.ledger.lease import Lease, LeaseHeld, decode_lease
from wanctl.ledger.record import Record

_REMEDY = (
    "It was left as it is. Restore it from git or a backup; or move it away: what is live is then found "
    "again by its names."
)
LOCK_PATIENCE = 10.0  # seconds for another process to finish its own compare-and-swap


class LedgerError(Exception):
    """The ledger cannot be used; nothing was written."""


class LedgerUnreadableError(LedgerError):
    """What is stored is not a ledger that this version understands."""


class LedgerMovedError(LedgerError):
    """Somebody saved between our load and our save."""


class Store(Protocol):
    """A place for one ledger."""

    @property
    def location(self) -> str:
        """As the user wrote it, for messages."""

    def load(self) -> Record | None:
        """The ledger, or None where there is none yet."""

    def save(self, record: Record) -> Record:
        """Write the record if the stored serial is still its own; the result carries the next serial."""

    def set_aside(self) -> object | None:
        """Keep the ledger under another name and start anew; says where it is kept."""

    def acquire(self, lease: Lease) -> None:
        """Take the lease, or raise LeaseHeld."""

    def renew(self, lease: Lease) -> None:
        """Push the lease's expiry; raises LeaseHeld when it was lost meanwhile."""

    def release(self, lease: Lease) -> None:
        """Give the lease back, if it is still ours."""


class FileStore:
    """One JSON file, replaced atomically under an advisory lock, with the lease in a file beside it."""

    def __init__(self, path: Path, shown: str | None = None) -> None:
        self._path = path
        self._shown = shown or str(path)
        self._lease_path = path.with_name(path.name + ".lease")
        self._lock_path = path.with_name(path.name + ".lock")

    @property
    def location(self) -> str:
        return self._shown

    def load(self) -> Record | None:
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise LedgerUnreadableError(f"The ledger {self.location} cannot be read: {error}") from error
        return decode_record(text, self.location)

    def save(self, record: Record) -> Record:
        with self._locked():
            stored = self.load()
            serial = stored.serial if stored else 0
            if serial != record.serial or (stored and stored.lineage != record.lineage):
                raise LedgerMovedError(
                    f"The ledger {self.location} was changed by another run (serial {serial}, "
                    f"ours was {record.serial}). Run the same command again."
                )
            saved = record.model_copy(update={"serial": serial + 1})
            _replace(self._path, json.dumps(saved.model_dump(mode="json"), indent=1, ensure_ascii=False))
        return saved

    def acquire(self, lease: Lease) -> None:
        with self._locked():
            held = self._held()
            if held and held.token != lease.token and not held.expired(lease.since):
                raise LeaseHeld(held, self.location)
            _replace(self._lease_path, lease.model_dump_json(indent=1))

    def renew(self, lease: Lease) -> None:
        with self._locked():
            held = self._held()
            if held is None or held.token != lease.token:
                raise LeaseHeld(held, self.location)
            _replace(self._lease_path, lease.model_dump_json(indent=1))

    def release(self, lease: Lease) -> None:
        with self._locked():
            held = self._held()
            if held and held.token == lease.token:
                self._lease_path.unlink(missing_ok=True)

    def set_aside(self) -> Path | None:
        """Rename the ledger, numbered; None where there is none. Nothing is lost by it."""
        if not self._path.exists():
            return None
        with self._locked():
            number = 1
            while (aside := self._path.with_name(f"{self._path.name}.{number}")).exists():
                number += 1
            self._path.rename(aside)
        return aside

    def _held(self) -> Lease | None:
        try:
            text = self._lease_path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise LedgerUnreadableError(
                f"The ledger's lock {self._lease_path} cannot be read: {error}"
            ) from error
        try:
            return decode_lease(text)
        except ValidationError as error:
            raise LedgerUnreadableError(
                f"The ledger's lock {self._lease_path} is damaged. If no apply is running, delete that file."
            ) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self._lock_path, timeout=LOCK_PATIENCE):
                yield
        except Timeout as error:
            raise LedgerError(
                f"Another process keeps {self._lock_path} locked for over {LOCK_PATIENCE:.0f} s."
            ) from error
        except OSError as error:
            raise LedgerError(f"The ledger {self.location} cannot be written: {error}") from error


def decode_record(text: str, location: str) -> Record:
    """The ledger in this text; anything that is not one is refused with the reason."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise LedgerUnreadableError(
            f"The ledger {location} is not valid JSON ({error}). {_REMEDY}"
        ) from error
    version = data.get("format_version") if isinstance(data, dict) else None
    if isinstance(version, int) and version > 1:
        raise LedgerUnreadableError(
            f"The ledger {location} has format {version}, written by a newer wanctl. Update wanctl to use it."
        )
    try:
        return Record.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise LedgerUnreadableError(
            f"The ledger {location} is damaged at {where or 'its top'}: {first['msg']}. {_REMEDY}"
        ) from error


def _replace(path: Path, text: str) -> None:
    """Write beside, flush to disk, rename over: a reader sees the old file or the new one."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".new")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
