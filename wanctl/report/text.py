"""A Plan as text for a terminal or a log: columns, details beneath, a verdict at the end.

Pure: a plan in, lines out. Each line is a rich Text, so the same plan is coloured on a terminal and plain
everywhere else.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from difflib import SequenceMatcher
from textwrap import wrap
from typing import Any

from rich.text import Text

from wanctl.plan import Action, Change, Cost, Finding, Plan, Severity, Step, When

QUOTED = 48  # characters of a value before it is cut
DIFF_PLACES = 6  # changed places of a text before the rest is only counted
WIDEST_MIDDLE = 60
WIDEST_LINE = 100
AROUND = 32  # characters of unchanged text that are shown on each side of a change
INDENT = " " * 8

_SIGNS: dict[Action, tuple[str, str]] = {
    Action.NOTHING: (" ", "dim"),
    Action.UPLOAD: ("+", "green"),
    Action.TRAIN: ("+", "green"),
    Action.CHOOSE: ("?", "magenta"),
    Action.EXPORT: ("+", "green"),
    Action.DEPLOY: ("+", "green"),
    Action.SCALE: ("~", "yellow"),
    Action.REPLACE: ("±", "red"),
    Action.DELETE: ("-", "red"),
    Action.CANCEL: ("-", "red"),
    Action.ADOPT: ("<", "cyan"),
    Action.PROTECT: ("!", "cyan"),
    Action.UNPROTECT: ("!", "yellow"),
}

_NOUNS: dict[Action, tuple[str, str]] = {
    Action.UPLOAD: ("upload", "uploads"),
    Action.TRAIN: ("training (billed)", "trainings (billed)"),
    Action.CHOOSE: ("choice", "choices"),
    Action.EXPORT: ("export", "exports"),
    Action.DEPLOY: ("deployment", "deployments"),
    Action.SCALE: ("scaling", "scalings"),
    Action.REPLACE: ("replacement", "replacements"),
    Action.DELETE: ("deletion", "deletions"),
    Action.CANCEL: ("cancellation", "cancellations"),
    Action.ADOPT: ("adoption", "adoptions"),
    Action.PROTECT: ("protection", "protections"),
    Action.UNPROTECT: ("protection lifted", "protections lifted"),
}

_SEVERITY_STYLE = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.ADVICE: "cyan"}


def plan_lines(plan: Plan, *, command: str = "wanctl plan") -> list[Text]:
    """The whole plan. A converged one is a single sentence, and what a person should know besides."""
    lines: list[Text] = []
    if plan.pending:
        lines += [_header(plan, command), Text()]
        lines += _table(plan.steps)
        lines.append(Text())
    lines += _finding_block(plan.findings)
    lines += _orphan_block(plan)
    lines += verdict(plan)
    return lines


def _header(plan: Plan, command: str) -> Text:
    count = len(plan.steps)
    place = " · ".join(
        part
        for part in (
            plan.project,
            plan.environment,
            plan.provider,
            f"{count} resource{'' if count == 1 else 's'}",
        )
        if part
    )
    return Text.assemble((command, "bold"), " " * max(4, 46 - len(command)), (place, "dim"))


def _table(steps: Iterable[Step]) -> Iterator[Text]:
    rows = [(step, str(step.address), _middle(step), spell_when(step)) for step in steps]
    widths = (
        max((len(address) for _, address, _, _ in rows), default=0),
        min(WIDEST_MIDDLE, max((len(middle) for _, _, middle, _ in rows), default=0)),
    )
    verb = max((len(row[0].action.value) for row in rows if not row[0].settled), default=0)
    for step, address, middle, when in rows:
        sign, style = _SIGNS[step.action]
        style = "dim" if step.settled else style
        yield Text.assemble(
            "  ",
            (address.ljust(widths[0]), "dim" if step.settled else "bold"),
            "  ",
            (f"{sign} {('' if step.settled else step.action.value).ljust(verb)}", style),
            "  ",
            (middle.ljust(widths[1]), "dim" if step.settled else ""),
            "  ",
            (when, _when_style(step)),
        )
        if not step.settled:
            yield from _details(step)


def _middle(step: Step) -> str:
    """What the step is about; why it is so stands beneath."""
    if step.action is Action.CHOOSE or (step.settled and not step.summary):
        return step.reason
    return step.summary or step.remote_id or ""


def spell_when(step: Step) -> str:
    """When a step runs, in a few words."""
    names = ", ".join(str(address) for address in step.after)
    match step.when:
        case When.DONE:
            return step.reason if step.summary else ""
        case When.NOW:
            return "now"
        case When.SERVICE:
            percent = spell_progress(step)
            return f"waiting on the service{', ' + percent if percent else ''}"
        case When.PERSON:
            return f"a person, after {names}" if names else "a person"
        case When.LATER:
            return f"after {names}" if names else "later"
        case When.BLOCKED:
            return "blocked"


def spell_progress(step: Step) -> str:
    """How far it is: 61 %, or the status where nothing better is known."""
    if step.progress is None:
        return ""
    if step.progress.fraction is not None:
        return f"{step.progress.fraction:.0%}".replace("%", " %")
    return step.progress.status


def _when_style(step: Step) -> str:
    return {
        When.DONE: "dim",
        When.NOW: "bold green",
        When.SERVICE: "cyan",
        When.PERSON: "magenta",
        When.LATER: "",
        When.BLOCKED: "bold red",
    }[step.when]


def _details(step: Step) -> Iterator[Text]:
    """What a reviewer needs beneath the line: why, the money, the fields, the loss, what to do."""
    if step.action is Action.CHOOSE:
        if step.summary:
            yield Text(INDENT + step.summary)
    elif step.drift or step.when in {When.BLOCKED, When.SERVICE} or _worth_saying(step):
        label = "drift: " if step.drift else ""
        yield Text.assemble(INDENT, (label, "yellow"), step.reason)
    if step.cost and step.action is Action.TRAIN:
        yield Text(INDENT + spell_cost(step.cost))
    yield from _changes(step)
    if step.warning:
        yield Text.assemble(INDENT, ("! " + step.warning, "red" if step.deletes else "yellow"))
    for hint in step.hints:
        yield Text.assemble(INDENT, ("→ ", "cyan"), hint)


def _worth_saying(step: Step) -> bool:
    """The reason is already on the line, or it is what a first run of anything looks like."""
    plain = {
        "not uploaded yet",
        "not trained yet",
        "not deployed yet",
        "chosen",
        "chosen before the training",
    }
    return step.reason not in plain and step.reason != _middle(step)


def spell_cost(cost: Cost) -> str:
    """1.41 M tokens, about 113 USD (0.08 per 1k, list of …): a range where it is one, never 0 for unknown."""
    if cost.billed_tokens is not None:
        amount = f", {cost.billed_amount:.2f} {cost.currency}" if cost.billed_amount is not None else ""
        return f"billed {spell_tokens(cost.billed_tokens)} tokens{amount}"
    tokens = "unknown tokens" if cost.tokens is None else f"{_range(*map(spell_tokens, cost.tokens))} tokens"
    if cost.amount is None:
        return f"{tokens}, cost unknown ({cost.basis})"
    low, high = (f"{amount:.0f}" if amount >= 10 else f"{amount:.2f}" for amount in cost.amount)
    return f"{tokens}, about {_range(low, high)} {cost.currency} ({cost.basis})"


def _range(low: str, high: str) -> str:
    return low if low == high else f"{low}–{high}"


def spell_tokens(tokens: int) -> str:
    if tokens >= 1_000_000:
        return f"{tokens / 1_000_000:.2f} M"
    return f"{tokens / 1_000:.0f} k" if tokens >= 10_000 else f"{tokens:,}"


def _changes(step: Step) -> Iterator[Text]:
    if step.action is Action.TRAIN:
        yield from _parameters(step)
        return
    shown = [change for change in step.changes if not _told_already(step, change)]
    width = max((len(change.path) for change in shown), default=0)
    for change in shown:
        yield Text.assemble(INDENT, (change.path.ljust(width), "dim"), "  ", _values(change))
        yield from _text_diff(change)


def _told_already(step: Step, change: Change) -> bool:
    """A first upload or deployment does not repeat its content's digest and the model that it waits for."""
    return change.before is None and change.path in {"content", "model_name", "checkpoint"} and not step.drift


