"""Plans that end what a person names: resources (`destroy`), or orphans, which are in no spec (`prune`).

Pure. They have the protections and limits of any other plan, are made again after each call from what is
still there, and are carried out by the same engine. Which orphans are meant, and whether it is certain that
they are orphans, is decided here as well.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from wanctl.address import Address, Kind
from wanctl.base.errors import WanctlError
from wanctl.dataset.contents import LocalData
from wanctl.engine.planner import Draft, exceeded_limits, forgotten, make_plan, plan_of
from wanctl.finding import Finding, Severity
from wanctl.kinds.context import Context, Planned
from wanctl.kinds.kind import OrphanToDelete, Pruning
from wanctl.kinds.registry import kind_of, kinds
from wanctl.kinds.snapshot import Snapshot
from wanctl.kinds.together import is_made_elsewhere, planned_context
from wanctl.language.resources import Desired
from wanctl.ledger.record import Record, Verb
from wanctl.plan import Action, Orphan, Plan, Step, When
from wanctl.rules import Rule


class PruneRefused(WanctlError):  # noqa: N818 - reads as what happened
    """Nothing was deleted; the message says what stands in the way."""


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
        if is_made_elsewhere(address, desired):
            continue
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
    plan = plan_of(desired, steps, findings, _staying(wanted.plan.orphans, going))
    ended = frozenset(step.address for step in steps if step.settled)
    named = [one.remote_id for one in to_delete if kind_of(one.address).forgotten_when_gone]
    learned = forgotten(record, snapshot, {}, named)
    return Draft(plan, learned, wanted.questions | context.questions, ended)


def _left_alone(spared: Collection[str]) -> tuple[Finding, ...]:
    """Says which orphans --all does not take, since nothing here says that this ledger's runs made them."""
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
    """Objects that are being deleted already, and have to be gone before those that are to be deleted."""
    leaving = dict.fromkeys(
        before for one in to_delete for before in kind_of(one.address).outlasts(one, context)
    )
    return tuple(one for one in leaving if one not in to_delete)


def _staying(orphans: Collection[Orphan], to_delete: Collection[OrphanToDelete]) -> tuple[Orphan, ...]:
    """The orphans that are not to be deleted."""
    going = {(str(one.kind), one.remote_id) for one in to_delete}
    return tuple(one for one in orphans if (one.kind, one.remote_id) not in going)


@dataclass(frozen=True)
class OrphanChoice:
    """The grounds of the choice: the plan of the specs, and what that was made from."""

    plan: Plan
    snapshot: Snapshot
    record: Record

    @property
    def orphans(self) -> Iterator[OrphanToDelete]:
        for orphan in self.plan.orphans:
            kind = Kind(orphan.kind)
            address = Address(kind, orphan.remote_id)
            in_flight = kind_of(address).in_flight(self.snapshot, orphan.remote_id)
            yield OrphanToDelete(kind, orphan.remote_id, in_flight)
        for step in self.plan.steps:
            if (
                step.action is Action.CANCEL and step.address.name == step.remote_id
            ):  # a decision, not taken yet
                yield OrphanToDelete(step.address.kind, step.address.name, in_flight=True)


def to_delete_by_name(account: OrphanChoice, names: Collection[str]) -> tuple[OrphanToDelete, ...]:
    """The orphans that are named, by id or by the resource that they once stood for."""
    _refuse_doubt(account.plan)
    orphans = tuple(account.orphans)
    found: dict[OrphanToDelete, None] = {}
    for name in names:
        meant = [one for one in orphans if name in {one.remote_id, str(one.address)}]
        meant = meant or [one for one in orphans if name in _former_addresses(one, account)]
        meant = meant or _on_its_way_out(name, account)
        if not meant:
            raise PruneRefused(_why_not(name, account))
        found |= dict.fromkeys(meant)
    return tuple(found)


