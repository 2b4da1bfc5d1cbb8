"""What the world changed: a plan without what the specs changed. Pure; `wanctl drift` shows it."""

from collections.abc import Collection
from dataclasses import dataclass

from wanctl.address import Address, Kind
from wanctl.finding import Finding
from wanctl.kinds.registry import kind_of
from wanctl.plan import Orphan, Plan, Step
from wanctl.rules import Rule

UNSEEN = frozenset({Rule.CONFIG_UNVERIFIED})  # rules of findings about what nobody can vouch for


@dataclass(frozen=True)
class Drift:
    """Where the account is no longer as wanctl left it."""

    plan: Plan
    steps: tuple[Step, ...]
    orphans: tuple[Orphan, ...]
    findings: tuple[Finding, ...]
    passed_over: tuple[Address, ...] = ()  # where there is drift that was to be looked away from

    @property
    def found(self) -> bool:
        return bool(self.steps or self.orphans or self.findings)


def drift_of(plan: Plan, ignored: Collection[Address] = ()) -> Drift:
    """Deleted, stopped or deployed by somebody else, or unverified; without what a person looks away from."""
    steps = [step for step in plan.steps if step.drift]
    # An orphan of another kind was left behind by our own changes: that is no drift.
    orphans = [orphan for orphan in plan.orphans if kind_of(_address(orphan)).orphan_is_drift]
    unseen = [one for one in plan.findings if one.rule in UNSEEN]
    found = {step.address for step in steps} | {_address(orphan) for orphan in orphans}
    found |= {one.address for one in unseen if one.address}
    return Drift(
        plan,
        tuple(step for step in steps if step.address not in ignored),
        tuple(orphan for orphan in orphans if _address(orphan) not in ignored),
        tuple(one for one in unseen if one.address not in ignored),
        tuple(sorted(found & set(ignored), key=str)),
    )


def _address(orphan: Orphan) -> Address:
    return Address(Kind(orphan.kind), orphan.remote_id)
