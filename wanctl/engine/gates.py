"""What stands between a plan and its being carried out: a gate takes a plan and gives it back narrower.

A gate may hold a step, so that it waits for a person, or add a finding; it never adds something to do. The
planner knows nothing of gates: the project lays them over it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from wanctl.engine.converge import Planner
from wanctl.engine.planner import Draft
from wanctl.engine.windows import judge, next_change
from wanctl.kinds.world import LocalData, Snapshot
from wanctl.ledger.record import Record
from wanctl.plan import Finding, Plan, Severity, When
from wanctl.spec.resources import Address, Desired
from wanctl.spec.settings import Window

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
    """Outside the windows: an error stops what could be started now, a warning only tells of it."""

    def gate(plan: Plan, now: datetime) -> Plan:
        if not windows or not any(step.when is When.NOW for step in plan.steps):
            return plan
        verdict = judge(windows, now)
        if verdict.open:
            return plan
        until = next_change(windows, now)
        opens = f"; it opens at {until:%Y-%m-%d %H:%M} UTC" if until else ""
        finding = Finding(
            severity,
            f"nothing may be applied now: {verdict.why}{opens}",
            hint="wait for it; or, where it cannot wait: wanctl apply --ignore-windows",
            rule="window",
        )
        return replace(plan, findings=(*plan.findings, finding))

    return gate
