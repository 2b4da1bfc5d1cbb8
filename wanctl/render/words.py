"""The words of a plan: one row per action and one per phase, and how values, costs and counts are said.

Text, Markdown, HTML, progress and questions read the same rows. Small pure functions to strings.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from wanctl.base.words import counted, spell_age, spell_span
from wanctl.catalogue.estimate import Cost
from wanctl.ledger.record import Verb
from wanctl.plan import Action, Orphan, Progress, Step, When, held_back

if TYPE_CHECKING:
    from wanctl.dataset.contents import Media
    from wanctl.language.inspection import Estimate

QUOTED = 48  # characters of a value before it is cut
FEW_NAMES = 4  # of what a step waits for
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class ActionWords:
    """How one action is said and drawn, wherever it is shown."""

    noun: str  # one of them, in a count
    doing: str  # while its call is made
    done: str  # once the call is made
    sign: str  # on a terminal
    style: str  # of the sign and the verb there
    icon: str  # in Markdown
    colour: str  # on pages: a variable of plan.css
    nouns: str | None = None  # several of them, where it is more than an s
    billed: bool = False


ACTIONS: Mapping[Action, ActionWords] = {
    Action.NOTHING: ActionWords("", "", "", " ", "dim", "✔️", "soft"),
    Action.UPLOAD: ActionWords("upload", "uploading", "uploaded", "+", "green", "📤", "green"),
    Action.TRAIN: ActionWords(
        "training", "starting the training", "training started", "+", "green", "💸", "yellow", billed=True
    ),
    Action.CHOOSE: ActionWords("choice", "choosing", "chosen", "?", "magenta", "👤", "violet"),
    Action.EXPORT: ActionWords(
        "export", "asking for the export", "export asked for", "+", "green", "📦", "green"
    ),
    Action.DEPLOY: ActionWords(
        "deployment", "deploying", "deployment asked for", "+", "green", "🚀", "green"
    ),
    Action.CHECK: ActionWords(
        "check",
        "asking for a check video",
        "check video asked for",
        "?",
        "yellow",
        "🔎",
        "yellow",
        billed=True,
    ),
    Action.SCALE: ActionWords("scaling", "scaling", "scaled", "~", "yellow", "📏", "yellow"),
    Action.REPLACE: ActionWords("replacement", "replacing", "replacement goes on", "±", "red", "♻️", "red"),
    Action.DELETE: ActionWords("deletion", "deleting", "deletion asked for", "-", "red", "🗑️", "red"),
    Action.CANCEL: ActionWords(
        "cancellation", "canceling", "cancellation asked for", "-", "red", "🛑", "red"
    ),
    Action.ADOPT: ActionWords("adoption", "adopting", "adopted", "<", "cyan", "🤝", "blue"),
    Action.MOVE: ActionWords("move", "moving its record", "its record moved", ">", "cyan", "🏷️", "soft"),
    Action.PROTECT: ActionWords("protection", "protecting", "protected", "!", "cyan", "🔒", "blue"),
    Action.UNPROTECT: ActionWords(
        "protection lifted",
        "lifting the protection",
        "protection lifted",
        "!",
        "yellow",
        "🔓",
        "yellow",
        nouns="protections lifted",
    ),
}

_JUDGING = "having a check video judged", "check video judged"
_REPLACING = {
    Verb.DEPLOY: ("deploying the new one", "new deployment asked for"),
    Verb.CHECK: ("asking the new one for a check video", "check video asked for"),
    Verb.JUDGE: _JUDGING,
    Verb.DELETE: ("deleting the old one", "deletion asked for"),
    Verb.HAND_BACK: ("handing over to the one before", "it has taken over again"),
}


@dataclass(frozen=True)
class WhenWords:
    """How a phase is said and coloured."""

    label: str
    style: str  # of when a step of a plan runs, on a terminal
    state_style: str  # of a resource's state in `status`


PHASES: Mapping[When, WhenWords] = {
    When.DONE: WhenWords("done", "dim", "green"),
    When.NOW: WhenWords("now", "bold green", "yellow"),
    When.SERVICE: WhenWords("in progress", "cyan", "cyan"),
    When.PERSON: WhenWords("needs a person", "magenta", "magenta"),
    When.LATER: WhenWords("later", "", "yellow"),
    When.BLOCKED: WhenWords("blocked", "bold red", "bold red"),
}


def spell_call(step: Step) -> tuple[str, str]:
    """The call of a step while it is made, and once it is. A replacement makes two, one after the other."""
    words = ACTIONS[step.action]
    usual = words.doing, words.done
    if step.effect and step.effect.verb == Verb.CHECK and step.action is not Action.REPLACE:
        return ACTIONS[Action.CHECK].doing, ACTIONS[Action.CHECK].done
    if step.effect and step.effect.verb == Verb.JUDGE:
        return _JUDGING
    if step.action is Action.REPLACE and step.effect:
        return _REPLACING.get(step.effect.verb, usual)
    return usual


def spell_verb(step: Step) -> str:
    """What is done, in a word; what another environment makes is waited for."""
    return "wait" if step.made_in and step.action is Action.NOTHING else step.action.value


def icon_of(step: Step) -> str:
    """Its sign in Markdown."""
    return "⏳" if spell_verb(step) == "wait" else ACTIONS[step.action].icon


def spell_when(step: Step) -> str:
    """When a step runs, in a few words."""
    names = spell_names([str(address) for address in step.after], FEW_NAMES, FEW_NAMES - 1)
    match step.when:
        case When.DONE:
            return step.reason if step.summary else ""
        case When.NOW:
            return "now"
        case When.SERVICE:
            percent = spell_progress(step)
            return f"waiting on the service{', ' + percent if percent else ''}"
        case When.PERSON:
            return f"needs a person, after {names}" if names else "needs a person"
        case When.LATER:
            return f"after {names}" if names else "later"
        case When.BLOCKED:
            return "blocked"


def spell_names(names: Sequence[str], most: int, first: int) -> str:
    """All of them; where there are more than the most, the first ones and how many more."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:first])} and {len(names) - first:,} more"


