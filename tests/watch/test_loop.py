"""The loop with a clock that nobody waits for: intervals, backing off, and no error that ends it."""

import signal
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.watch.statuses import NOON, SETTLED, STEPS, empty_status, iteration_of, loop_status_of, step
from wanctl.base.running import Interrupted
from wanctl.plan import Action, When
from wanctl.watch.checkout import WatchError
from wanctl.watch.iteration import Iteration
from wanctl.watch.loop import LONGEST_RETRY, SHORTEST_PAUSE, Listeners, Loop, Wakeup
from wanctl.watch.running import alone, signals
from wanctl.watch.status import LoopStatus, Waits

Took = Iteration | Exception


class LoopSetup:
    """Gives the rounds one after the other, then ends the loop; remembers every pause."""

    def __init__(self, *iterations: Took, dice: float = 1.0) -> None:
        self.left = list(iterations)
        self.time = NOON
        self.pauses: list[timedelta] = []
        self.least: list[timedelta] = []
        self.told: list[str] = []
        self.loop = Loop(
            take=self.take,
            loop_status=empty_status(),
            listener=self,
            spell=lambda error: [str(error)],
            now=lambda: self.time,
            wait=self.wait,
            dice=lambda: dice,
        )

    def take(self) -> Iteration:
        if not self.left:
            raise Interrupted
        iteration = self.left.pop(0)
        if isinstance(iteration, Exception):
            raise iteration
        return iteration

    def wait(self, span: timedelta, least: timedelta) -> None:
        self.least.append(least)
        assert self.loop.loop_status.next_iteration == self.time + span
        self.pauses.append(span)
        self.time += span

    def completed(self, loop_status: LoopStatus) -> None:
        assert loop_status.iteration is not None
        self.told.append(loop_status.iteration.plan.status.value)

    def failed(self, loop_status: LoopStatus) -> None:
        self.told.append(" ".join(loop_status.errors))

    def run(self) -> None:
        with pytest.raises(Interrupted):
            self.loop.run()


def test_each_turn_comes_an_interval_after_the_last() -> None:
    stage = LoopSetup(iteration_of(*STEPS), iteration_of(*SETTLED))
    stage.run()
    assert stage.pauses == [timedelta(minutes=5)] * 2
    assert stage.told == ["in_progress", "converged"]


@pytest.mark.parametrize("dice", [0.0, 0.5, 1.0])
def test_errors_never_end_it_and_are_tried_later_and_later(dice: float) -> None:
    errors = [OSError("the line is down"), *(RuntimeError(f"no {number}") for number in range(8))]
    stage = LoopSetup(*errors, iteration_of(*SETTLED), dice=dice)
    stage.run()
    longest = [15, 30, 60, 120, 240, 480, 600, 600, 600]
    assert stage.pauses[:-1] == [timedelta(seconds=span) * (0.5 + dice / 2) for span in longest]
    assert max(stage.pauses) <= LONGEST_RETRY
    assert stage.pauses[-1] == timedelta(minutes=5)  # all is well again
    assert stage.told[0] == "the line is down"
    assert stage.told[-1] == "converged"


def test_many_errors_do_not_overflow() -> None:
    stage = LoopSetup(*(OSError("x") for _ in range(5000)))
    stage.run()
    assert stage.pauses[-1] == LONGEST_RETRY


def test_readiness_follows_the_last_turn() -> None:
    stage = LoopSetup(iteration_of(*SETTLED), OSError("down"), iteration_of(*SETTLED))
    ready: list[bool] = [stage.loop.loop_status.ready(NOON)]
    for _ in range(3):
        stage.loop.iteration()
        ready.append(stage.loop.loop_status.ready(stage.time))
    assert ready == [False, True, False, True]
    assert not stage.loop.loop_status.ready(NOON + timedelta(minutes=31))  # it hangs


def test_an_error_keeps_what_was_known() -> None:
    stage = LoopSetup(iteration_of(*STEPS), OSError("down"))
    stage.run()
    loop_status = stage.loop.loop_status
    assert loop_status.iteration is not None
    assert (loop_status.errors, loop_status.failed_in_a_row) == (("down",), 1)


def test_a_full_disk_does_not_end_it() -> None:
    stage = LoopSetup(iteration_of(*SETTLED), iteration_of(*SETTLED))
    calls: list[LoopStatus] = []

    def full(loop_status: LoopStatus) -> None:
        calls.append(loop_status)
        if len(calls) == 1:
            raise OSError("no space left")

    stage.completed = full  # type: ignore[method-assign]  # an audience whose disk is full
    stage.run()
    assert len(calls) == 2
    assert stage.pauses[0] < stage.pauses[1]  # it is tried again soon


