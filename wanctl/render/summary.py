"""A plan summed up in sentences: the verdict, what is deleted and billed, what one apply does."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from wanctl.base.words import counted, listed
from wanctl.finding import Severity
from wanctl.plan import Action, Plan, Status, Step, When, held_back
from wanctl.render.words import spell_amounts, spell_counts, spell_names

MOST_MODELS = 3
MOST_NAMED = 6  # in a sentence; more are a wall


@dataclass(frozen=True)
class Impact:
    """The part of a plan that cannot be undone: trainings and checks that are billed, live objects that go.

    Objects that are gone for good stand before those that are replaced.
    """

    billed: tuple[Step, ...]
    lost: tuple[Step, ...]

    @property
    def amount(self) -> str:
        """The money, as far as it is known; empty where nothing is billed."""
        totals: dict[str, tuple[Decimal, Decimal]] = {}
        unknown = 0
        for step in self.billed:
            if step.cost is None or step.cost.amount is None:
                unknown += 1
                continue
            currency = step.cost.currency or ""
            before = totals.get(currency, (Decimal(0), Decimal(0)))
            totals[currency] = (before[0] + step.cost.amount[0], before[1] + step.cost.amount[1])
        parts = [f"about {spell_amounts(*total)} {currency}" for currency, total in sorted(totals.items())]
        if unknown:
            parts.append("cost unknown" if unknown == len(self.billed) else f"{unknown} of unknown cost")
        return " and ".join(parts)


def impact_of(plan: Plan) -> Impact:
    held = held_back(plan.pending)
    coming = [step for step in plan.pending if step.address not in held]
    return Impact(
        billed=tuple(
            step for step in coming if step.bills and step.when in {When.NOW, When.LATER, When.PERSON}
        ),
        lost=tuple(
            sorted(
                (step for step in coming if step.deletes and step.when is not When.BLOCKED),
                key=lambda step: step.action is Action.REPLACE,
            )
        ),
    )


def offline_sentence(first: Plan) -> str:
    """The size of what would be made if nothing existed, which is all that can be said of the money."""
    amount = impact_of(first).amount
    billed = f"billed, {amount}" if amount else "billed"
    made = spell_counts(first.pending, billed) if first.pending else "nothing"
    return f"if nothing of it existed yet: {made}"


def unseen_choices(plan: Plan) -> str:
    """The choices that a person has to confirm, since nobody has looked at what they name; else empty."""
    steps = [step for step in plan.steps if step.action is Action.CHOOSE and step.warning]
    if not steps:
        return ""
    first = f"{steps[0].address} waits for a person: {steps[0].warning}"
    return first if len(steps) == 1 else f"{first}; and {counted(len(steps) - 1, 'more choice')}"


def headline(plan: Plan) -> str:
    """The verdict in one sentence. A choice that nobody has looked at comes first."""
    return "; ".join(part for part in (unseen_choices(plan), _headline(plan)) if part)


def _headline(plan: Plan) -> str:
    errors = sum(finding.severity is Severity.ERROR for finding in plan.findings)
    if errors:
        return f"nothing can be applied: {counted(errors, 'error')}"
    if not plan.pending:
        return no_changes(plan)
    risk = impact_of(plan)
    billed = f"billed, {risk.amount}" if risk.amount else "billed"
    lost = f"{_live_objects(risk)} will be deleted" if risk.lost else "nothing deleted"
    return f"{spell_counts(plan.pending, billed)}; {lost}"


def verdict(plan: Plan) -> str:
    """The most important fact: what waits unseen, what is deleted, what is billed. The counts stand apart."""
    return "; ".join(part for part in (unseen_choices(plan), _verdict(plan)) if part)


def _verdict(plan: Plan) -> str:
    risk = impact_of(plan)
    if plan.status is Status.ERROR or not (risk.lost or risk.billed):
        return _headline(plan)
    deletions = f"{_live_objects(risk)} will be deleted"
    trainings = f"{_paid_things(risk)} will be billed: {risk.amount}"
    if not risk.billed:
        return deletions
    return f"{deletions}; {trainings}" if risk.lost else f"{trainings}; nothing deleted"


def counts(plan: Plan) -> str:
    """How many steps of each action, where the verdict does not say it."""
    at_stake = plan.status is not Status.ERROR and any((impact_of(plan).lost, impact_of(plan).billed))
    return spell_counts(plan.pending, billed="") if at_stake else ""


def no_changes(plan: Plan) -> str:
    return f"no changes; {as_specified(plan.size)}{made_elsewhere(plan)}"


def made_elsewhere(plan: Plan) -> str:
    """The end of that sentence where another environment trains: which models are whose."""
    made = [step for step in plan.steps if step.made_in and step.remote_id]
    if not made:
        return ""
    last = max(step.address.kind.rank for step in made)
    models = [step.summary or step.remote_id or "" for step in made if step.address.kind.rank == last]
    verb = "was" if len(models) == 1 else "were"
    return f"; {spell_names(models, MOST_MODELS, MOST_MODELS - 1)} {verb} trained in {made[0].made_in}"


def as_specified(count: int) -> str:
    return f"{counted(count, 'resource is', 'resources are')} as the specs say"


def loss_sentence(plan: Plan) -> str:
    """How much that is live goes away. An erroneous plan only would."""
    return f"{_live_objects(impact_of(plan))} {_will(plan)} be deleted. This cannot be undone."


def money_sentence(plan: Plan) -> str:
    """How many trainings, videos and verdicts are billed, and what they cost."""
    risk = impact_of(plan)
    doing = "started" if any(step.action is Action.TRAIN for step in risk.billed) else "asked for"
    return f"{_paid_things(risk)} {_will(plan)} be {doing} and billed: {risk.amount}."


def _paid_things(risk: Impact) -> str:
    """1 training, 3 check videos and 3 verdicts."""
    costs = [step.cost for step in risk.billed if step.cost]
    counts = (
        (sum(step.action is Action.TRAIN for step in risk.billed), "training"),
        (sum(one.videos or 0 for one in costs), "check video"),
        (sum(one.verdicts or 0 for one in costs), "verdict"),
    )
    parts = [counted(number, noun) for number, noun in counts if number]
    return listed(parts or [counted(0, "training")])


def _live_objects(risk: Impact) -> str:
    return counted(sum(len(step.ended) for step in risk.lost), "live object")


def _will(plan: Plan) -> str:
    return "would" if plan.status is Status.ERROR else "will"


def deleted(plan: Plan) -> str:
    """The live objects that are deleted, by name."""
    lost = impact_of(plan).lost
    return f"{named(lost)} will be deleted" if lost else "nothing deleted"


def named(steps: Sequence[Step]) -> str:
    """The live names of a few; of many the first, and how many more: each has its step to be read."""
    return spell_names([name for step in steps for name in step.ended], MOST_NAMED, MOST_NAMED - 2)


def what_now(plan: Plan, run: tuple[Step, ...] | None = None) -> str:
    """The steps that one apply starts, or who has to act next. `run`: the steps that this run may start."""
    now = plan.this_run() if run is None else run
    if now:
        started = {step.address for step in now}
        left = any(step.address not in started and step.when is not When.SERVICE for step in plan.pending)
        tail = " The rest follows in later runs." if left else ""
        begin = "Apply now" if run is None else "In this run"
        return f"{begin}: {spell_counts(now, billed='')}.{tail}"
    phases = {step.when for step in plan.pending}
    if When.SERVICE in phases:
        return "Nothing to start now: the service is working."
    if When.BLOCKED in phases:
        return "Nothing can go on until what is blocked is corrected."
    return "Nothing to start now: a person has to act first."
