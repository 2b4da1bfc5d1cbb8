"""A training of earlier inputs that still runs: a decision with a price. Nothing else is ever canceled."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Document, Harness, dataset, finetune
from wanctl.address import Address
from wanctl.engine.converge import Patience
from wanctl.plan import Action, Plan, Status, Step, When
from wanctl.project.events import Silent
from wanctl.project.pruning import Choice, prune


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    """One training of 40 epochs that runs."""
    begun = Harness.begun(tmp_path)
    begun.write(dataset(), finetune())
    begun.apply(waits=False)
    begun.advance(3600)
    (job,) = begun.jobs()
    assert job["status"] == "RUNNING"
    return begun


def longer(**more: Any) -> Document:
    return {**finetune(), "hyper_parameters": {"n_epochs": 50, "eval_epochs": 10}, **more}


def older(harness: Harness) -> str:
    return str(min(harness.jobs(), key=lambda job: str(job["create_time"]))["job_id"])


def decision(plan: Plan, job_id: str) -> Step | None:
    return plan.step(Address.finetune(job_id))


def canceled(harness: Harness) -> int:
    return harness.calls("POST", "/cancel")


def test_a_person_is_asked_with_what_it_has_cost_and_may_still_cost(harness: Harness) -> None:
    job = older(harness)
    harness.write(dataset(), longer())
    step = decision(harness.plan(), job)
    assert step is not None
    assert (step.action, step.when, step.effect) == (Action.CANCEL, When.PERSON, None)
    assert "USD so far" in step.reason
    assert "USD more" in step.reason
    assert step.cost
    assert step.cost.amount
    assert any("superseded: cancel" in hint and f"wanctl prune {job}" in hint for hint in step.hints)
    assert any("superseded: keep" in hint for hint in step.hints)
    assert not harness.plan().orphans
    outcome = harness.apply()
    assert canceled(harness) == 0
    assert outcome.plan.status in {Status.CONVERGED, Status.WAITING_FOR_PERSON}
    statuses = {one["status"] for one in harness.jobs()}
    assert statuses == {"SUCCEEDED"}, "both were billed, as nobody said anything"


def test_cancel_ends_it_once_the_new_one_stands(harness: Harness) -> None:
    job = older(harness)
    harness.write(dataset(), longer(superseded="cancel"))
    planned = decision(harness.plan(), job)
    assert planned is not None
    assert (planned.when, planned.after) == (When.LATER, (Address.finetune("rain"),))
    harness.apply()
    assert canceled(harness) == 1
    assert {one["job_id"]: one["status"] for one in harness.jobs()}[job] == "CANCELED"
    done = harness.plan()
    assert done.status is Status.CONVERGED
    assert not done.orphans


def test_keep_lets_it_end_and_asks_nobody(harness: Harness) -> None:
    job = older(harness)
    harness.write(dataset(), longer(superseded="keep"))
    harness.apply(waits=False)
    kept = decision(harness.plan(), job)
    assert kept is not None
    assert kept.settled
    harness.apply()
    assert canceled(harness) == 0
    assert [one.remote_id for one in harness.plan().orphans] == [job], "it ended, and is kept"


def test_a_change_that_is_taken_back_supersedes_the_other_one(harness: Harness) -> None:
    first = older(harness)
    harness.write(dataset(), longer())
    harness.apply(waits=False)
    second = next(one["job_id"] for one in harness.jobs() if one["job_id"] != first)
    harness.write(dataset(), finetune() | {"superseded": "cancel"})
    plan = harness.plan()
    assert decision(plan, first) is None
    step = decision(plan, second)
    assert step is not None
    assert step.when is When.NOW
    harness.apply()
    assert {one["job_id"]: one["status"] for one in harness.jobs()} == {
        first: "SUCCEEDED",
        second: "CANCELED",
    }


def test_its_id_alone_is_enough_to_end_it(harness: Harness) -> None:
    job = older(harness)
    harness.write(dataset(), longer())
    ended = prune(harness.project(), Choice((job,)), lambda *_: True, Patience(waits=True), Silent())
    assert ended.plan.status is Status.CONVERGED
    assert canceled(harness) == 1


@pytest.mark.parametrize("policy", ["ask", "cancel"])
def test_everything_that_is_pruned_leaves_it_alone(harness: Harness, policy: str) -> None:
    harness.write(dataset(), longer(superseded=policy))
    everything = Choice(everything=True)
    prune(harness.project(), everything, lambda *_: True, Patience(waits=True), Silent())
    assert canceled(harness) == 0


def test_an_adopted_job_is_never_canceled_unasked(harness: Harness) -> None:
    """It may be somebody else's: a person said that it stands for this, not that nobody else needs it."""
    job = older(harness)
    project = harness.project()
    from wanctl.project.adoption import bind

    bind(project, Address.finetune("rain"), job, None)
    harness.write(dataset(), longer(superseded="cancel"))
    step = decision(harness.plan(), job)
    assert step is not None
    assert step.when is When.PERSON
    assert "adopted" in step.reason
    harness.apply()
    assert canceled(harness) == 0


