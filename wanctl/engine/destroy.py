"""Plan the end of things by name, with the protections of any other plan."""

from collections.abc import Collection, Mapping

from wanctl.address import Address
from wanctl.engine.planner import Draft, exceeded_limits, plan_of
from wanctl.kinds.context import LocalData, Planned
from wanctl.kinds.registry import kind_of, planned_context
from wanctl.kinds.snapshot import Snapshot
from wanctl.language.resources import Desired
from wanctl.ledger.record import Record


def make_destruction(
    desired: Desired,
    snapshot: Snapshot,
    record: Record,
    local: Mapping[Address, LocalData],
    named: Collection[Address],
) -> Draft:
    """Without names: everything that goes with its document. What was paid for goes only by name."""
    chosen = frozenset(named) or _going_with_documents(desired, record)
    context = planned_context(
        desired, snapshot, record, local, why_gone="destroy was asked for", to_delete=chosen
    )
    serving = [one for one in sorted(chosen) if kind_of(one).goes_with_its_document]
    made_from = [one for one in reversed(tuple(desired.resources)) if one in chosen and one not in serving]
    planned: dict[Address, Planned] = {}
    for address in (*serving, *made_from):  # first what came of it
        if one := kind_of(address).plan_destruction(address, context):
            planned[address] = one
    steps = [one.step for one in planned.values()]
    plan = plan_of(desired, steps, findings=exceeded_limits(desired, steps))
    learned = {address: one.learn for address, one in planned.items() if one.learn is not None}
    answered = frozenset(address for address, one in planned.items() if one.answered)
    return Draft(plan, learned, frozenset(context.questions), answered)


def _going_with_documents(desired: Desired, record: Record) -> frozenset[Address]:
    known = [Address.parse(text) for text in record.entries]
    return frozenset(one for one in (*known, *desired.resources) if kind_of(one).goes_with_its_document)
