"""A new deployment takes over from an old one: what callers get, what is kept, what goes, and when."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Document, Harness, deployment
from wanctl.address import Address
from wanctl.kinds.registry import address_called
from wanctl.plan import Action, Status, When
from wanctl.project.errors import ProjectError
from wanctl.render.summary import deleted

RAIN = Address.deployment("rain")
HOUR = 3600


def pouring(**more: Any) -> Document:
    return deployment(effect="Then it pours.", strategy="blue_green", **more)


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one deployment that serves."""
    root = tmp_path_factory.mktemp("handover")
    harness = Harness.begun(root)
    harness.serve(deployment())
    assert harness.apply().plan.status is Status.CONVERGED
    return root


@pytest.fixture
def harness(begun: Path, tmp_path: Path) -> Harness:
    shutil.copytree(begun, tmp_path / "copied")
    return Harness(tmp_path / "copied/specs")


def running(harness: Harness) -> set[str]:
    return {one["id"] for one in harness.deployments if one["status"] == "RUNNING"}


def test_what_serves_is_given_out_whatever_is_planned(harness: Harness) -> None:
    old = harness.deployed[0]
    harness.serve(pouring())
    before = harness.project().output("rain")
    assert str(before) == old
    assert before.to_dict()["next"]["action"] == "replace"
    new = before.to_dict()["next"]["deployed_model"]
    assert new not in (None, old)
    harness.apply(waits=False)
    flying = harness.project().output()
    assert (str(flying), flying.to_dict()["next"]["deployed_model"]) == (old, new)
    harness.apply()
    after = harness.project().output("Deployment/rain").to_dict()
    assert (after["deployed_model"], after["serving_too"], after["next"]) == (new, [old], None)


def test_a_new_training_takes_nothing_from_callers(harness: Harness) -> None:
    old = harness.deployed[0]
    harness.serve(deployment(), snapshot="checkpoint-30")
    found = harness.project().output("rain")
    assert (str(found), found.to_dict()["next"]["after"]) == (old, ["Checkpoint/best"])


def test_where_nothing_serves_it_is_an_error_that_says_why(harness: Harness) -> None:
    harness.delete_as_somebody(harness.deployed[0])
    with pytest.raises(ProjectError, match=r"is not serving: .* was deleted outside wanctl"):
        harness.project().output("rain")
    with pytest.raises(ProjectError, match="Deployment/rain is not serving"):
        harness.project().outputs()


def test_all_are_listed_and_those_that_do_not_serve_are_named(harness: Harness) -> None:
    harness.serve(deployment(), deployment("two", "Then it hails."))
    found = harness.project().outputs()
    assert [str(one) for one in found.found] == harness.deployed
    assert found.missing == {Address.deployment("two"): "not deployed yet"}
    assert found.render("text").splitlines() == [f"Deployment/rain  {harness.deployed[0]}"]
    assert found.render("dotenv") == f"RAIN_DEPLOYED_MODEL={harness.deployed[0]}\n"


@pytest.mark.parametrize("text", ["rain", "Deployment/rain", "deployment/rain"])
def test_output_and_destroy_take_the_same_names(harness: Harness, text: str) -> None:
    assert str(harness.project().output(text)) == harness.deployed[0]
    assert address_called(text) == RAIN


def test_in_flight_the_old_one_is_what_goes(harness: Harness) -> None:
    old = harness.deployed[0]
    harness.serve(pouring())
    harness.apply(waits=False)
    plan = harness.plan()
    step = plan.step(RAIN)
    assert step is not None
    assert (step.when, step.ended) == (When.SERVICE, (old,))
    assert step.remote_id != old
    assert deleted(plan) == f"{old} will be deleted"
    assert plan.as_json()["steps"][-1]["ends"] == [old]


def test_a_run_that_begins_in_flight_ends_the_old_one(harness: Harness) -> None:
    harness.serve(pouring(keep_old="0s"))
    harness.apply(waits=False)
    outcome = harness.apply()
    assert outcome.plan.status is Status.CONVERGED
    assert outcome.unapproved == []
    assert len(running(harness)) == 1


