"""Checkpoints of a job, and the export that makes one deployable."""

from wanctl.studio.errors import Refused
from wanctl.studio.objects import CheckpointRow, checkpoint_number
from wanctl.studio.reading import Answer, output, parse_rows
from wanctl.studio.verdict import CallEffect, unusable
from wanctl.studio.wire import StudioConnection, StudioRequest, segment


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
