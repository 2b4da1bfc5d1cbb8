"""Objects are read leniently: whatever the documents and the service have been seen to give."""

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from wanctl.studio.objects import (
    CheckpointRow,
    CheckpointStatus,
    Job,
    JobStatus,
    LiveDeployment,
    LogPage,
    Preview,
    RemoteFile,
    checkpoint_number,
)
from wanctl.studio.training_log import Phase, training_progress

LOG = [
    "2025-11-11 11:23:37,315 - INFO - data process succeeded, start to fine-tune",
    " Actual number of consumed tokens is 215040 !",
    " Actual number of consumed tokens is 3901440 !",
    "2025-11-11 16:31:40,760 - INFO - fine-tuned output got, start to transfer it for inference",
    "2025-11-11 16:32:29,162 - INFO - transfer for inference succeeded, start to deliver it for inference",
    "2025-11-11 16:40:28,784 - INFO - start to save checkpoint",
    "2025-11-11 16:49:01,738 - INFO - finetune-job succeeded",
    "2025-11-11 16:49:02,234 - INFO - ##FT_COMPLETE##",
]


def naive(*parts: int) -> datetime:
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001 - as the service gives it


def test_a_job_in_all_its_spellings() -> None:
    job = Job.model_validate(
        {
            "job_id": "ft-1",
            "jobs_name": "ours--x--0123",
            "status": "SUCCEEDED",
            "training_file_ids": [],
            "training_datasets": [{"data_source_type": "file_id", "file_id": "file-1"}, {}],
            "validation_file_ids": ["file-2"],
            "hyper_parameters": {"learning_rate": "1.6e-5"},
            "usage": "432000",
            "create_time": "2025-11-11 11:22:22",
            "end_time": None,
            "workspace_id": "llm-abc",
        }
    )
    assert job.job_name == "ours--x--0123"
    assert job.training_file_ids == ("file-1",)
    assert job.validation_file_ids == ("file-2",)
    assert job.usage == 432000
    assert job.create_time == naive(2025, 11, 11, 11, 22, 22)
    assert job.end_time is None
    assert job.status is JobStatus.SUCCEEDED
    assert job.model_extra is not None
    assert job.model_extra["workspace_id"] == "llm-abc"


@pytest.mark.parametrize(
    ("status", "terminal", "live"),
    [
        ("PENDING", False, True),
        ("QUEUING", False, True),
        ("RUNNING", False, True),
        ("CANCELING", False, False),
        ("SUCCEEDED", True, True),
        ("FAILED", True, False),
        ("CANCELED", True, False),
        ("SOMETHING_NEW", False, True),
    ],
)
def test_what_a_status_means(status: str, terminal: bool, live: bool) -> None:
    job = Job.model_validate({"job_id": "ft-1", "status": status})
    assert str(job.status) == status
    assert (job.terminal, job.in_flight, job.live) == (terminal, not terminal, live)


def test_the_ends_of_a_job_are_told_apart() -> None:
    def ends(status: str) -> tuple[bool, bool, bool]:
        job = Job(job_id="ft-1", status=status)
        return (job.succeeded, job.failed, job.canceled)

    assert ends("SUCCEEDED") == (True, False, False)
    assert ends("FAILED") == (False, True, False)
    assert ends("CANCELED") == (False, False, True)


@pytest.mark.parametrize(
    ("given_time", "read"),
    [
        ("2025-11-11T17:46:53.294", naive(2025, 11, 11, 17, 46, 53, 294000)),
        ("2025-11-11T18:02:2", naive(2025, 11, 11, 18, 2, 2)),
        ("2025-11-11 17:46:53", naive(2025, 11, 11, 17, 46, 53)),
        ("2025-11-11T17:46:53+08:00", naive(2025, 11, 11, 17, 46, 53)),
        ("2025-13-40 99:00:00", None),
        ("soon", None),
        ("", None),
        (0, None),
    ],
)
def test_times_are_read_as_given(given_time: Any, read: datetime | None) -> None:
    row = CheckpointRow.model_validate({"checkpoint": "checkpoint-1", "create_time": given_time})
    assert row.create_time == read


@pytest.mark.parametrize(
    ("capacity", "read"), [(1, 1), ("2", 2), ("3.0", 3), (4.0, 4), ("many", None), (None, None), ([], None)]
)
def test_numbers_are_read_however_they_are_spelled(capacity: Any, read: int | None) -> None:
    deployment = LiveDeployment.model_validate({"deployed_model": "m", "capacity": capacity})
    assert deployment.capacity == read


