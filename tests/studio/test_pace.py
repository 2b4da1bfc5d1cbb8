"""How fast calls start, how many are tried again, and that an outage is not answered with a storm."""

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.studio.service import BASE, SECRET, job, native, native_error, serve
from wanctl.studio.client import Studio
from wanctl.studio.credentials import Key
from wanctl.studio.errors import Busy, LostAnswer, QuotaExhausted, ServerError, StudioError, Throttled
from wanctl.studio.pace import LIMITS, SPARE_TRIES, WINDOW, Family, Lane, Limit, Pace, RetryBudget
from wanctl.studio.regions import Endpoint

FILE: dict[str, Any] = {"id": "file-1", "filename": "a.zip", "bytes": 3, "purpose": "fine-tune"}
SLOW_DOWN = native_error(429, "Throttling.RateQuota", "Requests rate limit exceeded")
BUSY = native_error(429, "Throttling", "Too many fine-tune job in running, please retry later.")

EIGHTHS = st.integers(0, 40).map(lambda eighths: eighths / 8)  # seconds that floats add up exactly


class SleepersClock:
    """A clock that moves only when everybody sleeps, to the one who wakes first."""

    def __init__(self) -> None:
        self.now = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []
        self._count = 0

    async def sleep(self, seconds: float) -> None:
        event = asyncio.Event()
        self._count += 1
        heapq.heappush(self._sleepers, (self.now + seconds, self._count, event))
        await event.wait()

    async def run(self, *work: Awaitable[None]) -> None:
        tasks = [asyncio.ensure_future(one) for one in work]
        while not all(task.done() for task in tasks):
            for _ in range(20):
                await asyncio.sleep(0)
            if self._sleepers:
                self.now, _, event = heapq.heappop(self._sleepers)
                event.set()
        await asyncio.gather(*tasks)


@given(
    limit=st.builds(Limit, st.integers(1, 5), st.none() | st.integers(1, 6)),
    calls=st.lists(st.tuples(EIGHTHS, EIGHTHS), min_size=1, max_size=25),
)
@settings(max_examples=examples(25))
def test_never_too_many_start_in_a_window_and_never_too_many_are_under_way(
    limit: Limit, calls: list[tuple[float, float]]
) -> None:
    time, starts, under_way, most = SleepersClock(), list[float](), 0, 0
    lane = Lane(limit, lambda: time.now, time.sleep)

    async def call(after: float, lasting: float) -> None:
        nonlocal under_way, most
        await time.sleep(after)
        async with lane.turn():
            starts.append(time.now)
            under_way += 1
            most = max(most, under_way)
            await time.sleep(lasting)
            under_way -= 1

    asyncio.run(time.run(*(call(*one) for one in calls)))
    assert len(starts) == len(calls)
    assert most <= limit.at_once
    if limit.starts:
        apart = zip(starts, starts[limit.starts :], strict=False)
        assert all(later - earlier >= WINDOW for earlier, later in apart)


@given(st.integers(1, 6), st.integers(0, 40))
@settings(max_examples=examples(10))
def test_a_lane_is_as_fast_as_its_limit_allows(starts: int, count: int) -> None:
    time = SleepersClock()
    lane = Lane(Limit(count + 1, starts), lambda: time.now, time.sleep)

    async def call() -> None:
        async with lane.turn():
            pass

    asyncio.run(time.run(*(call() for _ in range(count))))
    assert time.now == max(0, count - 1) // starts * WINDOW


@given(st.lists(st.booleans(), max_size=300))
def test_tries_again_stay_a_tenth_of_the_calls_and_a_floor(spending: list[bool]) -> None:
    budget, earned, spent = RetryBudget(), 0, 0
    for spend in spending:
        if spend:
            spent += budget.spend()
        else:
            budget.earn()
            earned += 1
        assert spent <= SPARE_TRIES + earned / 10 + 1e-6


def test_a_budget_that_was_saved_up_is_no_more_than_the_floor() -> None:
    budget = RetryBudget()
    for _ in range(10_000):
        budget.earn()
    assert sum(budget.spend() for _ in range(1000)) == SPARE_TRIES


def test_an_outage_is_not_answered_with_a_storm() -> None:
    service = serve(httpx.Response(503))

    async def many(studio: Studio) -> list[Any]:
        reads = (studio.jobs.get(f"ft-{number}") for number in range(100))
        return await asyncio.gather(*reads, return_exceptions=True)

    errors = service.ask(many)
    assert 120 <= len(service.requests) <= 130  # not 500
    assert all(isinstance(error, ServerError) for error in errors)
    assert "not tried again: too many calls of this run have failed" in str(errors[-1])
    assert "HTTP 503" in str(errors[-1])


