"""A list may tell little of a job, and its details not much more: nothing is billed twice for that."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.harness import DATASET, FINETUNE, ChangedAnswers, Harness
from wanctl.address import Address
from wanctl.engine.converge import Patience
from wanctl.plan import Action, Step, When
from wanctl.project.adoption import bind

_JOBS = "/api/v1/fine-tunes"
_BARE = {"job_id", "status", "finetuned_output", "usage", "create_time"}
_SUMMARY = _BARE | {"model", "base_model"}


def _only(kept: set[str], job: dict[str, Any]) -> None:
    for name in set(job) - kept:
        del job[name]


def _telling(rows: set[str], details: set[str] | None = None) -> Callable[[str, Any], None]:
    """A service that tells these fields of a job, in its list and of one; never the name that we gave it."""

    def change(path: str, body: Any) -> None:
        if not path.startswith(_JOBS) or not isinstance(body.get("output"), dict):
            return
        for row in body["output"].get("jobs", ()):
            _only(rows, row)
        if "job_id" in body["output"]:
            body["output"].pop("job_name", None)
            _only(details or set(body["output"]), body["output"])

    return change


def _planned_again(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, change: Callable[[str, Any], None]
) -> Step:
    """What a machine that has no ledger makes of a training that another one has started."""
    monkeypatch.setattr(ChangedAnswers, "change", staticmethod(change))
    monkeypatch.setattr("wanctl.project.provider.httpx.ASGITransport", ChangedAnswers)
    harness.write(DATASET, FINETUNE)
    harness.apply(waits=False)
    (harness.specs / ".wanctl/ledger.json").unlink()
    step = harness.project().plan().step(Address.finetune("rain"))
    assert step is not None
    return step


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    return Harness.begun(tmp_path)


def test_a_job_that_tells_no_model_may_be_of_any(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    step = _planned_again(harness, monkeypatch, _telling(_BARE, _BARE))
    assert (step.action, step.when) == (Action.TRAIN, When.BLOCKED)
    assert "may already be this training" in step.reason
    (candidate,) = (one["id"] for one in harness.call("GET", "/_sandbox/status")["jobs"])
    assert "which model it trains is not told" in bind(
        harness.project(), Address.finetune("rain"), candidate, None
    )
    adopted = harness.project().plan().step(Address.finetune("rain"))
    assert adopted is not None
    assert adopted.remote_id == candidate


@pytest.mark.parametrize("rows", [_BARE, _SUMMARY])
def test_what_the_list_leaves_out_is_looked_up(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, rows: set[str]
) -> None:
    step = _planned_again(harness, monkeypatch, _telling(rows))
    assert step.when is not When.BLOCKED
    assert "found by the files" in step.reason
    assert harness.calls("POST", _JOBS) == 1


def test_a_job_of_another_model_by_its_details_is_none_of_ours(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other(path: str, body: Any) -> None:
        _telling(_BARE)(path, body)
        if path.startswith(_JOBS) and "job_id" in (body.get("output") or ()):
            body["output"].update(model="wan2.2-i2v-flash", base_model="wan2.2-i2v-flash")

    step = _planned_again(harness, monkeypatch, other)
    assert step.when is When.NOW


def test_the_one_job_that_came_with_a_lost_answer_is_taken_over_within_a_minute(harness: Harness) -> None:
    harness.write(DATASET, FINETUNE, polling="5s")
    harness.call("POST", "/_sandbox/rig", {"quirks": {"keep_job_name": False, "echo_file_ids": False}})
    lost = {"kind": "reset", "when": "after", "method": "POST", "path": _JOBS, "nth": 1}
    harness.call("POST", "/_sandbox/faults", lost)
    patience = Patience(waits=True, longest=timedelta(minutes=1))
    outcome = harness.project().apply(lambda _plan, _steps: True, patience)
    step = outcome.plan.step(Address.finetune("rain"))
    assert step is not None
    assert step.remote_id is not None, step.reason
    assert harness.calls("POST", _JOBS) == 1
