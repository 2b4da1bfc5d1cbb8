"""Plan the end of things by name, with the protections of any other plan."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from wanctl.engine.planner import SETTLE_TIME, Draft, exceeded_limits
from wanctl.kinds import PLANNERS
from wanctl.kinds.removal import plan_removal
from wanctl.kinds.world import Context, LocalData, Planned, Snapshot
from wanctl.ledger.record import Record
from wanctl.plan import Plan
from wanctl.spec.models import State
from wanctl.spec.resources import Address, Desired, Kind, Resource


def make_destruction(
    desired: Desired,
    snapshot: Snapshot,
    record: Record,
    local: Mapping[Address, LocalData],
    doomed: Collection[Address],
) -> Draft:
    """Without names: every Deployment. Jobs, exports and datasets are worth money and go only by name."""
    context = Context(desired, snapshot, record, local, SETTLE_TIME)
    chosen = frozenset(doomed) or _deployments(desired, record)
    planned: dict[Address, Planned] = {}
    for address, resource in desired.resources.items():
        context.planned[address] = PLANNERS[address.kind](resource, context)
        if address in chosen and address.kind is not Kind.DEPLOYMENT:
            planned[address] = PLANNERS[address.kind](_absent(resource), context)
    for address in sorted(chosen):
        if address.kind is Kind.DEPLOYMENT:
            planned[address] = plan_removal(address, context, "destroy was asked for", ())
    steps = tuple(one.step for one in planned.values())
    plan = Plan(
        project=desired.settings.project,
        environment=desired.environment,
        provider=str(desired.settings.provider),
        account=desired.settings.account,
        steps=steps,
        findings=tuple(exceeded_limits(desired, list(steps))),
    )
    learned = {address: one.learn for address, one in planned.items() if one.learn is not None}
    return Draft(plan, learned, frozenset(context.questions))


def _deployments(desired: Desired, record: Record) -> frozenset[Address]:
    known = [Address.parse(text) for text in record.entries]
    return frozenset(address for address in (*known, *desired.resources) if address.kind is Kind.DEPLOYMENT)


def _absent(resource: Resource) -> Resource:
    return replace(resource, spec=resource.spec.model_copy(update={"state": State.ABSENT}))
