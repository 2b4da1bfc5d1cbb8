"""The ledger's contents: entries, open intents, protections, history. Values only; stores are beside."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

FORMAT_VERSION = 2  # raised together with a line in encoding.MIGRATIONS
HISTORY_KEPT = 2000


class Verb(StrEnum):
    """The action of a line of the history, or of an open intent. A ledger may hold others: they are kept."""

    UPLOAD = "upload"
    TRAIN = "train"
    EXPORT = "export"
    DEPLOY = "deploy"
    SCALE = "scale"
    CHECK = "check"  # a video was asked of a deployment, to see that it works
    JUDGE = "judge"  # a vision model was asked what such a video is worth
    DELETE = "delete"
    CANCEL = "cancel"
    WITHDRAW = "withdraw"  # of two trainings of the same inputs, the later one is canceled
    HAND_BACK = "hand back"  # the deployment before takes over again; no call
    RECORD = "record"  # a protection was written
    MOVE = "move"
    ADOPT = "adopt"
    DISOWN = "disown"
    TRY = "try"  # a trial was begun, prolonged or ended by a person
    LOOK = "look for"  # found without a call of ours


CHECKING = frozenset({Verb.CHECK, Verb.JUDGE})  # calls that only look at what was deployed


class _Frozen(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        defer_build=True,
    )


class Generation(_Frozen):
    """One object at the service that stood, or stands, for a resource."""

    remote_id: str
    identity: str  # digest of the inputs that make it this very object
    inputs: dict[str, Any]  # what was sent; None values are what is not known
    since: datetime
    adopted: bool = False
    created: datetime | None = None  # as the service says; a name alone proves nothing


class Offer(_Frozen):
    """The choice that a run saw in the specs, when nothing said for which training it was made."""

    training: str  # its identity
    choice: str | None


class Judgement(_Frozen):
    """The scores that a vision model gave the checkpoints of a training, of those that it could score."""

    training: str  # its identity
    job_id: str
    gallery: str  # the digest of what was looked at
    rubric: str  # the digest of what it was judged by
    model: str
    scores: dict[str, float]


class CheckVerdict(_Frozen):
    """What a vision model said of a video of the checks; or how often it was asked, and nothing was heard."""

    judge: str  # the digest of who was asked, and by what it was to judge
    model: str
    at: datetime
    scores: dict[str, int] = {}
    reasons: dict[str, str] = {}
    problem: str | None = None  # why what was answered is no verdict
    unanswered: int = 0  # questions whose answer was lost: each may have been billed

    @property
    def heard(self) -> bool:
        """An answer came, whatever it says."""
        return bool(self.scores) or self.problem is not None


class CheckedVideo(_Frozen):
    """One video that was asked of a deployment, and what came of it."""

    key: str  # of what was asked for
    since: datetime  # shortly before the call
    asked: datetime  # when the call was made, or its answer known to be lost
    task_id: str | None = None  # None: the answer was lost
    faults: tuple[str, ...] | None = None  # None: nobody has looked at it yet; empty: it is right
    seconds: float | None = None
    width: int | None = None
    height: int | None = None
    verdict: CheckVerdict | None = None

    @model_serializer(mode="wrap")
    def _without_what_few_have(self, spell: SerializerFunctionWrapHandler) -> dict[str, Any]:
        spelled: dict[str, Any] = spell(self)
        return {name: one for name, one in spelled.items() if name != "verdict" or one}


class CheckRound(_Frozen):
    """The checks of one deployed version."""

    attempt: int
    held: bool = False  # it was made to be checked first: nobody is told its name before
    passed: bool = False
    videos: tuple[CheckedVideo, ...] = ()

    @property
    def unproven(self) -> bool:
        return self.held and not self.passed

    def with_video(self, video: CheckedVideo) -> "CheckRound":
        """With this one in the place of the one of its key."""
        videos = {one.key: one for one in self.videos} | {video.key: video}
        return self.model_copy(update={"videos": tuple(videos.values())})


class Trial(_Frozen):
    """A deployment without a document: of which checkpoint, and until when somebody wants to look at it."""

    checkpoint: str  # Kind/name
    label: str
    until: datetime


class Entry(_Frozen):
    """One resource, as the ledger knows it."""

    current: Generation | None = None
    past: tuple[Generation, ...] = ()  # worth money: found again when a spec goes back
    retiring: tuple[Generation, ...] = ()  # deployments that are to be deleted once the new one serves
    offer: Offer | None = None  # of a Checkpoint; a choice that differs from it was made by who could look
    handed_over: datetime | None = None  # since when the current one serves, while an old one is kept beside
    protected: bool = False
    disowned: tuple[str, ...] = Field(default=(), alias="strangers")  # what a person said is not ours
    recognised: tuple[
        str, ...
    ] = ()  # what serves for it, and nothing says that wanctl made it: used, not ours
    undeletable: tuple[str, ...] = ()  # what the service refused to delete: asked for once, not at every run
    refused: dict[str, str] = {}  # of which deployment, in which status: asked for again in another one
    checks: dict[str, CheckRound] = {}  # of a deployment, by its name
    trial: Trial | None = None  # of a deployment that no document describes
    judgement: Judgement | None = None  # of a Checkpoint whose spec leaves the choice to a judge

    @model_serializer(mode="wrap")
    def _without_what_few_have(self, spell: SerializerFunctionWrapHandler) -> dict[str, Any]:
        spelled: dict[str, Any] = spell(self)
        few = {name: spelled[name] for name in ("judgement", "checks", "trial")}
        return {name: one for name, one in spelled.items() if name not in few or few[name]}

    def generation(self, identity: str) -> Generation | None:
        """The object made from these inputs, current or past."""
        return next((one for one in self.generations if one.identity == identity), None)

    @property
    def generations(self) -> "tuple[Generation, ...]":
        """The current object and those before it, the newest first."""
        return (*((self.current,) if self.current else ()), *reversed(self.past))

    def with_current(self, generation: Generation) -> "Entry":
        """A new current object; the one before is kept as past."""
        kept = [one for one in self.past if one.remote_id != generation.remote_id]
        if self.current and self.current.remote_id != generation.remote_id:
            kept.append(self.current)
        return self.model_copy(update={"current": generation, "past": tuple(kept)})

    def without(self, remote_id: str) -> "Entry":
        """One object is gone; what else is known of the resource stays."""
        current = self.current if self.current and self.current.remote_id != remote_id else None
        past = tuple(one for one in self.past if one.remote_id != remote_id)
        return self.model_copy(update={"current": current, "past": past})

    def unproven(self, remote_id: str) -> bool:
        """A deployment that was made to be checked first, and has not passed."""
        return remote_id in self.checks and self.checks[remote_id].unproven

    def with_round(self, remote_id: str, checks: CheckRound) -> "Entry":
        """With these checks; those of deployments that are no more are forgotten."""
        known = {one.remote_id for one in (self.current, *self.retiring) if one}
        kept = {name: one for name, one in self.checks.items() if name in known}
        return self.model_copy(update={"checks": {**kept, remote_id: checks}})

    def with_refused(self, remote_id: str, status: str) -> "Entry":
        return self.model_copy(update={"refused": {**self.refused, remote_id: status}})

    def with_undeletable(self, remote_id: str) -> "Entry":
        return self.model_copy(update={"undeletable": tuple(dict.fromkeys((*self.undeletable, remote_id)))})


class Intent(_Frozen):
    """A call that was about to be made. It stays open until its result is written."""

    address: str
    verb: str
    identity: str
    inputs: dict[str, Any]
    seen: tuple[str, ...]  # ids that stood there before the call: none of them is its result
    at: datetime  # when the call was made, or its answer known to be lost


class KeptInputs(_Frozen):
    """What an object was made from, kept for as long as the history speaks of it."""

    address: str
    remote_id: str | None  # None: no object came of it, as far as is known
    identity: str
    inputs: dict[str, Any]
    made_from: tuple[str, ...] = ()  # the digests of what was kept of the objects before it

    @property
    def digest(self) -> str:
        """By which lines of the history, and what was made from it, refer to it."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class HistoryLine(_Frozen):
    """One call: when, who, from which commit and run, with what result."""

    at: datetime
    address: str
    verb: str
    result: Literal["ok", "failed", "lost", "found", "noted"]
    remote_id: str | None = None
    request_id: str | None = None
    by: str | None = None
    commit: str | None = None  # with a + behind it: the specs were not as committed
    run: str | None = None
    note: str | None = None
    config: str | None = None  # the digest of the inputs that it is about; the record keeps them


