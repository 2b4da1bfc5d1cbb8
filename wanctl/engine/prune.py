"""Plan the end of orphans: what is ours, live, and in no spec. The same engine carries it out.

Level-triggered like every plan: made again after each call, from what is still there.
"""

from collections.abc import Collection, Mapping

from wanctl.address import Address
from wanctl.engine.forgetting import forgotten
from wanctl.engine.orphans import unlisted
from wanctl.engine.planner import Draft, exceeded_limits, make_plan, plan_of
from wanctl.finding import Finding, Severity
from wanctl.kinds.context import Context, LocalData
from wanctl.kinds.pruning import OrphanToDelete, Pruning
from wanctl.kinds.registry import kind_of
from wanctl.kinds.snapshot import Snapshot
from wanctl.language.resources import Desired
from wanctl.ledger.record import Record
from wanctl.plan import Step, When
from wanctl.rules import Rule


def make_pruning(
    desired: Desired,
    snapshot: Snapshot,
    record: Record,
    local: Mapping[Address, LocalData],
    to_delete: tuple[OrphanToDelete, ...],
    *,
    everything: bool,
    spared: Collection[str] = (),
) -> Draft:
    """Delete what is doomed and still an orphan. With `everything`, what cannot go now is kept, with a
    word of why, and `spared` goes by name only."""
    wanted = make_plan(desired, snapshot, record, local)
    context = Context(desired, snapshot, record, local, planned={})
    to_delete = (*to_delete, *_on_their_way_out(to_delete, context))
    orphans = frozenset((one.kind, one.remote_id) for one in wanted.plan.orphans)
    pruning = Pruning(context, {one.address: one for one in to_delete}, orphans)
    downstream_first = sorted(to_delete, key=lambda one: -one.kind.rank)
    steps = [kind_of(one.address).prune(one, pruning) for one in downstream_first]
    kept = [step for step in steps if everything and step.when is When.BLOCKED]
    steps = [step for step in steps if step not in kept]
    going = [one for one in to_delete if any(step.address == one.address for step in steps)]
    findings = (*exceeded_limits(desired, steps), *_left_alone(spared), *map(_said_to_stay, kept))
    plan = plan_of(desired, steps, findings, unlisted(wanted.plan.orphans, going))
    ended = frozenset(step.address for step in steps if step.settled)
    named = [one.remote_id for one in to_delete if kind_of(one.address).forgotten_when_gone]
    learned = forgotten(record, snapshot, {}, named)
    return Draft(plan, learned, wanted.questions | context.questions, ended)


def _left_alone(spared: Collection[str]) -> tuple[Finding, ...]:
    """What --all does not take, since nothing here says that this ledger's runs made it."""
    if not spared:
        return ()
    message = (
        "left alone, since no run with this ledger made it, and somebody with another one may need it: "
        f"{', '.join(spared)}"
    )
    hint = f"if nobody does: wanctl prune {' '.join(spared)}"
    return (Finding(Severity.ADVICE, message, hint=hint, rule=Rule.PRUNE_UNRECORDED),)


def _said_to_stay(step: Step) -> Finding:
    message = f"left alone: {step.remote_id}: {step.reason}"
    return Finding(Severity.ADVICE, message, rule=Rule.PRUNE_KEPT)


def _on_their_way_out(to_delete: tuple[OrphanToDelete, ...], context: Context) -> tuple[OrphanToDelete, ...]:
    """What somebody told to go already, and what is to be deleted has to outlast."""
    leaving = dict.fromkeys(
        before for one in to_delete for before in kind_of(one.address).outlasts(one, context)
    )
    return tuple(one for one in leaving if one not in to_delete)
