"""Another name for the same: nothing is called at the service, whatever moves and however often."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.harness import CHANGING, Harness, checkpoint, dataset, deployment, finetune
from wanctl.address import Address
from wanctl.finding import Severity
from wanctl.ledger.errors import LedgerError
from wanctl.plan import Action, Plan, Status, When
from wanctl.project import Project
from wanctl.project.adoption import bind

LEDGER = ".wanctl/ledger.json"


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was applied once, for the tests to begin from a copy of it."""
    root = tmp_path_factory.mktemp("renamed")
    harness = Harness.begun(root)
    harness.serve(deployment())
    assert harness.apply().plan.status is Status.CONVERGED
    return root


@pytest.fixture
def harness(served: Path, tmp_path: Path) -> Harness:
    shutil.copytree(served, tmp_path / "copied")
    return Harness(tmp_path / "copied/specs")


def move(harness: Harness, *moves: tuple[str, str]) -> None:
    """What wanctl.yaml says of other names."""
    path = harness.specs / "wanctl.yaml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    settings["moved"] = [{"from": old, "to": new} for old, new in moves]
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")


def calls(harness: Harness) -> int:
    return sum(one["method"] in CHANGING for one in harness.call("GET", "/_sandbox/requests"))


def moves_of(plan: Plan) -> list[str]:
    return [f"{step.address} → {step.summary}" for step in plan.steps if step.action is Action.MOVE]


def everything_renamed() -> list[dict[str, Any]]:
    return [
        {**dataset("clips")},
        {**finetune("storm"), "training": ["clips"]},
        {**checkpoint("chosen"), "finetune": "storm"},
        deployment("pouring", checkpoint="chosen"),
    ]


ALL = (
    ("Dataset/train", "Dataset/clips"),
    ("FineTune/rain", "FineTune/storm"),
    ("Checkpoint/best", "Checkpoint/chosen"),
    ("Deployment/rain", "Deployment/pouring"),
)


def test_everything_at_once_and_the_lines_may_stay(harness: Harness) -> None:
    before = calls(harness)
    harness.write(*everything_renamed())
    move(harness, *ALL)
    outcome = harness.apply()
    assert outcome.plan.status is Status.CONVERGED
    assert [step.action for step, _ in outcome.done] == [Action.MOVE] * 4
    assert calls(harness) == before
    assert set(harness.ledger["entries"]) == {new for _, new in ALL}
    plan = harness.plan()
    assert plan.status is Status.CONVERGED
    rules = {one.rule for one in plan.findings}
    assert not [rule for rule in rules if rule and "move" in rule], "they stay for those who apply later"
    harness.write(*everything_renamed())
    assert harness.plan().status is Status.CONVERGED


@pytest.mark.parametrize("applied", ["neither", "the first"])
def test_a_chain_leads_from_wherever_the_ledger_is(harness: Harness, applied: str) -> None:
    first, second = ("Deployment/rain", "Deployment/storm"), ("Deployment/storm", "Deployment/pouring")
    if applied == "the first":
        harness.serve(deployment("storm"))
        move(harness, first)
        harness.apply()
    before = calls(harness)
    harness.serve(deployment("pouring"))
    move(harness, second, first)
    assert moves_of(harness.plan()) == [
        f"Deployment/{'rain' if applied == 'neither' else 'storm'} → Deployment/pouring"
    ]
    assert harness.apply().plan.status is Status.CONVERGED
    assert calls(harness) == before


def test_a_line_in_the_document_and_one_in_the_settings_are_one_chain(harness: Harness) -> None:
    harness.serve(deployment("pouring", moved_from="storm"))
    move(harness, ("Deployment/rain", "Deployment/storm"), ("Deployment/storm", "Deployment/pouring"))
    assert moves_of(harness.plan()) == ["Deployment/rain → Deployment/pouring"]


def test_of_two_records_for_one_resource_a_person_is_warned(harness: Harness) -> None:
    harness.serve(deployment(), deployment("storm"))
    assert Status.CONVERGED in [harness.apply().plan.status for _ in range(2)]
    harness.serve(deployment("storm"))
    move(harness, ("Deployment/rain", "Deployment/storm"))
    plan = harness.plan()
    (warned,) = [one for one in plan.findings if one.rule == "moved-from-both"]
    assert warned.severity is Severity.WARNING
    assert warned.place is not None
    assert warned.place.file.endswith("wanctl.yaml")
    assert [(step.address, step.action) for step in plan.pending] == [
        (Address.deployment("rain"), Action.DELETE)
    ]


@pytest.mark.parametrize("ledger", ["kept", "lost"])
def test_a_deployment_with_a_suffix_is_not_made_again(harness: Harness, ledger: str) -> None:
    harness.serve(deployment(effect="Then it pours.", strategy="blue_green", keep_old="0s"))
    assert harness.apply().plan.status is Status.CONVERGED
    (name,), before = harness.deployed, calls(harness)
    if ledger == "lost":
        (harness.specs / LEDGER).unlink()
    harness.serve(deployment("storm", effect="Then it pours.", strategy="blue_green", keep_old="0s"))
    move(harness, ("Deployment/rain", "Deployment/storm"))
    assert harness.apply().plan.status is Status.CONVERGED
    assert harness.deployed == [name]
    assert calls(harness) == before
    assert harness.ledger["entries"]["Deployment/storm"]["current"]["remote_id"] == name
    assert not [one for one in harness.plan().findings if one.rule == "aigc-config-unverified"]
    harness.serve(deployment("storm", effect="Then it hails.", strategy="blue_green", keep_old="0s"))
    assert harness.apply().plan.status is Status.CONVERGED
    assert len(harness.deployed) == 1


