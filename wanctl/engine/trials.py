"""Trials: a checkpoint that is deployed for a while, so that somebody can look at it, and deleted afterwards.

Pure. The plan of a trial holds two steps, its export and its deployment, and nothing else of the project. It
has a suffix of its own and no document: the ledger says until when it stays, and the project's plans end it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from wanctl.address import Address
from wanctl.dataset.contents import LocalData
from wanctl.engine.planner import Draft, plan_of
from wanctl.kinds.registry import kind_of
from wanctl.kinds.snapshot import Snapshot
from wanctl.kinds.together import planned_context
from wanctl.language.resources import Desired, Resource
from wanctl.ledger.record import Record, Trial


@dataclass(frozen=True)
class WantedTrial:
    """A choice to be tried, under which name, and like whom."""

    address: Address  # of what serves it, which no document describes
    checkpoint: Resource
    label: str
    like: Resource
    trial: Trial

    def documents(self) -> tuple[Resource, Resource]:
        """The choice as if this one had been made, and what serves it."""
        chosen = kind_of(self.checkpoint.address).as_chosen(self.checkpoint.spec, self.label)
        served = kind_of(self.address).as_trial(self.like.spec, self.address.name, self.checkpoint.address)
        assert chosen is not None  # noqa: S101 - whoever made this looked
        assert served is not None  # noqa: S101
        made = Resource(self.address, served, (self.checkpoint.address,), self.like.origin, {})
        return replace(self.checkpoint, spec=chosen), made


def make_trial(
    desired: Desired,
    snapshot: Snapshot,
    record: Record,
    local: Mapping[Address, LocalData],
    wanted: WantedTrial,
) -> Draft:
    """Export and deploy it; what else the specs want is left alone. Nobody writes anything for it."""
    chosen, deployed = wanted.documents()
    resources = {**desired.resources, chosen.address: chosen, deployed.address: deployed}
    entry = record.entry(wanted.address)
    known = entry.model_copy(update={"trial": entry.trial or wanted.trial})
    context = planned_context(
        replace(desired, resources=resources), snapshot, record.with_entry(wanted.address, known), local
    )
    both = [context.planned[chosen.address], context.planned[deployed.address]]
    learned = {one.step.address: one.learn for one in both if one.learn is not None}
    answered = frozenset(one.step.address for one in both if one.answered)
    steps = [replace(both[0].step, changes=(), hints=(), warning=None), replace(both[1].step, hints=())]
    return Draft(plan_of(desired, steps), learned, frozenset(context.questions), answered)
