"""Another name for the same: nothing is called at the service, whatever moves and however often."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.engine.accounts import CHANGING, World, checkpoint, dataset, deployment, finetune
from wanctl.address import Address
from wanctl.finding import Severity
from wanctl.ledger.errors import LedgerError
from wanctl.plan import Action, Plan, Status, When
from wanctl.project import Project
from wanctl.project.outputs import bind

LEDGER = ".wanctl/ledger.json"


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was applied once, for the tests to begin from a copy of it."""
    root = tmp_path_factory.mktemp("renamed")
    world = World.begun(root)
    world.serve(deployment())
    assert world.apply().plan.status is Status.CONVERGED
    return root


@pytest.fixture
def world(served: Path, tmp_path: Path) -> World:
    shutil.copytree(served, tmp_path / "world")
    return World(tmp_path / "world/specs")


def move(world: World, *moves: tuple[str, str]) -> None:
    """What wanctl.yaml says of other names."""
    path = world.folder / "wanctl.yaml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    settings["moved"] = [{"from": old, "to": new} for old, new in moves]
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")


def calls(world: World) -> int:
    return sum(one["method"] in CHANGING for one in world.call("GET", "/_sandbox/requests"))


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


def test_everything_at_once_and_the_lines_may_stay(world: World) -> None:
    before = calls(world)
    world.write(*everything_renamed())
    move(world, *ALL)
    outcome = world.apply()
    assert outcome.plan.status is Status.CONVERGED
    assert [step.action for step, _ in outcome.done] == [Action.MOVE] * 4
    assert calls(world) == before
    assert set(world.ledger["entries"]) == {new for _, new in ALL}
    plan = world.plan()
    assert plan.status is Status.CONVERGED
    rules = {one.rule for one in plan.findings}
    assert not [rule for rule in rules if rule and "move" in rule], "they stay for those who apply later"
    world.write(*everything_renamed())
    assert world.plan().status is Status.CONVERGED


@pytest.mark.parametrize("applied", ["neither", "the first"])
def test_a_chain_leads_from_wherever_the_ledger_is(world: World, applied: str) -> None:
    first, second = ("Deployment/rain", "Deployment/storm"), ("Deployment/storm", "Deployment/pouring")
    if applied == "the first":
        world.serve(deployment("storm"))
        move(world, first)
        world.apply()
    before = calls(world)
    world.serve(deployment("pouring"))
    move(world, second, first)
    assert moves_of(world.plan()) == [
        f"Deployment/{'rain' if applied == 'neither' else 'storm'} → Deployment/pouring"
    ]
    assert world.apply().plan.status is Status.CONVERGED
    assert calls(world) == before


def test_a_line_in_the_document_and_one_in_the_settings_are_one_chain(world: World) -> None:
    world.serve(deployment("pouring", moved_from="storm"))
    move(world, ("Deployment/rain", "Deployment/storm"), ("Deployment/storm", "Deployment/pouring"))
    assert moves_of(world.plan()) == ["Deployment/rain → Deployment/pouring"]


def test_of_two_records_for_one_resource_a_person_is_warned(world: World) -> None:
    world.serve(deployment(), deployment("storm"))
    assert Status.CONVERGED in [world.apply().plan.status for _ in range(2)]
    world.serve(deployment("storm"))
    move(world, ("Deployment/rain", "Deployment/storm"))
    plan = world.plan()
    (warned,) = [one for one in plan.findings if one.rule == "moved-from-both"]
    assert warned.severity is Severity.WARNING
    assert warned.place is not None
    assert warned.place.file.endswith("wanctl.yaml")
    assert [(step.address, step.action) for step in plan.pending] == [
        (Address.deployment("rain"), Action.DELETE)
    ]


@pytest.mark.parametrize("ledger", ["kept", "lost"])
def test_a_deployment_with_a_suffix_is_not_made_again(world: World, ledger: str) -> None:
    world.serve(deployment(effect="Then it pours.", strategy="blue_green"))
    assert world.apply().plan.status is Status.CONVERGED
    (name,), before = world.deployed, calls(world)
    if ledger == "lost":
        (world.folder / LEDGER).unlink()
    world.serve(deployment("storm", effect="Then it pours.", strategy="blue_green"))
    move(world, ("Deployment/rain", "Deployment/storm"))
    assert world.apply().plan.status is Status.CONVERGED
    assert world.deployed == [name]
    assert calls(world) == before
    assert world.ledger["entries"]["Deployment/storm"]["current"]["remote_id"] == name
    assert not [one for one in world.plan().findings if one.rule == "aigc-config-unverified"]
    world.serve(deployment("storm", effect="Then it hails.", strategy="blue_green"))
    assert world.apply().plan.status is Status.CONVERGED
    assert len(world.deployed) == 1