def spell_progress(step: Step) -> str:
    """How far it is: 61 %, or the status where nothing better is known."""
    if step.progress is None:
        return ""
    if step.progress.fraction is not None:
        return f"{step.progress.fraction:.0%}".replace("%", " %")
    return step.progress.status


def spell_times(progress: Progress | None) -> str:
    """2 h 3 min so far, about 1 h 10 min left; empty where nothing is known, or it has just begun."""
    if progress is None or progress.elapsed is None or progress.elapsed < _MINUTE:
        return ""
    parts = [f"{_minutes(progress.elapsed)} so far"]
    if progress.left is not None:
        short = progress.left < _MINUTE
        parts.append("less than a minute left" if short else f"about {_minutes(progress.left)} left")
    return ", ".join(parts)


def _minutes(span: timedelta) -> str:
    return spell_span(round(span / _MINUTE) * 60)


def spell_took(step: Step, seen: timedelta | None = None) -> str:
    """Trained in 3 h 12 min, 113 USD: what a step that is done came to. `seen` is how long it was waited for,
    which is what there is to say where nothing else is known."""
    return ", ".join(part for part in (spell_lasted(step, seen), _spell_bill(step.cost)) if part)


def spell_lasted(step: Step, seen: timedelta | None = None) -> str:
    """Trained in 3 h 12 min; within, where that is from when it was asked for."""
    took, word = (step.took, "within" if step.queued_too else "in") if step.took else (seen, "within")
    if took is None or took <= timedelta():
        return step.reason
    return f"{step.reason} {word} {_minutes(took) if took >= _MINUTE else 'a minute'}"


def _spell_bill(cost: Cost | None) -> str:
    if cost is None or cost.billed_tokens is None:
        return ""
    if cost.billed_amount is None:
        return f"{spell_tokens(cost.billed_tokens)} tokens"
    return f"{spell_amounts(cost.billed_amount, cost.billed_amount)} {cost.currency}"


def spell_state(step: Step) -> str:
    """The state of a resource in a word or two: trained, train 61 %, to deploy."""
    if step.when is When.DONE:
        return step.reason
    if step.when is When.SERVICE:
        return " ".join(part for part in (spell_verb(step), spell_progress(step)) if part)
    if step.when is When.PERSON:
        return "to be chosen" if step.action is Action.CHOOSE else "needs a person"
    return f"to {spell_verb(step)}" if step.when is not When.BLOCKED else "blocked"


def spell_cost(cost: Cost) -> str:
    """1.41 M tokens, about 113 USD (0.08 per 1k, list of …): a range where it is one, never 0 for unknown."""
    if cost.billed_tokens is not None:
        amount = f", {cost.billed_amount:.2f} {cost.currency}" if cost.billed_amount is not None else ""
        return f"billed {spell_tokens(cost.billed_tokens)} tokens{amount}"
    if cost.of_checks:
        counts = ((cost.videos, "check video"), (cost.verdicts, "verdict"))
        what = ", ".join(counted(number, noun) for number, noun in counts if number)
        price = f"about {spell_amounts(*cost.amount)} {cost.currency}" if cost.amount else "cost unknown"
        return f"{what}, {price} ({cost.basis})"
    tokens = "unknown tokens" if cost.tokens is None else f"{_range(*map(spell_tokens, cost.tokens))} tokens"
    if cost.amount is None:
        return f"{tokens}, cost unknown ({cost.basis})"
    return f"{tokens}, about {spell_amounts(*cost.amount)} {cost.currency} ({cost.basis})"


def spell_orphan(orphan: Orphan) -> str:
    """Whose it was, how old it is, what it has cost or may cost, and what it is."""
    cost = spell_cost(orphan.cost) if orphan.cost else None
    age = spell_age(orphan.age) if orphan.age is not None else None
    return " · ".join(part for part in (orphan.name, age, cost, orphan.note) if part)


