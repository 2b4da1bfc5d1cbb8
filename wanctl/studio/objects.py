"""The service's objects as typed values: files, jobs, checkpoints, previews, logs, deployments.

Read leniently, for the documents disagree with each other and with the service: a missing or wrong value
gets a default, an unknown status or field is kept as it came, and only a missing identity is an error. Free
text loses its signed URLs here. No I/O and no clock: the planner works with these.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from wanctl.base.redaction import without_secrets


def _number(value: Any) -> int | None:
    """An integer however it is spelled; None for what is not a number."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        pass
    try:
        return int(float(value))
    except (TypeError, ValueError, OverflowError):
        return None


_TIME = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})[T ]+(\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,](\d{1,6}))?")


def _time(value: Any) -> datetime | None:
    """A time as it was given, without a zone: the service names none. None for what is no time."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    match = _TIME.match(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    micros = int((match[7] or "").ljust(6, "0"))
    try:
        return datetime(year, month, day, hour, minute, second, micros)  # noqa: DTZ001 - naive, as given
    except ValueError:
        return None


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int | float) else None


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(str(one) for one in value if one is not None) if isinstance(value, list | tuple) else ()


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _said(value: Any) -> str | None:
    text = _text(value)
    return without_secrets(text) if text else text


def _lines(value: Any) -> tuple[str, ...]:
    return tuple(without_secrets(line) for line in _texts(value))


def known(statuses: type[StrEnum]) -> BeforeValidator:
    """A status as it is spelled here, whatever its case; one that nobody knows stays as it came."""
    spelled = {status.casefold(): status for status in statuses}

    def status(value: Any) -> str:
        text = without_secrets(str(value))
        return spelled.get(text.strip().casefold(), text)

    return BeforeValidator(status)


Text = Annotated[str | None, BeforeValidator(_text)]
Number = Annotated[int | None, BeforeValidator(_number)]
Time = Annotated[datetime | None, BeforeValidator(_time)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]
Said = Annotated[str | None, BeforeValidator(_said)]  # free text: shown to people, so no signed URL is in it
Lines = Annotated[tuple[str, ...], BeforeValidator(_lines)]
Table = Annotated[dict[str, Any], BeforeValidator(_table)]


class FileStatus(StrEnum):
    """The state of an upload; what says something else than `processed` cannot be trained on."""

    PROCESSED = "processed"
    PROCESSING = "processing"
    UPLOADED = "uploaded"
    ERROR = "error"


class JobStatus(StrEnum):
    """The life of a fine-tune job."""

    PENDING = "PENDING"
    QUEUING = "QUEUING"
    RUNNING = "RUNNING"
    CANCELING = "CANCELING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"


class CheckpointStatus(StrEnum):
    """How far a checkpoint's export is. PENDING may also mean that none was ever asked for."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    UNSUPPORTED = "UNSUPPORTED"


class DeploymentStatus(StrEnum):
    """The life of a deployment; only RUNNING can be called."""

    PENDING = "PENDING"
    DEPLOYING = "DEPLOYING"
    RUNNING = "RUNNING"
    FAILED = "FAILED"
    STOPPED = "STOPPED"
    UPDATING = "UPDATING"
    UPDATING_FAILED = "UPDATING_FAILED"
    ARREARS_DOWN = "ARREARS_DOWN"
    ARREARS_RECOVERING = "ARREARS_RECOVERING"
    OFFLINING = "OFFLINING"
    DELETING = "DELETING"
    DELETED = "DELETED"


UNTOLD = "UNKNOWN"  # the status of an object that came without one
_KNOWN_FIRST = Field(default=UNTOLD, union_mode="left_to_right")


