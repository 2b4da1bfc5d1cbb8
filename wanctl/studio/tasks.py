"""Tasks of video generation: submit one, ask for it, cancel it, list those of a model.

Submitting is billed and has no idempotency key: it is called once. A task and its link pass away after a day.
"""

from collections.abc import Mapping
from typing import Any

from wanctl.studio.errors import UnsupportedState
from wanctl.studio.objects import TaskRow, VideoTask
from wanctl.studio.reading import Answer, Page, output, parse, parse_rows, read_numbered
from wanctl.studio.verdict import CallEffect
from wanctl.studio.wire import StudioConnection, StudioRequest, segment

_ASYNC = {"X-DashScope-Async": "enable"}
_RESOLVE = {"X-DashScope-OssResourceResolve": "enable"}
_ROWS_A_PAGE = 50


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
