"""What the world changed: a plan without what the specs changed. Pure; `wanctl drift` shows it."""

from collections.abc import Collection
from dataclasses import dataclass

from wanctl.plan import Finding, Orphan, Plan, Step
from wanctl.spec.resources import Address, Kind

UNSEEN = frozenset({"aigc-config-unverified"})  # rules of findings about what nobody can vouch for


@dataclass(frozen=True)
class Drift:
    """Where the account is no longer as wanctl left it."""

    plan: Plan
    steps: tuple[Step, ...]
    orphans: tuple[Orphan, ...]
    findings: tuple[Finding, ...]

    @property
    def found(self) -> bool:
        return bool(self.steps or self.orphans or self.findings)


def drift_of(plan: Plan, ignored: Collection[Address] = ()) -> Drift:
    """Deleted, stopped or deployed by somebody else, or unverified; without what a person looks away from."""
    unseen = [one for one in plan.findings if one.rule in UNSEEN and one.address not in ignored]
    return Drift(
        plan,
        tuple(step for step in plan.steps if step.drift and step.address not in ignored),
        tuple(orphan for orphan in plan.orphans if _deployed_outside(orphan, ignored)),
        tuple(unseen),
    )


def _deployed_outside(orphan: Orphan, ignored: Collection[Address]) -> bool:
    """An orphan of another kind was left behind by our own changes: that is no drift."""
    return orphan.kind == Kind.DEPLOYMENT and Address.deployment(orphan.remote_id) not in ignored
