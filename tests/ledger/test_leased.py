"""A run that holds the lease: it renews it, notices its loss before it does anything more, gives it back."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.ledger.ledger_files import EXPIRED, NOW, lease, owner, record
from wanctl.address import Address
from wanctl.engine.journal import Journal, Stamp
from wanctl.ledger.errors import LedgerError
from wanctl.ledger.lease import LEASE_TTL, Lease, LeaseHeld, LeaseLost
from wanctl.ledger.opening import open_store
from wanctl.ledger.record import Verb
from wanctl.ledger.store import FRESH, LeasedStore, LedgerStore
from wanctl.project.host import Host
from wanctl.project.leasing import leased, while_held

SOON = 0.005  # real seconds; short, and only ever waited for by the event loop


class StoppedClock:
    """A clock that stands still until somebody moves it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


class Effect:
    """A call that is about to be made."""

    address = Address.parse("FineTune/rain")
    verb = Verb.TRAIN
    identity = "i"

    def inputs(self) -> dict[str, object]:
        return {}


@pytest.fixture
def time() -> StoppedClock:
    return StoppedClock()


def held_by_one(stores: Callable[[], LedgerStore], time: StoppedClock) -> tuple[LeasedStore, Journal]:
    store = stores()
    store.acquire(lease("one"))
    held = LeasedStore(store, lease("one"), time)
    return held, Journal(held.save, record(), Stamp(), time)


def test_a_holder_that_slept_through_another_run_writes_no_intent(
    stores: Callable[[], LedgerStore], time: StoppedClock
) -> None:
    """Nothing was saved meanwhile, so the serial is still its own: only the lease can tell."""
    _, journal = held_by_one(stores, time)
    other = stores()
    time.now = EXPIRED
    other.acquire(lease("two", EXPIRED))
    other.release(lease("two", EXPIRED))
    with pytest.raises(LeaseLost, match=r"lost its lease .* came and went.* makes no further call"):
        asyncio.run(journal.begin(Effect()))
    assert stores().load() is None


def test_a_holder_that_was_taken_over_hears_by_whom(
    stores: Callable[[], LedgerStore], time: StoppedClock
) -> None:
    _, journal = held_by_one(stores, time)
    time.now = EXPIRED
    stores().acquire(lease("two", EXPIRED))
    with pytest.raises(LeaseLost, match="holder two took it over at 2026-03-18 09:05:00 UTC"):
        asyncio.run(journal.begin(Effect()))


def test_a_holder_whose_lease_was_broken_notices_at_once(
    stores: Callable[[], LedgerStore], time: StoppedClock
) -> None:
    """A person unlocked: the lease had not expired, and no other run has come yet."""
    _, journal = held_by_one(stores, time)
    stores().release(lease("one"))
    with pytest.raises(LeaseLost, match="a person removed it"):
        asyncio.run(journal.begin(Effect()))


def test_a_holder_that_slept_alone_renews_and_goes_on(
    stores: Callable[[], LedgerStore], time: StoppedClock
) -> None:
    held, journal = held_by_one(stores, time)
    time.now = EXPIRED + timedelta(hours=1)
    asyncio.run(journal.begin(Effect()))
    assert held.lease.expires == time.now + LEASE_TTL
    with pytest.raises(LeaseHeld):
        stores().acquire(lease("two", time.now))
    now = stores().load()
    assert now
    assert now.intent("FineTune/rain")


def may_call(held: LeasedStore) -> None:
    asyncio.run(ask(held))


async def ask(held: LeasedStore) -> None:
    await while_held(held)()


def test_a_call_that_waited_past_its_lease_hears_that_it_is_lost(
    stores: Callable[[], LedgerStore], time: StoppedClock
) -> None:
    """Its intent was written in time; then the process stood still."""
    held, journal = held_by_one(stores, time)
    asyncio.run(journal.begin(Effect()))
    may_call(held)
    time.now = EXPIRED
    other = stores()
    other.acquire(lease("two", EXPIRED))
    other.release(lease("two", EXPIRED))
    with pytest.raises(LeaseLost, match="makes no further call"):
        may_call(held)
    assert held.lease.expires == EXPIRED, "and it took nothing back"


def test_a_call_that_waited_alone_goes_on_under_a_lease_that_is_renewed(
    stores: Callable[[], LedgerStore], time: StoppedClock
) -> None:
    held, journal = held_by_one(stores, time)
    asyncio.run(journal.begin(Effect()))
    time.now = EXPIRED + timedelta(hours=1)
    may_call(held)
    assert held.lease.expires == time.now + LEASE_TTL


