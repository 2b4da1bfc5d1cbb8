"""(desired, snapshot, record) → Plan: a pure function. No I/O, no clock, no environment.

Each kind plans its own resources, in the order of the references; here is what concerns them all: removals,
limits, orphans, what the ledger forgets, and which part of a plan is drift. Reads that are still needed come
back as questions.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from wanctl.address import Address, Kind
from wanctl.base.words import counted
from wanctl.dataset.contents import LocalData
from wanctl.finding import Finding, Severity
from wanctl.kinds.context import Context, Planned
from wanctl.kinds.kind import ResourceKind
from wanctl.kinds.moving import after_move, move_step, moves_of
from wanctl.kinds.registry import kind_of, kinds
from wanctl.kinds.snapshot import Question, Snapshot
from wanctl.kinds.together import planned_context, trainer_findings
from wanctl.language.models import State
from wanctl.language.resources import Desired
from wanctl.ledger.record import Entry, Record, Verb
from wanctl.plan import Action, Orphan, Plan, Step, When
from wanctl.rules import Rule

_ENDINGS = frozenset({Verb.DELETE, Verb.CANCEL})
UNSEEN = frozenset(
    {Rule.CONFIG_UNVERIFIED, Rule.MODIFIED_ELSEWHERE}
)  # rules of findings about what nobody can vouch for


@dataclass(frozen=True)
class Draft:
    """A plan, what the ledger learns from the reads behind it, and the reads that it still lacks."""

    plan: Plan
    learned: Mapping[Address, Entry]
    questions: frozenset[Question]
    answered: frozenset[Address] = frozenset()  # whose open calls need no answer any more


Planner = Callable[[Desired, Snapshot, Record, Mapping[Address, LocalData]], Draft]


def make_plan(
    desired: Desired,
    snapshot: Snapshot,
    record: Record,
    local: Mapping[Address, LocalData],
    diagnostics: tuple[Finding, ...] = (),
) -> Draft:
    """Plan every resource, then what is gone from the specs."""
    moves = moves_of(desired, record)
    context = planned_context(desired, snapshot, moves.record, local)
    in_order = [context.planned[address] for address in desired.resources]
    steps = [move_step(new, old, record) for new, old in moves.pending.items()]
    steps += [after_move(planned.step, moves) for planned in in_order]
    steps += [step for kind in kinds() for step in kind.beside(context)]
    findings = [*desired.diagnostics, *diagnostics]
    findings += (*moves.findings, *_unlisted(snapshot), *trainer_findings(context))
    findings += [finding for planned in in_order for finding in planned.findings]
    removals: list[Planned] = []
    if desired.resources:
        removals = _removals(context, steps)
        steps += [one.step for one in removals if not one.step.settled]
        findings += [finding for one in removals for finding in one.findings]
    else:
        findings += _refuse_emptiness(context)
    steps = _endings_last(steps, desired)
    findings += exceeded_limits(desired, steps)
    plan = plan_of(desired, steps, findings, _orphans(context, steps))
    plan = replace(
        plan, unseen={address: one.unseen for address, one in context.planned.items() if one.unseen}
    )
    everything = {**context.planned, **{one.step.address: one for one in removals}}
    learned = {
        address: planned.learn
        for address, planned in everything.items()
        if planned.learn is not None and address not in moves.pending
    }
    learned = {
        address: entry
        for address, entry in forgotten(record, snapshot, learned).items()
        if address not in moves.pending.values()
    }
    return Draft(
        plan, learned, frozenset(context.questions), _answered(context, everything) - moves.pending.keys()
    )


def plan_of(
    desired: Desired, steps: Iterable[Step], findings: Iterable[Finding] = (), orphans: Iterable[Orphan] = ()
) -> Plan:
    """A plan of this project, in this environment."""
    return Plan(
        project=desired.settings.project,
        environment=desired.environment,
        provider=str(desired.settings.provider),
        account=desired.settings.account,
        steps=tuple(steps),
        findings=tuple(findings),
        orphans=tuple(orphans),
    )


def _endings_last(steps: list[Step], desired: Desired) -> list[Step]:
    """Resources that are to be absent come last, and each before those that it was made from."""

    def ends(step: Step) -> bool:
        resource = desired.resources.get(step.address)
        return resource is not None and resource.spec.state is State.ABSENT

    return [one for one in steps if not ends(one)] + [one for one in reversed(steps) if ends(one)]


def _answered(context: Context, planned: Mapping[Address, Planned]) -> frozenset[Address]:
    """Where nothing is waited for any more: the kinds say so of their resources. What has no document was
    ended by name, and how that went is seen by what still stands."""
    known = {address for address, one in planned.items() if one.answered}
    for intent in context.record.intents:
        address = Address.parse(intent.address)
        if intent.verb in _ENDINGS and address not in planned and context.overdue(address):
            known.add(address)
    return frozenset(known)


def _unlisted(snapshot: Snapshot) -> list[Finding]:
    """Without a list, objects that nobody named stay unseen: a person should know."""
    if not snapshot.unlisted:
        return []
    what = " and no ".join(snapshot.unlisted)
    message = f"this service lists no {what}: only what the ledger and the jobs name is seen"
    return [Finding(Severity.WARNING, message, rule=Rule.UNLISTED)]


def _removals(context: Context, steps: list[Step]) -> list[Planned]:
    """Resources that left the specs go last, once everything of their kind that this plan makes is there."""
    removed: list[Planned] = []
    for kind in kinds():
        making = tuple(
            step.address
            for step in steps
            if step.address.kind == kind.kind and not step.settled and step.action is not Action.DELETE
        )
        left = [one for one, _ in context.left_the_specs(kind.kind)]
        addresses = dict.fromkeys((*left, *_left_by_lost_calls(kind.kind, context)))
        planned = (kind.plan_without_document(address, context, making) for address in addresses)
        removed += [one for one in planned if one]
    return removed


def _left_by_lost_calls(kind: Kind, context: Context) -> list[Address]:
    """Calls without an answer may have made something for documents that are gone by now."""
    open_calls = (Address.parse(intent.address) for intent in context.record.intents)
    return [one for one in open_calls if one.kind == kind and one not in context.desired.resources]


def _refuse_emptiness(context: Context) -> list[Finding]:
    """No document at all looks like an accident: a wrong folder, a bad merge. Nothing is deleted by it."""
    standing = [text for text, entry in context.record.entries.items() if entry.current or entry.retiring]
    if not standing:
        return []
    return [
        Finding(
            Severity.ERROR,
            f"the specs hold no resource at all, while the ledger knows {', '.join(sorted(standing))}; "
            "an empty project deletes nothing",
            hint="bring the documents back; or, to delete what is deployed: wanctl destroy",
            rule=Rule.EMPTY_SPECS,
        )
    ]


def exceeded_limits(desired: Desired, steps: list[Step]) -> list[Finding]:
    limits = desired.settings.limits
    to_train = [step for step in steps if step.action is Action.TRAIN and step.may_start]
    to_delete = [step for step in steps if _may_delete(step)]
    findings = []
    if limits.new_jobs is not None and len(to_train) > limits.new_jobs:
        findings.append(
            _exceeded(
                "new_jobs", str(limits.new_jobs), f"starts {counted(len(to_train), 'training')}", to_train
            )
        )
    if limits.deletes is not None and len(to_delete) > limits.deletes:
        findings.append(_exceeded("deletes", str(limits.deletes), f"deletes {len(to_delete)}", to_delete))
    to_pay = [step for step in steps if step.bills and step.may_start]
    if limits.spend is not None and to_pay:
        allowed, currency = limits.spend.amount, limits.spend.currency
        unknown = [step for step in to_pay if not _priced(step, currency)]
        total = sum((step.cost.amount[1] for step in to_pay if step.cost and step.cost.amount), Decimal(0))
        if unknown:
            findings.append(_unpriced(str(limits.spend), currency, unknown))
        elif total > allowed:
            what = f"may spend {total:.2f} {currency}"
            findings.append(_exceeded("spend", str(limits.spend), what, to_pay))
    return findings


def _may_delete(step: Step) -> bool:
    """An apply that waits comes to it: after a job that still reads it, or was canceled first; or if an open
    call turns out to have made what is not wanted any more."""
    if step.when is When.SERVICE:
        unseen = step.action is Action.DELETE and step.remote_id is None
        return unseen or (step.deletes and step.goes_on)
    return step.deletes and step.when in {When.NOW, When.LATER}


def _priced(step: Step, currency: str) -> bool:
    return bool(step.cost and step.cost.amount and step.cost.currency == currency)


def _unpriced(allowed: str, currency: str, steps: list[Step]) -> Finding:
    """A cost that nobody knows keeps no limit: a price in the specs helps, and no larger limit."""
    return Finding(
        Severity.ERROR,
        f"limits.spend is {allowed}, and what this costs in {currency} is unknown: "
        + ", ".join(f"{step.address} ({step.cost.basis if step.cost else 'no price'})" for step in steps),
        hint=_how_to_price(steps, currency),
        rule=Rule.LIMIT_SPEND,
    )


def _how_to_price(steps: list[Step], currency: str) -> str:
    if all(step.action is not Action.TRAIN for step in steps):
        return (
            f"write the price of a second in {currency} under calls: in the catalogue's file, "
            "or leave checks out"
        )
    return (
        f"write the price of 1,000 tokens in {currency} under prices: in wanctl.yaml, and lock or "
        "provide the datasets, so that their seconds are known"
    )


def _exceeded(limit: str, allowed: str, what: str, steps: list[Step]) -> Finding:
    return Finding(
        Severity.ERROR,
        f"this plan {what}, over limits.{limit} of {allowed}: "
        + ", ".join(f"{step.address} ({step.action.value})" for step in steps),
        hint=f"to allow it, raise limits.{limit} in wanctl.yaml, in a reviewed commit",
        rule=Rule.of_limit(limit),
    )


def _orphans(context: Context, steps: list[Step]) -> list[Orphan]:
    """Objects that are ours by name or ledger, live, and in no spec. They stay; a person should know."""
    owners, known = context.record.owners, context.snapshot.elsewhere.known
    trainer = context.desired.trainer
    by_ledger = trainer is not None and trainer.settings.project == context.project

    def told(orphan: Orphan, kind: ResourceKind) -> Orphan:
        former = kind.former_name(context.snapshot, orphan.remote_id)
        name = owners.get(orphan.remote_id) or (str(Address(kind.kind, former)) if former else None)
        since = _since(orphan, context)
        age = context.snapshot.observed_at - since if since else None
        return replace(orphan, name=name, created=since, age=age)

    used: dict[Kind, set[str | None]] = defaultdict(set)  # by kind: a model and its deployment share a name
    for step in steps:
        used[step.address.kind].add(step.remote_id)
    return [
        told(orphan, kind)
        for kind in kinds()
        for orphan in kind.orphans(context, used[kind.kind])
        if orphan.remote_id not in known and (orphan.remote_id in owners or not by_ledger)
    ]


def _since(orphan: Orphan, context: Context) -> datetime | None:
    """As the service says it; where that is in no zone, or in the future, as the ledger does, if at all."""
    recorded = context.recorded.get(orphan.remote_id)
    told = (orphan.created, recorded.since if recorded else None)
    return next((at for at in told if at and at.tzinfo and at <= context.snapshot.observed_at), None)


def forgotten(
    record: Record, snapshot: Snapshot, learned: Mapping[Address, Entry], named: Collection[str] = ()
) -> dict[Address, Entry]:
    """The entries to be learned, and every other one that changes, without orphans that were ended by name
    and are gone: nobody is to wonder later who deleted them.

    Seen from the history and the open calls, so that a run which was killed over it is no exception. `named`
    are the ids that a person has named just now.
    """
    standing = {remote_id for kind in kinds() for remote_id in kind.standing(snapshot)}
    gone = {*_ended_by_name(record), *named} - standing
    if not gone:
        return dict(learned)
    owners = {Address.parse(owner) for one, owner in record.owners.items() if one in gone}
    entries = {**{one: record.entry(one) for one in owners}, **learned}
    return {one: _without(entry, gone) if one in owners else entry for one, entry in entries.items()}


def _ended_by_name(record: Record) -> set[str]:
    """Orphans stand under their own ids."""
    ended = {line.address for line in record.history if line.verb == Verb.DELETE}
    ended |= {intent.address for intent in record.intents if intent.verb == Verb.DELETE}
    return {one.name for one in map(Address.parse, ended) if kind_of(one).forgotten_when_gone}


def _without(entry: Entry, gone: Collection[str]) -> Entry:
    for remote_id in gone:
        entry = entry.without(remote_id)
    return entry


@dataclass(frozen=True)
class Drift:
    """Where the account is no longer as wanctl left it: a plan without what the specs changed."""

    plan: Plan
    steps: tuple[Step, ...]
    orphans: tuple[Orphan, ...]
    findings: tuple[Finding, ...]
    passed_over: tuple[Address, ...] = ()  # where there is drift that was to be looked away from
    unseen: Mapping[Address, tuple[str, ...]] = field(default_factory=dict)  # what could not be compared

    @property
    def found(self) -> bool:
        return bool(self.steps or self.orphans or self.findings)


def drift_of(plan: Plan, ignored: Collection[Address] = ()) -> Drift:
    """Deleted, stopped, changed or deployed by others, or unverified; without what is to be ignored."""
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
        {address: fields for address, fields in plan.unseen.items() if address not in ignored},
    )


def _address(orphan: Orphan) -> Address:
    return Address(Kind(orphan.kind), orphan.remote_id)
