"""How fast the service is called, and what is tried again: starts a second, calls at once, tries of a run.

The service publishes no limits for these paths, so these are ours, one lane for each family of calls. Used
by `wire` and `download`. The clock and the sleep are given: nothing here waits by itself.
"""

import asyncio
import copy
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeVar

from wanctl.studio.errors import Busy, LostAnswer, ServerError, Throttled, Unreachable
from wanctl.studio.verdict import TOO_MANY

Sleep = Callable[[float], Awaitable[None]]
Monotonic = Callable[[], float]

WINDOW = 1.0  # seconds
SPARE_TRIES = 20.0  # tries again that every run has, however few its calls
TRIES_A_CALL = 0.1  # tries again that each call adds


class Family(Enum):
    """Calls that share a limit."""

    UPLOADS = auto()
    FILE_READS = auto()
    CALLS = auto()  # everything else that the service is asked
    DOWNLOADS = auto()  # from the stores of files that its links lead to


@dataclass(frozen=True)
class Limit:
    """The limits of a family of calls."""

    at_once: int
    starts: int | None = None  # in any window; None: as many as `at_once` lets through


LIMITS = {
    Family.UPLOADS: Limit(at_once=3, starts=3),
    Family.FILE_READS: Limit(at_once=8, starts=10),
    Family.CALLS: Limit(at_once=8),
    Family.DOWNLOADS: Limit(at_once=8),
}
CALLS_AT_ONCE = sum(limit.at_once for limit in LIMITS.values())


class FairPlaces:
    """So many places. Who waits is served in turn with the others who wait, however many calls each has."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    async def take(self, owner: str) -> None:
        if self._free:
            self._free -= 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(place)
        try:
            await place
        except asyncio.CancelledError:
            if not place.cancelled():  # it was given just now
                self.give_back()
            raise

    def give_back(self) -> None:
        while self._waiting:
            owner, waiting = next(iter(self._waiting.items()))
            place = waiting.popleft()
            del self._waiting[owner]
            if waiting:
                self._waiting[owner] = waiting  # behind the others
            if not place.done():
                place.set_result(None)
                return
        self._free += 1


class Lane:
    """The calls of one family: few enough at once, and never too many starts in any window."""

    def __init__(self, limit: Limit, now: Monotonic, sleep: Sleep) -> None:
        self._now = now
        self._sleep = sleep
        self._places = FairPlaces(limit.at_once)
        self._starts = deque[float](maxlen=limit.starts) if limit.starts else None

    @asynccontextmanager
    async def turn(self, owner: str = "") -> AsyncIterator[None]:
        """Held while a call is under way."""
        await self._places.take(owner)
        try:
            if wait := self._reserved():
                await self._sleep(wait)
            yield
        finally:
            self._places.give_back()

    def _reserved(self) -> float:
        """Seconds until the next start that the window has room for, which is taken by asking."""
        if self._starts is None:
            return 0.0
        now = self._now()
        full = len(self._starts) == self._starts.maxlen
        start = max(now, self._starts[0] + WINDOW) if full else now
        self._starts.append(start)
        return start - now


class RetryBudget:
    """The tries again that one run has left. An outage is not answered with a storm of calls."""

    def __init__(self, spare: float = SPARE_TRIES, each: float = TRIES_A_CALL) -> None:
        self._left = spare
        self._most = spare
        self._each = each

    def earn(self) -> None:
        """A call is made for the first time. What was saved up is never more than a run begins with."""
        self._left = min(self._left + self._each, self._most)

    def spend(self) -> bool:
        """Whether there is a try left; if so, it is taken."""
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Pace:
    """The lanes and the budget of an account: of one run, or of several projects that take turns."""

    def __init__(self, now: Monotonic, sleep: Sleep) -> None:
        self.sleep = sleep
        self.budget = RetryBudget()
        self.owner = ""
        self._lanes = {family: Lane(limit, now, sleep) for family, limit in LIMITS.items()}

    def shared_with(self, owner: str) -> "Pace":
        """The same lanes and budget, for one of the projects."""
        pace = copy.copy(self)
        pace.owner = owner
        return pace

    def turn(self, family: Family) -> AbstractAsyncContextManager[None]:
        """Held while a call of this family is under way."""
        return self._lanes[family].turn(self.owner)


_Result = TypeVar("_Result")
_WORTH_ANOTHER_TRY = (Unreachable, ServerError, Throttled, LostAnswer)


def passes(error: BaseException) -> bool:
    """A fault that may be gone in a moment."""
    return isinstance(error, _WORTH_ANOTHER_TRY) and not isinstance(error, Busy)


def surely_refused(error: BaseException) -> bool:
    """Turned away by its status before anything was done: the one fault that lets a create go again."""
    return passes(error) and isinstance(error, Throttled) and error.status == TOO_MANY


async def retrying(
    attempt: Callable[[], Awaitable[_Result]],
    pace: Pace,
    worth: Callable[[BaseException], bool] = passes,
) -> _Result:
    """The attempt's result, tried again on faults that pass, with growing and random waits between.

    Every try beyond the first comes out of the run's budget; once that is empty, the first fault is the last.
    """
    pace.budget.earn()
    try:
        return await attempt()
    except Exception as error:
        if not worth(error):
            raise
        fault = error
    from wanctl.studio.again import tried_again  # most runs meet no fault

    return await tried_again(attempt, fault, pace, worth)
