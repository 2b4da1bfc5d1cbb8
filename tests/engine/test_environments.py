"""Environments keep out of each other's ledger: what one deployed, the other would take away."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.engine.random_faults import CHECKPOINT, DATASET, DEPLOYMENT, FINETUNE, Rain
from wanctl.address import Address
from wanctl.engine.converge import Outcome, Patience
from wanctl.finding import Severity
from wanctl.ledger.errors import LedgerError
from wanctl.plan import Status, When
from wanctl.project import Project
from wanctl.project.events import Silent
from wanctl.project.outputs import bind
from wanctl.project.pruning import Choice, prune

SHARED = {"prod": {"ledger": ".wanctl/ledger.json"}}


def test_a_ledger_that_two_environments_share_is_refused(tmp_path: Path) -> None:
    rain = Rain(tmp_path)
    rain.write(DATASET, environments=SHARED)
    rain.apply()
    before = rain.ledger
    assert before["environment"] == ""
    with pytest.raises(LedgerError, match=r"belongs to the base of wanctl\.yaml, and this is prod"):
        rain.project("prod").plan()
    assert rain.ledger == before


def test_a_ledger_from_before_belongs_to_whoever_applies_next(tmp_path: Path) -> None:
    rain = Rain(tmp_path)
    rain.write(DATASET, environments=SHARED)
    rain.apply()
    older = {key: value for key, value in rain.ledger.items() if key != "environment"}
    (rain.specs / ".wanctl/ledger.json").write_text(json.dumps(older), encoding="utf-8")
    rain.project("prod").plan()
    assert rain.ledger == older, "a plan writes nothing"

    rain.write({**DATASET, "exclude": ["*.psd"]}, {**DATASET, "name": "again"}, environments=SHARED)
    rain.apply()
    assert rain.ledger["environment"] == ""


APART = {"prod": {"vars": {"x": 1}}}
"""A second environment with the name and the account of the base: a warning, and nothing worse."""


def other_captions(folder: Path) -> None:
    path = folder / "data/data.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace("The video", "Now the video"), encoding="utf-8")


def applied_by_both(tmp_path: Path) -> Rain:
    rain = Rain(tmp_path)
    rain.write(DATASET, FINETUNE, CHECKPOINT, DEPLOYMENT, environments=APART)
    rain.apply()
    return rain


def apply_prod(rain: Rain, **more: Any) -> Outcome:
    outcome = rain.project("prod").apply(lambda *_: True, Patience(waits=True), **more)
    assert outcome is not None
    return outcome


def live(rain: Rain) -> set[str]:
    status = rain.call("GET", "/_sandbox/status")
    return {one["id"] for kind in ("files", "jobs", "deployments") for one in status[kind]}


def test_what_another_environment_has_is_no_orphan_of_this_one(tmp_path: Path) -> None:
    rain = applied_by_both(tmp_path)
    before = live(rain)
    other_captions(tmp_path)
    rain.write(DATASET, environments=APART)
    apply_prod(rain)
    assert rain.project("prod").plan().orphans == ()
    outcome = prune(rain.project("prod"), Choice(everything=True), lambda *_: True, Patience(), Silent())
    assert outcome is not None
    assert before < live(rain)


def test_what_two_environments_share_is_ended_by_neither(tmp_path: Path) -> None:
    rain = applied_by_both(tmp_path)
    before = live(rain)
    assert apply_prod(rain).plan.status is Status.CONVERGED
    assert live(rain) == before, "found by its inputs, and not trained twice"
    bind(
        rain.project("prod"),
        Address.deployment("rain"),
        rain.ledger["entries"]["Deployment/rain"]["current"]["remote_id"],
        None,
    )
    assert apply_prod(rain, to_delete=()).plan.status is Status.BLOCKED

    absent = {"state": "absent"}
    rain.write(DATASET | absent, FINETUNE | absent, CHECKPOINT | absent, environments=APART)
    for _ in range(2):
        plan = apply_prod(rain).plan
    held = [step for step in plan.steps if step.when is When.BLOCKED]
    assert "of the base of wanctl.yaml as well" in held[0].reason
    assert live(rain) == before

    changed = {**DEPLOYMENT, "aigc_config": {"use_input_prompt": True}}
    rain.write(DATASET, FINETUNE, CHECKPOINT, changed, environments=APART)
    apply_prod(rain)
    assert live(rain) == before, "a replacement would end it, too"


def test_a_ledger_next_door_that_cannot_be_read_is_told_of(tmp_path: Path) -> None:
    rain = applied_by_both(tmp_path)
    (rain.specs / ".wanctl/ledger.json").write_text("{", encoding="utf-8")
    said: list[str] = []
    Project.open(rain.specs, "prod", tell=said.append).plan()
    assert any("what the base of wanctl.yaml has in this account is not known here" in one for one in said)


@pytest.mark.parametrize("trainings", ["their own", "shared"])
def test_all_leaves_alone_what_was_made_with_another_ledger(tmp_path: Path, trainings: str) -> None:
    """Two clones, or two projects, of one name in one account, and a ledger each."""
    rain = Rain(tmp_path)
    rain.write(DATASET, FINETUNE, CHECKPOINT, DEPLOYMENT)
    rain.apply()
    before = live(rain)
    (rain.specs / ".wanctl/ledger.json").unlink()
    if trainings == "shared":
        rain.write(DATASET, FINETUNE)
        rain.apply()
    other_captions(tmp_path)
    rain.write(DATASET)
    plan = rain.project().plan()
    assert {one.remote_id for one in plan.orphans} == before
    rain.apply()
    outcome = prune(rain.project(), Choice(everything=True), lambda *_: True, Patience(), Silent())
    assert outcome is not None
    assert before <= live(rain)
    (finding,) = [one for one in outcome.plan.findings if one.rule == "prune-unrecorded"]
    names = finding.hint.rpartition("wanctl prune ")[2].split() if finding.hint else []
    prune(rain.project(), Choice(names), lambda *_: True, Patience(waits=True), Silent())
    assert not before & live(rain), "by name it goes"


def test_prune_keeps_to_the_windows(tmp_path: Path) -> None:
    rain = Rain(tmp_path)
    rain.write(DATASET)
    rain.apply()
    other_captions(tmp_path)
    rain.apply()
    closed = [{"deny": "* * * * *", "duration": "1h"}]
    rain.write(DATASET, windows=closed)
    before = live(rain)
    outcome = prune(rain.project(), Choice(everything=True), lambda *_: True, Patience(), Silent())
    assert outcome is not None
    assert [one.rule for one in outcome.plan.findings if one.severity is Severity.ERROR] == ["window"]
    assert live(rain) == before
