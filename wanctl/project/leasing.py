"""Hold the ledger's lease while an apply runs: take it, renew it, notice its loss, give it back.

A lease carries this very process, so that another run on the same machine can tell for sure whether it still
lives. Only Linux says all that this takes (the boot, the space of process ids, the start); where anything is
missing, nobody is declared dead, and a lease runs out by its time.
"""

import asyncio
import os
import platform
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from wanctl.ledger.errors import LedgerError
from wanctl.ledger.lease import LEASE_TTL, Lease, LeaseHeld, LeaseLost, Process
from wanctl.ledger.store import FRESH, LeasedStore, LedgerStore
from wanctl.project.host import Host

_PROC = Path("/proc")
_STATE, _STARTED = 0, 19  # fields of /proc/PID/stat behind the command's name
_ENDED = {"Z", "X"}  # it runs no more, only its parent has not asked for its exit code


def this_process() -> Process | None:
    """The marks of this process that no other one has, or None where the system does not say."""
    place, fields = _place(), _stat(os.getpid())
    if place is None or fields is None:
        return None
    return Process(place=place, pid=os.getpid(), started=fields[_STARTED])


def surely_dead(process: Process | None) -> bool:
    """It ran on this machine, since its last start, and runs no more. In doubt: no."""
    if process is None or process.place != _place():
        return False
    try:
        os.kill(process.pid, 0)  # asks only: /proc may hide the processes of others
    except ProcessLookupError:
        return True
    except OSError:
        return False
    fields = _stat(process.pid)
    return fields is not None and (fields[_STARTED] != process.started or fields[_STATE] in _ENDED)


def _place() -> str | None:
    """Host, boot, and space of process ids: containers with the same host name do not see each other."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        space = (_PROC / "self/ns/pid").readlink()
    except OSError:
        return None
    return f"{platform.node()} {boot} {space}" if boot else None


def _stat(pid: int) -> list[str] | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return fields if len(fields) > _STARTED else None


HEARTBEAT = LEASE_TTL.total_seconds() / 5
LOOK_AGAIN = 2.0  # seconds between two tries for a lease that another run holds


def _now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def leased(
    store: LedgerStore,
    host: Host,
    tell: Callable[[str], None],
    now: Callable[[], datetime] = _now,
    heartbeat: float = HEARTBEAT,
    lock_wait: timedelta = timedelta(),
) -> AsyncIterator[LeasedStore]:
    """The body runs while the lease is ours; when it is lost, the body is stopped and LeaseLost raised.

    While another run holds it, this one queues for as long as `lock_wait`, and then raises LeaseHeld.
    """
    held = LeasedStore(store, await _queued(store, host, tell, now, lock_wait), now)
    lost: list[LeaseLost | LedgerError] = []
    body = asyncio.current_task()

    async def beat() -> None:
        while not lost:
            await asyncio.sleep(heartbeat)
            try:
                await asyncio.to_thread(held.renew)
            except (LeaseLost, LedgerError) as error:
                if isinstance(error, LeaseLost) or held.lease.expired(now()):
                    lost.append(error)  # until then the place may only be away for a moment
        if body:
            body.cancel()

    beating = asyncio.create_task(beat())
    try:
        yield held
    except asyncio.CancelledError:
        if lost:
            raise lost[0] from None
        raise
    finally:
        beating.cancel()
        if not lost:
            _give_back(held, tell)


def while_held(held: LeasedStore) -> Callable[[], Awaitable[None]]:
    """Asked before each call that changes something: returns while the lease is ours, else raises LeaseLost.

    The store is asked only where it was not just now. Whoever waited for its answer looks at the clock again,
    for that may be the very moment in which this process stood still.
    """
    asking = asyncio.Lock()

    async def ours() -> None:
        async with asking:
            if not held.fresh:
                await asyncio.to_thread(held.renew)
            while held.expired:
                await asyncio.to_thread(held.renew)

    return ours


async def _queued(
    store: LedgerStore,
    host: Host,
    tell: Callable[[str], None],
    now: Callable[[], datetime],
    lock_wait: timedelta,
) -> Lease:
    deadline = now() + lock_wait
    announced: set[str] = set()
    while True:
        try:
            lease, sure = _taken(store, host, tell, now())
        except LeaseHeld as taken:
            left = (deadline - now()).total_seconds()
            if left <= 0:
                raise
            if taken.held.token not in announced:
                since = f"{taken.held.since:%Y-%m-%d %H:%M:%S %Z}"
                tell(f"waiting for another apply: {taken.held.who}, since {since}")
            announced.add(taken.held.token)
            await asyncio.sleep(min(LOOK_AGAIN, left))
        else:
            if not sure:
                await asyncio.sleep(FRESH.total_seconds())
            return lease


def _taken(
    store: LedgerStore, host: Host, tell: Callable[[str], None], since: datetime
) -> tuple[Lease, bool]:
    """A new lease, ours, and whether its last holder is surely done; whose lease it replaces is told.

    The Pod of a holder may be gone from the cluster while its node is cut off and the process runs on: it may
    make a call for as long as its last answer counts as fresh, and none after that.
    """
    lease = Lease(
        token=uuid.uuid4().hex,
        holder=host.holder,
        run=host.run_url,
        since=since,
        expires=since + LEASE_TTL,
        process=this_process(),
        pod=store.holder_here(),
    )

    def gone(held: Lease) -> bool:
        return surely_dead(held.process) or store.holder_is_gone(held)

    sure = True
    if before := store.acquire(lease, gone):
        if before.expired(since):
            why = f"it ran out at {before.expires:%H:%M:%S %Z} without being renewed or given back."
        elif surely_dead(before.process):
            why = "its process died on this machine without giving it back."
        else:
            why, sure = f"its Pod {before.pod} is gone, or was started anew, without giving it back.", False
        tell(f"took over the lease of {before.who}, held since {before.since:%Y-%m-%d %H:%M:%S %Z}: {why}")
    return lease, sure


def _give_back(held: LeasedStore, tell: Callable[[str], None]) -> None:
    """The run's work is done; a store that is away just now must not make a failure of it."""
    try:
        held.release()
    except LedgerError as error:
        tell(f"the lease could not be given back and runs out at {held.lease.expires:%H:%M:%S %Z}. {error}")
