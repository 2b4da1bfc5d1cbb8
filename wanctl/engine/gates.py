"""What stands between a plan and its being carried out: a gate takes a plan and gives it back narrower.

A gate may hold a step, so that it waits for a person, or add a finding; it never adds something to do. The
planner knows nothing of gates: the project lays them over it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from wanctl.address import Address
from wanctl.engine.planner import Draft
from wanctl.engine.session import Planner
from wanctl.engine.windows import judge, next_change
from wanctl.finding import Finding, Severity
from wanctl.kinds.context import LocalData
from wanctl.kinds.snapshot import Snapshot
from wanctl.language.resources import Desired
from wanctl.language.settings import Window
from wanctl.ledger.record import Record
from wanctl.plan import Action, Plan, Step, When
from wanctl.rules import Rule

OUTSIDE = Rule.WINDOW  # the rule of the finding that says that now is not the time
Gate = Callable[[Plan, datetime], Plan]


def gated(planner: Planner, gates: Sequence[Gate]) -> Planner:
    """The planner with gates laid over it; the time is the snapshot's."""

    def plan(
        desired: Desired, snapshot: Snapshot, record: Record, local: Mapping[Address, LocalData]
    ) -> Draft:
        draft = planner(desired, snapshot, record, local)
        made = draft.plan
        for gate in gates:
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
    """A replacement was begun and this is how it ends: the new one is deployed, or the old one goes."""
    return restores(step) or (step.action is Action.REPLACE and step.when is When.NOW and not step.changes)


def _frozen(step: Step) -> Step:
    if step.when is not When.NOW or restores(step):
        return step
    return replace(step, when=When.BLOCKED, effect=None, reason=f"{step.reason}; outside the windows")


def _finding(severity: Severity, message: str) -> Finding:
    hint = "wait for it; or, where it cannot wait: wanctl apply --ignore-windows"
    return Finding(severity, message, hint=hint, rule=OUTSIDE)