def _parameters(step: Step) -> Iterator[Text]:
    """A first job lists every hyper-parameter that is sent, in two groups; a later one what differs."""
    first = all(change.before is None for change in step.changes)
    if not first:
        width = max((len(change.path) for change in step.changes), default=0)
        for change in step.changes:
            yield Text.assemble(INDENT, (change.path.ljust(width), "dim"), "  ", _values(change))
        return
    for reason in dict.fromkeys(change.reason for change in step.changes):
        pairs = [
            f"{change.path.removeprefix('hyper_parameters.')} {spell_number(change.after)}"
            for change in step.changes
            if change.reason == reason and change.path.startswith("hyper_parameters.")
        ]
        if pairs:
            told = f"{' · '.join(pairs)}  ({reason or 'as written'})"
            yield from (Text(INDENT + line) for line in wrap(told, WIDEST_LINE, break_on_hyphens=False))


def _values(change: Change) -> Text:
    if change.known_after:
        later = f"known after {change.known_after}"
        return Text(f"{spell_value(change.before)} → {later}" if change.before is not None else later)
    after = spell_value(change.after)
    if change.origin and isinstance(change.after, str):
        after = f"{change.origin} ({len(change.after):,} characters)"
    if change.before is None:
        return Text(after)
    if _is_text(change):
        return Text(f"{len(str(change.before)):,} → {len(str(change.after)):,} characters")
    return Text(f"{spell_value(change.before)} → {after}")


