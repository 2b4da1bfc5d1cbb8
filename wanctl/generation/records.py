"""What is remembered of each request, beside its video: written before anything is paid, and at each turn.

A request is known by its key. Whoever asks for the same again finds the video, or the task that is under way,
and pays nothing. One run at a time works on a request.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from wanctl.base.errors import WanctlError
from wanctl.base.files import PRIVATE, file_name, replace_file

FORMAT = 1
_LOCK_LOOK = 0.5  # seconds between two looks at a request that another run works on


class TaskState(StrEnum):
    """How far a request is. After ASKING nobody knows whether a task was started, until somebody looks."""

    ASKING = "asking"
    UNDER_WAY = "under way"
    DONE = "done"
    FAILED = "failed"
    CANCELED = "canceled"
    LOST = "lost"


class TaskRecord(BaseModel):
    """One attempt at a request. Holds no signed link and no key."""

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())

    format: int = FORMAT
    key: str
    attempt: int = 1
    account: str
    model: str
    mode: str
    request: dict[str, Any]
    prompt: str = ""
    state: TaskState
    looked_up: bool = False  # the task was found after an answer was lost, and may be another's
    asked_at: datetime
    task_id: str | None = None
    request_id: str | None = None
    ended_at: datetime | None = None
    code: str | None = None
    message: str | None = None
    video: str | None = None  # the file's name, beside this record
    seconds: float | None = None
    fps: float | None = None
    width: int | None = None
    height: int | None = None
    seed: int | None = None

    @property
    def begun(self) -> bool:
        """Something may be paid, and is not finished."""
        return self.state in {TaskState.ASKING, TaskState.UNDER_WAY}


class RecordError(WanctlError):
    """A record that cannot be used; nothing is paid before that is settled."""


class VideoFolder:
    """The folder of the videos and their records."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def stem(self, model: str, key: str, attempt: int = 1) -> str:
        again = f"-{attempt}" if attempt > 1 else ""
        return f"{file_name(model)}-{key[:12]}{again}"

    def latest(self, model: str, key: str) -> TaskRecord | None:
        """The last attempt at a request."""
        found: TaskRecord | None = None
        for attempt in range(1, 1000):
            record = self._read(self.path / f"{self.stem(model, key, attempt)}.json")
            if record is None:
                return found
            if record.key != key:
                raise RecordError(
                    f"{self.path}: two requests share the name {self.stem(model, key, attempt)}"
                )
            found = record
        return found

    def by_task(self, task_id: str) -> TaskRecord | None:
        return next((one for one in self.all() if one.task_id == task_id), None)

    def all(self) -> Iterator[TaskRecord]:
        for path in sorted(self.path.glob("*.json")):
            record = self._read(path, lenient=True)
            if record:
                yield record

    def _read(self, path: Path, *, lenient: bool = False) -> TaskRecord | None:
        try:
            record = TaskRecord.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            if lenient:
                return None
            raise RecordError(
                f"{path} cannot be read as the record of a request ({type(error).__name__})",
                "move it away if it is none; it may stand for a task that is paid",
            ) from None
        if record.format > FORMAT and not lenient:
            raise RecordError(f"{path} was written by a newer wanctl", "use that one")
        return record

    def write(self, record: TaskRecord) -> TaskRecord:
        """On the disk before it returns: a call may follow that is paid."""
        self.path.mkdir(parents=True, exist_ok=True)
        text = record.model_dump_json(indent=2, exclude_none=True)
        replace_file(self.file(record, ".json"), text + "\n", mode=PRIVATE, durable=True)
        return record

    def forget(self, record: TaskRecord) -> None:
        """Nothing was begun, so nothing is to be remembered."""
        self.file(record, ".json").unlink(missing_ok=True)

    def file(self, record: TaskRecord, ending: str = ".mp4") -> Path:
        return self.path / f"{self.stem(record.model, record.key, record.attempt)}{ending}"

    @asynccontextmanager
    async def held(self, model: str, key: str) -> AsyncIterator[bool]:
        """Hold a request; gives whether another run had it before. The lock goes with the process."""
        self.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path / f".{self.stem(model, key)}.lock")
        waited = False
        while True:
            try:
                lock.acquire(timeout=0)
                break
            except Timeout:
                waited = True
                await asyncio.sleep(_LOCK_LOOK)
        try:
            yield waited
        finally:
            lock.release()
