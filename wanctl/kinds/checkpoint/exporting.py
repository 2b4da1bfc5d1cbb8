"""The call that exports a checkpoint, and what it leaves in the ledger's entry."""

from dataclasses import dataclass
from typing import Any

from wanctl.address import Address
from wanctl.kinds.acting import CallResult, Tools
from wanctl.ledger.record import Entry, Generation, Verb


@dataclass(frozen=True)
class Export:
    """The GET that changes state: called once, looked at afterwards."""

    address: Address
    job_id: str
    checkpoint: str
    display_name: str
    attempt: int
    verb: Verb = Verb.EXPORT

    @property
    def identity(self) -> str:
        return f"{self.job_id}/{self.checkpoint}"

    def inputs(self) -> dict[str, Any]:
        return {"display_name": self.display_name, "model_name": None, "attempt": self.attempt}

    async def perform(self, tools: Tools) -> CallResult:
        answer = await tools.studio.checkpoints.export(self.job_id, self.checkpoint, self.display_name)
        made = tools.generation(self.identity, self.identity, self.inputs())
        return CallResult(asked_again(tools.entry, made), self.identity, answer.request_id)


def asked_again(entry: Entry, made: Generation) -> Entry:
    """The same checkpoint under a new attempt replaces what was known of it."""
    others = tuple(one for one in entry.past if one.identity != made.identity)
    return entry.model_copy(update={"past": others}).with_current(made)
