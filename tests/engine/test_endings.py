"""What is to go: a refusal is heard once, a protection outlives even its account, the rest is remembered."""

import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.engine.random_faults import CHECKPOINT, DATASET, DEPLOYMENT, FINETUNE, Bent, Rain
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
    rain = Rain(tmp_path)
    rain.write(DATASET, FINETUNE)
    rain.apply()
    rain.call("POST", "/_sandbox/rig", {"quirks": {"keep_ended_jobs": True}})
    rain.write(DATASET, {**FINETUNE, "state": "absent"})
    for _ in range(2):
        outcome = rain.apply()
        assert not outcome.failures
        assert outcome.plan.status is Status.CONVERGED
        step = outcome.plan.step(JOB)
        assert step is not None
        assert "refused" in step.reason
    assert rain.calls("DELETE", "/fine-tunes/") == 1
    assert any("refused" in (line["note"] or "") for line in rain.ledger["history"])

    rain.write(DATASET, FINETUNE)
    assert rain.apply().plan.status is Status.CONVERGED
    assert rain.calls("POST", "/fine-tunes") == 1, "what the service kept is still the job"


def test_an_orphan_that_the_service_refuses_to_delete_is_asked_for_once(tmp_path: Path) -> None:
    rain = Rain(tmp_path)
    rain.write(DATASET, FINETUNE)
    rain.apply()
    rain.call("POST", "/_sandbox/rig", {"quirks": {"keep_ended_jobs": True}})
    rain.write(DATASET)
    for _ in range(2):
        outcome = prune(
            rain.project(),
            Choice(everything=True),
            lambda _plan, _steps: True,
            Patience(waits=True),
            Silent(),
        )
        assert outcome is not None
        assert not outcome.failures
        assert outcome.plan.status is Status.CONVERGED
    assert rain.calls("DELETE", "/fine-tunes/") == 1


def test_a_protected_deployment_is_not_forgotten_in_an_account_that_has_none(tmp_path: Path) -> None:
    rain = Rain(tmp_path)
    rain.write(DATASET, FINETUNE, CHECKPOINT, {**DEPLOYMENT, "protect": True})
    rain.apply()
    rain.write(DATASET)
    right, here = tmp_path / "right", rain.specs / ".wanctl/sandbox"
    shutil.move(here, right)
    plan = rain.apply(waits=False).plan
    warned = [one for one in plan.findings if one.rule == "protected-gone"]
    assert [(one.severity, one.address) for one in warned] == [(Severity.WARNING, LIVE)]
    assert rain.ledger["entries"][str(LIVE)]["protected"]

    shutil.rmtree(here)
    shutil.move(right, here)
    plan = rain.apply(waits=False).plan
    assert plan.status is Status.BLOCKED, "protected, as before"
    assert rain.calls("DELETE", "/deployments/") == 0


def test_what_was_deleted_leaves_the_rest_of_the_entry() -> None:
    entry = Entry(current=made("ft-2"), past=(made("ft-1"),), disowned=("ft-9",), protected=True)
    assert entry.without("ft-2") == entry.model_copy(update={"current": None})
    assert entry.without("ft-1") == entry.model_copy(update={"past": ()})
    assert entry.without("ft-3") == entry


def test_a_deleted_job_leaves_what_a_person_said_of_others(tmp_path: Path) -> None:
    rain = Rain(tmp_path)
    rain.write(DATASET, FINETUNE)
    rain.apply()
    rain.write(DATASET, {**FINETUNE, "hyper_parameters": {"n_epochs": 50, "eval_epochs": 10}})
    rain.apply()
    ledger = rain.ledger["entries"][str(JOB)]
    rain.write(
        DATASET, {**FINETUNE, "hyper_parameters": {"n_epochs": 50, "eval_epochs": 10}, "state": "absent"}
    )
    rain.apply()
    assert rain.calls("DELETE", "/fine-tunes/") == 1
    left = rain.ledger["entries"][str(JOB)]
    assert left["current"] is None
    assert left["past"] == ledger["past"]


class Killed(Exception):  # noqa: N818 - as the kernel does it
    """The process is gone: nothing after this is written."""


