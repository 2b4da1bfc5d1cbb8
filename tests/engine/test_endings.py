"""What is to go: a refusal is heard once, a protection outlives even its account, the rest is remembered."""

import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.harness import CHECKPOINT, DATASET, DEPLOYMENT, FINETUNE, ChangedAnswers, Harness
from wanctl.address import Address
from wanctl.engine.converge import Patience
from wanctl.engine.journal import Journal
from wanctl.finding import Severity
from wanctl.kinds.acting import CallResult
from wanctl.ledger.record import Entry, Generation
from wanctl.plan import Action, Effect, Status, When
from wanctl.project.events import Silent
from wanctl.project.pruning import Choice, prune

NOW = datetime(2026, 3, 18, 9, tzinfo=UTC)
JOB, LIVE = Address.finetune("rain"), Address.deployment("rain")


def made(remote_id: str) -> Generation:
    return Generation(remote_id=remote_id, identity=f"of {remote_id}", inputs={}, since=NOW)


def test_a_tombstone_that_the_service_refuses_is_asked_for_once(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    harness.write(DATASET, FINETUNE)
    harness.apply()
    harness.call("POST", "/_sandbox/rig", {"quirks": {"keep_ended_jobs": True}})
    harness.write(DATASET, {**FINETUNE, "state": "absent"})
    for _ in range(2):
        outcome = harness.apply()
        assert not outcome.failures
        assert outcome.plan.status is Status.CONVERGED
        step = outcome.plan.step(JOB)
        assert step is not None
        assert "refused" in step.reason
    assert harness.calls("DELETE", "/fine-tunes/") == 1
    assert any("refused" in (line["note"] or "") for line in harness.ledger["history"])

    harness.write(DATASET, FINETUNE)
    assert harness.apply().plan.status is Status.CONVERGED
    assert harness.calls("POST", "/fine-tunes") == 1, "what the service kept is still the job"


def test_an_orphan_that_the_service_refuses_to_delete_is_asked_for_once(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    harness.write(DATASET, FINETUNE)
    harness.apply()
    harness.call("POST", "/_sandbox/rig", {"quirks": {"keep_ended_jobs": True}})
    harness.write(DATASET)
    for _ in range(2):
        outcome = prune(
            harness.project(),
            Choice(everything=True),
            lambda _plan, _steps: True,
            Patience(waits=True),
            Silent(),
        )
        assert outcome is not None
        assert not outcome.failures
        assert outcome.plan.status is Status.CONVERGED
    assert harness.calls("DELETE", "/fine-tunes/") == 1


def test_a_protected_deployment_is_not_forgotten_in_an_account_that_has_none(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    harness.write(DATASET, FINETUNE, CHECKPOINT, {**DEPLOYMENT, "protect": True})
    harness.apply()
    harness.write(DATASET)
    right, here = tmp_path / "right", harness.specs / ".wanctl/sandbox"
    shutil.move(here, right)
    plan = harness.apply(waits=False).plan
    warned = [one for one in plan.findings if one.rule == "protected-gone"]
    assert [(one.severity, one.address) for one in warned] == [(Severity.WARNING, LIVE)]
    assert harness.ledger["entries"][str(LIVE)]["protected"]

    shutil.rmtree(here)
    shutil.move(right, here)
    plan = harness.apply(waits=False).plan
    assert plan.status is Status.BLOCKED, "protected, as before"
    assert harness.calls("DELETE", "/deployments/") == 0


def test_what_was_deleted_leaves_the_rest_of_the_entry() -> None:
    entry = Entry(current=made("ft-2"), past=(made("ft-1"),), disowned=("ft-9",), protected=True)
    assert entry.without("ft-2") == entry.model_copy(update={"current": None})
    assert entry.without("ft-1") == entry.model_copy(update={"past": ()})
    assert entry.without("ft-3") == entry


def test_a_deleted_job_leaves_what_a_person_said_of_others(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    harness.write(DATASET, FINETUNE)
    harness.apply()
    harness.write(DATASET, {**FINETUNE, "hyper_parameters": {"n_epochs": 50, "eval_epochs": 10}})
    harness.apply()
    ledger = harness.ledger["entries"][str(JOB)]
    harness.write(
        DATASET, {**FINETUNE, "hyper_parameters": {"n_epochs": 50, "eval_epochs": 10}, "state": "absent"}
    )
    harness.apply()
    assert harness.calls("DELETE", "/fine-tunes/") == 1
    left = harness.ledger["entries"][str(JOB)]
    assert left["current"] is None
    assert left["past"] == ledger["past"]


class KilledCall(Exception):  # noqa: N818 - as the kernel does it
    """The process is gone: nothing after this is written."""


def killed_after(harness: Harness, verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An apply whose call has had its effect, and whose ledger still says that it is about to be made."""

    async def gone(journal: Journal, effect: Effect, result: CallResult) -> None:
        if effect.verb == verb:
            raise KilledCall
        await succeeded(journal, effect, result)

    succeeded = Journal.succeeded
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "succeeded", gone)
        with pytest.raises(KilledCall):
            harness.apply()


ABSENT = {"state": "absent"}


def test_a_deletion_that_was_killed_leaves_no_open_call_and_nothing_to_miss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = Harness.begun(tmp_path)
    harness.write(DATASET, FINETUNE)
    harness.apply()
    harness.write(DATASET, FINETUNE | ABSENT)
    killed_after(harness, "delete", monkeypatch)
    assert harness.ledger["intents"]
    outcome = harness.apply()
    assert outcome.plan.status is Status.CONVERGED
    assert not harness.ledger["intents"]
    assert str(JOB) not in harness.ledger["entries"]

    harness.write(DATASET | ABSENT, FINETUNE | ABSENT)
    killed_after(harness, "delete", monkeypatch)
    assert harness.apply().plan.status is Status.CONVERGED
    assert not harness.ledger["intents"]
    assert not harness.ledger["entries"]
    assert harness.calls("DELETE", "") == 2

    harness.write(DATASET, FINETUNE)
    outcome = harness.apply()
    assert outcome.plan.status is Status.CONVERGED, "what was deleted by its tombstone is made again"
    assert not any(step.drift for step, _ in outcome.done)


def test_an_export_that_was_killed_is_known_to_its_tombstone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = Harness.begun(tmp_path)
    harness.write(DATASET, FINETUNE, CHECKPOINT)
    killed_after(harness, "export", monkeypatch)
    harness.write(DATASET, FINETUNE, CHECKPOINT | ABSENT)
    harness.call("POST", "/_sandbox/advance", {"seconds": 3600})
    outcome = harness.apply()
    assert outcome.plan.status is Status.CONVERGED
    assert harness.ledger["entries"][str(Address.checkpoint("best"))]["current"]["inputs"]["model_name"]
    step = outcome.plan.step(Address.checkpoint("best"))
    assert step is not None
    assert step.remote_id
    assert not harness.ledger["intents"]


def test_a_training_whose_answer_was_lost_is_waited_for_by_its_tombstone(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    harness.write(DATASET)
    harness.apply()
    harness.write(DATASET, FINETUNE)
    harness.call("POST", "/_sandbox/rig", {"quirks": {"list_lag": 120}})
    lost = {"kind": "reset", "when": "after", "method": "POST", "path": "/api/v1/fine-tunes", "count": 1}
    harness.call("POST", "/_sandbox/faults", lost)
    harness.apply(waits=False)
    harness.write(DATASET | ABSENT, FINETUNE | ABSENT)
    plan = harness.project().plan()
    assert [step.when for step in plan.steps] == [When.SERVICE, When.SERVICE]
    while harness.apply().unapproved:
        pass  # what appeared is to be seen by a person first
    assert harness.project().plan().status is Status.CONVERGED
    assert harness.calls("DELETE", "/fine-tunes/") == harness.calls("DELETE", "/files/") == 1
    assert not harness.ledger["intents"]
    assert not harness.ledger["entries"]


def test_a_tombstone_takes_what_was_uploaded_last_where_the_media_went_first(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    harness.write(DATASET)
    harness.apply()
    shutil.rmtree(tmp_path / "data")
    harness.write(DATASET | ABSENT)
    assert harness.apply().plan.status is Status.CONVERGED
    assert harness.calls("DELETE", "/files/") == 1
    assert harness.apply().plan.status is Status.CONVERGED


@pytest.mark.parametrize("end", ["tombstone", "no document"])
def test_a_deployment_whose_answer_was_lost_goes_as_its_document_does(
    tmp_path: Path, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = Harness.begun(tmp_path)
    harness.write(DATASET, FINETUNE, CHECKPOINT)
    harness.apply()
    harness.write(DATASET, FINETUNE, CHECKPOINT, DEPLOYMENT)
    killed_after(harness, "deploy", monkeypatch)
    assert harness.ledger["intents"]
    harness.write(DATASET, FINETUNE, CHECKPOINT, *([DEPLOYMENT | ABSENT] if end == "tombstone" else []))
    assert harness.project().plan().steps[-1].action is Action.DELETE
    while harness.apply().unapproved:
        pass
    assert harness.project().plan().status is Status.CONVERGED
    assert harness.calls("DELETE", "/deployments/") == 1
    assert not harness.ledger["intents"]
    assert str(LIVE) not in harness.ledger["entries"]


def test_a_deployment_that_never_was_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    harness.write(DATASET, FINETUNE, CHECKPOINT)
    harness.apply()
    harness.write(DATASET, FINETUNE, CHECKPOINT, DEPLOYMENT)
    lost = {"kind": "reset", "when": "before", "method": "POST", "path": "/api/v1/deployments", "count": 1}
    harness.call("POST", "/_sandbox/faults", lost)
    harness.apply(waits=False)
    harness.write(DATASET, FINETUNE, CHECKPOINT)
    step = harness.project().plan().step(LIVE)
    assert step is not None
    assert step.when is When.SERVICE
    assert harness.apply().plan.status is Status.CONVERGED
    assert not harness.ledger["intents"]
    assert harness.calls("DELETE", "/deployments/") == 0


def test_a_choice_is_remembered_beyond_the_end_of_its_job(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    harness.write(DATASET, FINETUNE, CHECKPOINT)
    harness.apply()
    again = {**FINETUNE, "hyper_parameters": {"n_epochs": 60, "eval_epochs": 10}}
    harness.write(DATASET, again, CHECKPOINT)
    harness.apply(waits=False)
    unseen = harness.project().plan().step(Address.checkpoint("best"))
    assert unseen is not None
    assert unseen.warning is not None
    prune(harness.project(), Choice(everything=True), lambda *_: True, Patience(waits=True), Silent())
    assert harness.calls("DELETE", "/fine-tunes/") == 1
    assert harness.project().plan().step(Address.checkpoint("best")) == unseen


def test_a_log_that_is_refused_stops_nothing(tmp_path: Path) -> None:
    """It tells progress and last words, and no decision hangs on it."""
    harness = Harness.begun(tmp_path)
    harness.write(DATASET, FINETUNE)
    rule = {"kind": "status", "status": 400, "path": "/api/v1/fine-tunes/*/logs", "count": "all"}
    harness.call("POST", "/_sandbox/faults", rule)
    harness.call("POST", "/_sandbox/rig", {"next_job": "FAILED"})
    outcome = harness.apply()
    step = outcome.plan.step(JOB)
    assert step is not None
    assert step.when is When.BLOCKED, step
    assert "failed" in step.reason


def test_a_tombstone_with_protect_false_lifts_the_protection_first(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    harness.write(DATASET, FINETUNE, CHECKPOINT, {**DEPLOYMENT, "protect": True})
    harness.apply()
    harness.write(DATASET, FINETUNE, CHECKPOINT, {**DEPLOYMENT, "state": "absent", "protect": True})
    assert harness.apply().plan.status is Status.BLOCKED
    harness.write(DATASET, FINETUNE, CHECKPOINT, {**DEPLOYMENT, "state": "absent", "protect": False})
    assert [one.action for one, _ in harness.apply().done] == [Action.UNPROTECT]
    assert [one.action for one, _ in harness.apply().done] == [Action.DELETE]
    assert harness.apply().plan.status is Status.CONVERGED


def test_destroy_says_what_it_leaves_because_the_ledger_does_not_know_it(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    harness.write(DATASET, FINETUNE, CHECKPOINT, DEPLOYMENT)
    harness.apply()
    (harness.specs / ".wanctl/ledger.json").unlink()
    outcome = harness.project().apply(lambda *_: True, Patience(), to_delete=())
    assert outcome is not None
    step = outcome.plan.step(LIVE)
    assert step is not None
    assert (step.action, step.when) == (Action.DELETE, When.BLOCKED)
    assert step.hints == (f"if it is yours: wanctl adopt {LIVE} {step.remote_id}",)
    assert harness.calls("DELETE", "/deployments/") == 0


def test_a_prune_that_was_killed_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    harness = Harness.begun(tmp_path)
    harness.write(DATASET, FINETUNE)
    harness.apply()
    harness.write(DATASET)
    succeeded = Journal.succeeded

    async def gone(journal: Journal, effect: Effect, result: CallResult) -> None:
        if effect.verb == "delete":
            raise KilledCall
        await succeeded(journal, effect, result)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "succeeded", gone)
        with pytest.raises(KilledCall):
            prune(harness.project(), Choice(everything=True), lambda *_: True, Patience(), Silent())
    assert harness.ledger["intents"]
    assert harness.project().plan().orphans == ()
    harness.call("POST", "/_sandbox/advance", {"seconds": 3600})
    assert harness.apply().plan.status is Status.CONVERGED
    assert not harness.ledger["intents"]
    assert harness.calls("DELETE", "/fine-tunes/") == 1


def test_a_job_stays_whose_export_serves_under_a_name_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = Harness.begun(tmp_path)
    harness.write(DATASET, FINETUNE, CHECKPOINT, DEPLOYMENT)
    harness.apply()
    (harness.specs / ".wanctl/ledger.json").unlink()

    def named_otherwise(_path: str, body: Any) -> None:
        text = json.dumps(body)
        renamed = re.sub(r"wan2\.6-i2v-ft-([0-9a-f-]+)-c20", r"monsoon-\1", text)
        body.clear()
        body.update(json.loads(renamed))

    monkeypatch.setattr(ChangedAnswers, "change", staticmethod(named_otherwise))
    monkeypatch.setattr("wanctl.project.provider.httpx.ASGITransport", ChangedAnswers)
    harness.write(DATASET)
    (job,) = [one.remote_id for one in harness.project().plan().orphans if one.kind == "FineTune"]
    outcome = prune(harness.project(), Choice([job]), lambda *_: True, Patience(), Silent())
    assert outcome is not None
    (step,) = outcome.plan.steps
    assert step.when is When.BLOCKED
    assert "monsoon-" in step.reason
