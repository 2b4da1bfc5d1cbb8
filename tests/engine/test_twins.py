"""A billed job is never started beside a possible twin, and nothing is ended on weak evidence."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.harness import DATASET, Harness, finetune
from wanctl.address import Address
from wanctl.engine.converge import Patience
from wanctl.plan import Plan, Step, When
from wanctl.project.adoption import bind

RAIN = Address.finetune("rain")


def training(name: str = "rain", **changed: Any) -> dict[str, Any]:
    return {**finetune(name), **changed}


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    return Harness.begun(tmp_path)


def test_two_documents_of_one_content_are_trained_once(tmp_path: Path, harness: Harness) -> None:
    shutil.copytree(tmp_path / "data", tmp_path / "copy")
    copied = {"kind": "Dataset", "name": "copy", "source": "../copy"}
    harness.write(DATASET, copied, training(), training("twin", training=["copy"]))
    harness.apply(waits=False)
    step = harness.step(Address.finetune("twin"))
    assert (len(harness.jobs()), step.when) == (1, When.BLOCKED)
    assert "FineTune/rain has the same inputs, byte for byte" in step.reason


def test_a_renamed_training_keeps_its_job_where_no_mark_is_kept(harness: Harness) -> None:
    harness.write(DATASET, training())
    harness.rig(quirks={"keep_job_name": False, "echo_file_ids": False})
    harness.apply(waits=True)
    harness.write(DATASET, training("storm"))
    harness.apply(waits=True)
    assert len(harness.jobs()) == 1
    assert harness.step(Address.finetune("storm")).when is When.DONE


def test_what_nobody_was_asked_about_is_not_started(harness: Harness) -> None:
    """The training's call never arrived; the next run waits, sees that, and asks before it calls again."""
    harness.write(DATASET, training())
    harness.lose_training_answer("before")
    harness.apply(waits=False)
    asked: list[tuple[Step, ...]] = []

    def refuse(_: Plan, steps: tuple[Step, ...]) -> bool:
        asked.append(steps)
        return False

    assert not harness.project().apply(refuse, Patience(waits=True)).approved
    assert [[step.address for step in steps] for steps in asked] == [[RAIN]]
    assert asked[0][0].changes
    assert harness.jobs() == []


def test_an_edited_training_does_not_take_the_job_of_a_lost_call(harness: Harness) -> None:
    """max_pixels is echoed nowhere: the job of the lost call and that of the edited spec look alike."""
    parameters = {"n_epochs": 40, "eval_epochs": 10}
    harness.write(DATASET, training(hyper_parameters={**parameters, "max_pixels": 16384}))
    harness.rig(quirks={"keep_job_name": False})
    harness.lose_training_answer("after")
    unread = {"kind": "status", "status": 503, "method": "GET", "path": "/api/v1/fine-tunes", "nth": 3}
    harness.call("POST", "/_sandbox/faults", {**unread, "count": "all"})
    with pytest.raises(Exception, match="the service failed"):
        harness.apply(waits=False)
    harness.call("DELETE", "/_sandbox/faults")
    harness.write(DATASET, training(hyper_parameters={**parameters, "max_pixels": 36864}))
    harness.apply(waits=False)
    step, jobs = harness.step(RAIN), harness.jobs()
    assert (len(jobs), step.when) == (1, When.BLOCKED)
    assert jobs[0]["job_id"] in step.reason


def test_saying_what_is_not_ours_answers_no_open_call(harness: Harness) -> None:
    harness.write(DATASET, training())
    harness.rig(quirks={"list_lag": 25})
    harness.lose_training_answer("after")
    harness.apply(waits=False)
    bind(harness.project(), RAIN, None, "ft-somebody-elses")
    assert harness.step(RAIN).when is When.SERVICE
    harness.apply(waits=True)
    assert len(harness.jobs()) == 1


def test_a_job_on_somebody_elses_file_is_neither_taken_nor_ended(harness: Harness) -> None:
    harness.write(DATASET, training())
    harness.rig(quirks={"keep_job_name": False})
    harness.apply(waits=False)
    file_id = harness.call("GET", "/compatible-mode/v1/files")["data"][0]["id"]
    shutil.rmtree(harness.specs / ".wanctl" / "cache")
    (harness.specs / ".wanctl" / "ledger.json").unlink()
    theirs = {"kind": "Dataset", "name": "theirs", "source": {"file_id": file_id}}
    for state in ("present", "absent"):
        mine = training("mine", training=["theirs"], hyper_parameters={"n_epochs": 40}, state=state)
        harness.write(theirs, mine, project="bob")
        step = harness.step(Address.finetune("mine"))
        assert (step.when, step.effect) == (When.BLOCKED, None)


def test_another_attempt_does_not_train_beside_the_first(harness: Harness) -> None:
    harness.write(DATASET, training())
    harness.apply(waits=False)
    harness.write(DATASET, training(attempt=2))
    harness.apply(waits=False)
    step = harness.step(RAIN)
    assert (len(harness.jobs()), step.when) == (1, When.BLOCKED)
    assert "attempt 2 would train beside" in step.reason
