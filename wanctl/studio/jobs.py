"""Fine-tune jobs, their logs, and the previews of their checkpoints."""

from collections.abc import Mapping
from typing import Any

from wanctl.studio.errors import NotFound
from wanctl.studio.objects import Job, LogPage, Preview, checkpoint_number
from wanctl.studio.reading import MOST_PAGES, Answer, Page, output, parse, parse_rows, read_numbered, rows
from wanctl.studio.redaction import without_queries
from wanctl.studio.verdict import CallEffect
from wanctl.studio.wire import StudioConnection, StudioRequest, segment

_JOBS_A_PAGE = 100  # the most that every version of the service allows
_PREVIEWS_A_PAGE = 10  # the default: no maximum is documented
_LINES_A_PAGE = 1000


class Jobs:
    """`studio.jobs`."""

    def __init__(self, wire: StudioConnection) -> None:
        self._wire = wire

    async def create(self, body: Mapping[str, Any]) -> Answer[Job]:
        """Start a job. Billed, and without an idempotency key: called once, never retried."""
        reply = await self._wire.call(StudioRequest("POST", "/fine-tunes", CallEffect.ONCE, json=body))
        return Answer(parse(Job, output(reply), reply), reply.request_id)

    async def list(self) -> tuple[Job, ...]:
        """All jobs of the account, each once."""

        async def page(number: int) -> Page[Job]:
            params = {"page_no": number, "page_size": _JOBS_A_PAGE}
            reply = await self._wire.call(StudioRequest("GET", "/fine-tunes", params=params))
            return parse_rows(Job, reply, "jobs")

        return await read_numbered(page, lambda job: job.job_id)

    async def get(self, job_id: str) -> Job:
        reply = await self._wire.call(StudioRequest("GET", _path(job_id)))
        return parse(Job, output(reply), reply)

    async def cancel(self, job_id: str) -> Answer[None]:
        """Ask for the end of a job. What it has consumed is billed."""
        reply = await self._wire.call(StudioRequest("POST", f"{_path(job_id)}/cancel", CallEffect.REPEATABLE))
        return Answer(None, reply.request_id)

    async def delete(self, job_id: str) -> Answer[None]:
        """Delete a job's record; the service may refuse that in any state."""
        try:
            reply = await self._wire.call(StudioRequest("DELETE", _path(job_id), CallEffect.REPEATABLE))
        except NotFound as gone:
            return Answer(None, gone.request_id)
        return Answer(None, reply.request_id)

    async def logs(self, job_id: str) -> LogPage:
        """The whole log."""
        lines: list[str] = []
        for _ in range(MOST_PAGES):
            # offset counts the lines to skip, so the first call asks for 0
            params = {"offset": len(lines), "line": _LINES_A_PAGE}
            reply = await self._wire.call(StudioRequest("GET", f"{_path(job_id)}/logs", params=params))
            page = parse(LogPage, output(reply), reply)
            lines += page.logs
            short = len(page.logs) < _LINES_A_PAGE if page.total is None else len(lines) >= page.total
            if short or not page.logs:
                break
        return page.model_copy(update={"total": len(lines), "logs": tuple(lines)})

    async def validated(self, job_id: str) -> tuple[str, ...]:
        """The checkpoints that have previews, in the order of training."""
        reply = await self._wire.call(StudioRequest("GET", f"{_path(job_id)}/validation-results"))
        labels = {_label(row) for row in rows(reply, "checkpoints", "list", bare=True)}
        return tuple(sorted(labels - {""}, key=lambda label: (checkpoint_number(label), label)))

    async def previews(self, job_id: str, checkpoint: str) -> tuple[Preview, ...]:
        """The videos that a checkpoint made. Their links hold for a day."""
        path = f"{_path(job_id)}/validation-details/{segment(checkpoint)}"

        async def page(number: int) -> Page[tuple[int, Preview]]:
            params = {"page_no": number, "page_size": _PREVIEWS_A_PAGE}
            reply = await self._wire.call(StudioRequest("GET", path, params=params))
            found = parse_rows(Preview, reply, "list")
            return Page(tuple(enumerate(found.items)), found.total)

        return tuple(preview for _, preview in await read_numbered(page, _preview_identity))


def _path(job_id: str) -> str:
    return f"/fine-tunes/{segment(job_id)}"


def _label(row: Any) -> str:
    return str((row.get("checkpoint") or "") if isinstance(row, dict) else row)


def _preview_identity(numbered: tuple[int, Preview]) -> object:
    """The link without its signature, which is new each time; a sample that failed has none."""
    place, preview = numbered
    if preview.video_path:
        return without_queries(preview.video_path)
    return (place, preview.prompt, without_queries(preview.first_frame_path or ""))