def test_the_old_one_is_kept_for_its_time_and_no_longer(harness: Harness) -> None:
    harness.serve(pouring(keep_old="2h"))
    assert harness.apply().plan.status is Status.CONVERGED
    assert len(running(harness)) == 2
    harness.advance(HOUR)
    plan = harness.plan()
    assert plan.status is Status.CONVERGED
    assert [one.rule for one in plan.findings if one.address == RAIN] == ["old-kept"]
    harness.advance(HOUR)
    assert harness.step(RAIN).when is When.NOW
    assert harness.apply().plan.status is Status.CONVERGED
    assert len(running(harness)) == 1
    assert harness.ledger["entries"]["Deployment/rain"]["handed_over"] is None


@pytest.mark.parametrize(("strategy", "left"), [("recreate", 1), ("blue_green", 2)])
def test_how_long_it_is_kept_where_nobody_says(harness: Harness, strategy: str, left: int) -> None:
    harness.serve(deployment(effect="Then it pours.", strategy=strategy))
    assert harness.apply().plan.status is Status.CONVERGED
    assert len(running(harness)) == left


def test_what_was_undone_takes_over_again_and_nothing_is_deployed(harness: Harness) -> None:
    old = harness.deployed[0]
    harness.serve(pouring())
    harness.apply()
    calls = harness.changing_calls()
    harness.serve(deployment(strategy="blue_green"))
    step = harness.step(RAIN)
    assert (step.action, step.when) == (Action.REPLACE, When.NOW)
    assert old not in step.ended
    assert harness.apply().plan.status is Status.CONVERGED
    assert harness.changing_calls() == calls
    assert str(harness.project().output("rain")) == old
    harness.advance(HOUR)
    assert harness.apply().plan.status is Status.CONVERGED
    assert running(harness) == {old}


def test_of_three_the_one_that_served_last_is_kept(harness: Harness) -> None:
    harness.serve(pouring())
    harness.apply()
    second = str(harness.project().output("rain"))
    harness.serve(deployment(effect="Then it hails.", strategy="blue_green"))
    harness.apply()
    third = str(harness.project().output("rain"))
    assert running(harness) == {second, third}


def test_one_that_never_served_is_not_what_is_kept(harness: Harness) -> None:
    old = harness.deployed[0]
    harness.rig(next_deployment="FAILED")
    harness.serve(pouring())
    harness.apply()
    harness.serve(pouring(attempt=2))
    assert harness.apply().plan.status is Status.CONVERGED
    assert {old, str(harness.project().output("rain"))} == set(harness.deployed)


def test_a_protected_one_is_handed_over_without_lifting_anything(harness: Harness) -> None:
    harness.serve(deployment(protect=True))
    harness.apply()
    harness.serve(pouring(protect=True, keep_old="0s"))
    assert harness.apply().plan.status is Status.CONVERGED
    assert harness.ledger["entries"]["Deployment/rain"]["protected"]
    assert len(harness.deployed) == 1
    step = harness.apply(to_delete=()).plan.steps[0]
    assert (step.action, step.when) == (Action.DELETE, When.BLOCKED)


def test_a_protected_one_is_not_recreated(harness: Harness) -> None:
    harness.serve(deployment(protect=True))
    harness.apply()
    harness.serve(deployment(effect="Then it pours.", protect=True))
    step = harness.step(RAIN)
    assert step.when is When.BLOCKED
    assert "strategy: blue_green" in step.hints[1]
    harness.apply()
    assert len(harness.deployed) == 1


def test_a_protected_one_stays_while_the_new_one_does_not_serve(harness: Harness) -> None:
    """The new one fails: the old one goes on serving, and stays protected."""
    old = harness.deployed[0]
    harness.serve(deployment(protect=True))
    harness.apply()
    harness.rig(next_deployment="FAILED")
    harness.serve(pouring(protect=True))
    harness.apply()
    assert old in running(harness)
    assert str(harness.project().output("rain")) == old
