"""Between a plan and its being carried out: the gates, and the approval of a person. Pure.

A gate takes a plan and gives it back narrower. It may hold a step, so that it waits for a person, or add a
finding; it never adds something to do. The planner knows nothing of gates: the project lays them over it.
Nothing runs that the approved plan does not hold.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from wanctl.address import Address
from wanctl.dataset.contents import LocalData
from wanctl.engine.planner import Draft, Planner
from wanctl.finding import Finding, Severity
from wanctl.kinds.snapshot import Snapshot
from wanctl.language.resources import Desired
from wanctl.language.settings import Window
from wanctl.ledger.record import CHECKING, Record, Verb
from wanctl.plan import Action, Change, Plan, Step, When
from wanctl.rules import Rule

OUTSIDE = Rule.WINDOW  # the rule of the finding that says that now is not the time
Gate = Callable[[Plan, datetime], Plan]


def gated(planner: Planner, gates: Sequence[Gate]) -> Planner:
    """The planner with gates laid over it; the time is the snapshot's. What is known to be of an environment
    that shares models with this one is never ended here."""

    def plan(
        desired: Desired, snapshot: Snapshot, record: Record, local: Mapping[Address, LocalData]
    ) -> Draft:
        draft = planner(desired, snapshot, record, local)
        made = draft.plan
        for gate in (neighbour_gate(snapshot.elsewhere.known, _SHARING), *gates):
            made = gate(made, snapshot.observed_at)
        return replace(draft, plan=made)

    return plan


def window_gate(windows: Sequence[Window], severity: Severity) -> Gate:
    """Outside the windows: an error stops what could be started now, a warning only tells of it.

    What restores a service that a replacement has taken down already is no change to be frozen: then it alone
    goes on, and everything else is held.
    """

    def gate(plan: Plan, now: datetime) -> Plan:
        if not windows or not any(step.when is When.NOW for step in plan.steps):
            return plan
        from wanctl.engine.windows import judge, next_change

        verdict = judge(windows, now)
        if verdict.open:
            return plan
        until = next_change(windows, now)
        opens = f"; it opens at {until:%Y-%m-%d %H:%M} UTC" if until else ""
        why = f"{verdict.why}{opens}"
        if severity is Severity.ERROR and any(map(restores, plan.steps)):
            steps = tuple(_frozen(step) for step in plan.steps)
            finding = _finding(Severity.WARNING, f"only what was begun is brought to its end now: {why}")
            return replace(plan, steps=steps, findings=(*plan.findings, finding))
        finding = _finding(severity, f"nothing may be applied now: {why}")
        return replace(plan, findings=(*plan.findings, finding))

    return gate


def restores(step: Step) -> bool:
    """The second half of a replacement: the old one was deleted, and nothing serves until this is done."""
    return step.action is Action.REPLACE and step.when is When.NOW and step.remote_id is None


def concludes(step: Step) -> bool:
    """A replacement was begun and this is how it ends: the new one is deployed, or checked, or the old one
    goes."""
    if step.action is not Action.REPLACE or step.when is not When.NOW:
        return False
    checks = step.effect is not None and step.effect.verb in CHECKING
    return restores(step) or checks or not step.changes


def _frozen(step: Step) -> Step:
    if step.when is not When.NOW or restores(step):
        return step
    return replace(step, when=When.BLOCKED, effect=None, reason=f"{step.reason}; outside the windows")


def _finding(severity: Severity, message: str) -> Finding:
    hint = "wait for it; or, where it cannot wait: wanctl apply --ignore-windows"
    return Finding(severity, message, hint=hint, rule=OUTSIDE)


_NAMESAKES = "give each environment a project: of its own in wanctl.yaml"
_SHARING = "it is ended there, or once nothing there needs it any more"


def neighbour_gate(known: Mapping[str, str], hint: str = _NAMESAKES) -> Gate:
    """Another environment has this project's name in its account, or shares models with it: what its ledger
    knows is not ended here.

    `known`: remote id → whose it is, as a person would say it. The project reads the other ledgers.
    """

    def gate(plan: Plan, _: datetime) -> Plan:
        if not known:
            return plan
        steps = tuple(_held(step, known, hint) for step in plan.steps)
        orphans = tuple(one for one in plan.orphans if one.remote_id not in known)
        return replace(plan, steps=steps, orphans=orphans)

    return gate


def _held(step: Step, known: Mapping[str, str], hint: str) -> Step:
    ends = step.deletes or step.action is Action.CANCEL
    shared = [one for one in step.ended if one in known]
    if not (shared and ends and step.when in {When.NOW, When.LATER}):
        return step
    return replace(
        step,
        when=When.BLOCKED,
        after=(),
        reason=f"{step.reason}; but {shared[0]} is {known[shared[0]]} as well",
        hints=(hint, *step.hints),
        effect=None,
    )


# Approving one training is approving to take a second one of it back.
_VERBS: dict[Action, frozenset[Verb]] = {
    Action.UPLOAD: frozenset({Verb.UPLOAD}),
    Action.TRAIN: frozenset({Verb.TRAIN, Verb.WITHDRAW}),
    Action.EXPORT: frozenset({Verb.EXPORT}),
    Action.DEPLOY: frozenset({Verb.DEPLOY, *CHECKING}),
    Action.CHECK: CHECKING,
    Action.SCALE: frozenset({Verb.SCALE}),
    Action.REPLACE: frozenset({Verb.DEPLOY, *CHECKING, Verb.DELETE, Verb.HAND_BACK}),
    Action.DELETE: frozenset({Verb.DELETE}),
    Action.CANCEL: frozenset({Verb.CANCEL, Verb.DELETE, Verb.WITHDRAW}),
    Action.MOVE: frozenset({Verb.MOVE}),
    Action.PROTECT: frozenset({Verb.RECORD}),
    Action.UNPROTECT: frozenset({Verb.RECORD}),
}
_ON_REMOTE = frozenset({Verb.DELETE, Verb.CANCEL})  # what they end has to be what was shown


@dataclass(frozen=True)
class Approval:
    """The steps of one plan that somebody said yes to."""

    steps: dict[Address, Step]

    @classmethod
    def of(cls, plan: Plan) -> "Approval":
        return cls({step.address: step for step in plan.steps if not step.settled})

    def covers(self, step: Step) -> bool:
        """The step was in the plan: same resource, same action, same values, and it was not blocked."""
        approved = self.steps.get(step.address)
        if approved is None or step.effect is None:
            return False
        if (
            approved.action is not step.action
            and step.effect.verb not in {Verb.WITHDRAW, *CHECKING}
            and not _ends(approved, step)
        ):
            return False
        if approved.when is When.BLOCKED or step.effect.verb not in _VERBS.get(approved.action, frozenset()):
            return False
        if step.effect.verb in _ON_REMOTE and not _shown(approved, step):
            return False
        expected = {change.path: change for change in approved.changes}
        return all(_expected(change, expected.get(change.path)) for change in step.changes)


def _shown(approved: Step, step: Step) -> bool:
    """What it ends is what the approved plan said; one that named nothing knew no id yet."""
    return not approved.ended or set(step.ended) <= set(approved.ended)


def _ends(approved: Step, step: Step) -> bool:
    """The plan says that it is canceled first, since it trains, and then deleted."""
    return (approved.action, step.action) == (Action.CANCEL, Action.DELETE)


def _expected(change: Change, approved: Change | None) -> bool:
    """A value that was to be known later may be anything; every other one must have been shown, as it is."""
    if approved is None:
        return False
    return approved.known_after is not None or approved.after == change.after
