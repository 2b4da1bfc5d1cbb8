"""How fast the service is called: so many starts a second, so many calls at once, so many tries again a run.

The service publishes no limits for these paths, so these are ours, one lane for each family of calls. Used
by `wire` and `download`. The clock and the sleep are given: nothing here waits by itself.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum, auto

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
    """What a family of calls may do."""

    at_once: int
    starts: int | None = None  # in any window; None: as many as `at_once` lets through


LIMITS = {
    Family.UPLOADS: Limit(at_once=3, starts=3),
    Family.FILE_READS: Limit(at_once=8, starts=10),
    Family.CALLS: Limit(at_once=8),
    Family.DOWNLOADS: Limit(at_once=8),
}
CALLS_AT_ONCE = sum(limit.at_once for limit in LIMITS.values())


class Lane:
    """The calls of one family: few enough at once, and never too many starts in any window."""

    def __init__(self, limit: Limit, now: Monotonic, sleep: Sleep) -> None:
        self._now = now
        self._sleep = sleep
        self._places = asyncio.Semaphore(limit.at_once)
        self._starts = deque[float](maxlen=limit.starts) if limit.starts else None

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Held while a call is under way."""
        async with self._places:
            if wait := self._reserved():
                await self._sleep(wait)
            yield

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
    """The lanes and the budget of one run."""

    def __init__(self, now: Monotonic, sleep: Sleep) -> None:
        self.sleep = sleep
        self.budget = RetryBudget()
        self._lanes = {family: Lane(limit, now, sleep) for family, limit in LIMITS.items()}

    def lane(self, family: Family) -> Lane:
        return self._lanes[family]
