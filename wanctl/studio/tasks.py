"""Tasks of video generation: submit one, ask for it, cancel it, list those of a model.

Submitting is billed and has no idempotency key: it is called once. A task and its link pass away after a day.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from wanctl.studio.errors import UnsupportedState
from wanctl.studio.objects import UNTOLD, Number, RemoteObject, Said, Table, Text, Time, known
from wanctl.studio.reading import Answer, Page, output, parse, parse_rows, read_numbered
from wanctl.studio.verdict import CallEffect
from wanctl.studio.wire import StudioConnection, StudioRequest, segment

_ASYNC = {"X-DashScope-Async": "enable"}
_RESOLVE = {"X-DashScope-OssResourceResolve": "enable"}
_ROWS_A_PAGE = 50


class TaskStatus(StrEnum):
    """The life of a task. UNKNOWN is said of one that never was, or is older than a day: it is an end."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUSPENDED = "SUSPENDED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    UNKNOWN = UNTOLD


_ENDS = frozenset({TaskStatus.SUCCEEDED, TaskStatus.FAILED, TaskStatus.CANCELED, TaskStatus.UNKNOWN})


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
        return self.task_status in _ENDS

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


class Tasks:
    """`studio.tasks`."""

    def __init__(self, wire: StudioConnection) -> None:
        self._wire = wire

    async def submit(
        self, path: str, body: Mapping[str, Any], *, resolves_storage: bool = False
    ) -> Answer[VideoTask]:
        """Start a task. Billed: called once, never retried unless it was surely refused."""
        headers = _ASYNC | (_RESOLVE if resolves_storage else {})
        reply = await self._wire.call(
            StudioRequest("POST", path, CallEffect.ONCE, json=body, headers=headers)
        )
        return Answer(parse(VideoTask, output(reply), reply), reply.request_id)

    async def get(self, task_id: str) -> VideoTask:
        reply = await self._wire.call(StudioRequest("GET", _task_path(task_id)))
        found = output(reply)
        beside = {"usage": reply.body.get("usage"), "task_id": task_id}
        return parse(VideoTask, {**beside, **found} if isinstance(found, dict) else found, reply)

    async def cancel(self, task_id: str) -> bool:
        """Whether it was canceled: only what is PENDING can be, and then nothing is billed."""
        try:
            await self._wire.call(
                StudioRequest("POST", f"{_task_path(task_id)}/cancel", CallEffect.REPEATABLE)
            )
        except UnsupportedState:
            return False
        return True

    async def list(self, model: str) -> tuple[TaskRow, ...]:
        """The tasks of the last day that called a model, each once."""

        async def page(number: int) -> Page[TaskRow]:
            params: dict[str, str | int] = {"model_name": model, "page_no": number, "page_size": _ROWS_A_PAGE}
            reply = await self._wire.call(StudioRequest("GET", "/tasks", params=params))
            return parse_rows(TaskRow, reply, "data", "tasks")

        found = await read_numbered(page, lambda row: row.task_id)
        return tuple(row for row in found if row.model_name in {model, None})


def _task_path(task_id: str) -> str:
    return f"/tasks/{segment(task_id)}"