def test_the_budget_is_one_for_the_whole_run(tmp_path: Path) -> None:
    service = serve(httpx.Response(503))

    async def reads_of_all_sorts(studio: Studio) -> None:
        calls: list[Callable[[], Awaitable[object]]] = [
            lambda: studio.jobs.list(),
            lambda: studio.files.list(),
            lambda: studio.deployments.list(),
            lambda: studio.download("https://store.example/a.mp4", tmp_path / "a.mp4", max_bytes=9),
        ]
        for call in calls * 10:
            with pytest.raises(StudioError):
                await call()

    service.ask(reads_of_all_sorts)
    assert len(service.requests) <= 40 + SPARE_TRIES + 4


def test_files_are_uploaded_three_a_second_and_read_ten_a_second(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(b"zip")
    asked: dict[str, list[float]] = {}
    time = SleepersClock()

    async def handle(request: httpx.Request) -> httpx.Response:
        await request.aread()
        asked.setdefault(request.method, []).append(time.now)
        return httpx.Response(200, json=FILE)

    async def upload(studio: Studio) -> None:
        await studio.files.upload(archive, "a.zip")

    async def read(studio: Studio) -> None:
        await studio.files.get("file-1")

    async def work() -> None:
        async with Studio(
            Endpoint.parse(BASE),
            Key(SECRET),
            transport=httpx.MockTransport(handle),
            sleep=time.sleep,
            monotonic=lambda: time.now,
        ) as studio:
            await time.run(*(call(studio) for call in [upload, read] * 12))

    asyncio.run(work())
    assert asked["POST"] == [second for second in (0.0, 1.0, 2.0, 3.0) for _ in range(3)]
    assert asked["GET"] == [0.0] * 10 + [1.0] * 2


def test_lanes_do_not_hold_each_other_up() -> None:
    time = SleepersClock()
    pace = Pace(lambda: time.now, time.sleep)

    async def call(family: Family, lasting: float) -> None:
        async with pace.turn(family):
            await time.sleep(lasting)

    uploads = (call(Family.UPLOADS, 600) for _ in range(LIMITS[Family.UPLOADS].at_once))
    asyncio.run(time.run(*uploads, call(Family.CALLS, 1)))
    assert time.now == 600


async def train(studio: Studio) -> object:
    return await studio.jobs.create({"model": "wan2.6-i2v"})


def test_a_create_that_was_surely_refused_is_sent_again_with_growing_waits() -> None:
    service = serve(SLOW_DOWN, SLOW_DOWN, SLOW_DOWN, native(job()))
    service.ask(train)
    assert len(service.requests) == 4
    assert len(service.slept) == 3
    assert all(0 < seconds <= 16 for seconds in service.slept)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (httpx.ReadTimeout("silent"), LostAnswer),
        (httpx.Response(503), LostAnswer),
        (native_error(503, "Throttling", "slow down"), LostAnswer),
        (httpx.Response(200, text="{"), LostAnswer),
        (BUSY, Busy),
        (
            native_error(
                429, "Throttling", "Only 20 fine-tune job in running or succeeded allowed per user."
            ),
            QuotaExhausted,
        ),
    ],
)
def test_no_other_fault_of_a_create_is_answered_with_another_one(
    fault: httpx.Response | Exception, expected: type[StudioError]
) -> None:
    service = serve(fault, native(job()))
    with pytest.raises(expected):
        service.ask(train)
    assert len(service.requests) == 1
    assert service.slept == []


def test_an_upload_that_is_sent_again_is_sent_whole(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(b"the whole archive")
    service = serve(SLOW_DOWN, httpx.Response(200, json=FILE))
    service.ask(lambda studio: studio.files.upload(archive, "a.zip"))
    first, second = (request.content for request in service.requests)
    assert b"the whole archive" in first
    assert b"the whole archive" in second


def test_places_that_are_taken_are_not_asked_for_every_second() -> None:
    service = serve(BUSY)
    with pytest.raises(Throttled):
        service.ask(lambda studio: studio.jobs.get("ft-1"))
    assert len(service.requests) == 1


def test_waits_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda _, most: most)  # the longest that the dice allow
    service = serve(httpx.Response(503))
    with pytest.raises(ServerError):
        service.ask(lambda studio: studio.jobs.get("ft-1"))
    assert all(later >= 2 * earlier for earlier, later in pairwise(service.slept))
