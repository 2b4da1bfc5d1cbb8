"""When what is in flight is looked at again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from wanctl.address import Address, Kind
from wanctl.engine.polling import LookSchedule, PollingPace, ServiceWaits
from wanctl.plan import Action, Progress, Step, When

START = datetime(2026, 3, 18, tzinfo=UTC)
JOB = Step(
    Address(Kind.FINETUNE, "rain"),
    Action.TRAIN,
    When.SERVICE,
    "ft-1 is training",
    remote_id="ft-1",
    progress=Progress("RUNNING"),
)
LIVE = Step(Address(Kind.DEPLOYMENT, "rain"), Action.DEPLOY, When.SERVICE, "coming up", remote_id="m-1")


def schedule(fixed: dict[Kind, float] | None = None, thrown: float = 0.0) -> LookSchedule:
    return LookSchedule(PollingPace(fixed or {}, dice=lambda: thrown))


def pauses(watching: LookSchedule, steps: list[list[Step]]) -> list[float]:
    """Seconds between looks, when each look shows the next of these."""
    at, found = START, []
    watching.saw(at, steps[0])
    for shown in steps[1:]:
        seconds = watching.seconds(at)
        found.append(seconds)
        at += timedelta(seconds=seconds)
        watching.saw(at, shown, watching.due(at))
    return found


def test_a_job_is_asked_for_less_often_while_nothing_changes() -> None:
    assert pauses(schedule(), [[JOB]] * 7) == [15, 22.5, 33.75, 50.625, 60, 60]


def test_its_progress_is_no_change_but_its_status_is() -> None:
    further = replace(JOB, progress=Progress("RUNNING", 0.5, "step 4 of 8"))
    canceling = replace(JOB, progress=Progress("CANCELING"))
    assert pauses(schedule(), [[JOB], [further], [canceling], [canceling]]) == [15, 22.5, 15]


def test_a_deployment_is_asked_for_every_fifteen_seconds_at_the_latest() -> None:
    assert pauses(schedule(), [[LIVE]] * 6) == [5, 7.5, 11.25, 15, 15]


def test_of_a_crowd_each_is_asked_for_less_often_but_never_much_too_late() -> None:
    pace, (alone, crowd) = PollingPace(dice=lambda: 0.0), (1, 200)
    assert pace.pause(JOB, 60.0, waited=36_000, crowd=alone) == 60
    assert pace.pause(JOB, 60.0, waited=600, crowd=crowd) == 60
    assert pace.pause(JOB, 900.0, waited=2_000, crowd=crowd) == 160, "of the time that it has waited"
    assert pace.pause(JOB, 900.0, waited=36_000, crowd=crowd) == 240, (
        "four times as many, four times as seldom"
    )


def test_many_of_a_kind_are_a_crowd_and_those_of_another_are_not() -> None:
    jobs = [replace(JOB, address=Address(Kind.FINETUNE, f"rain-{number}")) for number in range(100)]
    watching, at = schedule(), START
    watching.saw(at, [*jobs, LIVE])
    for _ in range(200):
        at += timedelta(seconds=watching.seconds(at))
        watching.saw(at, [*jobs, LIVE], watching.due(at))
    assert at - START > timedelta(seconds=190 * 15 * 0.9)
    assert watching.seconds(at) <= 15


def test_what_is_written_down_is_kept_to_the_second() -> None:
    assert pauses(schedule({Kind.FINETUNE: 1800.0}, thrown=0.9), [[JOB]] * 4) == [1800, 1800, 1800]


def test_each_is_looked_at_in_its_own_time() -> None:
    watching = schedule({Kind.FINETUNE: 60.0, Kind.DEPLOYMENT: 15.0})
    at, looks = START, []
    watching.saw(at, [JOB, LIVE])
    for _ in range(8):
        at += timedelta(seconds=watching.seconds(at))
        due = watching.due(at)
        looks.append({address.kind for address in due})
        watching.saw(at, [JOB, LIVE], due)
    assert looks == [{Kind.DEPLOYMENT}] * 3 + [{Kind.DEPLOYMENT, Kind.FINETUNE}] + looks[:4]


def test_when_the_wait_ends_early_everything_is_looked_at() -> None:
    watching = schedule()
    watching.saw(START, [JOB, LIVE])
    assert watching.due(START + timedelta(seconds=1)) == {JOB.address, LIVE.address}


def test_what_was_read_on_the_way_need_not_be_read_again_at_once() -> None:
    watching = schedule()
    watching.saw(START, [JOB])
    watching.saw(START + timedelta(seconds=10), [JOB])
    assert watching.seconds(START + timedelta(seconds=10)) == 22.5


@given(st.floats(0, 1, exclude_max=True), st.integers(2, 12))
def test_the_dice_make_an_interval_shorter_and_never_longer(thrown: float, looks: int) -> None:
    sure, thrown_for = pauses(schedule(), [[JOB]] * looks), pauses(schedule(thrown=thrown), [[JOB]] * looks)
    for longest, seconds in zip(sure, thrown_for, strict=True):
        assert 0.9 * longest - 0.001 <= seconds <= longest


def test_what_was_waited_for_is_told_once_it_is_done() -> None:
    waits, later = ServiceWaits(), START + timedelta(hours=3)
    done = replace(JOB, action=Action.NOTHING, when=When.DONE, reason="trained")
    begun = replace(JOB, progress=Progress("RUNNING", elapsed=timedelta(minutes=12)))
    assert waits.saw(START, [done]) == [], "nobody waited for it"
    assert waits.saw(START, [begun, LIVE]) == []
    assert waits.saw(later, [done, replace(LIVE, when=When.BLOCKED)]) == [
        (done, timedelta(hours=3, minutes=12))
    ]
    assert waits.saw(later, [done]) == []


def test_of_what_nobody_knows_when_it_began_no_time_is_told() -> None:
    waits, done = ServiceWaits(), replace(LIVE, when=When.DONE)
    waits.saw(START, [LIVE])
    assert waits.saw(START + timedelta(hours=1), [done]) == [(done, None)]
