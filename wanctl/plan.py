"""The plan as data: what will happen to each resource, when, why, and what it costs.

Made by the planner, printed by `render`, carried out by `engine.converge`. Nothing here reads the world:
a Plan is a value, and its digest is the same wherever and whenever it is computed.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, Protocol

from wanctl.address import Address
from wanctl.catalogue.estimate import Cost
from wanctl.finding import Finding, Severity
from wanctl.ledger.record import Verb

FORMAT_VERSION = "1.0"


class Action(StrEnum):
    """What a step does to its resource."""

    NOTHING = "nothing"
    UPLOAD = "upload"
    TRAIN = "train"
    CHOOSE = "choose"
    EXPORT = "export"
    DEPLOY = "deploy"
    SCALE = "scale"
    CHECK = "check"
    REPLACE = "replace"
    DELETE = "delete"
    CANCEL = "cancel"
    ADOPT = "adopt"
    MOVE = "move"
    PROTECT = "protect"
    UNPROTECT = "unprotect"


_QUICK = frozenset({Action.UPLOAD, Action.ADOPT, Action.MOVE})
PROTECTIONS = frozenset({Action.PROTECT, Action.UNPROTECT})  # a plan of its own; what follows is the next


class When(StrEnum):
    """When a step can run."""

    DONE = "done"
    NOW = "now"
    SERVICE = "waiting_on_service"
    PERSON = "waiting_for_person"
    LATER = "later"
    BLOCKED = "blocked"


class FieldClass(StrEnum):
    """What the service lets happen to a field once it is sent."""

    IMMUTABLE = "immutable"
    UPDATABLE = "updatable"
    SERVER_DEFAULT = "server_default"
    WRITE_ONLY = "write_only"


class Status(StrEnum):
    """The plan in one word."""

    CONVERGED = "converged"
    CHANGES = "changes"
    IN_PROGRESS = "in_progress"
    WAITING_FOR_PERSON = "waiting_for_person"
    BLOCKED = "blocked"
    ERROR = "error"


@dataclass(frozen=True)
class Change:
    """One field, before and after."""

    path: str
    before: Any
    after: Any
    field_class: FieldClass
    reason: str = ""
    origin: str | None = None  # the text file that the value was read from
    known_after: Address | None = None  # the value is not known before that resource is done
    derived_from: Address | None = None  # what makes the value, whether it is known yet or not
    in_summary: bool = False  # the summary of a first step says the value already

    @property
    def key(self) -> str:
        """n_epochs of hyper_parameters.n_epochs; empty for a field that is below no other."""
        return self.path.partition(".")[2]

    def as_json(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "before": self.before,
            "after": self.after,
            "known_after": str(self.known_after) if self.known_after else None,
            "class": self.field_class.value,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Progress:
    """How far something in flight has come, as the service tells it."""

    status: str
    fraction: float | None = None
    detail: str = ""
    since: datetime | None = None
    elapsed: timedelta | None = None  # since it was asked for
    left: timedelta | None = None  # at the pace so far

    def as_json(self) -> dict[str, Any]:
        return {
            "status": self.status,
            "fraction": None if self.fraction is None else round(self.fraction, 4),
            "detail": self.detail,
            "since": self.since.isoformat() if self.since else None,
            "elapsed_seconds": None if self.elapsed is None else round(self.elapsed.total_seconds()),
            "left_seconds": None if self.left is None else round(self.left.total_seconds()),
        }


class Effect(Protocol):
    """The one call that a step makes now, as data. Each kind declares its own, and how it is made."""

    @property
    def address(self) -> Address:
        """Whose step it is."""

    @property
    def verb(self) -> Verb:
        """The verb of the call."""

    @property
    def identity(self) -> str:
        """The identity of the object that it makes or touches: none is acted on twice in one run."""

    def inputs(self) -> dict[str, Any]:
        """The facts of the call that are written in the ledger as the intent, before it is made."""


@dataclass(frozen=True)
class Step:
    """One resource in a plan: the action on it, when, and why."""

    address: Address
    action: Action
    when: When
    reason: str = ""
    after: tuple[Address, ...] = ()
    changes: tuple[Change, ...] = ()
    remote_id: str | None = None
    ends: tuple[str, ...] = ()  # the live objects that go by it, where that is not just remote_id
    progress: Progress | None = None
    cost: Cost | None = None
    took: timedelta | None = None  # once it is done: from its begin,
    queued_too: bool = False  # or from when it was asked for
    summary: str = ""  # what it is about, in a few words: "wan2.6-i2v, 400 epochs × 20 = 8,000 steps"
    warning: str | None = None  # what is lost or out of service by it
    hints: tuple[str, ...] = ()  # what a person does next
    drift: bool = False  # the world moved, not the spec
    goes_on: bool = False  # once the service is done with it, a call of ours follows
    routine: bool = False  # the reason says no more than a first run of it does
    awaited: tuple[str, ...] = ()  # what else is looked at while it waits for the service
    effect: Effect | None = None
    made_in: str | None = None  # the environment that makes it for this one, which only reads it

    @property
    def bills(self) -> bool:
        """Money is spent by it: on a training, or on the videos of checks and verdicts on them."""
        checks = self.cost is not None and self.cost.of_checks and not self.settled
        return self.action is Action.TRAIN or checks

    @property
    def settled(self) -> bool:
        """There is nothing to do and nothing to wait for."""
        return self.when is When.DONE

    @property
    def may_start(self) -> bool:
        """A call may follow from it: now, later, or once it shows that a lost call had no effect."""
        goes_on = self.goes_on or bool(self.changes)
        return self.when in {When.NOW, When.LATER} or (self.when is When.SERVICE and goes_on)

    @property
    def deletes(self) -> bool:
        """Something that is live goes away by this step, sooner or later."""
        ended_first = self.action is Action.CANCEL and self.goes_on
        going = ended_first or self.action in {Action.DELETE, Action.REPLACE}
        return going and bool(self.ended)

    @property
    def ended(self) -> tuple[str, ...]:
        """The live objects that this step takes away, if it takes any away."""
        return self.ends or ((self.remote_id,) if self.remote_id else ())

    def as_json(self) -> dict[str, Any]:
        return {
            "address": str(self.address),
            "action": self.action.value,
            "when": self.when.value,
            "after": [str(address) for address in self.after],
            "reason": self.reason,
            "summary": self.summary,
            "changes": [change.as_json() for change in self.changes],
            "remote_id": self.remote_id,
            "ends": list(self.ended) if self.deletes else [],
            "progress": self.progress.as_json() if self.progress else None,
            "cost": self.cost.as_json() if self.cost else None,
            "warning": self.warning,
            "hints": list(self.hints),
            "drift": self.drift,
        } | ({"made_in": self.made_in} if self.made_in else {})

    def canonical(self) -> dict[str, Any]:
        """The part that a reviewer approves: without times, progress, prices or wording."""
        return {
            "address": str(self.address),
            "action": self.action.value,
            "when": self.when.value,
            "after": sorted(str(address) for address in self.after),
            "remote_id": self.remote_id,
            **({"ends": sorted(self.ends)} if self.ends else {}),
            "warning": self.warning,  # what is lost by it: another strategy is another plan
            "changes": [
                {"path": change.path, "before": change.before, "after": change.after}
                for change in self.changes
            ],
        }


def held_back(steps: Iterable[Step]) -> frozenset[Address]:
    """The steps behind something blocked: not blocked themselves, and not to happen either.

    The steps are in the order in which they run.
    """
    stuck: set[Address] = set()
    held: set[Address] = set()
    for step in steps:
        if step.when is When.BLOCKED:
            stuck.add(step.address)
        elif step.when in {When.LATER, When.PERSON} and not stuck.isdisjoint(step.after):
            stuck.add(step.address)
            held.add(step.address)
    return frozenset(held)


@dataclass(frozen=True)
class Orphan:
    """Something of ours which is live, in no spec, and serves nothing. It is kept: it was paid for."""

    kind: str
    remote_id: str
    note: str
    name: str | None = None  # Kind/name of what it was made for, where that is known
    created: datetime | None = None
    age: timedelta | None = None  # when the account was read
    cost: Cost | None = None  # None: it is not billed as a training is

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "remote_id": self.remote_id,
            "note": self.note,
            "name": self.name,
            "created": self.created.isoformat() if self.created else None,
            "age_seconds": None if self.age is None else round(self.age.total_seconds()),
            "cost": self.cost.as_json() if self.cost else None,
        }


@dataclass(frozen=True)
class Plan:
    """Every step of a project in one environment, in the order in which they run."""

    project: str
    environment: str | None
    provider: str
    steps: tuple[Step, ...]
    findings: tuple[Finding, ...] = ()
    orphans: tuple[Orphan, ...] = ()
    account: str = ""  # as the specs name it: a region with its workspace, or an address
    place: str | None = None  # where this very run found it: a region, or a host
    unseen: Mapping[Address, tuple[str, ...]] = field(default_factory=dict)  # what no answer tells of whom

    @property
    def service(self) -> str:
        """Whose service it is, and where: keys, models and prices depend on it."""
        return f"{self.provider} {self.place}" if self.place else self.provider

    @cached_property
    def status(self) -> Status:
        if any(finding.severity is Severity.ERROR for finding in self.findings):
            return Status.ERROR
        phases = {step.when for step in self.steps}
        if When.NOW in phases:
            return Status.CHANGES
        if When.SERVICE in phases:
            return Status.IN_PROGRESS
        if When.BLOCKED in phases:
            return Status.BLOCKED
        if When.PERSON in phases:
            return Status.WAITING_FOR_PERSON
        return Status.BLOCKED if When.LATER in phases else Status.CONVERGED

    @cached_property
    def digest(self) -> str:
        """sha256 over whose plan it is and the canonical steps that do something.

        What was approved for one environment or account is not approved for the next, though the steps be the
        same. In which order the documents stand changes nothing of it.
        """
        to_do = sorted(self.pending, key=lambda step: (step.address, step.action))
        approved = {
            "project": self.project,
            "environment": self.environment,
            "provider": self.provider,
            **({"account": self.account} if self.account else {}),
            "steps": [step.canonical() for step in to_do],
        }
        text = json.dumps(approved, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
        return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()

    @property
    def pending(self) -> tuple[Step, ...]:
        """The steps that are not settled."""
        return tuple(step for step in self.steps if not step.settled)

    @property
    def size(self) -> int:
        """How many resources it is about; one that moves has two steps."""
        return len({step.address for step in self.steps})

    def step(self, address: Address) -> Step | None:
        return next((step for step in self.steps if step.address == address), None)

    def summary(self) -> dict[str, int]:
        """How many steps of each action are still to come."""
        return dict(Counter(step.action.value for step in self.pending))

    def this_run(self) -> tuple[Step, ...]:
        """The steps that one apply starts without waiting for hours or for a person."""
        quick: dict[Address, Step] = {}
        for step in self.steps:
            before = [quick.get(address) for address in step.after] if step.when is When.LATER else []
            follows = bool(before) and all(one and one.action in _QUICK for one in before)
            if step.when is When.NOW or follows:
                quick[step.address] = step
        return tuple(quick.values())

    def reachable(self) -> tuple[Step, ...]:
        """The steps that one apply can come to if it waits for the service, but for no person."""
        open_ = {step.address for step in self.steps if step.when in {When.DONE, When.NOW, When.SERVICE}}
        found = []
        for step in self.steps:
            if step.when is When.LATER and step.after and open_.issuperset(step.after):
                open_.add(step.address)
                found.append(step)
            elif step.when is not When.LATER and step.may_start:
                found.append(step)
        return tuple(found)

    def as_json(self) -> dict[str, Any]:
        return {
            "format_version": FORMAT_VERSION,
            "project": self.project,
            "environment": self.environment,
            "provider": self.provider,
            "status": self.status.value,
            "errored": self.status is Status.ERROR,
            "summary": self.summary(),
            "steps": [step.as_json() for step in self.steps],
            "findings": [finding.as_json() for finding in self.findings],
            "orphans": [orphan.as_json() for orphan in self.orphans],
            "digest": self.digest,
        }
