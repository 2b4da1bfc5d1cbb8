"""The calls of the native API, and the chat: jobs with their logs and previews, checkpoints, deployments.

Uploaded files are in `files`: their API answers in another form.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from wanctl.base.redaction import without_secrets
from wanctl.studio.errors import LostAnswer, NotFound, Refused, ServerError
from wanctl.studio.objects import CheckpointRow, Job, LiveDeployment, LogPage, Preview, checkpoint_number
from wanctl.studio.reading import MOST_PAGES, Answer, Page, output, parse, parse_rows, read_numbered, rows
from wanctl.studio.verdict import CallEffect, Reply, unusable
from wanctl.studio.wire import StudioConnection, StudioRequest, segment

_JOBS_A_PAGE = 100  # the most that every version of the service allows
_MOST_PREVIEWS = 5_000  # of one checkpoint; documents speak of a few
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
        reply = await self._wire.call(StudioRequest("GET", _job_path(job_id)))
        return parse(Job, output(reply), reply)

    async def cancel(self, job_id: str) -> Answer[None]:
        """Ask for the end of a job. What it has consumed is billed."""
        reply = await self._wire.call(
            StudioRequest("POST", f"{_job_path(job_id)}/cancel", CallEffect.REPEATABLE)
        )
        return Answer(None, reply.request_id)

    async def delete(self, job_id: str) -> Answer[None]:
        """Delete a job's record; the service may refuse that in any state."""
        try:
            reply = await self._wire.call(StudioRequest("DELETE", _job_path(job_id), CallEffect.REPEATABLE))
        except NotFound as gone:
            return Answer(None, gone.request_id)
        return Answer(None, reply.request_id)

    async def logs(self, job_id: str) -> LogPage:
        """The whole log."""
        lines: list[str] = []
        for _ in range(MOST_PAGES):
            # offset counts the lines to skip, so the first call asks for 0
            params = {"offset": len(lines), "line": _LINES_A_PAGE}
            reply = await self._wire.call(StudioRequest("GET", f"{_job_path(job_id)}/logs", params=params))
            page = parse(LogPage, output(reply), reply)
            lines += page.logs
            short = len(page.logs) < _LINES_A_PAGE if page.total is None else len(lines) >= page.total
            if short or not page.logs:
                break
        return page.model_copy(update={"total": len(lines), "logs": tuple(lines)})

    async def validated(self, job_id: str) -> tuple[str, ...]:
        """The checkpoints that have previews, in the order of training."""
        reply = await self._wire.call(StudioRequest("GET", f"{_job_path(job_id)}/validation-results"))
        labels = {_label(row) for row in rows(reply, "checkpoints", "list", bare=True)}
        return tuple(sorted(labels - {""}, key=lambda label: (checkpoint_number(label), label)))

    async def previews(self, job_id: str, checkpoint: str) -> tuple[Preview, ...]:
        """The videos that a checkpoint made. Their links hold for a day."""
        path = f"{_job_path(job_id)}/validation-details/{segment(checkpoint)}"

        async def page(number: int) -> Page[tuple[int, Preview]]:
            params = {"page_no": number, "page_size": _PREVIEWS_A_PAGE}
            reply = await self._wire.call(StudioRequest("GET", path, params=params))
            found = parse_rows(Preview, reply, "list")
            return Page(tuple(enumerate(found.items)), found.total, found.more)

        return tuple(preview for _, preview in await read_numbered(page, _preview_identity, _MOST_PREVIEWS))


def _job_path(job_id: str) -> str:
    return f"/fine-tunes/{segment(job_id)}"


def _label(row: Any) -> str:
    return str((row.get("checkpoint") or "") if isinstance(row, dict) else row)


def _preview_identity(numbered: tuple[int, Preview]) -> object:
    """The link without its signature, which is new each time; a sample that failed has none."""
    place, preview = numbered
    if preview.video_path:
        return without_secrets(preview.video_path)
    return (place, preview.prompt, without_secrets(preview.first_frame_path or ""))


