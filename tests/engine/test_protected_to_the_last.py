"""The last step of a replacement: what is protected stays, however the one before came to be retired."""

from pathlib import Path

from tests.engine.random_faults import CHECKPOINT, DATASET, DEPLOYMENT, FINETUNE, Rain
from wanctl.address import Address
from wanctl.kinds.deployment.serving import deletion_step
from wanctl.ledger.record import Entry
from wanctl.plan import When


def test_the_old_one_goes_only_where_nothing_protects_it(tmp_path: Path) -> None:
    rain = Rain(tmp_path)
    rain.write(DATASET, FINETUNE, CHECKPOINT, DEPLOYMENT)
    rain.apply()
    address = Address.deployment("rain")
    project = rain.project()
    resource, entry = project.desired.resources[address], project.record().entry(address)
    assert entry.current
    going = deletion_step(resource, entry.current, "the old one goes", entry)
    assert (going.when, going.effect is not None) == (When.NOW, True)
    kept = deletion_step(resource, entry.current, "the old one goes", Entry(protected=True))
    assert (kept.when, kept.effect) == (When.BLOCKED, None)
    assert any("protect: false" in hint for hint in kept.hints)


def test_an_export_whose_answer_was_lost_is_not_asked_for_again_at_once(tmp_path: Path) -> None:
    rain = Rain(tmp_path)
    rain.write(DATASET, FINETUNE, CHECKPOINT)
    rain.call("POST", "/_sandbox/faults", {"kind": "reset", "when": "after", "path": "*/export/*"})
    rain.apply()
    assert rain.calls("GET", "/export/") == 1