def spell_price(step: Step) -> str:
    """The money alone, for a column of a table; empty where a step costs none."""
    cost = step.cost
    if not step.bills or cost is None:
        return ""
    if cost.billed_amount is not None:
        return f"billed {cost.billed_amount:.2f} {cost.currency}"
    return f"about {spell_amounts(*cost.amount)} {cost.currency}" if cost.amount else "unknown"


def spell_paid(step: Step) -> str:
    """The amount that was billed, else the likely cost."""
    cost = step.cost
    if cost and cost.billed_amount is not None:
        return f"billed {cost.billed_amount:,.2f} {cost.currency}"
    return spell_price(step)


def spell_amounts(low: Decimal, high: Decimal) -> str:
    """101–113: cents only where they matter."""
    return _range(*(f"{amount:.0f}" if amount >= 10 else f"{amount:.2f}" for amount in (low, high)))


def _range(low: str, high: str) -> str:
    return low if low == high else f"{low}–{high}"


def spell_tokens(tokens: int) -> str:
    if tokens >= 1_000_000:
        return f"{tokens / 1_000_000:.2f} M"
    return f"{tokens / 1_000:.0f} k" if tokens >= 10_000 else f"{tokens:,}"


def spell_commit(commit: str | None) -> str:
    """Its first 8 digits, and the + that says that it does not hold all that was applied."""
    plain = (commit or "").removesuffix("+")
    return plain[:8] + (commit or "")[len(plain) :]


def spell_value(value: Any) -> str:
    """A value as it would stand in YAML, cut where it is long."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "—"
    if isinstance(value, str):
        if " " not in value and len(value) <= QUOTED + 20:
            return value
        cut = value if len(value) <= QUOTED else value[: QUOTED - 1] + "…"
        return f'"{cut}"'.replace("\n", "⏎")
    if isinstance(value, list | tuple):
        return ", ".join(spell_value(item) for item in value)
    return f"{value:,}" if isinstance(value, int) else spell_number(value)


def spell_number(value: Any) -> str:
    """0.00002 as people write it: 2e-5."""
    return re.sub(r"e([-+])0*(\d)", r"e\1\2", str(value))


def spell_counts(steps: Iterable[Step], billed: str = "billed") -> str:
    """1 upload, 1 training (billed), 1 in progress: what is under way or blocked is not to come."""
    counts: dict[Action, int] = {}
    paid: set[Action] = set()
    under_way = blocked = 0
    steps = tuple(steps)
    held = held_back(steps)
    for step in steps:
        if step.address in held:
            continue
        if step.when is When.SERVICE:
            under_way += 1
        elif step.when is When.BLOCKED:
            blocked += 1
        elif step.action is not Action.NOTHING:
            counts[step.action] = counts.get(step.action, 0) + 1
            paid |= {step.action} if step.bills else set()
    parts = []
    for action, words in ACTIONS.items():
        if count := counts.get(action):
            price = f" ({billed})" if billed and words.billed else ""
            if billed and action in paid and not words.billed:
                price = f" (checks {'billed' if Action.TRAIN in counts else billed})"
            parts.append(counted(count, words.noun, words.nouns) + price)
    parts += [f"{under_way} in progress"] if under_way else []
    parts += [f"{blocked} blocked"] if blocked else []
    parts += [f"{len(held)} waiting behind {'it' if blocked == 1 else 'them'}"] if held else []
    return ", ".join(parts) or "nothing to start"


def spell_aspect(media: "Media") -> str:
    """16:9 and the like; the nearest that has a name, if it is near."""
    named = {"16:9": 16 / 9, "9:16": 9 / 16, "4:3": 4 / 3, "3:4": 3 / 4, "1:1": 1.0, "21:9": 21 / 9}
    if not media.aspect:
        return ""
    name, value = min(named.items(), key=lambda one: abs(one[1] / (media.aspect or 1) - 1))
    return name if abs(value / media.aspect - 1) < 0.02 else f"{media.aspect:.2f}:1"


def estimate_rows(estimates: "Iterable[Estimate]") -> list[tuple[str, str, str, str]]:
    """Model, epochs, tokens, price, in words."""
    return [_estimate_row(one) for one in estimates]


def _estimate_row(one: "Estimate") -> tuple[str, str, str, str]:
    model = f"{one.model}{f'  ({one.by})' if one.by else ''}"
    if not one.fits:
        return (model, "", "", "its mode needs other frames than these samples have")
    tokens, amount = one.training.tokens, one.training.amount
    spelt = "unknown"
    if tokens:
        spelt = spell_tokens(tokens[0]) if tokens[0] == tokens[1] else "–".join(map(spell_tokens, tokens))
    basis = one.training.basis
    price = basis if one.training.price is None else f"unknown: {basis}"
    if amount:
        money = [f"{value:,.2f}" for value in dict.fromkeys(amount)]
        price = f"{'–'.join(money)} {one.training.currency} ({one.training.basis})"
    return (model, str(one.epochs or ""), spelt, price)
