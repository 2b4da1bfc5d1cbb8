"""Trials: deployed beside what serves, known to the ledger, ended by whatever plan comes after their time."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.harness import Harness, checkpoint, dataset, deployment, finetune
from wanctl.address import Address
from wanctl.engine.converge import Patience
from wanctl.finding import Severity
from wanctl.language.resources import UnknownName
from wanctl.plan import Action, Status, When
from wanctl.project.errors import ProjectError
from wanctl.project.events import Silent
from wanctl.project.trying import (
    TrialRequest,
    TrialResult,
    begin_trial,
    end_trial,
    standing_trials,
    trial_name,
)

TRIED = Address.deployment("try-best-30")
HOUR = 3600


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("trials")
    harness = Harness.begun(root)
    harness.serve(deployment())
    assert harness.apply().plan.status is Status.CONVERGED
    return root


@pytest.fixture
def harness(begun: Path, tmp_path: Path) -> Harness:
    shutil.copytree(begun, tmp_path / "copied")
    return Harness(tmp_path / "copied/specs")


def tried(
    harness: Harness,
    label: str = "checkpoint-30",
    *,
    hours: float = 2,
    waits: bool = True,
    like: str | None = None,
    says: Callable[..., bool] = lambda *_: True,
) -> TrialResult:
    asked = TrialRequest("Checkpoint/best", label, timedelta(hours=hours), like)
    return begin_trial(harness.project(), asked, says, Patience(waits=waits), Silent())


def trial_findings(harness: Harness) -> list[str]:
    return [one.message for one in harness.plan().findings if one.rule == "trial"]


def test_it_serves_beside_what_serves_and_the_next_apply_after_its_time_deletes_it(harness: Harness) -> None:
    old = harness.deployed[0]
    found = tried(harness)
    assert found.deployed_model in harness.deployed
    assert found.deployed_model.rpartition("-")[0].endswith("-c30"), "the plain name is left to others"
    plan = harness.plan()
    assert plan.status is Status.CONVERGED
    assert "it is a trial of checkpoint-30 until " in trial_findings(harness)[0]
    assert harness.apply().plan.status is Status.CONVERGED
    assert len(harness.deployed) == 2
    harness.advance(2 * HOUR)
    step = harness.step(TRIED)
    assert (step.action, step.when, step.ended) == (Action.DELETE, When.NOW, (found.deployed_model,))
    assert harness.apply().plan.status is Status.CONVERGED
    assert harness.deployed == [old]
    assert str(TRIED) not in harness.ledger["entries"]


def test_what_is_tried_is_no_choice(harness: Harness) -> None:
    tried(harness)
    assert harness.step(Address.checkpoint("best")).summary == "checkpoint-20"
    assert str(harness.project().output("rain")) in harness.deployed
    listed = harness.project().outputs()
    assert [one.address for one in listed.trials] == [TRIED]
    assert "(a trial of checkpoint-30 until " in listed.render("text")
    assert listed.render("dotenv").count("\n") == 1
    assert harness.project().output("try-best-30").to_dict()["trial_until"]


def test_the_last_checkpoint_needs_no_export(harness: Harness) -> None:
    calls = harness.calls("GET", "/export/")
    assert tried(harness, "40").deployed_model in harness.deployed
    assert harness.calls("GET", "/export/") == calls


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_call_without_an_answer_leaves_nothing_behind_after_its_time(harness: Harness, when: str) -> None:
    old = harness.deployed[0]
    tried(harness, "checkpoint-40", waits=False, says=lambda *_: False)
    harness.lose_deploy_answer(when)
    tried(harness, "checkpoint-40", waits=False)
    assert harness.ledger["entries"]["Deployment/try-best-40"]["trial"]
    harness.apply()
    harness.advance(3 * HOUR)
    harness.apply()
    assert harness.deployed == [old]
    assert (harness.ledger["intents"], "Deployment/try-best-40" in harness.ledger["entries"]) == ([], False)


def test_asked_for_again_it_goes_on_and_stays_longer(harness: Harness) -> None:
    first = tried(harness)
    harness.advance(HOUR)
    again = tried(harness)
    assert again.deployed_model == first.deployed_model
    assert again.trial.until - first.trial.until >= timedelta(hours=1)
    shorter = tried(harness, hours=0.5)
    assert shorter.trial.until == again.trial.until, "nobody else's time is cut"
    assert len(harness.deployed) == 2


def test_it_is_ended_by_name_and_nothing_else_is(harness: Harness) -> None:
    old = harness.deployed[0]
    tried(harness)
    with pytest.raises(UnknownName, match="called rain"):
        end_trial(harness.project(), "rain", lambda *_: True, Patience(waits=True), Silent())
    outcome = end_trial(harness.project(), "try-best-30", lambda *_: True, Patience(waits=True), Silent())
    assert outcome.ok
    harness.apply()
    assert harness.deployed == [old]
    assert standing_trials(harness.project()) == ()
    with pytest.raises(ProjectError, match="no trial"):
        end_trial(harness.project(), "try-best-30", lambda *_: True, Patience(), Silent())


def test_one_that_somebody_else_made_under_its_name_is_left_alone(harness: Harness) -> None:
    found = tried(harness)
    suffix = str(found.deployed_model).rpartition("-")[2]
    model = str(found.deployed_model).removesuffix(f"-{suffix}")
    harness.delete_as_somebody(str(found.deployed_model))
    harness.deploy_as_somebody(model, suffix=suffix)
    harness.advance(3 * HOUR)
    harness.apply()
    assert found.deployed_model in harness.deployed


def test_a_document_of_its_name_keeps_it(harness: Harness) -> None:
    found = tried(harness)
    kept = deployment("try-best-30", checkpoint="other")
    harness.write(
        dataset(), finetune(), checkpoint(), checkpoint("other", "checkpoint-30"), deployment(), kept
    )
    assert harness.apply().plan.status is Status.CONVERGED
    harness.advance(3 * HOUR)
    assert harness.apply().plan.status is Status.CONVERGED
    assert found.deployed_model in harness.deployed


def test_the_limit_of_deletions_holds_for_its_end(harness: Harness) -> None:
    harness.write(dataset(), finetune(), checkpoint(), deployment(), limits={"deletes": 0})
    with pytest.raises(ProjectError, match=r"limits\.deletes is 0"):
        tried(harness)
    harness.serve(deployment())
    found = tried(harness)
    harness.advance(3 * HOUR)
    harness.write(dataset(), finetune(), checkpoint(), deployment(), limits={"deletes": 0})
    errors = [one.rule for one in harness.apply().plan.findings if one.severity is Severity.ERROR]
    assert errors == ["limit-deletes"]
    assert found.deployed_model in harness.deployed


def test_nothing_is_begun_where_nobody_says_yes(harness: Harness) -> None:
    before = harness.ledger
    assert not tried(harness, says=lambda *_: False).result.approved
    assert harness.ledger == before
    assert len(harness.deployed) == 1


@pytest.mark.parametrize(
    ("label", "hours", "like", "said"),
    [
        (
            "checkpoint-31",
            2,
            None,
            "checkpoint-31 cannot be tried: .* has no checkpoint-31; it has checkpoint-10",
        ),
        ("checkpoint-30", 0.1, None, "between 10 minutes and 7 days"),
        ("checkpoint-30", 200, None, "between 10 minutes and 7 days"),
    ],
)
def test_what_cannot_be_tried_is_refused(
    harness: Harness, label: str, hours: float, like: str | None, said: str
) -> None:
    with pytest.raises(ProjectError, match=said):
        tried(harness, label, hours=hours, like=like)
    assert len(harness.deployed) == 1


def test_whose_config_it_gets_has_to_be_said_where_that_is_open(harness: Harness) -> None:
    harness.serve(deployment(), deployment("hail", "Then it hails."))
    with pytest.raises(ProjectError, match="--like Deployment/NAME"):
        tried(harness)
    found = tried(harness, like="hail")
    (made,) = [one for one in harness.deployments if one["id"] == found.deployed_model]
    assert made["aigc_config"]["lora_prompt_default"] == "Then it hails."


def test_before_the_training_there_is_nothing_to_try(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    harness.serve(deployment())
    with pytest.raises(ProjectError, match="there is no checkpoint-30 yet; it comes of FineTune/rain"):
        tried(harness)


def test_a_name_is_never_too_long() -> None:
    assert trial_name("best", "checkpoint-160") == "try-best-160"
    assert len(trial_name("b" * 40, "checkpoint-160")) == 40
