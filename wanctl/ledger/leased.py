"""A store in the hands of the run that holds its lease: every save makes sure that it still does.

A run may stall (a laptop sleeps, a CI machine is frozen) for longer than its lease lasts, and wake up when
another run has taken over, or has even come and gone. It must notice before its next call: the engine saves
an intent before each call, so this is the place. A call may wait for its turn after that: before it leaves,
`fresh` says whether the store was asked just now.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from wanctl.ledger.lease import Lease
from wanctl.ledger.record import Record
from wanctl.ledger.store import LedgerStore

FRESH = timedelta(seconds=10)  # nobody takes over within this time: each claim lasts much longer


class LeasedStore:
    """Guards the lease's expiry as it was last renewed. `renew` may be called from a thread of its own."""

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
