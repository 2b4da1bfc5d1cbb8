"""A turn of a project → the conditions of its custom resources. Pure: the same turn says the same words.

Messages hold no time, no amount that grows and no path of the operator's machine. A status is written only
where it differs, so one that changed by itself would be written for ever.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from wanctl.address import Address
from wanctl.base.words import counted, first_line, listed
from wanctl.finding import Finding, Severity
from wanctl.operator.custom_resources import (
    Condition,
    ConditionStatus,
    DocumentStatus,
    PendingStep,
    WanProjectStatus,
)
from wanctl.plan import Action, Plan, Status, Step, When
from wanctl.rules import Rule

FAILING = "failing"
_MOST_NAMED = 5
_LONGEST = 600  # characters of a message
_UNITS = "ms|s|min|h|d|seconds?|minutes?|hours?|days?"
_CHANGING = (
    re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::[\d.]{2,})?(?: ?(?:UTC|Z|[+-]\d{2}:?\d{2}))?)?"),
    re.compile(r"\b\d{1,2}:\d{2}(?::\d{2})?\b"),
    re.compile(rf"(?<![\w.])~?\d[\d.,]*(?:–[\d.,]+)? ?(?:%|[A-Z]{{3}}\b|(?:{_UNITS})\b)"),
    re.compile(r"(?<![\w/:])/(?:[\w.@+-]+/)+[\w.@+-]*"),
    re.compile(r"request id [\w-]+"),
)


class ConditionType(StrEnum):
    """What is said of every custom resource."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    WAITING = "WaitingForPerson"


@dataclass(frozen=True)
class ObjectStanding:
    """Where something stands: which of the conditions hold, and why."""

    reason: str
    message: str
    holds: frozenset[ConditionType] = frozenset()

    def conditions(
        self, generation: int, before: Iterable[Mapping[str, object]], now: str
    ) -> list[Condition]:
        """All four. One whose status is what it was keeps its time."""
        since = {(one.get("type"), one.get("status")): one.get("lastTransitionTime") for one in before}
        found = []
        for one in ConditionType:
            status = ConditionStatus.TRUE if one in self.holds else ConditionStatus.FALSE
            known = since.get((one.value, status.value))
            found.append(
                Condition(
                    type=one.value,
                    status=status,
                    reason=self.reason,
                    message=self.message,
                    observed_generation=generation,
                    last_transition_time=known if isinstance(known, str) else now,
                )
            )
        return found


READY = frozenset({ConditionType.READY})
RECONCILING = frozenset({ConditionType.RECONCILING})
STALLED = frozenset({ConditionType.STALLED})
WAITING = frozenset({ConditionType.WAITING})


@dataclass(frozen=True)
class Turn:
    """What a turn of a project came to."""

    plan: Plan | None = None
    to_approve: Mapping[Address, str] = field(default_factory=dict)
    failures: Mapping[Address, str] = field(default_factory=dict)  # what the service said, in stable words
    problem: ObjectStanding | None = None  # why it came to no plan
    held_by: str | None = None
    absent: frozenset[Address] = frozenset()  # deleted objects, whose resources are to go
    free: frozenset[Address] = frozenset()  # those of them to which nothing refers any more
    needed: frozenset[Address] = frozenset()  # deleted objects that others still refer to
    remaining: tuple[str, ...] = ()  # the documents of a project that is deleted itself
    revision: str | None = None


def stable(text: str) -> str:
    """The text without what changes by itself, in one line."""
    found = first_line(text)
    for changing in _CHANGING:
        found = changing.sub("…", found)
    return found if len(found) <= _LONGEST else f"{found[: _LONGEST - 1]}…"


def standing_of(turn: Turn) -> ObjectStanding:
    """Where the project stands."""
    if turn.problem:
        return turn.problem
    if turn.remaining:
        message = f"it is let go once its documents are deleted: {_some([*turn.remaining])}"
        return ObjectStanding("DocumentsRemain", message, WAITING)
    plan = turn.plan
    if plan is None:
        return ObjectStanding("Waiting", "it has not been planned yet", RECONCILING)
    if refused := _refused(plan):
        return ObjectStanding(_camel(refused.rule), stable(refused.message), STALLED)
    if turn.failures:
        said = [f"{address}: {stable(text)}" for address, text in sorted(turn.failures.items())]
        return ObjectStanding("CallFailed", _some(said), STALLED)
    if any(one.rule == Rule.WINDOW for one in plan.findings):
        waits = WAITING if _waiting(plan) else frozenset()
        return ObjectStanding(
            "OutsideWindows", "nothing may be applied outside the windows of its spec", waits
        )
    return _of_status(plan, turn)


