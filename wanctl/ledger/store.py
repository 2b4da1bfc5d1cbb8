"""A ledger in some place: load, save by compare-and-swap on the serial, grant a lease, and save in its name.

The same rules for every place; what differs is how a place replaces a text (file.py, git.py, object.py,
OssBackend). What cannot be read is refused: an unreadable, newer or corrupt ledger is never overwritten.
"""

import secrets
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from wanctl.ledger.backends.backend import Backend, Blob, ChangedMeanwhileError, StoredBlobs
from wanctl.ledger.encoding import (
    Encoder,
    decode_record,
    encode_record,
    is_moved_notice,
    is_older,
    moved_notice,
)
from wanctl.ledger.errors import LeaseDamagedError, LedgerDamagedError, LedgerError, LedgerMovedError
from wanctl.ledger.lease import HolderPod, Lease, LeaseHeld, LeaseLost, decode_lease
from wanctl.ledger.record import Record

ATTEMPTS = 12  # at a swap that others are in the way of
LONGEST_PAUSE_MS = 250
_Change = Callable[[StoredBlobs], str | None]
_BOTH = (Blob.RECORD, Blob.LEASE)


class _Nothing(Exception):  # noqa: N818 - the way out of a swap that has nothing to write
    """There is nothing to change."""


class LedgerStore:
    """One ledger and the lease on it."""

    def __init__(self, backend: Backend, sleep: Callable[[float], None] = time.sleep) -> None:
        self._backend = backend
        self._sleep = sleep
        self._encoder = Encoder()
        self._known: tuple[str, Record] | None = None  # what we saved last, as a text and as a value

    @property
    def location(self) -> str:
        """As the user wrote it, for messages."""
        return self._backend.location

    def load(self) -> Record | None:
        """The ledger, or None where there is none yet."""
        return self._record(self._backend.read(Blob.RECORD))

    def save(self, record: Record, lease: Lease | None = None) -> Record:
        """Write the record if the stored serial is still its own; the result carries the next serial.

        Under a lease it is written only while that lease stands: a run that was taken over cannot save.
        """
        saved = record.model_copy(update={"serial": record.serial + 1})
        written = self._encoder.encode(saved)
        backed_up = False

        def change(seen: StoredBlobs) -> str:
            nonlocal backed_up
            stored = self._record(seen)
            serial = stored.serial if stored else 0
            if serial != record.serial or (stored and stored.lineage != record.lineage):
                raise LedgerMovedError(
                    f"The ledger {self.location} was changed by another run (serial {serial}, "
                    f"ours was {record.serial}). Run the same command again."
                )
            if lease:
                self._require(lease, seen)
            text = seen.text(Blob.RECORD)
            if text and not self._is_known(text) and is_older(text) and not backed_up:
                self._backend.keep(text)
                backed_up = True
            return written

        by = f" by {lease.holder}" if lease else ""
        blobs = _BOTH if lease else (Blob.RECORD,)
        self._swap(blobs, Blob.RECORD, change, f"{record.project}: serial {saved.serial}{by}")
        self._known = written, saved
        return saved

    def place(self, record: Record, lease: Lease) -> None:
        """Write a record that comes from another store, as it is, unless something else is kept here."""

        def change(seen: StoredBlobs) -> str:
            self._require(lease, seen)
            text = seen.text(Blob.RECORD)
            here = None if text is None or is_moved_notice(text) else self._record(seen)
            if here and here.lineage != record.lineage:
                raise LedgerError(
                    f"{self.location} holds another ledger, of {here.project} at {here.endpoint}. "
                    "Name a place that holds none."
                )
            if here and here.serial > record.serial:
                raise LedgerError(
                    f"{self.location} holds a later state of this very ledger (serial {here.serial}, "
                    f"here {record.serial}): it was moved before. "
                    f"Write ledger: {self.location} in wanctl.yaml."
                )
            return encode_record(record)

        self._swap(_BOTH, Blob.RECORD, change, f"{record.project}: moved here by {lease.holder}")

    def set_aside(self) -> str | None:
        """Keep the ledger under another name and start anew; says where it is kept. Nothing is lost by it."""
        return self._put_away(None, "set aside")

    def leave(self, location: str) -> str | None:
        """Keep the ledger under another name; in its place stays a notice of where it was moved."""
        return self._put_away(moved_notice(location), f"moved to {location}")

    def held(self) -> Lease | None:
        """The lease as it stands, expired or not; None where it is free."""
        return self._lease(self._backend.read(Blob.LEASE))

    def acquire(self, lease: Lease, dead: Callable[[Lease], bool] = lambda _: False) -> Lease | None:
        """Take the lease, or raise LeaseHeld. The result is the lease that it took over, if any: one that
        ran out, or whose holder is `dead`."""
        before: list[Lease | None] = []

        def change(seen: StoredBlobs) -> str:
            held = self._lease(seen)
            if held and held.token != lease.token and not held.expired(lease.since) and not dead(held):
                raise LeaseHeld(held, self.location)
            before.append(held)
            return lease.model_dump_json(indent=1) + "\n"

        self._swap((Blob.LEASE,), Blob.LEASE, change, f"lease taken by {lease.holder}")
        try:
            self._backend.prove(self._backend.recall() or self._backend.read(Blob.LEASE))
        except LedgerError:
            self.release(lease)
            raise
        taken = before[-1]
        return taken if taken and taken.token != lease.token else None

    def holder_here(self) -> HolderPod | None:
        """This process, as the place knows those who hold its lease."""
        return self._backend.holder_here()

    def holder_is_gone(self, lease: Lease) -> bool:
        """The place knows that the holder of this lease is no more."""
        return self._backend.holder_is_gone(lease)

    def renew(self, lease: Lease) -> None:
        """Push the lease's expiry; raises LeaseLost when it was lost meanwhile."""

        def change(seen: StoredBlobs) -> str:
            self._require(lease, seen)
            return lease.model_dump_json(indent=1) + "\n"

        self._swap((Blob.LEASE,), Blob.LEASE, change, f"lease renewed by {lease.holder}")

    def release(self, lease: Lease) -> bool:
        """Give the lease back (or break another's), if it still stands."""

        def change(seen: StoredBlobs) -> None:
            held = self._lease(seen)
            if held is None or held.token != lease.token:
                raise _Nothing

        return self._swap((Blob.LEASE,), Blob.LEASE, change, f"lease of {lease.holder} given back")

    def discard_damaged_lease(self) -> bool:
        """Take a lease away that nobody can read; one that can be read stays."""

        def change(seen: StoredBlobs) -> None:
            try:
                self._lease(seen)
            except LeaseDamagedError:
                return
            raise _Nothing

        return self._swap((Blob.LEASE,), Blob.LEASE, change, "damaged lease removed")

    def _swap(self, blobs: tuple[Blob, ...], blob: Blob, change: _Change, why: str) -> bool:
        """Read, decide, replace; again when somebody was faster. `change` sees each new state."""
        recalled = self._backend.recall()
        for attempt in range(ATTEMPTS):
            seen = recalled or self._backend.read(*blobs)
            try:
                self._backend.replace(seen, blob, change(seen), why)
            except ChangedMeanwhileError:
                self._sleep(attempt * secrets.randbelow(LONGEST_PAUSE_MS) / 1000)
            except (LedgerMovedError, LeaseHeld, LeaseLost):
                if recalled is None:
                    raise
            except _Nothing:
                if recalled is None:
                    return False
            else:
                return True
            recalled = None
        raise LedgerError(
            f"The ledger {self.location} was changed by others at each of {ATTEMPTS} tries to write it. "
            "Run the same command again."
        )

    def _put_away(self, left: str | None, why: str) -> str | None:
        text = self._backend.read(Blob.RECORD).text(Blob.RECORD)
        if text is None:
            return None
        kept = self._backend.keep(text)

        def change(seen: StoredBlobs) -> str | None:
            if seen.text(Blob.RECORD) != text:
                raise LedgerMovedError(
                    f"The ledger {self.location} was changed by another run. Run the same command again."
                )
            return left

        self._swap((Blob.RECORD,), Blob.RECORD, change, why)
        return kept

    def _record(self, seen: StoredBlobs) -> Record | None:
        text = seen.text(Blob.RECORD)
        if text is None:
            return None
        if self._known and self._is_known(text):
            return self._known[1]
        try:
            return decode_record(text, self.location)
        except LedgerDamagedError as error:
            found_again = "If there is none, move it away: what is live is then found again by its names."
            raise LedgerDamagedError(f"{error} {self._backend.earlier(self._good)} {found_again}") from error

    def _good(self, text: str) -> bool:
        try:
            decode_record(text, self.location)
        except LedgerError:
            return False
        return True

    def _is_known(self, text: str) -> bool:
        """Nobody wrote since we did: then the text needs no reading."""
        return self._known is not None and self._known[0] == text

    def _lease(self, seen: StoredBlobs) -> Lease | None:
        return decode_lease(seen.text(Blob.LEASE), self.location)

    def _require(self, lease: Lease, seen: StoredBlobs) -> None:
        held = self._lease(seen)
        if held is None or held.token != lease.token:
            raise LeaseLost(held, self.location)