def _is_text(change: Change) -> bool:
    return isinstance(change.before, str) and len(change.before) > QUOTED


def _text_diff(change: Change) -> Iterator[Text]:
    """What changed in a long text: each place before and after, with a little around it."""
    if change.before is None or not _is_text(change):
        return
    before, after = (re.split(r"(?<=\s)", str(value)) for value in (change.before, change.after))
    places = [
        place
        for place in SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
        if place[0] != "equal"
    ]
    told = Counter(
        tuple(_excerpt(words, start, end) for words, start, end in ((before, i1, i2), (after, j1, j2)))
        for _, i1, i2, j1, j2 in places
    )
    for (old, new), count in list(told.items())[:DIFF_PLACES]:
        times = f"  ({count} times)" if count > 1 else ""
        yield Text(f"{INDENT}  - {old}", style="red")
        yield Text(f"{INDENT}  + {new}{times}", style="green")
    if len(told) > DIFF_PLACES:
        yield Text(f"{INDENT}  … and {len(told) - DIFF_PLACES} places more", style="dim")


def _excerpt(words: list[str], start: int, end: int) -> str:
    """Some words with a little of what stands around them."""
    left, right = "".join(words[:start])[-AROUND:], "".join(words[end:])[:AROUND]
    return f"…{left}{''.join(words[start:end])}{right}…".replace("\n", "⏎")


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


def _finding_block(findings: tuple[Finding, ...]) -> list[Text]:
    lines: list[Text] = []
    for finding in findings:
        subject = str(finding.address) if finding.address else ""
        prefix = ": ".join(part for part in (finding.place, subject) if part)
        lines.append(
            Text.assemble(
                (f"{finding.severity.value}: ", _SEVERITY_STYLE[finding.severity]),
                (f"{prefix}: " if prefix else "", "dim"),
                finding.message,
            )
        )
        if finding.hint:
            lines.append(Text.assemble("  ", ("→ ", "cyan"), finding.hint))
    return [*lines, Text()] if lines else []


