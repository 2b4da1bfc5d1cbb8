"""A job of somebody else's upload is adopted: nothing is uploaded for it, until one is trained again."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Document, Harness, checkpoint, dataset, deployment, finetune
from wanctl.address import Address
from wanctl.base.running import run
from wanctl.plan import Action, Status, When
from wanctl.project import Project
from wanctl.project.adoption import bind
from wanctl.project.provider import call_sandbox, open_sandbox

TRAIN, RAIN = Address.dataset("train"), Address.finetune("rain")


@pytest.fixture(scope="module")
def adopted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A job that somebody trained by hand, from a file under a name of their own, stands for the FineTune."""
    root = tmp_path_factory.mktemp("adopted")
    harness = Harness.begun(root)
    harness.serve(deployment())
    archive = Path(shutil.make_archive(str(root / "clips"), "zip", root / "data"))
    project = harness.project()
    sandbox = open_sandbox(project.desired.settings, project.state)
    upload = ("clips.zip", archive.read_bytes())
    _, text = run(call_sandbox(sandbox, "POST", "/compatible-mode/v1/files", None, upload))
    sandbox.close()
    body = {
        "model": "wan2.6-i2v",
        "training_file_ids": [text.split('"')[3]],
        "training_type": "efficient_sft",
        "hyper_parameters": {"n_epochs": 40, "eval_epochs": 10},
    }
    job = harness.call("POST", "/api/v1/fine-tunes", body)["output"]["job_id"]
    bind(Project.open(harness.specs), RAIN, job, None)
    return root


@pytest.fixture
def harness(adopted: Path, tmp_path: Path) -> Harness:
    shutil.copytree(adopted, tmp_path / "copied")
    return Harness(tmp_path / "copied/specs")


def write(harness: Harness, *more: Document, **training: Any) -> None:
    harness.write(dataset(), {**finetune(), **training}, checkpoint(), deployment(), *more)


def test_nothing_is_uploaded_for_it_while_it_trains_nor_afterwards(harness: Harness) -> None:
    step = harness.step(TRAIN)
    assert (step.action, step.when) == (Action.NOTHING, When.DONE)
    assert step.reason == "not uploaded: FineTune/rain has its job"
    assert harness.apply().plan.status is Status.CONVERGED
    assert harness.calls("POST", "/files") == 1, "by hand"
    assert len(harness.jobs()) == 1


def test_what_is_wrong_with_the_media_stops_nobody(harness: Harness) -> None:
    (harness.specs.parent / "data" / "data.jsonl").write_text("no JSON\n", encoding="utf-8")
    bind(Project.open(harness.specs), RAIN, harness.jobs()[0]["job_id"], None)
    assert harness.step(TRAIN).settled


def test_another_attempt_needs_the_upload(harness: Harness) -> None:
    write(harness, attempt=2)
    harness.advance(12 * 3600)
    step = harness.step(TRAIN)
    assert (step.action, step.when) == (Action.UPLOAD, When.NOW)
    assert harness.step(RAIN).after == (TRAIN,)


def test_another_training_on_the_same_media_needs_it(harness: Harness) -> None:
    longer = {**finetune("longer"), "hyper_parameters": {"n_epochs": 60, "eval_epochs": 10}}
    write(harness, longer)
    assert harness.step(TRAIN).action is Action.UPLOAD


def test_changed_media_are_uploaded(harness: Harness) -> None:
    captions = harness.specs.parent / "data" / "data.jsonl"
    captions.write_text(captions.read_text(encoding="utf-8").replace("video", "film"), encoding="utf-8")
    assert harness.step(TRAIN).action is Action.UPLOAD


def test_media_that_nothing_refers_to_are_uploaded_as_ever(harness: Harness) -> None:
    harness.write(dataset())
    assert harness.step(TRAIN).action is Action.UPLOAD


def test_what_was_uploaded_once_and_deleted_is_uploaded_again(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    harness.serve(deployment())
    harness.apply()
    (file,) = harness.call("GET", "/compatible-mode/v1/files")["data"]
    harness.call("DELETE", f"/compatible-mode/v1/files/{file['id']}")
    assert harness.step(TRAIN).drift
