"""The last step of a replacement: what is protected stays, however the one before came to be retired."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tests.harness import CHECKPOINT, DATASET, DEPLOYMENT, FINETUNE, Harness
from wanctl.address import Address
from wanctl.kinds.context import Context
from wanctl.kinds.deployment.case import NOTHING_TO_SERVE, DeploymentCase, deletion_step
from wanctl.kinds.snapshot import Snapshot
from wanctl.language.models import Deployment
from wanctl.ledger.record import Entry
from wanctl.plan import When


def test_the_old_one_goes_only_where_nothing_protects_it(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    harness.write(DATASET, FINETUNE, CHECKPOINT, DEPLOYMENT)
    harness.apply()
    address = Address.deployment("rain")
    project = harness.project()
    resource, entry = project.desired.resources[address], project.record().entry(address)
    assert entry.current
    assert isinstance(resource.spec, Deployment)
    context = Context(project.desired, Snapshot(datetime.now(UTC)), project.record(), {}, planned={})
    case = DeploymentCase(resource, context, NOTHING_TO_SERVE, entry)
    going = deletion_step(case, entry.current, "the old one goes")
    assert (going.when, going.effect is not None) == (When.NOW, True)
    protected = replace(case, known=Entry(protected=True))
    kept = deletion_step(protected, entry.current, "the old one goes")
    assert (kept.when, kept.effect) == (When.BLOCKED, None)
    assert any("protect: false" in hint for hint in kept.hints)


def test_an_export_whose_answer_was_lost_is_not_asked_for_again_at_once(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    harness.write(DATASET, FINETUNE, CHECKPOINT)
    harness.call("POST", "/_sandbox/faults", {"kind": "reset", "when": "after", "path": "*/export/*"})
    harness.apply()
    assert harness.calls("GET", "/export/") == 1