def test_a_job_of_others_of_the_same_inputs_is_none_of_ours(harness: Harness) -> None:
    (job,) = harness.jobs()
    details = harness.call("GET", f"/api/v1/fine-tunes/{job['job_id']}")["output"]
    body = {
        "model": "wan2.6-i2v",
        "training_file_ids": details["training_file_ids"],
        "training_type": "efficient_sft",
        "hyper_parameters": {"n_epochs": 400},
    }
    harness.call("POST", "/api/v1/fine-tunes", body)
    theirs = next(one["job_id"] for one in harness.jobs() if one["job_id"] != job["job_id"])
    harness.write(dataset(), longer(superseded="cancel"))
    harness.apply()
    assert {one["job_id"]: one["status"] for one in harness.jobs()}[theirs] == "SUCCEEDED"
    assert canceled(harness) == 1


def test_without_a_ledger_nothing_is_known_to_be_superseded(harness: Harness) -> None:
    """It is ours by its name, and an orphan; which inputs it had nobody can tell."""
    job = older(harness)
    (harness.specs / ".wanctl/ledger.json").unlink()
    harness.write(dataset(), longer(superseded="cancel"))
    plan = harness.plan()
    assert decision(plan, job) is None
    assert [one.remote_id for one in plan.orphans] == [job]
    harness.apply()
    assert canceled(harness) == 0


def test_while_the_datasets_cannot_be_read_nothing_is_superseded(harness: Harness) -> None:
    job = older(harness)
    (harness.specs.parent / "data").rename(harness.specs.parent / "elsewhere")
    harness.write(dataset(), longer(superseded="cancel"))
    assert decision(harness.plan(), job) is None
    harness.apply(waits=False)
    assert canceled(harness) == 0


def test_nothing_is_canceled_while_the_new_one_cannot_start(harness: Harness) -> None:
    harness.write(dataset(), longer(superseded="cancel"), limits={"new_jobs": 0})
    harness.apply(waits=False)
    assert canceled(harness) == 0


def test_another_attempt_of_the_same_inputs_is_told_by_its_own_step(harness: Harness) -> None:
    job = older(harness)
    harness.write(dataset(), {**finetune(), "attempt": 2, "superseded": "cancel"})
    plan = harness.plan()
    assert decision(plan, job) is None
    own = plan.step(Address.finetune("rain"))
    assert own is not None
    assert own.when is When.BLOCKED
    harness.apply(waits=False)
    assert canceled(harness) == 0


def test_a_cancel_whose_answer_was_lost_is_made_once_more_and_ends(harness: Harness) -> None:
    job = older(harness)
    harness.write(dataset(), longer(superseded="cancel"))
    harness.lose_answer(f"/api/v1/fine-tunes/{job}/cancel")
    harness.apply()
    assert {one["job_id"]: one["status"] for one in harness.jobs()}[job] == "CANCELED"
    harness.advance(int(timedelta(hours=1).total_seconds()))
    harness.apply()
    assert not harness.ledger["intents"]
    assert harness.plan().status is Status.CONVERGED