def test_of_two_with_suffixes_each_finds_its_own_after_the_ledger_is_lost(world: World) -> None:
    world.serve(deployment(), deployment("two", "Then it hails."), deployment("three", "Then it snows."))
    assert Status.CONVERGED in [world.apply().plan.status for _ in range(2)]
    entries = world.ledger["entries"]
    (world.folder / LEDGER).unlink()
    world.serve(deployment(), deployment("hail", "Then it hails."), deployment("snow", "Then it snows."))
    move(world, ("Deployment/two", "Deployment/hail"), ("Deployment/three", "Deployment/snow"))
    before = calls(world)
    assert world.apply().plan.status is Status.CONVERGED
    assert calls(world) == before
    for old, new in (("two", "hail"), ("three", "snow")):
        found = world.ledger["entries"][f"Deployment/{new}"]["current"]["remote_id"]
        assert found == entries[f"Deployment/{old}"]["current"]["remote_id"]


def test_a_protection_goes_along(world: World) -> None:
    world.serve(deployment(protect=True))
    world.apply()
    world.serve(deployment("storm", protect=True))
    move(world, ("Deployment/rain", "Deployment/storm"))
    assert world.apply().plan.status is Status.CONVERGED
    world.serve()
    plan = world.plan()
    assert [step.when for step in plan.steps if step.action is Action.DELETE] == [When.BLOCKED]


def test_a_protection_is_not_lifted_by_the_way(world: World) -> None:
    world.serve(deployment(protect=True))
    world.apply()
    world.serve(deployment("storm", "Then it pours."))
    move(world, ("Deployment/rain", "Deployment/storm"))
    actions = [step.action for step in world.plan().pending]
    assert actions == [Action.MOVE, Action.UNPROTECT]


def test_what_changes_besides_is_one_new_training(world: World) -> None:
    before = calls(world)
    changed = {**finetune("storm"), "hyper_parameters": {"n_epochs": 50, "eval_epochs": 10}}
    world.write(dataset(), changed, {**checkpoint(), "finetune": "storm"}, deployment())
    move(world, ("FineTune/rain", "FineTune/storm"))
    plan = world.plan()
    train = plan.step(Address.finetune("storm"))
    assert train is not None
    assert (train.when, train.after) == (When.LATER, (Address.finetune("rain"),))
    assert [change.path for change in train.changes] == ["hyper_parameters.n_epochs"]
    assert world.apply(waits=False).plan.status is Status.IN_PROGRESS
    assert calls(world) == before + 1
    assert world.ledger["entries"]["FineTune/storm"]["past"], "the old job stays known"
    assert "FineTune/rain" not in world.ledger["entries"]


def test_without_a_ledger_marks_and_files_of_the_old_names_are_known(world: World) -> None:
    before = calls(world)
    (world.folder / LEDGER).unlink()
    world.write(*everything_renamed())
    assert world.apply().plan.status is Status.CONVERGED
    assert calls(world) == before


def test_a_tombstone_under_the_new_name_ends_what_had_the_old_one(world: World) -> None:
    world.serve(deployment("storm", state="absent"))
    move(world, ("Deployment/rain", "Deployment/storm"))
    assert [step.action for step in world.plan().pending] == [Action.MOVE, Action.DELETE]
    assert world.apply().plan.status is Status.CONVERGED
    assert world.deployed == []


def call_it(world: World, project: str, **more: Any) -> None:
    path = world.folder / "wanctl.yaml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**settings, "project": project, **more}), encoding="utf-8")


def test_a_project_of_another_name_stops_at_its_ledger(world: World) -> None:
    call_it(world, "snow")
    with pytest.raises(LedgerError, match="If the project was only renamed, keep the old name"):
        world.plan()


def test_a_project_of_another_name_trains_nothing_twice_and_deletes_nothing(world: World) -> None:
    before = world.call("GET", "/_sandbox/status")
    call_it(world, "snow", ledger=".wanctl/snow.json")
    for _ in range(2):
        plan = world.apply().plan
    step = plan.step(Address.finetune("rain"))
    assert step is not None
    assert step.when is When.BLOCKED
    assert "the project rain has trained the very same inputs" in step.reason
    after = world.call("GET", "/_sandbox/status")
    assert before["jobs"] == after["jobs"]
    assert before["deployments"] == after["deployments"]
    job = after["jobs"][0]["id"]
    bind(Project.open(world.folder), Address.finetune("rain"), job, None)
    while world.apply().unapproved:
        pass
    assert world.call("GET", "/_sandbox/status")["jobs"] == after["jobs"]
    assert len(world.deployed) == 1


def test_environments_train_the_same_for_themselves(world: World) -> None:
    call_it(world, "rain", environments={"prod": {"project": "rain-prod"}})
    step = Project.open(world.folder, "prod").plan().step(Address.finetune("rain"))
    assert step is not None
    assert step.when is When.LATER