def test_who_cannot_be_told_keeps_nobody_else_from_it() -> None:
    told: list[LoopStatus] = []

    class Deaf:
        def completed(self, _: LoopStatus) -> None:
            raise BrokenPipeError

        failed = completed

    class Hears:
        def completed(self, loop_status: LoopStatus) -> None:
            told.append(loop_status)

        failed = completed

    several = Listeners((Deaf(), Hears()))
    for tell in (several.completed, several.failed):
        with pytest.raises(BrokenPipeError):
            tell(empty_status())
    assert len(told) == 2


def test_once_is_one_turn() -> None:
    stage = LoopSetup(OSError("down"), iteration_of(*SETTLED))
    assert stage.loop.run(once=True).errors == ("down",)
    assert stage.pauses == []


def test_how_long_something_waits_is_counted_from_when_it_was_first_seen() -> None:
    loop_status = loop_status_of(*STEPS)
    later = NOON + timedelta(hours=1)
    loop_status = loop_status.with_iteration(iteration_of(*STEPS), later)
    assert loop_status.oldest_wait(When.PERSON, later) == timedelta(hours=1)
    loop_status = loop_status.with_iteration(iteration_of(*SETTLED), later)
    assert loop_status.oldest_wait(When.PERSON, later) == timedelta(0)


def test_a_wait_for_the_service_that_becomes_one_for_a_person_begins_anew() -> None:
    asked = step("Deployment/rain", When.SERVICE, Action.DEPLOY)
    later = NOON + timedelta(hours=5)
    stopped = iteration_of(replace(asked, when=When.PERSON))
    assert loop_status_of(asked).with_iteration(stopped, later).oldest_wait(When.PERSON, later) == timedelta(
        0
    )


def test_how_long_something_waits_is_known_after_a_restart(tmp_path: Path) -> None:
    waits = Waits(tmp_path / "waits.json")
    assert waits.known(NOON) == {}
    waits.completed(loop_status_of(*STEPS))
    later = NOON + timedelta(hours=30)
    again = replace(empty_status(), waiting_since=waits.known(later)).with_iteration(
        iteration_of(*STEPS), later
    )
    assert again.oldest_wait(When.PERSON, later) == timedelta(hours=30)
    assert set(waits.known(NOON - timedelta(days=1)).values()) == {
        NOON - timedelta(days=1)
    }  # a clock put back
    (tmp_path / "waits.json").write_text("{", encoding="utf-8")
    assert waits.known(NOON) == {}


@pytest.mark.parametrize("rings", [1, 5])
def test_however_often_the_bell_rings_that_is_one_turn(rings: int) -> None:
    wakeup = Wakeup()
    for _ in range(rings):
        wakeup.ring()
    assert wakeup._rung.qsize() == 1, "what comes during a long round is not kept one by one"
    began = datetime.now(tz=NOON.tzinfo)
    wakeup.wait(timedelta(hours=1))
    wakeup.wait(timedelta(seconds=-1))  # nothing is left, and it is not waited for
    assert datetime.now(tz=NOON.tzinfo) - began < timedelta(seconds=30)


def test_who_rings_and_rings_brings_no_turn_after_the_other_without_a_rest() -> None:
    """A webhook that was overheard can be sent again by anybody, as often as they like."""
    stage = LoopSetup(iteration_of(*STEPS), iteration_of(*SETTLED))
    stage.run()
    assert stage.least == [SHORTEST_PAUSE] * 2
    wakeup, began = Wakeup(), time.monotonic()
    wakeup.ring()
    wakeup.wait(timedelta(hours=1), timedelta(seconds=0.2))
    assert 0.2 <= time.monotonic() - began < 30


def test_a_pause_that_is_over_ends_without_a_ring() -> None:
    Wakeup().wait(timedelta(0))


def test_sighup_rings_and_sigterm_ends_as_ctrl_c_does() -> None:
    wakeup = Wakeup()
    before = [signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGTERM)]
    with signals(wakeup):
        signal.raise_signal(signal.SIGHUP)
        wakeup.wait(timedelta(hours=1))
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Interrupted):  # also where what was raised went unheard
            wakeup.wait(timedelta(hours=1), timedelta(hours=1))
    assert [signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGTERM)] == before


def test_two_loops_do_not_share_a_checkout(tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(WatchError, match="another wanctl watch runs"), alone(tmp_path):
        raise AssertionError
    with alone(tmp_path):
        """And afterwards it is free."""


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WatchError, match="cannot be written"), alone(tmp_path / "file" / "watch"):
        pass