def test_of_two_with_suffixes_each_finds_its_own_after_the_ledger_is_lost(harness: Harness) -> None:
    harness.serve(deployment(), deployment("two", "Then it hails."), deployment("three", "Then it snows."))
    assert Status.CONVERGED in [harness.apply().plan.status for _ in range(2)]
    entries = harness.ledger["entries"]
    (harness.specs / LEDGER).unlink()
    harness.serve(deployment(), deployment("hail", "Then it hails."), deployment("snow", "Then it snows."))
    move(harness, ("Deployment/two", "Deployment/hail"), ("Deployment/three", "Deployment/snow"))
    before = calls(harness)
    assert harness.apply().plan.status is Status.CONVERGED
    assert calls(harness) == before
    for old, new in (("two", "hail"), ("three", "snow")):
        found = harness.ledger["entries"][f"Deployment/{new}"]["current"]["remote_id"]
        assert found == entries[f"Deployment/{old}"]["current"]["remote_id"]


def test_a_protection_goes_along(harness: Harness) -> None:
    harness.serve(deployment(protect=True))
    harness.apply()
    harness.serve(deployment("storm", protect=True))
    move(harness, ("Deployment/rain", "Deployment/storm"))
    assert harness.apply().plan.status is Status.CONVERGED
    harness.serve()
    plan = harness.plan()
    assert [step.when for step in plan.steps if step.action is Action.DELETE] == [When.BLOCKED]


def test_a_protection_is_not_lifted_by_the_way(harness: Harness) -> None:
    harness.serve(deployment(protect=True))
    harness.apply()
    harness.serve(deployment("storm", "Then it pours."))
    move(harness, ("Deployment/rain", "Deployment/storm"))
    actions = [step.action for step in harness.plan().pending]
    assert actions == [Action.MOVE, Action.UNPROTECT]


def test_what_changes_besides_is_one_new_training(harness: Harness) -> None:
    before = calls(harness)
    changed = {**finetune("storm"), "hyper_parameters": {"n_epochs": 50, "eval_epochs": 10}}
    harness.write(dataset(), changed, {**checkpoint(), "finetune": "storm"}, deployment())
    move(harness, ("FineTune/rain", "FineTune/storm"))
    plan = harness.plan()
    train = plan.step(Address.finetune("storm"))
    assert train is not None
    assert (train.when, train.after) == (When.LATER, (Address.finetune("rain"),))
    assert [change.path for change in train.changes] == ["hyper_parameters.n_epochs"]
    assert harness.apply(waits=False).plan.status is Status.IN_PROGRESS
    assert calls(harness) == before + 1
    assert harness.ledger["entries"]["FineTune/storm"]["past"], "the old job stays known"
    assert "FineTune/rain" not in harness.ledger["entries"]


def test_without_a_ledger_marks_and_files_of_the_old_names_are_known(harness: Harness) -> None:
    before = calls(harness)
    (harness.specs / LEDGER).unlink()
    harness.write(*everything_renamed())
    assert harness.apply().plan.status is Status.CONVERGED
    assert calls(harness) == before


def test_a_tombstone_under_the_new_name_ends_what_had_the_old_one(harness: Harness) -> None:
    harness.serve(deployment("storm", state="absent"))
    move(harness, ("Deployment/rain", "Deployment/storm"))
    assert [step.action for step in harness.plan().pending] == [Action.MOVE, Action.DELETE]
    assert harness.apply().plan.status is Status.CONVERGED
    assert harness.deployed == []


def call_it(harness: Harness, project: str, **more: Any) -> None:
    path = harness.specs / "wanctl.yaml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**settings, "project": project, **more}), encoding="utf-8")


def test_a_project_of_another_name_stops_at_its_ledger(harness: Harness) -> None:
    call_it(harness, "snow")
    with pytest.raises(LedgerError, match="If the project was only renamed, keep the old name"):
        harness.plan()


def test_a_project_of_another_name_trains_nothing_twice_and_deletes_nothing(harness: Harness) -> None:
    before = harness.call("GET", "/_sandbox/status")
    call_it(harness, "snow", ledger=".wanctl/snow.json")
    for _ in range(2):
        plan = harness.apply().plan
    step = plan.step(Address.finetune("rain"))
    assert step is not None
    assert step.when is When.BLOCKED
    assert "the project rain has trained the very same inputs" in step.reason
    after = harness.call("GET", "/_sandbox/status")
    assert before["jobs"] == after["jobs"]
    assert before["deployments"] == after["deployments"]
    job = after["jobs"][0]["id"]
    bind(Project.open(harness.specs), Address.finetune("rain"), job, None)
    while harness.apply().unapproved:
        pass
    assert harness.call("GET", "/_sandbox/status")["jobs"] == after["jobs"]
    assert len(harness.deployed) == 1


def test_environments_train_the_same_for_themselves(harness: Harness) -> None:
    call_it(harness, "rain", environments={"prod": {"project": "rain-prod"}})
    step = Project.open(harness.specs, "prod").plan().step(Address.finetune("rain"))
    assert step is not None
    assert step.when is When.LATER
