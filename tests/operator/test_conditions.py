"""What conditions say of a project and its documents: every phase, and nothing that changes by itself."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from wanctl.address import Address
from wanctl.finding import Finding, Severity
from wanctl.ledger.lease import Lease, LeaseHeld
from wanctl.operator.conditions import (
    ConditionType,
    ObjectStanding,
    Turn,
    document_status,
    project_status,
    stable,
    standing_of,
    standing_of_step,
)
from wanctl.operator.custom_resources import dumped
from wanctl.operator.turning import AccountProblem, problem_of
from wanctl.plan import Action, Plan, Step, When
from wanctl.rules import Rule
from wanctl.studio.errors import AuthError, Throttled

NOW = "2026-03-18T09:00:00Z"
READY, RECONCILING, STALLED, WAITING = ConditionType
TUNE, BEST, SERVED = Address.finetune("rain"), Address.checkpoint("best"), Address.deployment("rain")


def plan_of(*steps: Step, findings: tuple[Finding, ...] = ()) -> Plan:
    return Plan("rain", None, "sandbox", steps, findings)


def step(address: Address, action: Action, when: When, **more: Any) -> Step:
    return Step(address, action, when, **more)


DONE = step(TUNE, Action.NOTHING, When.DONE)
PHASES = {
    "converged": (plan_of(DONE), {READY}, "Converged"),
    "to do": (plan_of(step(TUNE, Action.TRAIN, When.NOW)), {RECONCILING}, "Applying"),
    "at the service": (plan_of(step(TUNE, Action.TRAIN, When.SERVICE)), {RECONCILING}, "InProgress"),
    "a person": (plan_of(DONE, step(BEST, Action.CHOOSE, When.PERSON)), {WAITING}, "WaitingForPerson"),
    "both": (
        plan_of(step(TUNE, Action.TRAIN, When.SERVICE), step(BEST, Action.CHOOSE, When.PERSON)),
        {RECONCILING, WAITING},
        "InProgress",
    ),
    "blocked": (plan_of(step(SERVED, Action.DEPLOY, When.BLOCKED, reason="the quota")), {STALLED}, "Blocked"),
    "later alone": (plan_of(step(SERVED, Action.DEPLOY, When.LATER, after=(TUNE,))), {STALLED}, "Blocked"),
    "over a limit": (
        plan_of(step(TUNE, Action.TRAIN, When.NOW), findings=(Finding.error(Rule.LIMIT_NEW_JOBS, "2 > 1"),)),
        {STALLED},
        "LimitNewJobs",
    ),
    "a closed window": (
        plan_of(
            step(TUNE, Action.TRAIN, When.NOW),
            findings=(Finding(Severity.ERROR, "it opens at 2026-03-18 09:00 UTC", rule=Rule.WINDOW),),
        ),
        set(),
        "OutsideWindows",
    ),
}


@pytest.mark.parametrize("phase", PHASES)
def test_each_phase_has_its_conditions(phase: str) -> None:
    plan, holds, reason = PHASES[phase]
    standing = standing_of(Turn(plan))
    assert (set(standing.holds), standing.reason) == (holds, reason)
    status = project_status(Turn(plan), 3, {}, NOW)
    assert {one.type for one in status.conditions if one.status == "True"} == {one.value for one in holds}
    assert {one.type for one in status.conditions} == set(ConditionType)
    assert {one.observed_generation for one in status.conditions} == {3}


def test_a_call_that_failed_stalls_the_project_and_its_resource() -> None:
    plan = plan_of(step(TUNE, Action.TRAIN, When.NOW), step(BEST, Action.CHOOSE, When.PERSON))
    turn = Turn(plan, failures={TUNE: "POST /x: refused: no quota (HTTP 400, request id 6f1c-22)"})
    assert standing_of(turn).holds == {STALLED}
    assert standing_of_step(plan.steps[0], TUNE, turn).message == "POST /x: refused: no quota (HTTP 400, …)"
    assert standing_of_step(plan.steps[1], BEST, turn).holds == {WAITING}


@pytest.mark.parametrize(
    ("error", "reason", "holds"),
    [
        (AccountProblem("KeyMissing", "lost"), "KeyMissing", STALLED),
        (AuthError("the key is not accepted"), "KeyRefused", STALLED),
        (Throttled("too many calls", request_id="r-1"), "TryingAgain", RECONCILING),
        (RuntimeError("/home/someone/x"), "CannotPlan", STALLED),
    ],
)
def test_an_error_is_told_as_what_it_is(error: Exception, reason: str, holds: ConditionType) -> None:
    standing = problem_of(error)
    assert (standing.reason, set(standing.holds)) == (reason, {holds})
    assert "r-1" not in standing.message
    assert "/home" not in standing.message


def test_a_lease_that_another_run_holds_is_waited_for() -> None:
    since = datetime(2026, 3, 18, 9, tzinfo=UTC)
    held = Lease(token="x", holder="ann@host", since=since, expires=since + timedelta(minutes=5))
    assert problem_of(LeaseHeld(held, "kube:a/b")) == ObjectStanding(
        "LeaseHeld", "another run applies just now", frozenset({RECONCILING})
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("none chosen yet", "none chosen yet"),
        ("it has cost 12.5–13 USD so far, 61 %, for 3 h", "it has cost … so far, …, for …"),
        ("since 2026-03-18 14:05 UTC", "since …"),
        ("expires 2026-03-18T14:05:03+08:00; look at checkpoint-160", "expires …; look at checkpoint-160"),
        ("there is no folder /var/lib/wanctl/films/rain/data/train", "there is no folder …"),
        ("FineTune/rain and https://host/a/b", "FineTune/rain and https://host/a/b"),
        ("first\nsecond", "first"),
        ("8,000 steps of 400 epochs", "8,000 steps of 400 epochs"),
    ],
)
def test_messages_hold_nothing_that_changes_by_itself(text: str, expected: str) -> None:
    assert stable(text) == expected


def test_a_status_that_says_the_same_is_the_same() -> None:
    plan = PHASES["a person"][0]
    first = dumped(project_status(Turn(plan), 1, {}, NOW))
    again = dumped(project_status(Turn(plan), 1, first, "2026-03-18T10:00:00Z"))
    assert first == again
    moved = dumped(project_status(Turn(PHASES["converged"][0]), 1, first, "2026-03-18T10:00:00Z"))
    times = {one["type"]: one["lastTransitionTime"] for one in moved["conditions"]}
    assert times == {
        "Ready": "2026-03-18T10:00:00Z",
        "WaitingForPerson": "2026-03-18T10:00:00Z",
        "Reconciling": NOW,
        "Stalled": NOW,
    }


def test_what_waits_for_approval_is_told_with_its_digest() -> None:
    plan = plan_of(step(TUNE, Action.TRAIN, When.PERSON, reason="it waits for approval"))
    turn = Turn(plan, to_approve={TUNE: "ab" * 32})
    status = dumped(project_status(turn, 1, {}, NOW))
    assert status["toApprove"] == [{"address": "FineTune/rain", "action": "train", "digest": "ab" * 32}]
    assert status["planDigest"] == plan.digest
    assert dumped(document_status(TUNE, turn, 1, {}, NOW))["digest"] == "ab" * 32


def test_a_deleted_object_that_is_needed_says_so() -> None:
    turn = Turn(plan_of(DONE), needed=frozenset({TUNE}))
    assert standing_of_step(DONE, TUNE, turn).reason == "StillNeeded"
    assert standing_of(replace(turn, remaining=("FineTune/rain",))).reason == "DocumentsRemain"


def test_without_a_plan_each_document_says_why() -> None:
    turn = Turn(problem=ObjectStanding("InvalidSpecs", "FineTune/rain .spec.x: no", frozenset({STALLED})))
    status = document_status(TUNE, turn, 1, {}, NOW)
    assert {one.reason for one in status.conditions} == {"ProjectStalled"}
    assert status.state == "failing"
