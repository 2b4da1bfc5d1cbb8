"""Plan the end of things by name, with the protections of any other plan."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from wanctl.address import Address, Kind
from wanctl.engine.planner import SETTLE_TIME, Draft, exceeded_limits
from wanctl.kinds import PLANNERS
from wanctl.kinds.context import Context, LocalData, Planned
from wanctl.kinds.deployment.removal import plan_removal
from wanctl.kinds.snapshot import Snapshot
from wanctl.language.models import State
from wanctl.language.resources import Desired, Resource
from wanctl.ledger.record import Record
from wanctl.plan import Action, Plan, Step, When


def make_destruction(
    desired: Desired,
    snapshot: Snapshot,
    record: Record,
    local: Mapping[Address, LocalData],
    to_delete: Collection[Address],
) -> Draft:
    """Without names: every Deployment. Jobs, exports and datasets are worth money and go only by name."""
    chosen = frozenset(to_delete) or _deployments(desired, record)
    why = "destroy was asked for"
    context = Context(desired, snapshot, record, local, SETTLE_TIME, why_gone=why, to_delete=chosen)
    planned: dict[Address, Planned] = {}
    for address, resource in desired.resources.items():
        context.planned[address] = PLANNERS[address.kind](resource, context)
    for address in sorted(chosen):
        if address.kind is Kind.DEPLOYMENT:
            removal = plan_removal(address, context, context.why_gone, ())
            unknown = _left_standing(address, context) if removal.step.settled else None
            planned[address] = unknown or removal
    for address, resource in reversed(tuple(desired.resources.items())):  # first what came of it
        if address in chosen and address.kind is not Kind.DEPLOYMENT:
            planned[address] = PLANNERS[address.kind](_absent(resource), context)
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
    answered = frozenset(address for address, one in planned.items() if one.answered)
    return Draft(plan, learned, frozenset(context.questions), answered)


def _left_standing(address: Address, context: Context) -> Planned | None:
    """What serves for it, and is not the one that the ledger knows: a person can say that it is theirs."""
    seen = context.planned.get(address)
    live = context.snapshot.deployment_by_id.get((seen and seen.step.remote_id) or "")
    if live is None or live.leaving:
        return None
    name = live.deployed_model
    step = Step(
        address,
        Action.DELETE,
        When.BLOCKED,
        f"{name} serves for it, but nothing in the ledger says that wanctl deployed it",
        remote_id=name,
        hints=(f"if it is yours: wanctl adopt {address} {name}",),
    )
    return Planned(step)


def _deployments(desired: Desired, record: Record) -> frozenset[Address]:
    known = [Address.parse(text) for text in record.entries]
    return frozenset(address for address in (*known, *desired.resources) if address.kind is Kind.DEPLOYMENT)


def _absent(resource: Resource) -> Resource:
    return replace(resource, spec=resource.spec.model_copy(update={"state": State.ABSENT}))
