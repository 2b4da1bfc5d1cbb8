"""Trials: a checkpoint that is deployed for a while, so that somebody can look at it, and deleted afterwards.

Pure. The plan of a trial holds two steps, its export and its deployment, and nothing else of the project. It
has a suffix of its own and no document: the ledger says until when it stays, and the project's plans end it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from wanctl.address import Address
from wanctl.engine.planner import Draft, plan_of
from wanctl.kinds.context import LocalData
from wanctl.kinds.registry import planned_context
from wanctl.kinds.snapshot import Snapshot
from wanctl.language.models import Checkpoint, Deployment
from wanctl.language.resources import Desired, Resource
from wanctl.ledger.record import Record, Trial


@dataclass(frozen=True)
class WantedTrial:
    """A checkpoint to be tried, under which name, and by whose config."""

    address: Address  # of the Deployment that no document describes
    checkpoint: Resource
    label: str
    like: Resource
    trial: Trial

    def documents(self) -> tuple[Resource, Resource]:
        """The Checkpoint as if this one had been chosen, and the Deployment."""
        chosen, like = self.checkpoint.spec, self.like.spec
        assert isinstance(chosen, Checkpoint)  # noqa: S101 - whoever made this looked
        assert isinstance(like, Deployment)  # noqa: S101
        tried = chosen.model_copy(
            update={"checkpoint": self.label, "of": None, "unseen": "allow", "evidence": None}
        )
        deployed = Deployment(
            name=self.address.name, checkpoint=self.checkpoint.address.name, aigc_config=like.aigc_config
        )
        made = Resource(self.address, deployed, (self.checkpoint.address,), self.like.origin, {})
        return replace(self.checkpoint, spec=tried), made


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
