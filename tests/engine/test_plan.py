"""The plan as a value: its status, its digest, what one run comes to, and what an approval covers."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from wanctl.address import Address
from wanctl.catalogue.estimate import Cost
from wanctl.engine.gates import Approval
from wanctl.finding import Finding, Severity
from wanctl.kinds.deployment.deploying import DeleteDeployment, Deploy
from wanctl.kinds.finetune.training import Train
from wanctl.language.settings import Provider, Settings
from wanctl.plan import Action, Change, FieldClass, Plan, Progress, Status, Step, When
from wanctl.rules import Rule

DATASET, JOB = Address.dataset("d"), Address.finetune("f")
CHOICE, LIVE = Address.checkpoint("c"), Address.deployment("l")


def plan(*steps: Step, findings: tuple[Finding, ...] = ()) -> Plan:
    return Plan("p", None, "sandbox", steps, findings)


def step(address: Address, action: Action, when: When, *after: Address, **more: Any) -> Step:
    return Step(address, action, when, after=after, **more)


@pytest.mark.parametrize(
    ("phases", "status"),
    [
        ([When.DONE], Status.CONVERGED),
        ([When.DONE, When.NOW, When.BLOCKED], Status.CHANGES),
        ([When.SERVICE, When.PERSON, When.BLOCKED], Status.IN_PROGRESS),
        ([When.BLOCKED, When.PERSON, When.LATER], Status.BLOCKED),
        ([When.PERSON, When.LATER], Status.WAITING_FOR_PERSON),
        ([], Status.CONVERGED),
    ],
)
def test_status(phases: list[When], status: Status) -> None:
    steps = [step(Address.dataset(f"d{number}"), Action.UPLOAD, when) for number, when in enumerate(phases)]
    assert plan(*steps).status is status


def test_an_error_is_an_error_whatever_else_there_is() -> None:
    broken = plan(
        step(DATASET, Action.UPLOAD, When.NOW), findings=(Finding(Severity.ERROR, "no", rule=Rule.FAILED),)
    )
    assert broken.status is Status.ERROR


def test_the_digest_knows_no_progress_price_or_wording() -> None:
    running = step(JOB, Action.TRAIN, When.SERVICE, remote_id="ft-1")
    later = replace(
        running,
        progress=Progress("RUNNING", 0.61, "training", datetime(2026, 3, 18, tzinfo=UTC)),
        cost=Cost((1, 2), (Decimal(1), Decimal(2)), "USD", "a list"),
        reason="other words",
        hints=("a hint with specs/a.yaml:3",),
    )
    assert plan(running).digest == plan(later).digest


@pytest.mark.parametrize(
    "changed",
    [
        {"action": Action.DELETE},
        {"when": When.BLOCKED},
        {"remote_id": "ft-2"},
        {"changes": (Change("n_epochs", 400, 500, FieldClass.IMMUTABLE),)},
        {"after": (DATASET,)},
    ],
)
def test_the_digest_knows_everything_that_is_approved(changed: dict[str, Any]) -> None:
    before = step(JOB, Action.TRAIN, When.NOW, remote_id="ft-1")
    assert plan(before).digest != plan(replace(before, **changed)).digest


@pytest.mark.parametrize("other", [{"project": "q"}, {"environment": "prod"}, {"provider": "model-studio"}])
def test_what_was_approved_for_one_place_is_not_approved_for_another(other: dict[str, Any]) -> None:
    here = plan(step(DATASET, Action.UPLOAD, When.NOW))
    assert replace(here, **other).digest != here.digest


def test_settled_steps_are_not_part_of_the_digest() -> None:
    assert plan(step(DATASET, Action.NOTHING, When.DONE)).digest == plan().digest


def test_what_one_run_comes_to() -> None:
    chain = plan(
        step(DATASET, Action.UPLOAD, When.NOW),
        step(JOB, Action.TRAIN, When.LATER, DATASET),
        step(CHOICE, Action.EXPORT, When.LATER, JOB),
        step(LIVE, Action.DEPLOY, When.LATER, CHOICE),
    )
    assert [one.address for one in chain.this_run()] == [DATASET, JOB]
    assert [one.address for one in chain.reachable()] == [DATASET, JOB, CHOICE, LIVE]


def test_no_run_comes_past_a_person_or_a_block() -> None:
    for phase in (When.PERSON, When.BLOCKED):
        waiting = plan(
            step(JOB, Action.NOTHING, When.DONE),
            step(CHOICE, Action.CHOOSE, phase),
            step(LIVE, Action.DEPLOY, When.LATER, CHOICE),
        )
        assert waiting.reachable() == ()


SENT = {"model_name": "m", "capacity": 1, "aigc_config": {}, "suffix": None, "attempt": 1}


def deploy(prompt: str, model: str | None) -> Step:
    """A deployment whose model may still be unknown."""
    return step(
        LIVE,
        Action.REPLACE,
        When.NOW if model else When.LATER,
        changes=(
            Change("model_name", "old", model, FieldClass.IMMUTABLE, known_after=None if model else CHOICE),
            Change("aigc_config.prompt", "a", prompt, FieldClass.WRITE_ONLY),
        ),
        effect=Deploy(LIVE, "i", SENT, False, ()) if model else None,
    )


def test_an_approval_covers_what_was_to_be_known_later() -> None:
    assert Approval.of(plan(deploy("b", None))).covers(deploy("b", "new"))


def test_an_approval_covers_both_halves_of_a_replacement() -> None:
    half = step(LIVE, Action.REPLACE, When.NOW, effect=DeleteDeployment(LIVE, "old"))
    assert Approval.of(plan(deploy("b", "new"))).covers(half)


def test_an_approval_covers_no_other_value_action_or_resource() -> None:
    approval = Approval.of(plan(deploy("b", "new")))
    assert not approval.covers(deploy("c", "new"))
    assert not approval.covers(deploy("b", "another"))
    assert not approval.covers(replace(deploy("b", "new"), action=Action.DEPLOY))
    assert not approval.covers(replace(deploy("b", "new"), address=Address.deployment("other")))


def test_an_approval_covers_nothing_that_was_blocked_or_settled() -> None:
    train = step(JOB, Action.TRAIN, When.NOW, effect=Train(JOB, "i", {}, {}, ()))
    assert Approval.of(plan(train)).covers(train)
    assert not Approval.of(plan(replace(train, when=When.BLOCKED))).covers(train)
    assert not Approval.of(plan(step(JOB, Action.NOTHING, When.DONE))).covers(train)
    assert not Approval.of(plan(train)).covers(replace(train, effect=DeleteDeployment(JOB, "x")))


def test_what_was_approved_for_one_account_is_not_approved_for_another() -> None:
    def approved(**more: Any) -> str:
        settings = Settings(version=1, project="p", provider=Provider.MODEL_STUDIO, **more)
        return replace(plan(step(JOB, Action.TRAIN, When.NOW)), account=settings.account).digest

    workspaces = [approved(region="frankfurt", workspace=name) for name in ("llm-1", "llm-2")]
    address = approved(base_url="https://dashscope-intl.aliyuncs.com")
    assert len({approved(), approved(region="beijing"), *workspaces, address}) == 5
    assert Settings(version=1, project="p", region="beijing").account == "", "the sandbox is in no region"


def test_half_a_letter_that_a_service_answered_has_a_digest() -> None:
    change = Change("name", "\ud800", None, FieldClass.WRITE_ONLY)
    step = Step(Address.deployment("d"), Action.DEPLOY, When.NOW, "it is told so", changes=(change,))
    assert len(Plan("p", None, "sandbox", (step,)).digest) == 64
