"""What is kept without a spec is told with its name, its age and its cost; what serves is no orphan."""

from pathlib import Path

import pytest

from tests.datasets import small_dataset
from tests.harness import Harness, checkpoint, dataset, deployment, finetune
from wanctl.plan import Orphan, Plan


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    return Harness.begun(tmp_path)


def retrained(epochs: int = 50) -> dict[str, object]:
    return {**finetune(), "hyper_parameters": {"n_epochs": epochs, "eval_epochs": 10}}


def orphans(plan: Plan, kind: str = "FineTune") -> list[Orphan]:
    return [one for one in plan.orphans if one.kind == kind]


def test_a_job_whose_model_serves_is_no_orphan_until_another_takes_over(harness: Harness) -> None:
    harness.serve(deployment())
    harness.apply()
    (job,) = harness.jobs()
    harness.write(dataset(), retrained(), checkpoint(), deployment())
    assert orphans(harness.plan()) == []
    harness.write(dataset(), retrained(), checkpoint())
    assert orphans(harness.plan()) == [], "it serves until its document's end is applied"
    harness.apply()
    assert [one.remote_id for one in orphans(harness.plan())] == [job["job_id"]]


@pytest.mark.parametrize("how", ["finetune", "model_name"])
def test_it_serves_by_whatever_name_the_deployment_has_for_it(harness: Harness, how: str) -> None:
    harness.write(dataset(), finetune(), deployment(finetune="rain"))
    harness.apply()
    (served,) = harness.deployed
    if how == "model_name":
        kept = deployment(finetune="rain")
        del kept["finetune"]
        harness.write(dataset(), {**kept, "model_name": served})
    else:
        harness.write(dataset(), retrained(), deployment(finetune="rain"))
    assert orphans(harness.plan()) == []


def test_what_nothing_accounts_for_serves_nobody(harness: Harness) -> None:
    """Somebody's deployment is an orphan itself, and so is the job behind it: prune takes both."""
    harness.write(dataset(), finetune())
    harness.apply()
    (job,) = harness.jobs()
    harness.deploy_as_somebody(job["finetuned_output"])
    harness.write(dataset(), retrained())
    found = harness.plan().orphans
    assert {one.kind for one in found} == {"FineTune", "Deployment"}


def test_an_orphan_has_its_name_its_age_and_its_bill(harness: Harness) -> None:
    harness.write(dataset(), finetune())
    harness.apply()
    harness.advance(3 * 24 * 3600)
    harness.write(dataset(), retrained())
    (job,) = orphans(harness.plan())
    assert job.name == "FineTune/rain"
    assert job.age is not None
    assert job.age.days == 3
    assert job.cost is not None
    assert job.cost.billed_tokens
    assert job.cost.billed_amount
    told = job.as_json()
    assert told["age_seconds"] >= 3 * 24 * 3600
    assert told["cost"]["billed_amount"] == str(job.cost.billed_amount)


def test_a_lost_ledger_leaves_what_the_service_says(harness: Harness) -> None:
    """The name by the mark in the job's; of the cost what was billed, and nothing that is guessed."""
    harness.write(dataset(), finetune())
    harness.apply()
    (harness.specs / ".wanctl/ledger.json").unlink()
    harness.write(dataset("other"))
    found = {one.kind: one for one in harness.plan().orphans}
    assert found["FineTune"].name == "FineTune/rain"
    assert found["FineTune"].cost is not None
    assert found["FineTune"].cost.tokens is None
    assert found["FineTune"].cost.billed_tokens


def test_an_upload_costs_nothing_and_is_told_with_its_age(harness: Harness) -> None:
    harness.write(dataset())
    harness.apply()
    harness.advance(7200)
    small_dataset(harness.specs.parent / "more", clips=3)
    harness.write({**dataset(), "source": "../more"})
    (one,) = orphans(harness.plan(), "Dataset")
    assert (one.name, one.cost) == ("Dataset/train", None)
    assert one.age is not None
    assert one.age.total_seconds() >= 7200