FRESH = timedelta(seconds=10)  # nobody takes over within this time: each claim lasts much longer


class LeasedStore:
    """A store in the hands of the run that holds its lease: every save makes sure that it still does.

    A run may stall (a laptop sleeps, a CI machine is frozen) for longer than its lease lasts, and wake up
    when another run has taken over, or has even come and gone. It must notice before its next call: the
    engine saves an intent before each call, so this is the place. A call may wait for its turn after that:
    before it leaves, `fresh` says whether the store was asked just now.

    Guards the lease's expiry as it was last renewed. `renew` may be called from a thread of its own.
    """

    def __init__(self, store: LedgerStore, lease: Lease, now: Callable[[], datetime]) -> None:
        self._store = store
        self._lease = lease
        self._now = now
        self._confirmed: datetime | None = None

    @property
    def lease(self) -> Lease:
        return self._lease

    def save(self, record: Record) -> Record:
        """Write the record in the lease's name; raises LeaseLost where it is not ours any more."""
        if self.expired:
            self.renew()
        asked = self._now()
        saved = self._store.save(record, self._lease)
        self._confirmed = asked
        return saved

    @property
    def expired(self) -> bool:
        return self._lease.expired(self._now())

    @property
    def fresh(self) -> bool:
        """The store said just now that the lease is ours. A clock that was set back says nothing."""
        age = self._now() - self._confirmed if self._confirmed else FRESH
        return timedelta() <= age < FRESH

    def renew(self) -> None:
        """Push the expiry; raises LeaseLost when somebody took over, or it was given back meanwhile."""
        asked = self._now()
        renewed = self._lease.renewed(asked)
        self._store.renew(renewed)
        self._lease = renewed
        self._confirmed = asked

    def release(self) -> None:
        self._store.release(self._lease)
