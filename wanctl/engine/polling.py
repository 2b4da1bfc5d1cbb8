"""When what is in flight is looked at again: each kind at its own pace, less often while nothing changes.

Made for `converge`. Intervals that a project writes down are kept to the second; the others are spread by a
throw of the dice, so that many runs do not ask at the same moment.
"""

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from wanctl.address import Address, Kind
from wanctl.kinds.kind import Cadence
from wanctl.kinds.registry import kind_of, kinds
from wanctl.language.settings import PollingIntervals
from wanctl.plan import Step, When

GROWTH = 1.5
SPREAD = 0.1  # by how much of itself an interval may be shorter
CROWD = 50  # steps of a kind that wait: with more of them, each is looked at less often, in proportion
LATE = 0.08  # but never so that an interval is more of the time that it has waited
TOGETHER = 0.1  # what is due within this part of its interval is looked at along with the rest
TURNED_AWAY = Cadence(15, 60)  # a call that the service refused for now


@dataclass(frozen=True)
class PollingPace:
    """The intervals that the project fixed, in seconds, and the dice for the others: 0 up to 1."""

    fixed: Mapping[Kind, float] = field(default_factory=dict)
    dice: Callable[[], float] = random.random

    @classmethod
    def of(cls, intervals: PollingIntervals) -> Self:
        """The intervals of those kinds of which wanctl.yaml says it."""
        found = ((one.kind, intervals.seconds(one.polling)) for one in kinds() if one.polling)
        return cls({kind: seconds for kind, seconds in found if seconds is not None})

    def pause(self, step: Step, before: float | None, waited: float = 0, crowd: int = 1) -> float:
        """Seconds between two looks at a step, which are more than before, if nothing changed since.

        `waited`: for how many seconds it is looked at; `crowd`: how many of its kind are.
        """
        kind = step.address.kind
        if kind in self.fixed:
            return self.fixed[kind]
        cadence = TURNED_AWAY if step.effect else kind_of(step.address).cadence
        if before is None:
            return cadence.first
        slowest = max(cadence.slowest, min(cadence.slowest * crowd / CROWD, waited * LATE))
        return min(before * GROWTH, slowest)

    def spread(self, step: Step, pause: float) -> float:
        """A little less, for what is not fixed."""
        return pause if step.address.kind in self.fixed else pause * (1 - SPREAD * self.dice())


@dataclass(frozen=True)
class _Look:
    """The last look at a step: what it showed, and when the next one is due."""

    shown: tuple[str | None, ...]
    pause: float
    due: datetime
    since: datetime  # the first look that showed this


class LookSchedule:
    """Keeps the looks of one run."""

    def __init__(self, polling: PollingPace) -> None:
        self._polling = polling
        self._looks: dict[Address, _Look] = {}

    def saw(self, at: datetime, steps: Iterable[Step], looked_at: Collection[Address] | None = None) -> None:
        """Note how the steps stand that wait for the service. `looked_at` None: everything was read."""
        waiting = [step for step in steps if step.when is When.SERVICE]
        crowd = Counter(step.address.kind for step in waiting)
        self._looks = {
            step.address: self._look(
                at, step, looked_at is None or step.address in looked_at, crowd[step.address.kind]
            )
            for step in waiting
        }

    def _look(self, at: datetime, step: Step, fresh: bool, crowd: int) -> _Look:
        shown = (step.action, step.remote_id, step.reason, step.progress.status if step.progress else None)
        before = self._looks.get(step.address)
        same = before if before and before.shown == shown else None
        if same and not fresh:
            return same
        since = same.since if same else at
        waited = (at - since).total_seconds()
        pause = self._polling.pause(step, same.pause if same else None, waited, crowd)
        return _Look(shown, pause, at + timedelta(seconds=self._polling.spread(step, pause)), since)

    def seconds(self, at: datetime) -> float:
        """From then until the next look."""
        return max(0.0, min((look.due - at).total_seconds() for look in self._looks.values()))

    def due(self, at: datetime) -> frozenset[Address]:
        """The steps to be looked at now; all of them, if none is due yet."""
        due = {
            address
            for address, look in self._looks.items()
            if look.due - timedelta(seconds=TOGETHER * look.pause) <= at
        }
        return frozenset(due or self._looks)


class ServiceWaits:
    """Since when the service is at work on each step, where that is known; tells which it is done with."""

    def __init__(self) -> None:
        self._since: dict[Address, datetime | None] = {}

    @property
    def any(self) -> bool:
        return bool(self._since)

    def saw(self, at: datetime, steps: Iterable[Step]) -> list[tuple[Step, timedelta | None]]:
        """The steps that are settled now and were waited for before, with how long that was."""
        since: dict[Address, datetime | None] = {}
        done: list[tuple[Step, timedelta | None]] = []
        for step in steps:
            if step.when is When.SERVICE:
                elapsed = step.progress.elapsed if step.progress else None
                since[step.address] = at - elapsed if elapsed is not None else None
            elif step.settled and step.address in self._since:
                began = self._since[step.address]
                done.append((step, at - began if began else None))
        self._since = since
        return done
