"""The calls that upload and delete a dataset's archive, and what each leaves in the ledger's entry."""

from dataclasses import dataclass
from typing import Any

from wanctl.address import Address
from wanctl.kinds.acting import CallResult, OnRemote, Tools
from wanctl.ledger.record import Verb


@dataclass(frozen=True)
class Upload:
    """POST the archive under a name that says whose it is and what is in it."""

    address: Address
    content: str
    filename: str
    size: int | None
    kept: dict[str, Any]  # what the ledger keeps of it, once it is there
    verb: Verb = Verb.UPLOAD

    @property
    def identity(self) -> str:
        return self.content

    def inputs(self) -> dict[str, Any]:
        return {"filename": self.filename, "size": self.size}

    async def perform(self, tools: Tools) -> CallResult:
        async with tools.archive(self.address, self.content) as path:
            answer = await tools.studio.files.upload(
                path, self.filename, progress=lambda sent: tools.uploaded(self.address, sent)
            )
        made = tools.generation(answer.value.id, self.content, self.kept)
        return CallResult(tools.entry.with_current(made), answer.value.id, answer.request_id)


@dataclass(frozen=True)
class DeleteFile(OnRemote):
    """DELETE an upload of ours that the spec declares absent."""

    verb: Verb = Verb.DELETE

    async def perform(self, tools: Tools) -> CallResult:
        answer = await tools.studio.files.delete(self.remote_id)
        return CallResult(tools.entry.without(self.remote_id), self.remote_id, answer.request_id)
