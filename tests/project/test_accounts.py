"""An account that several projects share: one reading for all who wait, and turns that go round."""

import asyncio
import time
from datetime import UTC, datetime

import pytest

from wanctl.kinds.snapshot import Snapshot
from wanctl.project.accounts import SharedReading
from wanctl.studio.errors import ServerError
from wanctl.studio.pace import FairPlaces, Family, Pace


class Lists:
    """Lists that take a moment; each reading is told from the others by its number of seconds."""

    def __init__(self, failing: int = 0) -> None:
        self.count, self.failing = 0, failing

    async def __call__(self) -> Snapshot:
        self.count += 1
        number = self.count
        await asyncio.sleep(0.02)
        if number <= self.failing:
            raise ExceptionGroup("lists", [ServerError("no answer")])
        return Snapshot(datetime(2026, 1, 1, 0, 0, number, tzinfo=UTC))


def test_all_who_wait_are_served_by_one_reading() -> None:
    async def work() -> tuple[int, set[int]]:
        lists = Lists()
        reading, since = SharedReading(lists), time.monotonic()
        found = await asyncio.gather(*(reading.begun_since(since) for _ in range(50)))
        return lists.count, {one.observed_at.second for one in found}

    assert asyncio.run(work()) == (1, {1})


def test_whoever_asks_for_what_is_newer_waits_for_the_next_one() -> None:
    async def work() -> list[int]:
        reading = SharedReading(Lists())
        early = asyncio.create_task(reading.begun_since(time.monotonic()))
        await asyncio.sleep(0.005)
        late = [asyncio.create_task(reading.begun_since(time.monotonic())) for _ in range(3)]
        return [one.observed_at.second for one in await asyncio.gather(early, *late)]

    assert asyncio.run(work()) == [1, 2, 2, 2]


def test_a_failure_is_told_to_all_who_waited_and_is_no_answer_to_those_who_come_later() -> None:
    async def work() -> tuple[list[str], int]:
        reading, since = SharedReading(Lists(failing=1)), time.monotonic()
        told = await asyncio.gather(*(reading.begun_since(since) for _ in range(3)), return_exceptions=True)
        return [str(one) for one in told], (await reading.begun_since(time.monotonic())).observed_at.second

    assert asyncio.run(work()) == (["no answer"] * 3, 2)


def test_who_is_canceled_takes_the_reading_from_nobody() -> None:
    async def work() -> int:
        reading, since = SharedReading(Lists()), time.monotonic()
        canceled = asyncio.create_task(reading.begun_since(since))
        other = asyncio.create_task(reading.begun_since(since))
        await asyncio.sleep(0.005)
        canceled.cancel()
        return (await other).observed_at.second

    assert asyncio.run(work()) == 1


def test_what_was_looked_up_in_the_lists_is_looked_up_once_for_all() -> None:
    lists = Snapshot(datetime(2026, 1, 1, tzinfo=UTC))
    found = lists.jobs_by_name
    assert lists.with_answers({}).jobs_by_name is found
    assert lists.merged({}).jobs_by_name is not found


def test_a_project_with_many_calls_does_not_keep_the_others_from_theirs() -> None:
    async def work() -> list[str]:
        places, order = FairPlaces(1), list[str]()

        async def call(owner: str) -> None:
            await places.take(owner)
            order.append(owner)
            await asyncio.sleep(0)
            places.give_back()

        many = [asyncio.create_task(call("large")) for _ in range(9)]
        await asyncio.sleep(0)
        few = [asyncio.create_task(call(name)) for name in ("small", "tiny")]
        await asyncio.gather(*many, *few)
        return order

    order = asyncio.run(work())
    assert max(order.index("small"), order.index("tiny")) <= 4  # not behind all nine
    assert order.count("large") == 9


@pytest.mark.parametrize("canceled", range(4))
def test_a_place_is_never_lost_whoever_stops_waiting(canceled: int) -> None:
    async def work() -> int:
        places, done = FairPlaces(2), list[int]()

        async def call(number: int) -> None:
            await places.take(str(number % 2))
            try:
                await asyncio.sleep(0.001)
                done.append(number)
            finally:
                places.give_back()

        calls = [asyncio.create_task(call(number)) for number in range(8)]
        await asyncio.sleep(0.0005 * canceled)
        for one in calls[canceled : canceled + 3]:
            one.cancel()
        await asyncio.wait(calls)
        async with asyncio.timeout(1):
            await places.take("a")
            await places.take("b")  # both are free again
        return len(done)

    assert asyncio.run(work()) >= 5


def test_projects_share_lanes_and_retries_but_not_their_turn() -> None:
    pace = Pace(time.monotonic, asyncio.sleep)
    one, other = pace.shared_with("one"), pace.shared_with("other")
    assert one.budget is other.budget is pace.budget
    assert (one.owner, other.owner) == ("one", "other")

    async def most_at_once() -> int:
        under_way, most = 0, 0

        async def call(mine: Pace) -> None:
            nonlocal under_way, most
            async with mine.turn(Family.CALLS):
                under_way += 1
                most = max(most, under_way)
                await asyncio.sleep(0.001)
                under_way -= 1

        await asyncio.gather(*(call(mine) for mine in (one, other) for _ in range(12)))
        return most

    assert asyncio.run(most_at_once()) == 8