def test_a_deployment_tells_where_it_is() -> None:
    assert LiveDeployment(deployed_model="m", status="RUNNING").running
    assert LiveDeployment(deployed_model="m", status="DELETED").gone
    assert LiveDeployment(deployed_model="m", status="DELETING").leaving
    assert LiveDeployment(deployed_model="m", status="OFFLINING").leaving
    assert not LiveDeployment(deployed_model="m").running


def test_the_case_of_a_status_does_not_matter() -> None:
    assert Job(job_id="ft-1", status="succeeded").succeeded
    assert LiveDeployment(deployed_model="m", status="Running").running
    assert CheckpointRow(checkpoint="c", status="processing").status is CheckpointStatus.PROCESSING
    assert RemoteFile(id="f", status="PROCESSED").usable
    assert Job(job_id="ft-1", status="Paused").status == "Paused"


def test_a_file_without_a_status_is_usable() -> None:
    """Files of the native API have none."""
    assert RemoteFile(id="f").usable


def test_a_file_is_usable_once_it_is_processed() -> None:
    assert RemoteFile(id="f", status="processed").usable
    assert not RemoteFile(id="f", status="processing").usable
    assert RemoteFile(id="f", status="error").failed


def test_an_object_without_its_identity_is_none() -> None:
    for model in (Job, RemoteFile, CheckpointRow, LiveDeployment):
        with pytest.raises(ValidationError):
            model.model_validate({})


LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
ODD = LEAF | st.lists(LEAF, max_size=3) | st.dictionaries(st.text(max_size=5), LEAF, max_size=3)


@given(st.dictionaries(st.sampled_from([*Job.model_fields, "jobs_name", "training_datasets"]), ODD))
def test_odd_optional_fields_do_not_stop_a_job(fields: dict[str, Any]) -> None:
    job = Job.model_validate({**fields, "job_id": "ft-1"})
    assert job.job_id == "ft-1"
    assert isinstance(job.status, str)


def test_a_repr_shows_no_signature() -> None:
    link = "https://oss.example/a.mp4?Expires=1&Signature=SIGNED"
    preview = Preview.model_validate({"video_path": link, "first_frame_path": link, "cover": link})
    assert "SIGNED" not in f"{preview} {preview!r} {[preview]}"
    assert preview.video_path == link
    assert "SIGNED" not in repr(RemoteFile.model_validate({"id": "f", "url": link}))


def test_checkpoints_sort_by_number() -> None:
    labels = ["checkpoint-160", "checkpoint-20", "final", "ft-1:checkpoint-40"]
    assert sorted(labels, key=checkpoint_number) == [
        "final",
        "checkpoint-20",
        "ft-1:checkpoint-40",
        "checkpoint-160",
    ]


@pytest.mark.parametrize(
    ("lines", "tokens", "fraction", "phase"),
    [
        (0, 0, None, Phase.STARTING),
        (1, 0, 0.0, Phase.TRAINING),
        (2, 215040, 0.0525, Phase.TRAINING),
        (3, 3901440, 0.9525, Phase.TRAINING),
        (4, 3901440, 1.0, Phase.TRANSFERRING),
        (5, 3901440, 1.0, Phase.DELIVERING),
        (6, 3901440, 1.0, Phase.SAVING),
        (8, 3901440, 1.0, Phase.COMPLETE),
    ],
)
def test_progress_is_read_from_the_log(lines: int, tokens: int, fraction: float | None, phase: Phase) -> None:
    progress = training_progress(LOG[:lines], 4_096_000)
    assert (progress.tokens, progress.fraction, progress.phase) == (tokens, fraction, phase)


def test_a_number_without_end_is_none() -> None:
    lines = ["Actual number of consumed tokens is 2048 !", f"number of consumed tokens is {'9' * 5000}"]
    assert training_progress(lines, None).tokens == 2048
    assert checkpoint_number(f"checkpoint-{'9' * 5000}") > checkpoint_number("checkpoint-160")
    assert Job.model_validate({"job_id": "ft-1", "usage": "9" * 5000}).usage is None


def test_progress_without_an_expectation_or_in_other_words() -> None:
    assert training_progress(LOG[:2], None).fraction is None
    assert training_progress(["training usage 500"], 1000).fraction == 0.5
    assert training_progress(["training usage 5000"], 1000).fraction == 1.0
    assert training_progress(["hello"], 1000).phase is Phase.PREPARING
    assert LogPage().logs == ()