class RemoteObject(BaseModel):
    """An object of the service. A null is as good as missing; the repr shows no signature."""

    model_config = ConfigDict(
        frozen=True, extra="allow", coerce_numbers_to_str=True, protected_namespaces=(), defer_build=True
    )

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return cls._fold({key: value for key, value in data.items() if value is not None})

    @classmethod
    def _fold(cls, data: dict[str, Any]) -> dict[str, Any]:
        """Bring other spellings of the same thing into one."""
        return data

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, without_secrets(value) if isinstance(value, str) and "?" in value else value


class RemoteFile(RemoteObject):
    """An uploaded file. There is no checksum: its name and size are all that says what it holds."""

    id: str
    filename: str = ""
    bytes: Number = None
    purpose: str = ""
    status: Annotated[FileStatus | str, known(FileStatus)] = _KNOWN_FIRST
    created_at: Number = None

    @property
    def usable(self) -> bool:
        return self.status in {FileStatus.PROCESSED, UNTOLD}

    @property
    def failed(self) -> bool:
        return str(self.status).lower() in {"error", "failed"}


_TERMINAL = frozenset({JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELED})
_LOST = frozenset({JobStatus.FAILED, JobStatus.CANCELED, JobStatus.CANCELING})
NOT_BEGUN = frozenset({JobStatus.PENDING, JobStatus.QUEUING})  # nothing is billed yet


IN_OSS = "oss://"  # before the bucket and the path of a folder, where uploaded files have their ids


def _folder(source: dict[str, Any]) -> str | None:
    """The address of a folder in OSS that a job read, where files have their ids."""
    mount = source.get("mount_storage") or source.get("oss_mount")
    if not isinstance(mount, dict) or not mount.get("bucket"):
        return None
    path = str(mount.get("file_path") or mount.get("path") or "").strip("/")
    return f"{IN_OSS}{mount['bucket']}/{path}"


class Job(RemoteObject):
    """A fine-tune job. What it was given is echoed in part, on newer servers hardly at all."""

    job_id: str
    job_name: Said = None
    status: Annotated[JobStatus | str, known(JobStatus)] = _KNOWN_FIRST
    model: Text = None
    base_model: Text = None
    finetuned_output: Text = None  # no model before SUCCEEDED, whatever stands here
    training_file_ids: Texts = ()
    validation_file_ids: Texts = ()
    hyper_parameters: Table = Field(default_factory=dict)
    training_type: Text = None
    create_time: Time = None
    end_time: Time = None
    usage: Number = None  # billed tokens, once it ended
    max_output_cnt: Number = None
    output_cnt: Number = None
    code: Said = None
    message: Said = None

    @classmethod
    def _fold(cls, data: dict[str, Any]) -> dict[str, Any]:
        if "jobs_name" in data:
            data.setdefault("job_name", data["jobs_name"])
        for role in ("training", "validation"):
            named = data.get(f"{role}_datasets")
            if not data.get(f"{role}_file_ids") and isinstance(named, list):
                ids = [one.get("file_id") or _folder(one) for one in named if isinstance(one, dict)]
                data[f"{role}_file_ids"] = [one for one in ids if one]
        if isinstance(data.get("usage"), dict):
            data["usage"] = data["usage"].get("total_tokens")
        return data

    @property
    def abridged(self) -> bool:
        """It leaves out what it was made from, as a row of a list may; only its details may say it."""
        return not (self.model or self.base_model) or "training_file_ids" not in self.model_fields_set

    @property
    def terminal(self) -> bool:
        return self.status in _TERMINAL

    @property
    def in_flight(self) -> bool:
        return not self.terminal

    @property
    def live(self) -> bool:
        """It has given a model, or may still give one."""
        return self.status not in _LOST

    @property
    def succeeded(self) -> bool:
        return self.status == JobStatus.SUCCEEDED

    @property
    def failed(self) -> bool:
        return self.status == JobStatus.FAILED

    @property
    def canceled(self) -> bool:
        return self.status == JobStatus.CANCELED


