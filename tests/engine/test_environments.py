"""Environments keep out of each other's ledger: what one deployed, the other would take away."""

from pathlib import Path
from typing import Any

import pytest

from tests.harness import CHECKPOINT, DATASET, DEPLOYMENT, FINETUNE, Harness
from tests.ledger.ledger_files import as_an_older_wanctl_wrote_it
from wanctl.address import Address
from wanctl.engine.converge import Outcome, Patience
from wanctl.finding import Severity
from wanctl.ledger.errors import LedgerError
from wanctl.plan import Status, When
from wanctl.project import Project
from wanctl.project.adoption import bind
from wanctl.project.events import Silent
from wanctl.project.pruning import Choice, prune

SHARED = {"prod": {"ledger": ".wanctl/ledger.json"}}


def test_a_ledger_that_two_environments_share_is_refused(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    harness.write(DATASET, environments=SHARED)
    harness.apply()
    before = harness.ledger
    assert before["environment"] == ""
    with pytest.raises(LedgerError, match=r"belongs to the base of wanctl\.yaml, and this is prod"):
        harness.project("prod").plan()
    assert harness.ledger == before


def test_a_ledger_from_before_belongs_to_whoever_applies_next(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    harness.write(DATASET, environments=SHARED)
    harness.apply()
    older = {key: value for key, value in harness.ledger.items() if key != "environment"}
    path, text = harness.specs / ".wanctl/ledger.json", as_an_older_wanctl_wrote_it(older)
    path.write_text(text, encoding="utf-8")
    harness.project("prod").plan()
    assert path.read_text(encoding="utf-8") == text, "a plan writes nothing"

    harness.write({**DATASET, "exclude": ["*.psd"]}, {**DATASET, "name": "again"}, environments=SHARED)
    harness.apply()
    assert harness.ledger["environment"] == ""


APART = {"prod": {"vars": {"x": 1}}}
"""A second environment with the name and the account of the base: a warning, and nothing worse."""


def other_captions(folder: Path) -> None:
    path = folder / "data/data.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace("The video", "Now the video"), encoding="utf-8")


def applied_by_both(tmp_path: Path) -> Harness:
    harness = Harness.begun(tmp_path)
    harness.write(DATASET, FINETUNE, CHECKPOINT, DEPLOYMENT, environments=APART)
    harness.apply()
    return harness


def apply_prod(harness: Harness, **more: Any) -> Outcome:
    outcome = harness.project("prod").apply(lambda *_: True, Patience(waits=True), **more)
    assert outcome is not None
    return outcome


def live(harness: Harness) -> set[str]:
    status = harness.call("GET", "/_sandbox/status")
    return {one["id"] for kind in ("files", "jobs", "deployments") for one in status[kind]}


def test_what_another_environment_has_is_no_orphan_of_this_one(tmp_path: Path) -> None:
    harness = applied_by_both(tmp_path)
    before = live(harness)
    other_captions(tmp_path)
    harness.write(DATASET, environments=APART)
    apply_prod(harness)
    assert harness.project("prod").plan().orphans == ()
    outcome = prune(harness.project("prod"), Choice(everything=True), lambda *_: True, Patience(), Silent())
    assert outcome is not None
    assert before < live(harness)


def test_what_two_environments_share_is_ended_by_neither(tmp_path: Path) -> None:
    harness = applied_by_both(tmp_path)
    before = live(harness)
    assert apply_prod(harness).plan.status is Status.CONVERGED
    assert live(harness) == before, "found by its inputs, and not trained twice"
    bind(
        harness.project("prod"),
        Address.deployment("rain"),
        harness.ledger["entries"]["Deployment/rain"]["current"]["remote_id"],
        None,
    )
    assert apply_prod(harness, to_delete=()).plan.status is Status.BLOCKED

    absent = {"state": "absent"}
    harness.write(DATASET | absent, FINETUNE | absent, CHECKPOINT | absent, environments=APART)
    for _ in range(2):
        plan = apply_prod(harness).plan
    held = [step for step in plan.steps if step.when is When.BLOCKED]
    assert "of the base of wanctl.yaml as well" in held[0].reason
    assert live(harness) == before

    changed = {**DEPLOYMENT, "aigc_config": {"use_input_prompt": True}}
    harness.write(DATASET, FINETUNE, CHECKPOINT, changed, environments=APART)
    apply_prod(harness)
    assert live(harness) == before, "a replacement would end it, too"


def test_what_another_environment_merely_recognised_is_not_ended_either(tmp_path: Path) -> None:
    """Its ledger says who uses it, though nothing there says that wanctl made it."""
    harness = applied_by_both(tmp_path)
    before = live(harness)
    assert apply_prod(harness).plan.status is Status.CONVERGED
    outcome = harness.apply(to_delete=())
    (held,) = [step for step in outcome.plan.steps if step.when is When.BLOCKED]
    assert "is Deployment/rain of prod as well" in held.reason
    assert live(harness) == before

    harness.write(DATASET, FINETUNE, CHECKPOINT, environments=APART)
    apply_prod(harness)  # prod has no use for it any more
    assert live(harness) == before, "it was never prod's to delete"
    harness.apply(to_delete=())
    assert harness.deployed == []


def test_what_was_recognised_is_forgotten_once_it_is_adopted_or_gone(tmp_path: Path) -> None:
    harness = applied_by_both(tmp_path)
    ledger = harness.specs / ".wanctl/ledger.json"
    ledger.unlink()
    harness.apply()
    name = harness.deployed[0]
    assert harness.ledger["entries"]["Deployment/rain"]["recognised"] == [name]
    kept = ledger.read_text(encoding="utf-8")
    bind(harness.project(), Address.deployment("rain"), name, None)
    harness.apply()
    assert harness.ledger["entries"]["Deployment/rain"]["recognised"] == []
    ledger.write_text(kept, encoding="utf-8")
    harness.delete_as_somebody(name)
    harness.apply()
    assert harness.ledger["entries"]["Deployment/rain"]["recognised"] == []


def test_a_ledger_next_door_that_cannot_be_read_is_told_of(tmp_path: Path) -> None:
    harness = applied_by_both(tmp_path)
    (harness.specs / ".wanctl/ledger.json").write_text("{", encoding="utf-8")
    said: list[str] = []
    Project.open(harness.specs, "prod", tell=said.append).plan()
    assert any("what the base of wanctl.yaml has in this account is not known here" in one for one in said)


@pytest.mark.parametrize("trainings", ["their own", "shared"])
def test_all_leaves_alone_what_was_made_with_another_ledger(tmp_path: Path, trainings: str) -> None:
    """Two clones, or two projects, of one name in one account, and a ledger each."""
    harness = Harness.begun(tmp_path)
    harness.write(DATASET, FINETUNE, CHECKPOINT, DEPLOYMENT)
    harness.apply()
    before = live(harness)
    (harness.specs / ".wanctl/ledger.json").unlink()
    if trainings == "shared":
        harness.write(DATASET, FINETUNE)
        harness.apply()
    other_captions(tmp_path)
    harness.write(DATASET)
    plan = harness.project().plan()
    assert {one.remote_id for one in plan.orphans} == before
    harness.apply()
    outcome = prune(harness.project(), Choice(everything=True), lambda *_: True, Patience(), Silent())
    assert outcome is not None
    assert before <= live(harness)
    (finding,) = [one for one in outcome.plan.findings if one.rule == "prune-unrecorded"]
    names = finding.hint.rpartition("wanctl prune ")[2].split() if finding.hint else []
    prune(harness.project(), Choice(names), lambda *_: True, Patience(waits=True), Silent())
    assert not before & live(harness), "by name it goes"


def test_prune_keeps_to_the_windows(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    harness.write(DATASET)
    harness.apply()
    other_captions(tmp_path)
    harness.apply()
    closed = [{"deny": "* * * * *", "duration": "1h"}]
    harness.write(DATASET, windows=closed)
    before = live(harness)
    outcome = prune(harness.project(), Choice(everything=True), lambda *_: True, Patience(), Silent())
    assert outcome is not None
    assert [one.rule for one in outcome.plan.findings if one.severity is Severity.ERROR] == ["window"]
    assert live(harness) == before