def _of_status(plan: Plan, turn: Turn) -> ObjectStanding:
    waits = WAITING if _waiting(plan) else frozenset()
    if plan.status is Status.CONVERGED:
        message = f"{counted(plan.size, 'resource is', 'resources are')} as specified"
        return ObjectStanding("Converged", message, READY)
    if plan.status is Status.CHANGES:
        held = " (another run applies just now)" if turn.held_by else ""
        steps = [one for one in plan.steps if one.when is When.NOW]
        return ObjectStanding("Applying", f"to do: {_named(steps)}{held}", RECONCILING | waits)
    if plan.status is Status.IN_PROGRESS:
        steps = [one for one in plan.steps if one.when is When.SERVICE]
        return ObjectStanding("InProgress", f"the service is at work on {_named(steps)}", RECONCILING | waits)
    if plan.status is Status.WAITING_FOR_PERSON:
        return ObjectStanding("WaitingForPerson", _some([_asked(one) for one in _waiting(plan)]), WAITING)
    blocked = [one for one in plan.steps if one.when in {When.BLOCKED, When.LATER}]
    said = [f"{one.address}: {stable(one.reason)}" for one in blocked if one.when is When.BLOCKED]
    return ObjectStanding("Blocked", _some(said or [_named(blocked)]), STALLED | waits)


def standing_of_step(step: Step | None, address: Address, turn: Turn) -> ObjectStanding:
    """Where one resource of the project stands."""
    if turn.problem or turn.plan is None:
        whole = standing_of(turn)
        return ObjectStanding(
            "ProjectStalled" if ConditionType.STALLED in whole.holds else whole.reason,
            whole.message,
            whole.holds,
        )
    if address in turn.needed:
        return ObjectStanding("StillNeeded", "it goes once no other document refers to it", RECONCILING)
    if address in turn.failures:
        return ObjectStanding("CallFailed", stable(turn.failures[address]), STALLED)
    if step is None or step.settled:
        return ObjectStanding("Converged", "it is as specified", READY)
    if step.when is When.PERSON:
        return ObjectStanding("WaitingForPerson", _asked(step), WAITING)
    if step.when is When.BLOCKED or _refused(turn.plan):
        return ObjectStanding("Blocked", stable(step.reason) or f"{step.action} is blocked", STALLED)
    if step.when is When.LATER:
        behind = listed([str(one) for one in sorted(step.after)])
        return ObjectStanding(
            "Later", f"{step.action} comes after {behind}" if behind else "it comes later", RECONCILING
        )
    if step.when is When.SERVICE:
        return ObjectStanding("InProgress", f"the service is at work: {step.action}", RECONCILING)
    return ObjectStanding("Applying", f"to do: {step.action}", RECONCILING)


def project_status(turn: Turn, generation: int, before: Mapping[str, object], now: str) -> WanProjectStatus:
    """The whole status of a WanProject."""
    plan = turn.plan
    return WanProjectStatus(
        observed_generation=generation,
        conditions=tuple(standing_of(turn).conditions(generation, conditions_of(before), now)),
        state=FAILING if turn.problem else plan.status.value if plan else None,
        plan_digest=plan.digest if plan and plan.pending else None,
        to_approve=tuple(
            PendingStep(address=str(address), action=_action(plan, address), digest=digest)
            for address, digest in sorted(turn.to_approve.items())
        ),
        revision=turn.revision,
    )


def document_status(
    address: Address, turn: Turn, generation: int, before: Mapping[str, object], now: str
) -> DocumentStatus:
    """The whole status of a document's object."""
    step = step_of(turn.plan, address)
    standing = standing_of_step(step, address, turn)
    return DocumentStatus(
        observed_generation=generation,
        conditions=tuple(standing.conditions(generation, conditions_of(before), now)),
        action=step.action.value if step else None,
        state=step.when.value if step else FAILING if turn.problem else None,
        remote_id=step.remote_id if step else None,
        digest=turn.to_approve.get(address),
    )


def step_of(plan: Plan | None, address: Address) -> Step | None:
    """Its step that is still to be done, else any."""
    steps = [one for one in plan.steps if one.address == address] if plan else []
    return next((one for one in steps if not one.settled), steps[0] if steps else None)


def _refused(plan: Plan) -> Finding | None:
    """Why nothing of the plan may be done, but for a window that is closed: that is no fault."""
    errors = (one for one in plan.findings if one.severity is Severity.ERROR and one.rule != Rule.WINDOW)
    return next(errors, None)


def _waiting(plan: Plan) -> list[Step]:
    return [one for one in plan.steps if one.when is When.PERSON]


def _asked(step: Step) -> str:
    return f"{step.address} waits for a person: {stable(step.reason) or step.action}"


def _named(steps: Iterable[Step]) -> str:
    return _some([f"{one.address} ({one.action})" for one in steps if one.action is not Action.NOTHING])


def _some(texts: list[str]) -> str:
    left = len(texts) - _MOST_NAMED
    shown = [*texts[:_MOST_NAMED], *([f"and {left} more"] if left > 0 else [])]
    return stable("; ".join(shown))


def _action(plan: Plan | None, address: Address) -> str:
    step = step_of(plan, address)
    return step.action.value if step else Action.NOTHING.value


def _camel(rule: str) -> str:
    return "".join(part.capitalize() for part in re.split("[-_]", rule))


def conditions_of(before: Mapping[str, object]) -> list[Mapping[str, object]]:
    """Those that stand in a status, as far as they can be read."""
    found = before.get("conditions")
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
