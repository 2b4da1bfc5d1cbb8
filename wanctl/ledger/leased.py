"""A store in the hands of the run that holds its lease: every save makes sure that it still does.

A run may stall (a laptop sleeps, a CI machine is frozen) for longer than its lease lasts, and wake up when
another run has taken over, or has even come and gone. It must notice before its next call: the engine saves
an intent before each call, so this is the place.
"""

from collections.abc import Callable
from datetime import datetime

from wanctl.ledger.lease import Lease
from wanctl.ledger.record import Record
from wanctl.ledger.store import Store


class LeasedStore:
    """Guards the lease's expiry as it was last renewed. `renew` may be called from a thread of its own."""

    def __init__(self, store: Store, lease: Lease, now: Callable[[], datetime]) -> None:
        self._store = store
        self._lease = lease
        self._now = now

    @property
    def lease(self) -> Lease:
        return self._lease

    def save(self, record: Record) -> Record:
        """Write the record in the lease's name; raises LeaseLost where it is not ours any more."""
        if self._lease.expired(self._now()):
            self.renew()
        return self._store.save(record, self._lease)

    def renew(self) -> None:
        """Push the expiry; raises LeaseLost when somebody took over, or it was given back meanwhile."""
        renewed = self._lease.renewed(self._now())
        self._store.renew(renewed)
        self._lease = renewed

    def release(self) -> None:
        self._store.release(self._lease)