def _orphan_block(plan: Plan) -> list[Text]:
    if not plan.orphans:
        return []
    count = len(plan.orphans)
    lines = [
        Text(f"{count} orphan{'' if count == 1 else 's'}, kept (in no spec, deleted by nobody):", style="dim")
    ]
    lines += [
        Text(f"  {orphan.kind}  {orphan.remote_id}  {orphan.note}", style="dim") for orphan in plan.orphans
    ]
    return [*lines, Text()]


def verdict(plan: Plan) -> list[Text]:
    """The last lines: what it comes to, and what one apply does of it."""
    if any(finding.severity is Severity.ERROR for finding in plan.findings):
        return [Text("Nothing can be applied until the errors above are mended.", style="bold red")]
    if not plan.pending:
        count = len(plan.steps)
        return [
            Text.assemble(
                ("No changes.", "bold green"),
                f" {count} resource{' is' if count == 1 else 's are'} as the specs say.",
            )
        ]
    lines = [Text.assemble(("Plan: ", "bold"), spell_counts(plan.pending), f"; {_deleted(plan)}.")]
    now = plan.this_run()
    rest = len(plan.pending) - len(now)
    if now:
        tail = " The rest follows in later runs." if rest else ""
        lines.append(Text(f"Apply now: {spell_counts(now, billed=False)}.{tail}"))
    else:
        lines.append(Text(_nothing_now(plan)))
    return lines


def spell_counts(steps: Iterable[Step], *, billed: bool = True) -> str:
    """1 upload, 1 training (billed), 1 in progress: what is under way or blocked is not to come."""
    counts: dict[Action, int] = {}
    under_way = blocked = 0
    for step in steps:
        if step.when is When.SERVICE:
            under_way += 1
        elif step.when is When.BLOCKED:
            blocked += 1
        elif step.action is not Action.NOTHING:
            counts[step.action] = counts.get(step.action, 0) + 1
    parts = []
    for action, (one, many) in _NOUNS.items():
        if count := counts.get(action):
            noun = one if count == 1 else many
            parts.append(f"{count} {noun if billed else noun.removesuffix(' (billed)')}")
    parts += [f"{under_way} in progress"] if under_way else []
    parts += [f"{blocked} blocked"] if blocked else []
    return ", ".join(parts) or "nothing to start"


def _deleted(plan: Plan) -> str:
    deleting = [step for step in plan.pending if step.deletes and step.when is not When.BLOCKED]
    names = [str(step.remote_id) for step in deleting]
    return f"{', '.join(names)} will be deleted" if names else "nothing deleted"


def _nothing_now(plan: Plan) -> str:
    phases = {step.when for step in plan.pending}
    if When.SERVICE in phases:
        return "Nothing to start now: the service is at work. wanctl apply --wait stays with it."
    if When.BLOCKED in phases:
        return "Nothing can go on until what is blocked is mended."
    return "Nothing to do now: it is a person's turn."


def question(plan: Plan) -> str:
    """What a person says yes to; it names the money and the losses."""
    now = plan.this_run()
    costs = [step.cost for step in now if step.action is Action.TRAIN and step.cost]
    trainings = sum(step.action is Action.TRAIN for step in now)
    parts = [f"Apply {spell_counts(now)}"]
    if trainings:
        known = [cost for cost in costs if cost.amount]
        if len(known) == trainings:
            total = sum((cost.amount[1] for cost in known if cost.amount), start=Decimal(0))
            parts.append(f"spends about {total:.0f} {known[0].currency}")
        else:
            parts.append("at a cost that is not known")
    lost = [str(step.remote_id) for step in now if step.deletes]
    if lost:
        parts.append(f"deletes {', '.join(lost)}")
    return ", ".join(parts) + "?"