class Checkpoints:
    """`studio.checkpoints`."""

    def __init__(self, wire: StudioConnection) -> None:
        self._wire = wire

    async def list(self, job_id: str) -> tuple[CheckpointRow, ...]:
        """All checkpoints that the service still has, in the order of training."""
        reply = await self._wire.call(StudioRequest("GET", f"/fine-tunes/{segment(job_id)}/checkpoints"))
        page = parse_rows(CheckpointRow, reply, "checkpoints", "list", bare=True)
        return tuple(sorted(page.items, key=lambda row: (checkpoint_number(row.checkpoint), row.checkpoint)))

    async def export(self, job_id: str, checkpoint: str, display_name: str) -> Answer[None]:
        """Ask for an export. A GET that changes state: called once, never retried or followed blindly."""
        path = f"/fine-tunes/{segment(job_id)}/export/{segment(checkpoint)}"
        params = {"model_name": display_name}
        reply = await self._wire.call(StudioRequest("GET", path, CallEffect.ONCE, params=params))
        submitted = str(output(reply)).lower()
        if submitted == "true":
            return Answer(None, reply.request_id)
        if submitted != "false":
            raise unusable(reply, "the answer does not say whether the export was accepted")
        raise Refused(
            f"the export of {checkpoint} was refused",
            method="GET",
            path=reply.call.path,
            status=reply.status,
            request_id=reply.request_id,
            hint="the service recommends to ask again; see first whether the display name is taken",
        )


_DEPLOYMENTS_A_PAGE = 100


class Deployments:
    """`studio.deployments`."""

    def __init__(self, wire: StudioConnection) -> None:
        self._wire = wire

    async def create(self, body: Mapping[str, Any]) -> Answer[LiveDeployment]:
        """Deploy a model. `Conflict` says that the name is taken, perhaps by an earlier call of ours."""
        reply = await self._wire.call(StudioRequest("POST", "/deployments", CallEffect.ONCE, json=body))
        return Answer(parse(LiveDeployment, output(reply), reply), reply.request_id)

    async def list(self) -> tuple[LiveDeployment, ...]:
        """All deployments of the account, each once."""

        async def page(number: int) -> Page[LiveDeployment]:
            params = {"page_no": number, "page_size": _DEPLOYMENTS_A_PAGE}
            reply = await self._wire.call(StudioRequest("GET", "/deployments", params=params))
            return parse_rows(LiveDeployment, reply, "deployments")

        return await read_numbered(page, lambda one: one.deployed_model)

    async def get(self, deployed_model: str) -> LiveDeployment:
        reply = await self._wire.call(StudioRequest("GET", _deployment_path(deployed_model)))
        return parse(LiveDeployment, output(reply), reply)

    async def scale(self, deployed_model: str, capacity: int) -> Answer[LiveDeployment]:
        path = f"{_deployment_path(deployed_model)}/scale"
        reply = await self._wire.call(
            StudioRequest("PUT", path, CallEffect.ONCE, json={"capacity": capacity})
        )
        return Answer(_named(reply, deployed_model), reply.request_id)

    async def delete(self, deployed_model: str) -> Answer[LiveDeployment | None]:
        """Ask for the end of a deployment, which takes a while. None: it was not there."""
        try:
            reply = await self._wire.call(
                StudioRequest("DELETE", _deployment_path(deployed_model), CallEffect.REPEATABLE)
            )
        except NotFound as gone:
            return Answer(None, gone.request_id)
        return Answer(_named(reply, deployed_model), reply.request_id)


def _deployment_path(deployed_model: str) -> str:
    return f"/deployments/{segment(deployed_model)}"


def _named(reply: Reply, deployed_model: str) -> LiveDeployment:
    """The deployment in an answer that need not repeat its name."""
    found = output(reply)
    said = found if isinstance(found, dict) else {}
    return parse(LiveDeployment, {"deployed_model": deployed_model, **said}, reply)


class Chat:
    """`studio.chat`."""

    def __init__(self, wire: StudioConnection) -> None:
        self._wire = wire

    async def complete(
        self, model: str, parts: Sequence[dict[str, Any]], *, once: bool = False
    ) -> Answer[str]:
        """The model's answer to these texts, images and clips. Billed by the token, a little; `once`: it is
        not asked again where an answer was lost, which may have been billed."""
        body = {"model": model, "messages": [{"role": "user", "content": list(parts)}]}
        effect = CallEffect.ONCE if once else CallEffect.REPEATABLE
        request = StudioRequest("POST", "/chat/completions", effect, json=body, compatible=True)
        reply = await self._wire.call(request)
        text = _first_text(reply.body)
        if not text:
            kind = LostAnswer if once else ServerError
            raise kind(f"{model} answered without a text", request_id=reply.request_id)
        return Answer(text, reply.request_id)


def _first_text(body: Any) -> str:
    """The first choice's text, which some models give in parts."""
    choices = body.get("choices") if isinstance(body, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else {}
    message = first.get("message") if isinstance(first, dict) else None
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, list):
        content = "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return content.strip() if isinstance(content, str) else ""
