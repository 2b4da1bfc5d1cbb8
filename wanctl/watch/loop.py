"""Round after round, until somebody ends it. No error does: the next round tries again later.

Runs in the main thread, where Ctrl-C and SIGTERM reach the round under way; who looks is in other threads.
"""

import queue
import random
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from wanctl.base.running import Interrupted
from wanctl.watch.iteration import NOTHING_SEEN, Iteration, Observed
from wanctl.watch.status import LoopStatus

FIRST_RETRY = timedelta(seconds=15)
LONGEST_RETRY = timedelta(minutes=10)
SHORTEST_PAUSE = timedelta(
    seconds=5
)  # between rounds, however often somebody rings: a webhook can be replayed


class Wakeup:
    """Calls the next round before its time, or none. For webhooks and signals; safe in a signal handler."""

    def __init__(self) -> None:
        self._rung: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._ended = False

    def ring(self) -> None:
        if self._rung.empty():  # however many come while a round is long: one is enough
            self._rung.put(None)

    def end(self) -> None:
        self._ended = True
        self.ring()

    def wait(self, span: timedelta, least: timedelta = timedelta()) -> None:
        """Until it is rung, or the time is over, but at least so long. However often: that is one round.

        Raises Interrupted where it shall end.
        """
        with suppress(queue.Empty):
            if not self._ended:
                time.sleep(least.total_seconds())
            self._rung.get(timeout=max((span - least).total_seconds(), 0.0))
            while True:
                self._rung.get_nowait()
        if self._ended:
            raise Interrupted(signal.SIGTERM)


class Listener(Protocol):
    """Who hears of each round."""

    def completed(self, loop_status: LoopStatus) -> None:
        """After a round that came to a plan."""

    def failed(self, loop_status: LoopStatus) -> None:
        """After one that did not."""


@dataclass(frozen=True)
class Listeners:
    """Several listeners, one after the other; one that fails keeps nobody else from it."""

    members: tuple[Listener, ...]

    def completed(self, loop_status: LoopStatus) -> None:
        with ExitStack() as each:
            for member in reversed(self.members):
                each.callback(member.completed, loop_status)

    def failed(self, loop_status: LoopStatus) -> None:
        with ExitStack() as each:
            for member in reversed(self.members):
                each.callback(member.failed, loop_status)


def shown(
    loop_status: LoopStatus, tell: Callable[[LoopStatus], None], spell: Callable[[Exception], list[str]]
) -> LoopStatus:
    """The status, once it was told. A full disk, or a pipe that nobody reads, does not stop the loop."""
    try:
        tell(loop_status)
    except Exception as error:  # noqa: BLE001 - whatever it is, the loop goes on and reports it
        return loop_status.with_errors(tuple(spell(error)))
    return loop_status


@dataclass
class Loop:
    """The loop, and the status it keeps."""

    take: Callable[[], Iteration]
    loop_status: LoopStatus
    listener: Listener
    spell: Callable[[Exception], list[str]]
    now: Callable[[], datetime]
    wait: Callable[[timedelta, timedelta], None]
    dice: Callable[[], float] = field(default=random.random)
    seen: Callable[[], Observed] = lambda: NOTHING_SEEN  # by the round under way

    def run(self, *, once: bool = False) -> LoopStatus:
        """Ends with `once` after one round, else by Interrupted or KeyboardInterrupt alone."""
        while True:
            self.iteration()
            if once:
                return self.loop_status
            pause = self.pause()
            self.loop_status = replace(self.loop_status, next_iteration=self.now() + pause)
            self.wait(pause, min(pause, SHORTEST_PAUSE))

    def iteration(self) -> None:
        """One round, whatever comes of it."""
        self.loop_status = replace(self.loop_status, next_iteration=None, began=self.now())
        try:
            iteration = self.take()
        except Interrupted:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the loop goes on and reports it
            self.loop_status = self.loop_status.with_errors(tuple(self.spell(error)), self.seen())
            self.loop_status = shown(self.loop_status, self.listener.failed, self.spell)
        else:
            self.loop_status = self.loop_status.with_iteration(iteration, self.now())
            self.loop_status = shown(self.loop_status, self.listener.completed, self.spell)

    def pause(self) -> timedelta:
        """The interval; after errors sooner at first, then later and later, never all at the same time."""
        if not self.loop_status.failed_in_a_row:
            return self.loop_status.interval
        doublings = min(self.loop_status.failed_in_a_row - 1, 10)
        longest: timedelta = min(FIRST_RETRY * 2**doublings, LONGEST_RETRY)
        return longest * (0.5 + self.dice() / 2)
