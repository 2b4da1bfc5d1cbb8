"""What a gate does to a plan: it narrows it, and the window's gate lets a service come back."""

from datetime import UTC, datetime

import pytest

from wanctl.address import Address
from wanctl.engine.gates import window_gate
from wanctl.finding import Severity
from wanctl.language.settings import Window
from wanctl.plan import Action, Plan, Status, Step, When

FRIDAY = (Window.model_validate({"deny": "0 16 * * FRI", "duration": "64h"}),)
OPEN, CLOSED = datetime(2026, 3, 20, 15, tzinfo=UTC), datetime(2026, 3, 20, 17, tzinfo=UTC)
TRAIN = Step(Address.parse("FineTune/rain"), Action.TRAIN, When.NOW)
AGAIN = Step(Address.parse("Deployment/rain"), Action.REPLACE, When.NOW)  # nothing is live
WAITING = Step(Address.parse("FineTune/rain"), Action.TRAIN, When.SERVICE)


def plan(*steps: Step) -> Plan:
    return Plan("rain", None, "sandbox", steps)


@pytest.mark.parametrize(("made", "now"), [(plan(TRAIN), OPEN), (plan(WAITING), CLOSED), (plan(), CLOSED)])
def test_nothing_is_said_where_nothing_is_stopped(made: Plan, now: datetime) -> None:
    for severity in Severity:
        assert window_gate(FRIDAY, severity)(made, now) is made
    assert window_gate((), Severity.ERROR)(made, now) is made


def test_outside_a_plan_warns_and_apply_is_stopped() -> None:
    told = window_gate(FRIDAY, Severity.WARNING)(plan(TRAIN), CLOSED)
    stopped = window_gate(FRIDAY, Severity.ERROR)(plan(TRAIN), CLOSED)
    assert (told.status, stopped.status) == (Status.CHANGES, Status.ERROR)
    assert told.digest == stopped.digest == plan(TRAIN).digest  # a reviewed plan stays what it was
    assert stopped.findings[0].message.endswith("denies it; it opens at 2026-03-23 08:00 UTC")


def test_what_brings_a_service_back_goes_on_alone() -> None:
    gated = window_gate(FRIDAY, Severity.ERROR)(plan(TRAIN, AGAIN), CLOSED)
    assert [step.when for step in gated.steps] == [When.BLOCKED, When.NOW]
    assert gated.status is Status.CHANGES
    assert "only what was begun" in gated.findings[0].message