def test_the_store_is_not_asked_for_each_call(
    time: StoppedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor by each of those that wait side by side; but again once the clock has moved, either way."""
    store = open_store("ledger.json", owner(tmp_path))
    store.acquire(lease("one"))
    held = LeasedStore(store, lease("one"), time)
    asked: list[datetime] = []
    renew = held.renew

    def counted() -> None:
        asked.append(time.now)
        renew()

    monkeypatch.setattr(held, "renew", counted)

    async def side_by_side() -> None:
        permission = while_held(held)
        await asyncio.gather(*(permission() for _ in range(4)))

    for moved in (timedelta(), FRESH - timedelta(seconds=1), FRESH, -timedelta(hours=1)):
        time.now = NOW + moved
        asyncio.run(side_by_side())
    assert asked == [NOW, NOW + FRESH, NOW - timedelta(hours=1)]


def test_a_holder_that_stood_still_while_it_asked_asks_again(
    tmp_path: Path, time: StoppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store answered yes; another run came and went before the answer was heard."""
    store, other = (open_store("ledger.json", owner(tmp_path)) for _ in range(2))
    store.acquire(lease("one"))
    renew, stood_still = store.renew, list[bool]()

    def answered_late(mine: Lease) -> None:
        renew(mine)
        if not stood_still:
            stood_still.append(True)
            time.now = EXPIRED
            other.acquire(lease("two", EXPIRED))

    monkeypatch.setattr(store, "renew", answered_late)
    with pytest.raises(LeaseLost, match="holder two took it over"):
        may_call(LeasedStore(store, lease("one"), time))


def host() -> Host:
    return Host({"USER": "robot", "CI_JOB_URL": "https://ci.example/7"}, Path("/nonexistent"))


async def stopped_from_outside() -> None:
    """A body that does not end by itself."""
    await asyncio.sleep(10)
    pytest.fail("nobody stopped it")


def test_the_lease_is_given_back_and_what_it_took_over_is_told(tmp_path: Path) -> None:
    store = open_store("ledger.json", owner(tmp_path))
    store.acquire(lease("dead", datetime(2026, 1, 1, tzinfo=UTC)))
    told: list[str] = []

    async def work() -> Lease | None:
        async with leased(store, host(), told.append):
            return store.held()

    during = asyncio.run(work())
    assert during
    assert during.who.startswith("robot@")
    assert during.who.endswith("(https://ci.example/7)")
    assert store.held() is None
    (sentence,) = told
    assert sentence.startswith("took over the lease of holder dead, held since 2026-01-01 00:00:00 UTC")


def test_the_heartbeat_stops_a_run_whose_lease_is_gone(tmp_path: Path) -> None:
    store = open_store("ledger.json", owner(tmp_path))

    async def work() -> None:
        async with leased(store, host(), print, heartbeat=SOON):
            held = store.held()
            assert held
            store.release(held)
            await stopped_from_outside()

    with pytest.raises(LeaseLost):
        asyncio.run(work())


class Away:
    """A store that cannot be reached for some renewals."""

    def __init__(self, store: LedgerStore, times: int) -> None:
        self.store, self.times, self.renewed = store, times, asyncio.Event()

    def renew(self, lease: Lease) -> None:
        if self.times:
            self.times -= 1
            raise LedgerError("away")
        LedgerStore.renew(self.store, lease)
        self.loop.call_soon_threadsafe(self.renewed.set)

    loop: asyncio.AbstractEventLoop


def test_the_heartbeat_bears_a_store_that_is_away_for_a_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store("ledger.json", owner(tmp_path))

    async def work() -> None:
        away = Away(store, times=3)
        away.loop = asyncio.get_running_loop()
        monkeypatch.setattr(store, "renew", away.renew)
        async with leased(store, host(), print, heartbeat=SOON):
            await asyncio.wait_for(away.renewed.wait(), 30)

    asyncio.run(work())


def test_the_heartbeat_gives_up_when_the_lease_ran_out_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, time: StoppedClock
) -> None:
    store = open_store("ledger.json", owner(tmp_path))

    async def work() -> None:
        monkeypatch.setattr(store, "renew", Away(store, times=1_000_000).renew)
        async with leased(store, host(), print, time, heartbeat=SOON):
            time.now = EXPIRED
            await stopped_from_outside()

    with pytest.raises(LedgerError, match="away"):
        asyncio.run(work())


def test_a_store_that_is_away_at_the_end_makes_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store("ledger.json", owner(tmp_path))
    told: list[str] = []

    def away(_: Lease) -> bool:
        raise LedgerError("The network is away.")

    async def work() -> str:
        async with leased(store, host(), told.append):
            monkeypatch.setattr(store, "release", away)
            return "done"

    assert asyncio.run(work()) == "done"
    assert told
    assert "could not be given back and runs out at" in told[0]
