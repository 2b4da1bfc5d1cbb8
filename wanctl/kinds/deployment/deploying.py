"""The calls that make, scale and delete a deployment, and what each leaves in the ledger's entry."""

from dataclasses import dataclass
from typing import Any

from wanctl.address import Address
from wanctl.kinds.acting import CallResult, OnRemote, RefusedForNow, Tools
from wanctl.kinds.snapshot import digest_of
from wanctl.ledger.record import CheckRound, Entry, Generation, Verb
from wanctl.studio.errors import (
    Conflict,
    InvalidRequest,
    LostAnswer,
    NotFound,
    Refused,
    StudioError,
    UnsupportedState,
)
from wanctl.studio.objects import LiveDeployment

_EMPTY_TEMPLATES = {"prompt": "", "lora_prompt_default": ""}  # required also where they are not used


@dataclass(frozen=True)
class Deploy:
    """POST a deployment. The one before, if any, is retired: deleted once this one serves."""

    address: Address
    identity: str
    sent: dict[str, Any]
    protect: bool
    seen: tuple[str, ...]
    ours_if_there: bool = False  # the name is taken by an earlier call of ours only
    checks: int | None = None  # the attempt of its checks, which come before anybody is told its name
    display_name: str | None = None  # for people; nothing is known by it
    verb: Verb = Verb.DEPLOY

    def inputs(self) -> dict[str, Any]:
        checks = {} if self.checks is None else {"checks": self.checks}
        return {**self.sent, "protect": self.protect, **checks}

    async def perform(self, tools: Tools) -> CallResult:
        body = {
            "model_name": self.sent["model_name"],
            "capacity": self.sent["capacity"],
            "plan": "lora",
            "aigc_config": {**_EMPTY_TEMPLATES, **self.sent["aigc_config"]},
        }
        if self.sent["suffix"]:
            body["suffix"] = self.sent["suffix"]
        if self.display_name:
            body["name"] = self.display_name
        try:
            answer = await tools.studio.deployments.create(body)
            live, request_id = answer.value, answer.request_id
        except Conflict as taken:
            live, request_id = await self._there_already(tools, taken), taken.request_id
        made = tools.generation(live.deployed_model, self.identity, self.sent)
        made = made.model_copy(update={"created": live.gmt_create})
        entry = with_deployed(tools.entry, made, self.protect, self.checks)
        return CallResult(entry, made.remote_id, request_id)

    async def _there_already(self, tools: Tools, taken: Conflict) -> LiveDeployment:
        """The deployment of an earlier call of ours, whose answer was lost and which no list showed yet."""
        if not self.ours_if_there:
            raise taken
        try:
            live = await tools.studio.deployments.get(deployed_name(self.sent))
        except NotFound:
            raise taken from None
        except StudioError as error:
            raise LostAnswer(f"{taken}; whether it is ours could not be read: {error}") from error
        if live.leaving or live.gone or live.model_name not in {None, self.sent["model_name"]}:
            raise taken
        return live


@dataclass(frozen=True)
class Scale:
    """PUT the capacity."""

    address: Address
    remote_id: str
    capacity: int
    verb: Verb = Verb.SCALE

    @property
    def identity(self) -> str:
        return f"{self.remote_id} × {self.capacity}"

    def inputs(self) -> dict[str, Any]:
        return {"deployed_model": self.remote_id, "capacity": self.capacity}

    async def perform(self, tools: Tools) -> CallResult:
        answer = await tools.studio.deployments.scale(self.remote_id, self.capacity)
        current = tools.entry.current
        assert current is not None  # noqa: S101 - only a recorded deployment is scaled
        sent = {**current.inputs, "capacity": self.capacity}
        made = current.model_copy(update={"inputs": sent, "identity": config_identity(sent)})
        return CallResult(tools.entry.model_copy(update={"current": made}), self.remote_id, answer.request_id)


@dataclass(frozen=True)
class DeleteDeployment(OnRemote):
    """DELETE: irreversible, asynchronous. What was deleted stays listed as retiring until it is gone. It may
    be refused in the status that the deployment is in."""

    status: str = ""
    verb: Verb = Verb.DELETE

    async def perform(self, tools: Tools) -> CallResult:
        try:
            answer = await tools.studio.deployments.delete(self.remote_id)
        except (UnsupportedState, Conflict, InvalidRequest, Refused) as refusal:
            raise RefusedForNow(refusal, tools.entry.with_refused(self.remote_id, self.status)) from refusal
        entry, current = tools.entry, tools.entry.current
        if current and current.remote_id == self.remote_id:
            retiring = (*entry.retiring, current)
            entry = entry.model_copy(update={"current": None, "retiring": retiring})
        return CallResult(entry, self.remote_id, answer.request_id)


@dataclass(frozen=True)
class Protect:
    """Write or lift the protection: the ledger's own matter, no call is made."""

    address: Address
    protect: bool
    verb: Verb = Verb.RECORD

    @property
    def identity(self) -> str:
        return f"protect: {self.protect}"

    def inputs(self) -> dict[str, Any]:
        return {"protect": self.protect}

    async def perform(self, tools: Tools) -> CallResult:
        entry = tools.entry.model_copy(update={"protected": self.protect})
        current = entry.current
        return CallResult(entry, current.remote_id if current else None, note=self.identity)


def config_identity(sent: dict[str, Any]) -> str:
    return digest_of(sent)


def deployed_name(sent: dict[str, Any]) -> str:
    """The name that a deployment gets from what was sent, as far as the service keeps to it."""
    return f"{sent['model_name']}-{sent['suffix']}" if sent["suffix"] else str(sent["model_name"])


def with_deployed(entry: Entry, made: Generation, protect: bool, checks: int | None = None) -> Entry:
    """The entry once `made` is there: it is current, and the one before is to be deleted, never counted
    among the past. With `checks`, of that attempt, it is held back until they pass."""
    old = entry.current
    retiring = tuple(one for one in entry.retiring if one.remote_id != made.remote_id)
    if old and old.remote_id != made.remote_id:
        retiring = (*retiring, old)
    changed = {"current": made, "retiring": retiring, "protected": protect, "handed_over": None}
    entry = entry.model_copy(update=changed)
    if checks is None:
        return entry
    return entry.with_round(made.remote_id, CheckRound(attempt=checks, held=True))


@dataclass(frozen=True)
class HandBack:
    """The one before serves still, and is wanted again: it changes places with the current one. No call."""

    address: Address
    remote_id: str
    protect: bool
    verb: Verb = Verb.HAND_BACK

    @property
    def identity(self) -> str:
        return f"back to {self.remote_id}"

    def inputs(self) -> dict[str, Any]:
        return {"deployed_model": self.remote_id}

    async def perform(self, tools: Tools) -> CallResult:
        kept = next(one for one in tools.entry.retiring if one.remote_id == self.remote_id)
        entry = with_deployed(tools.entry, kept, self.protect)
        return CallResult(entry, self.remote_id, note=self.identity)