def killed_after(rain: Rain, verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An apply whose call has had its effect, and whose ledger still says that it is about to be made."""

    async def gone(journal: Journal, effect: Effect, result: CallResult) -> None:
        if effect.verb == verb:
            raise Killed
        await succeeded(journal, effect, result)

    succeeded = Journal.succeeded
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "succeeded", gone)
        with pytest.raises(Killed):
            rain.apply()


ABSENT = {"state": "absent"}


def test_a_deletion_that_was_killed_leaves_no_open_call_and_nothing_to_miss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rain = Rain(tmp_path)
    rain.write(DATASET, FINETUNE)
    rain.apply()
    rain.write(DATASET, FINETUNE | ABSENT)
    killed_after(rain, "delete", monkeypatch)
    assert rain.ledger["intents"]
    outcome = rain.apply()
    assert outcome.plan.status is Status.CONVERGED
    assert not rain.ledger["intents"]
    assert str(JOB) not in rain.ledger["entries"]

    rain.write(DATASET | ABSENT, FINETUNE | ABSENT)
    killed_after(rain, "delete", monkeypatch)
    assert rain.apply().plan.status is Status.CONVERGED
    assert not rain.ledger["intents"]
    assert not rain.ledger["entries"]
    assert rain.calls("DELETE", "") == 2

    rain.write(DATASET, FINETUNE)
    outcome = rain.apply()
    assert outcome.plan.status is Status.CONVERGED, "what was deleted by its tombstone is made again"
    assert not any(step.drift for step, _ in outcome.done)


def test_an_export_that_was_killed_is_known_to_its_tombstone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rain = Rain(tmp_path)
    rain.write(DATASET, FINETUNE, CHECKPOINT)
    killed_after(rain, "export", monkeypatch)
    rain.write(DATASET, FINETUNE, CHECKPOINT | ABSENT)
    rain.call("POST", "/_sandbox/advance", {"seconds": 3600})
    outcome = rain.apply()
    assert outcome.plan.status is Status.CONVERGED
    assert rain.ledger["entries"][str(Address.checkpoint("best"))]["current"]["inputs"]["model_name"]
    step = outcome.plan.step(Address.checkpoint("best"))
    assert step is not None
    assert step.remote_id
    assert not rain.ledger["intents"]


def test_a_training_whose_answer_was_lost_is_waited_for_by_its_tombstone(tmp_path: Path) -> None:
    rain = Rain(tmp_path)
    rain.write(DATASET)
    rain.apply()
    rain.write(DATASET, FINETUNE)
    rain.call("POST", "/_sandbox/rig", {"quirks": {"list_lag": 120}})
    lost = {"kind": "reset", "when": "after", "method": "POST", "path": "/api/v1/fine-tunes", "count": 1}
    rain.call("POST", "/_sandbox/faults", lost)
    rain.apply(waits=False)
    rain.write(DATASET | ABSENT, FINETUNE | ABSENT)
    plan = rain.project().plan()
    assert [step.when for step in plan.steps] == [When.SERVICE, When.SERVICE]
    while rain.apply().unapproved:
        pass  # what appeared is to be seen by a person first
    assert rain.project().plan().status is Status.CONVERGED
    assert rain.calls("DELETE", "/fine-tunes/") == rain.calls("DELETE", "/files/") == 1
    assert not rain.ledger["intents"]
    assert not rain.ledger["entries"]


def test_a_tombstone_takes_what_was_uploaded_last_where_the_media_went_first(tmp_path: Path) -> None:
    rain = Rain(tmp_path)
    rain.write(DATASET)
    rain.apply()
    shutil.rmtree(tmp_path / "data")
    rain.write(DATASET | ABSENT)
    assert rain.apply().plan.status is Status.CONVERGED
    assert rain.calls("DELETE", "/files/") == 1
    assert rain.apply().plan.status is Status.CONVERGED


@pytest.mark.parametrize("end", ["tombstone", "no document"])
def test_a_deployment_whose_answer_was_lost_goes_as_its_document_does(
    tmp_path: Path, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rain = Rain(tmp_path)
    rain.write(DATASET, FINETUNE, CHECKPOINT)
    rain.apply()
    rain.write(DATASET, FINETUNE, CHECKPOINT, DEPLOYMENT)
    killed_after(rain, "deploy", monkeypatch)
    assert rain.ledger["intents"]
    rain.write(DATASET, FINETUNE, CHECKPOINT, *([DEPLOYMENT | ABSENT] if end == "tombstone" else []))
    assert rain.project().plan().steps[-1].action is Action.DELETE
    while rain.apply().unapproved:
        pass
    assert rain.project().plan().status is Status.CONVERGED
    assert rain.calls("DELETE", "/deployments/") == 1
    assert not rain.ledger["intents"]
    assert str(LIVE) not in rain.ledger["entries"]


def test_a_deployment_that_never_was_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    rain = Rain(tmp_path)
    rain.write(DATASET, FINETUNE, CHECKPOINT)
    rain.apply()
    rain.write(DATASET, FINETUNE, CHECKPOINT, DEPLOYMENT)
    lost = {"kind": "reset", "when": "before", "method": "POST", "path": "/api/v1/deployments", "count": 1}
    rain.call("POST", "/_sandbox/faults", lost)
    rain.apply(waits=False)
    rain.write(DATASET, FINETUNE, CHECKPOINT)
    step = rain.project().plan().step(LIVE)
    assert step is not None
    assert step.when is When.SERVICE
    assert rain.apply().plan.status is Status.CONVERGED
    assert not rain.ledger["intents"]
    assert rain.calls("DELETE", "/deployments/") == 0


def test_a_choice_is_remembered_beyond_the_end_of_its_job(tmp_path: Path) -> None:
    rain = Rain(tmp_path)
    rain.write(DATASET, FINETUNE, CHECKPOINT)
    rain.apply()
    again = {**FINETUNE, "hyper_parameters": {"n_epochs": 60, "eval_epochs": 10}}
    rain.write(DATASET, again, CHECKPOINT)
    rain.apply(waits=False)
    unseen = rain.project().plan().step(Address.checkpoint("best"))
    assert unseen is not None
    assert unseen.warning is not None
    prune(rain.project(), Choice(everything=True), lambda *_: True, Patience(waits=True), Silent())
    assert rain.calls("DELETE", "/fine-tunes/") == 1
    assert rain.project().plan().step(Address.checkpoint("best")) == unseen


def test_a_log_that_is_refused_stops_nothing(tmp_path: Path) -> None:
    """It tells progress and last words, and no decision hangs on it."""
    rain = Rain(tmp_path)
    rain.write(DATASET, FINETUNE)
    rule = {"kind": "status", "status": 400, "path": "/api/v1/fine-tunes/*/logs", "count": "all"}
    rain.call("POST", "/_sandbox/faults", rule)
    rain.call("POST", "/_sandbox/rig", {"next_job": "FAILED"})
    outcome = rain.apply()
    step = outcome.plan.step(JOB)
    assert step is not None
    assert step.when is When.BLOCKED, step
    assert "failed" in step.reason


def test_a_tombstone_with_protect_false_lifts_the_protection_first(tmp_path: Path) -> None:
    rain = Rain(tmp_path)
    rain.write(DATASET, FINETUNE, CHECKPOINT, {**DEPLOYMENT, "protect": True})
    rain.apply()
    rain.write(DATASET, FINETUNE, CHECKPOINT, {**DEPLOYMENT, "state": "absent", "protect": True})
    assert rain.apply().plan.status is Status.BLOCKED
    rain.write(DATASET, FINETUNE, CHECKPOINT, {**DEPLOYMENT, "state": "absent", "protect": False})
    assert [one.action for one, _ in rain.apply().done] == [Action.UNPROTECT]
    assert [one.action for one, _ in rain.apply().done] == [Action.DELETE]
    assert rain.apply().plan.status is Status.CONVERGED


def test_destroy_says_what_it_leaves_because_the_ledger_does_not_know_it(tmp_path: Path) -> None:
    rain = Rain(tmp_path)
    rain.write(DATASET, FINETUNE, CHECKPOINT, DEPLOYMENT)
    rain.apply()
    (rain.specs / ".wanctl/ledger.json").unlink()
    outcome = rain.project().apply(lambda *_: True, Patience(), to_delete=())
    assert outcome is not None
    step = outcome.plan.step(LIVE)
    assert step is not None
    assert (step.action, step.when) == (Action.DELETE, When.BLOCKED)
    assert step.hints == (f"if it is yours: wanctl adopt {LIVE} {step.remote_id}",)
    assert rain.calls("DELETE", "/deployments/") == 0


def test_a_prune_that_was_killed_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rain = Rain(tmp_path)
    rain.write(DATASET, FINETUNE)
    rain.apply()
    rain.write(DATASET)
    succeeded = Journal.succeeded

    async def gone(journal: Journal, effect: Effect, result: CallResult) -> None:
        if effect.verb == "delete":
            raise Killed
        await succeeded(journal, effect, result)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "succeeded", gone)
        with pytest.raises(Killed):
            prune(rain.project(), Choice(everything=True), lambda *_: True, Patience(), Silent())
    assert rain.ledger["intents"]
    assert rain.project().plan().orphans == ()
    rain.call("POST", "/_sandbox/advance", {"seconds": 3600})
    assert rain.apply().plan.status is Status.CONVERGED
    assert not rain.ledger["intents"]
    assert rain.calls("DELETE", "/fine-tunes/") == 1


def test_a_job_stays_whose_export_serves_under_a_name_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rain = Rain(tmp_path)
    rain.write(DATASET, FINETUNE, CHECKPOINT, DEPLOYMENT)
    rain.apply()
    (rain.specs / ".wanctl/ledger.json").unlink()

    def named_otherwise(_path: str, body: Any) -> None:
        text = json.dumps(body)
        renamed = re.sub(r"wan2\.6-i2v-ft-([0-9a-f-]+)-c20", r"monsoon-\1", text)
        body.clear()
        body.update(json.loads(renamed))

    monkeypatch.setattr(Bent, "bend", staticmethod(named_otherwise))
    monkeypatch.setattr("wanctl.project.provider.httpx.ASGITransport", Bent)
    rain.write(DATASET)
    (job,) = [one.remote_id for one in rain.project().plan().orphans if one.kind == "FineTune"]
    outcome = prune(rain.project(), Choice([job]), lambda *_: True, Patience(), Silent())
    assert outcome is not None
    (step,) = outcome.plan.steps
    assert step.when is When.BLOCKED
    assert "monsoon-" in step.reason
