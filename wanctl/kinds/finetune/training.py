"""The calls that start, cancel and delete a job, and what each leaves in the ledger's entry."""

from dataclasses import dataclass
from typing import Any

from wanctl.address import Address
from wanctl.kinds.acting import CallResult, OnRemote, Overtaken, Tools
from wanctl.ledger.record import Verb
from wanctl.studio.errors import Conflict, InvalidRequest, UnsupportedState
from wanctl.studio.objects import NOT_BEGUN

_FAULTY_BODY = frozenset({400, 422})


@dataclass(frozen=True)
class Train:
    """POST the job, with our mark as its name; a service that rejects the mark is asked again without it."""

    address: Address
    identity: str
    body: dict[str, Any]
    sent: dict[str, Any]
    seen: tuple[str, ...]
    verb: Verb = Verb.TRAIN

    def inputs(self) -> dict[str, Any]:
        return self.sent

    async def perform(self, tools: Tools) -> CallResult:
        try:
            answer = await tools.studio.jobs.create(self.body)
        except InvalidRequest as error:
            if error.status not in _FAULTY_BODY or not self._may_mean_the_name(error.service_message or ""):
                raise
            # nothing was made, so asking again costs nothing
            unnamed = {key: value for key, value in self.body.items() if key != "job_name"}
            answer = await tools.studio.jobs.create(unnamed)
        made = tools.generation(answer.value.job_id, self.identity, self.sent)
        return CallResult(tools.entry.with_current(made), answer.value.job_id, answer.request_id)

    def _may_mean_the_name(self, said: str) -> bool:
        """A refusal need not say that it is the name; but one that speaks of something else means that."""
        if "job_name" not in self.body:
            return False
        others = self.body.keys() - {"job_name", "model"} | self.body.get("hyper_parameters", {}).keys()
        files = [*self.body.get("training_file_ids", ()), *self.body.get("validation_file_ids", ())]
        return "job_name" in said or not any(other in said for other in (*others, *files))


@dataclass(frozen=True)
class CancelJob(OnRemote):
    """POST cancel: idempotent, and billed up to here."""

    verb: Verb = Verb.CANCEL

    async def perform(self, tools: Tools) -> CallResult:
        answer = await tools.studio.jobs.cancel(self.remote_id)
        return CallResult(tools.entry, self.remote_id, answer.request_id)


@dataclass(frozen=True)
class Withdraw:
    """Cancel jobs of ours that lost to another one of the same inputs. Twice is as good as once.

    Between the plan and this call a loser may have begun, or another run may have taken the winner back: each
    job is looked at right before, so that what trains is not canceled, nor the last one that stands.
    """

    address: Address
    losers: tuple[str, ...]
    winner: str
    verb: Verb = Verb.WITHDRAW

    @property
    def identity(self) -> str:
        return " ".join(self.losers)

    def inputs(self) -> dict[str, Any]:
        return {"losers": list(self.losers)}

    async def perform(self, tools: Tools) -> CallResult:
        canceled: list[str] = []
        request_id = None
        for job_id in self.losers:
            if not (await tools.studio.jobs.get(self.winner)).live:
                break
            loser = await tools.studio.jobs.get(job_id)
            if loser.live and loser.status not in NOT_BEGUN:
                continue
            if loser.live:
                request_id = (await tools.studio.jobs.cancel(job_id)).request_id
            canceled.append(job_id)
        if not canceled:
            raise Overtaken
        entry = tools.entry
        if entry.current and entry.current.remote_id in canceled:
            entry = entry.model_copy(update={"current": None})
        return CallResult(entry, " ".join(canceled), request_id, f"{self.winner}, of the same inputs, stands")


@dataclass(frozen=True)
class DeleteJob(OnRemote):
    """DELETE the job's record; a service may refuse this in any state. The ledger forgets it once it is gone:
    while it is there, nothing else may tell whose it is."""

    verb: Verb = Verb.DELETE

    async def perform(self, tools: Tools) -> CallResult:
        try:
            answer = await tools.studio.jobs.delete(self.remote_id)
        except (UnsupportedState, Conflict) as refusal:
            note = f"refused, the service keeps it: {refusal.service_message or refusal.message}"
            kept = tools.entry.with_undeletable(self.remote_id)
            return CallResult(kept, self.remote_id, refusal.request_id, note)
        return CallResult(tools.entry, self.remote_id, answer.request_id)