def all_to_delete(account: OrphanChoice) -> tuple[OrphanToDelete, ...]:
    """Every orphan but what is in flight, which is being paid for, and what was not made with this ledger,
    which a clone or an environment of the same name may need: these go only by name."""
    _refuse_doubt(account.plan)
    if not account.plan.steps:
        raise PruneRefused(
            "the specs hold no resource at all, so everything of ours would be an orphan; "
            "an empty project deletes nothing. Name what is to go"
        )
    spared = not_made_here(account)
    return tuple(one for one in account.orphans if not one.in_flight and one.remote_id not in spared)


def _refuse_doubt(plan: Plan) -> None:
    """While the plan itself is in doubt, an orphan cannot be told from an object that the specs want."""
    for step in plan.steps:
        blocked = step.when is When.BLOCKED
        unread = blocked and kind_of(step.address).unread_content
        undecided = step.remote_id is None and (blocked or step.when is When.SERVICE)
        if unread or undecided or (blocked and step.action is Action.ADOPT):
            raise PruneRefused(
                f"nothing is pruned while {step.address} is in doubt, for an orphan may be what it wants: "
                f"{step.reason}. See wanctl plan"
            )


def _former_addresses(orphan: OrphanToDelete, account: OrphanChoice) -> set[str]:
    """The resource that it stood for: by the ledger, and by the name that it carries."""
    owner = account.record.owners.get(orphan.remote_id)
    name = kind_of(orphan.address).former_name(account.snapshot, orphan.remote_id)
    return {one for one in (owner, str(Address(orphan.kind, name)) if name else None) if one}


def not_made_here(account: OrphanChoice) -> tuple[str, ...]:
    """Orphans that no run with this ledger made, or found to be the answer to a call of its own; nor do they
    serve a model of such. A person who adopted one answers for it."""
    made = {
        line.remote_id
        for line in account.record.history
        if line.result == "ok"
        or line.verb == Verb.ADOPT
        or (line.result == "found" and line.verb != Verb.LOOK)
    }
    return tuple(
        one.remote_id
        for one in account.orphans
        if one.remote_id not in made
        and not kind_of(one.address).made_from(account.snapshot, one.remote_id, made)
    )


def _on_its_way_out(name: str, account: OrphanChoice) -> list[OrphanToDelete]:
    """Objects that an earlier prune deleted and that are not gone yet: no orphans, but waited for."""
    asked = [
        OrphanToDelete(kind.kind, remote_id)
        for kind in kinds()
        if kind.leaving(account.snapshot, remote_id := name.removeprefix(f"{kind.kind}/"))
    ]
    deleted = {line.address for line in account.record.history if line.verb == Verb.DELETE}
    return [one for one in asked if str(one.address) in deleted]


def _why_not(name: str, account: OrphanChoice) -> str:
    """Why it cannot be pruned: it is wanted, it is the ledger's, it is not ours, or it is not there."""
    kind, _, remote_id = name.rpartition("/")
    for step in account.plan.steps:
        if name == str(step.address):
            return f"{name} has no orphan; what is in the specs is deleted by wanctl destroy or state: absent"
        if remote_id == step.remote_id and kind in {"", str(step.address.kind)}:
            return (
                f"{remote_id} is {step.address} in the plan, and no orphan; "
                "what is in the specs is deleted by wanctl destroy or state: absent"
            )
    never = next((one.why_never_pruned for one in kinds() if one.kind == kind), None)
    if never:
        return f"{name}: {never}"
    for meant in (remote_id, *(one for one, owner in account.record.owners.items() if owner == name)):
        serving = [serving for one in kinds() for serving in one.serving(account.snapshot, meant)]
        if serving:
            return f"{meant} is no orphan: {', '.join(serving)} serves a model of it"
    if owner := account.record.owners.get(remote_id):
        return f"{remote_id} is {owner} by the ledger, and wanctl plan says what becomes of that"
    if any(remote_id in one.standing(account.snapshot) for one in kinds()):
        return (
            f"{remote_id} is no orphan of ours: what is not ours is never touched, what ended costs nothing"
        )
    return f"there is no orphan {name}; wanctl prune lists what there is"