class CheckpointRow(RemoteObject):
    """A checkpoint of a job, and how far its export is."""

    checkpoint: str
    job_id: Text = None
    full_name: Said = None
    status: Annotated[CheckpointStatus | str, known(CheckpointStatus)] = _KNOWN_FIRST
    model_name: Text = None  # what can be deployed, once exported
    model_display_name: Said = None
    step: Number = None  # newer answers tell it
    create_time: Time = None
    expire_time: Time = None


_TAIL = re.compile(r"(\d{1,18})\D*$")  # more digits are no number of steps


def checkpoint_number(label: str) -> int:
    """The number that checkpoints sort by: `checkpoint-160` → 160. A label without one comes first."""
    match = _TAIL.search(label)
    return int(match[1]) if match else -1


class Preview(RemoteObject):
    """A video that a checkpoint made from a validation sample. Its links are signed and pass away."""

    video_path: Text = None
    prompt: Text = None
    first_frame_path: Text = None
    last_frame_path: Text = None


class LiveDeployment(RemoteObject):
    """A model that is served. Its `aigc_config` is echoed nowhere."""

    deployed_model: str
    model_name: Text = None
    base_model: Text = None
    status: Annotated[DeploymentStatus | str, known(DeploymentStatus)] = _KNOWN_FIRST
    plan: Text = None
    capacity: Number = None
    ready_capacity: Number = None
    gmt_create: Time = None
    gmt_modified: Time = None

    @property
    def running(self) -> bool:
        return self.status == DeploymentStatus.RUNNING

    @property
    def gone(self) -> bool:
        return self.status == DeploymentStatus.DELETED

    @property
    def leaving(self) -> bool:
        return self.status in {DeploymentStatus.DELETING, DeploymentStatus.OFFLINING}


class LogPage(RemoteObject):
    """Log lines of a job. `total` counts the lines at the service."""

    total: Number = None
    logs: Lines = ()


class TaskStatus(StrEnum):
    """The life of a task. UNKNOWN is said of one that never was, or is older than a day: it is an end."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUSPENDED = "SUSPENDED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    UNKNOWN = UNTOLD


_TASK_ENDS = frozenset({TaskStatus.SUCCEEDED, TaskStatus.FAILED, TaskStatus.CANCELED, TaskStatus.UNKNOWN})


class VideoTask(RemoteObject):
    """A task. Its link is signed: whoever has it sees the video."""

    task_id: str
    task_status: Annotated[TaskStatus | str, known(TaskStatus)] = Field(
        default=TaskStatus.UNKNOWN, union_mode="left_to_right"
    )
    submit_time: Time = None
    end_time: Time = None
    orig_prompt: Said = None
    actual_prompt: Said = None
    video_url: Text = None
    code: Said = None
    message: Said = None
    usage: Table = Field(default_factory=dict)

    @classmethod
    def _fold(cls, data: dict[str, Any]) -> dict[str, Any]:
        """Older answers list the link under `results`."""
        results = data.get("results")
        if "video_url" not in data and isinstance(results, list) and results and isinstance(results[0], dict):
            data["video_url"] = results[0].get("url") or results[0].get("video_url")
        return data

    @property
    def ended(self) -> bool:
        return self.task_status in _TASK_ENDS

    @property
    def succeeded(self) -> bool:
        return self.task_status == TaskStatus.SUCCEEDED

    @property
    def pending(self) -> bool:
        return self.task_status == TaskStatus.PENDING


class TaskRow(RemoteObject):
    """A task in a list: which model, and when it was made, in milliseconds."""

    task_id: str
    status: Annotated[TaskStatus | str, known(TaskStatus)] = Field(
        default=TaskStatus.UNKNOWN, union_mode="left_to_right"
    )
    model_name: Text = None
    start_time: Number = None
    gmt_create: Number = None

    @property
    def begun(self) -> float | None:
        """Seconds since 1970."""
        milliseconds = self.gmt_create or self.start_time
        return milliseconds / 1000 if milliseconds else None
