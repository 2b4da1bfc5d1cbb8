"""A record under another name: all of it goes along, and nothing that stands there already is lost."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.language.projects import load
from wanctl.kinds.moving import moves_of
from wanctl.ledger.record import Entry, Generation, Intent, Record

NOW = datetime(2026, 3, 18, tzinfo=UTC)
SETTINGS = "version: 1\nproject: p\nprovider: sandbox\n"
DREI = """
kind: FineTune
name: drei
moved_from: zwei
model: wan2.6-i2v
training: [t]
---
kind: Dataset
name: t
source: {file_id: file-ft-1}
"""
OLD, NEW = "FineTune/old", "FineTune/new"


def record(**entries: Entry) -> Record:
    named = {f"FineTune/{name}": entry for name, entry in entries.items()}
    return Record(lineage="l", project="p", endpoint="sandbox", entries=named)


def entry(job_id: str, *disowned: str) -> Entry:
    made = Generation(remote_id=job_id, identity=f"of {job_id}", inputs={}, since=NOW)
    return Entry(current=made, protected=True, disowned=disowned)


def intent(address: str, verb: str) -> Intent:
    return Intent(address=address, verb=verb, identity="i", inputs={}, seen=("ft-0",), at=NOW)


def test_the_entry_goes_along() -> None:
    moved = record(old=entry("ft-1", "ft-9"), other=entry("ft-2")).renamed(OLD, NEW)
    assert moved.entries == record(new=entry("ft-1", "ft-9"), other=entry("ft-2")).entries


def test_a_call_whose_answer_is_open_stays_open() -> None:
    moved = record(old=entry("ft-1")).with_intent(intent(OLD, "train")).renamed(OLD, NEW)
    assert moved.intents == (intent(NEW, "train"),)


def test_the_intent_of_the_move_itself_makes_way() -> None:
    begun = record(old=entry("ft-1")).with_intent(intent(OLD, "train")).with_intent(intent(NEW, "move"))
    assert [one.verb for one in begun.renamed(OLD, NEW).intents] == ["train"]


def test_what_somebody_else_has_under_both_names_stays_theirs() -> None:
    moved = record(old=entry("ft-1", "ft-8", "ft-9"), new=Entry(disowned=("ft-7", "ft-8"))).renamed(OLD, NEW)
    assert moved.entry(NEW).disowned == ("ft-7", "ft-8", "ft-9")


@pytest.mark.parametrize("recorded", ["two", "zwei", "drei"])
def test_a_link_that_another_one_needs_is_not_to_be_deleted(tmp_path: Path, recorded: str) -> None:
    moved = "moved: [{from: FineTune/two, to: FineTune/zwei}]\n"
    desired = load(tmp_path, {"wanctl.yaml": SETTINGS + moved, "a.yaml": DREI})
    assert moves_of(desired, record(**{recorded: entry("ft-1")})).findings == ()


def test_the_last_link_of_a_chain_may_go(tmp_path: Path) -> None:
    desired = load(tmp_path, {"wanctl.yaml": SETTINGS, "a.yaml": DREI})
    [found] = moves_of(desired, record(drei=entry("ft-1"))).findings
    assert found.rule == "moved-from-idle"
