"""A Dataset that is an unpacked folder in OSS: the service reads it there, and nothing is uploaded."""

from pathlib import Path
from typing import Any

import pytest

from tests.harness import CHECKPOINT, DEPLOYMENT, Harness, dataset, finetune
from wanctl.address import Address
from wanctl.plan import Action, Status, When
from wanctl.project import Project
from wanctl.project.adoption import bind, carry_out_import, draft_import
from wanctl.project.provider import open_sandbox

FOLDER = {
    "kind": "Dataset",
    "name": "train",
    "source": {"oss": {"bucket": "my-clips", "path": "/rain/train/"}},
}
MOUNTED = {
    "data_source_type": "oss_mount",
    "mount_storage": {"bucket": "my-clips", "file_path": "rain/train"},
}
RAIN, TRAIN = Address.finetune("rain"), Address.dataset("train")


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    harness = Harness.begun(tmp_path)
    harness.write(FOLDER, finetune(), CHECKPOINT, DEPLOYMENT)
    harness.rig(quirks={"newer_answers": True})
    return harness


def made(harness: Harness) -> dict[str, Any]:
    """The only job, as it was asked for."""
    project = harness.project()
    sandbox = open_sandbox(project.desired.settings, project.state)
    (job,) = sandbox._store.all("job")
    sandbox.close()
    return dict(job)


def test_it_is_trained_on_where_it_is(harness: Harness) -> None:
    step = harness.step(TRAIN)
    assert (step.action, step.when, step.remote_id) == (
        Action.NOTHING,
        When.DONE,
        "oss://my-clips/rain/train",
    )
    assert harness.apply().plan.status is Status.CONVERGED
    job = made(harness)
    assert (job["training_file_ids"], job["training_datasets"]) == ([], [MOUNTED])
    assert harness.calls("POST", "/files") == 0
    assert harness.plan().status is Status.CONVERGED


def test_beside_an_upload_both_are_named_in_the_newer_way(harness: Harness) -> None:
    both = {**finetune(), "training": ["train", "more"]}
    harness.write(FOLDER, dataset("more"), both)
    harness.apply(waits=False)
    first, second = made(harness)["training_datasets"]
    assert [first, second["data_source_type"]] == [MOUNTED, "file_id"]


def test_it_may_be_what_previews_begin_with(harness: Harness) -> None:
    harness.write(dataset("clips"), FOLDER, {**finetune(), "training": ["clips"], "validation": ["train"]})
    harness.apply(waits=False)
    job = made(harness)
    assert [one["data_source_type"] for one in job["training_datasets"]] == ["file_id"]
    assert job["validation_datasets"] == [MOUNTED]


def test_another_folder_is_another_training(harness: Harness) -> None:
    harness.apply()
    other = {**FOLDER, "source": {"oss": {"bucket": "my-clips", "path": "rain/other"}}}
    harness.write(other, finetune(), CHECKPOINT, DEPLOYMENT)
    step = harness.step(RAIN)
    assert step.action is Action.TRAIN
    assert [(one.before, one.after) for one in step.changes if one.path == "training"] == [
        (["file:oss://my-clips/rain/train"], ["file:oss://my-clips/rain/other"])
    ]


def test_without_a_ledger_a_job_on_the_folder_is_a_persons_to_adopt(harness: Harness) -> None:
    harness.rig(quirks={"newer_answers": True, "keep_job_name": False})
    harness.apply()
    (harness.specs / ".wanctl/ledger.json").unlink()
    (job,) = harness.jobs()
    step = harness.step(RAIN)
    assert step.when is When.BLOCKED
    assert f"wanctl adopt FineTune/rain {job['job_id']}" in step.hints[0]
    said = bind(Project.open(harness.specs), RAIN, job["job_id"], None)
    assert "not told" not in said
    assert harness.step(RAIN).settled


def test_an_import_writes_the_folder(harness: Harness) -> None:
    harness.rig(quirks={"newer_answers": True, "keep_job_name": False})
    harness.apply()
    (harness.specs / ".wanctl/ledger.json").unlink()
    harness.write()
    draft = draft_import(harness.project(), (), None)
    assert "oss:" in draft.text
    carry_out_import(harness.project(), draft, adopts=True)
    assert harness.plan().status is Status.CONVERGED
    assert len(harness.jobs()) == 1