class Record(_Frozen):
    """The whole ledger of one project at one endpoint."""

    format_version: Literal[2] = 2
    lineage: str
    serial: int = 0
    project: str
    endpoint: str
    environment: str | None = None  # "" is none of them; None: written before this was noted
    entries: dict[str, Entry] = {}
    intents: tuple[Intent, ...] = ()
    configs: dict[str, KeptInputs] = {}  # by their digests, for the lines of the history
    history: tuple[HistoryLine, ...] = ()

    @property
    def owners(self) -> dict[str, str]:
        """Remote id → the address that it stands or stood for; of several the last one."""
        return {
            one.remote_id: address
            for address, entry in self.entries.items()
            for one in (*entry.past, *entry.retiring, *((entry.current,) if entry.current else ()))
        }

    @property
    def zone(self) -> tzinfo:
        """By whose clock the history is written: UTC, but for a sandbox."""
        return (self.history[-1].at.tzinfo if self.history else None) or UTC

    @property
    def users(self) -> dict[str, str]:
        """Remote id → the address that it stands or stood for, or that it was recognised as."""
        seen = {one: address for address, entry in self.entries.items() for one in entry.recognised}
        return {**seen, **self.owners}

    def entry(self, address: object) -> Entry:
        return self.entries.get(str(address)) or Entry()

    def intent(self, address: object) -> Intent | None:
        """The open intent of a resource, if any."""
        text = str(address)
        return next((intent for intent in self.intents if intent.address == text), None)

    def with_entry(self, address: object, entry: Entry | None) -> "Record":
        entries = dict(self.entries)
        entries.pop(str(address), None)
        if entry is not None and entry != Entry():
            entries[str(address)] = entry
        return self.model_copy(update={"entries": entries})

    def renamed(self, old: object, new: object) -> "Record":
        """The record with one resource, and its open call, under another name."""
        here, there = self.entry(old), self.entry(new)
        disowned = tuple(dict.fromkeys((*there.disowned, *here.disowned)))
        moved = self.with_entry(old, None).with_entry(new, here.model_copy(update={"disowned": disowned}))
        intents = tuple(
            one.model_copy(update={"address": str(new)}) if one.address == str(old) else one
            for one in moved.without_intent(new).intents
        )
        return moved.model_copy(update={"intents": intents})

    def with_intent(self, intent: Intent) -> "Record":
        return self.model_copy(update={"intents": (*self.without_intent(intent.address).intents, intent)})

    def without_intent(self, address: object) -> "Record":
        text = str(address)
        return self.model_copy(
            update={"intents": tuple(intent for intent in self.intents if intent.address != text)}
        )

    def with_history(self, *lines: HistoryLine, configs: Mapping[str, KeptInputs] | None = None) -> "Record":
        """With these lines, and the inputs that they are about; the oldest lines go, with their inputs."""
        history = (*self.history, *lines)
        kept = {**(configs or {}), **self.configs}
        if len(history) > HISTORY_KEPT:
            history = history[-HISTORY_KEPT:]
            kept = _spoken_of(history, kept)
        return self.model_copy(update={"history": history, "configs": kept})


def _spoken_of(history: tuple[HistoryLine, ...], configs: dict[str, KeptInputs]) -> dict[str, KeptInputs]:
    """The inputs that lines are about, with those that they were made from."""
    found: set[str] = set()
    to_see = [line.config for line in history if line.config]
    while to_see:
        digest = to_see.pop()
        if digest in configs and digest not in found:
            found.add(digest)
            to_see += configs[digest].made_from
    return {digest: one for digest, one in configs.items() if digest in found}
