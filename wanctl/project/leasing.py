"""Hold the ledger's lease while an apply runs: take it, renew it, notice its loss, give it back."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from wanctl.ledger.lease import LEASE_TTL, Lease, LeaseHeld
from wanctl.ledger.store import LedgerError, Store
from wanctl.project.surroundings import Surroundings

HEARTBEAT = LEASE_TTL.total_seconds() / 5


@asynccontextmanager
async def leased(store: Store, surroundings: Surroundings) -> AsyncIterator[None]:
    """The body runs while the lease is ours; when it is lost, the body is stopped and LeaseHeld raised."""
    since = datetime.now(UTC)
    lease = Lease(
        token=uuid.uuid4().hex,
        holder=surroundings.holder,
        run=surroundings.run_url,
        since=since,
        expires=since + LEASE_TTL,
    )
    store.acquire(lease)
    lost: list[LeaseHeld | LedgerError] = []
    body = asyncio.current_task()

    async def heartbeat() -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            try:
                await asyncio.to_thread(store.renew, lease.renewed(datetime.now(UTC)))
            except (LeaseHeld, LedgerError) as error:
                lost.append(error)
                if body:
                    body.cancel()
                return

    beating = asyncio.create_task(heartbeat())
    try:
        yield
    except asyncio.CancelledError:
        if lost:
            raise lost[0] from None
        raise
    finally:
        beating.cancel()
        if not lost:
            store.release(lease)
