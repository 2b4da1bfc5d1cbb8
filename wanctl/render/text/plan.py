"""A Plan as text for a terminal or a log: columns, details beneath, a verdict at the end.

Pure: a plan in, lines out. Each is a TextLine, so the same plan is coloured on a terminal and plain
everywhere else.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from difflib import SequenceMatcher
from textwrap import wrap

from wanctl.base.words import counted
from wanctl.finding import Finding, Severity
from wanctl.plan import Action, Change, Plan, Step, When
from wanctl.render.made import PlanFailure
from wanctl.render.options import Command
from wanctl.render.summary import as_specified, deleted, made_elsewhere, named, unseen_choices, what_now
from wanctl.render.text.console import hint_line
from wanctl.render.text.line import TextLine
from wanctl.render.words import (
    ACTIONS,
    PHASES,
    QUOTED,
    spell_amounts,
    spell_cost,
    spell_counts,
    spell_number,
    spell_orphan,
    spell_value,
    spell_verb,
    spell_when,
)

WIDEST_MIDDLE = 60
MOST_SETTLED = 20  # lines of what stays as it is
HEAD = 46  # where the head's second half begins
INDENT = " " * 8
WIDEST_LINE = 100
DIFF_PLACES = 6  # changed places of a text before the rest is only counted
AROUND = 32  # characters of unchanged text that are shown on each side of a change
_UNBROKEN = "\xa0"  # a name and its value stay in one line
_SEVERITY_STYLE = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.ADVICE: "cyan"}


def plan_lines(
    plan: Plan,
    *,
    command: Command = Command.PLAN,
    run: tuple[Step, ...] | None = None,
    columns: int | None = None,
) -> list[TextLine]:
    """The whole plan. A converged one is a single sentence, and what a person should know besides.

    `run` is what the run that shows it may come to; left out, it is what an apply starts without waiting.
    `columns` is how wide a terminal is; left out, lines are as long as they come.
    """
    lines: list[TextLine] = []
    if unseen := unseen_choices(plan):
        lines += [TextLine(unseen, style="bold magenta"), TextLine()]
    if plan.pending:
        lines += [_header(plan, command, columns), TextLine()]
        lines += _steps(plan, columns)
        lines.append(TextLine())
    lines += finding_block(plan.findings)
    lines += _orphan_block(plan)
    lines += verdict(plan, command, run)
    return lines


def _steps(plan: Plan, columns: int | None) -> Iterator[TextLine]:
    """A small plan shows what stays as it is, too; in a large one the changes would be hard to find."""
    settled = len(plan.steps) - len(plan.pending)
    if settled <= MOST_SETTLED:
        yield from step_table(plan.steps, columns)
        return
    yield from step_table(plan.pending, columns)
    yield TextLine(f"  {settled:,} more resources are as the specs say", style="dim")


def _header(plan: Plan, command: Command, columns: int | None) -> TextLine:
    size = counted(plan.size, "resource")
    return head_line(command, (plan.project, plan.environment, plan.service, size), columns)


def head_line(command: str, facts: Iterable[str | None], columns: int | None) -> TextLine:
    """The command, and what it is about."""
    place = " · ".join(part for part in facts if part)
    gap = max(4, (columns or HEAD + len(place)) - len(place) - len(command))
    return TextLine.assemble((command, "bold"), " " * min(gap, max(4, HEAD - len(command))), (place, "dim"))


def step_table(steps: Iterable[Step], columns: int | None) -> Iterator[TextLine]:
    """Four columns. Where they do not fit, what a step is about goes beneath it, if it does anything."""
    rows = [(step, str(step.address), _middle(step), spell_when(step)) for step in steps]
    first = max((len(address) for _, address, _, _ in rows), default=0)
    verb = max((len(spell_verb(row[0])) for row in rows if not row[0].settled), default=0)
    second = min(WIDEST_MIDDLE, max((len(middle) for _, _, middle, _ in rows), default=0))
    widest = max(
        (6 + first + 2 + verb + max(second, len(row[2])) + 2 + len(row[3]) for row in rows), default=0
    )
    narrow = columns is not None and widest > columns
    for step, address, middle, when in rows:
        words = ACTIONS[step.action]
        quiet = "dim" if step.settled else ""
        verbs = ("" if step.settled else spell_verb(step)).ljust(verb)
        yield TextLine.assemble(
            "  ",
            (address.ljust(first), quiet or "bold"),
            "  ",
            (f"{words.sign} {verbs}", quiet or words.style),
            "  ",
            ("" if narrow else middle.ljust(second) + "  ", quiet),
            (when, PHASES[step.when].style),
        )
        if not step.settled:
            if narrow and middle:
                yield TextLine(INDENT + middle)
            yield from _details(step, columns)


def _middle(step: Step) -> str:
    """The subject of the step; the reason stands beneath."""
    if step.action is Action.CHOOSE or (step.settled and not step.summary):
        return step.reason
    return step.summary or step.remote_id or ""


def _details(step: Step, columns: int | None) -> Iterator[TextLine]:
    """Beneath the line: the reason, the cost, the fields, the loss, what to do next."""
    if step.action is Action.CHOOSE:
        if step.summary:
            yield TextLine(INDENT + step.summary)
    elif step.drift or step.when in {When.BLOCKED, When.SERVICE} or _worth_saying(step):
        label = "drift: " if step.drift else ""
        yield TextLine.assemble(INDENT, (label, "yellow"), step.reason)
    if step.cost and step.bills:
        yield TextLine(INDENT + spell_cost(step.cost))
    yield from change_lines(step, columns)
    if step.warning:
        yield TextLine.assemble(INDENT, ("! " + step.warning, "red" if step.deletes else "yellow"))
    for hint in step.hints:
        yield hint_line(hint, INDENT)


def _worth_saying(step: Step) -> bool:
    """The reason is not on the line yet, and is none of those that every first run has."""
    starts = step.when in {When.NOW, When.LATER}
    return not (step.routine and starts) and step.reason != _middle(step)


def finding_block(findings: tuple[Finding, ...]) -> list[TextLine]:
    lines: list[TextLine] = []
    for finding in findings:
        subject = str(finding.address) if finding.address else ""
        prefix = ": ".join(part for part in (str(finding.place or ""), subject) if part)
        lines.append(
            TextLine.assemble(
                (f"{finding.severity.value}: ", _SEVERITY_STYLE[finding.severity]),
                (f"{prefix}: " if prefix else "", "dim"),
                finding.message,
            )
        )
        if finding.hint:
            lines.append(hint_line(finding.hint))
    return [*lines, TextLine()] if lines else []


def failure_lines(failure: PlanFailure) -> list[TextLine]:
    """A failure, in place of a plan."""
    what = "Stopped before the end" if failure.begun else "No plan could be made"
    verdict_ = f"{what}: {counted(failure.errors, 'error')}. {failure.consequence[0]}"
    return [*finding_block(failure.findings), TextLine(verdict_, style="bold red")]


def _orphan_block(plan: Plan) -> list[TextLine]:
    if not plan.orphans:
        return []
    count = counted(len(plan.orphans), "orphan")
    lines = [TextLine(f"{count}, kept (in no spec; to delete any: wanctl prune):", style="dim")]
    lines += [
        TextLine(f"  {orphan.kind}  {orphan.remote_id}  {spell_orphan(orphan)}", style="dim")
        for orphan in plan.orphans
    ]
    return [*lines, TextLine()]


def verdict(
    plan: Plan, command: Command = Command.PLAN, run: tuple[Step, ...] | None = None
) -> list[TextLine]:
    """The last lines: what it comes to, and what one apply does of it."""
    if any(finding.severity is Severity.ERROR for finding in plan.findings):
        return [TextLine("Nothing can be applied until the errors above are corrected.", style="bold red")]
    if not plan.pending:
        standing = f" {as_specified(plan.size)}{made_elsewhere(plan)}."
        if command is Command.DESTROY:
            standing = " Nothing of it is live: there is nothing to delete."
        return [TextLine.assemble(("No changes.", "bold green"), standing)]
    return [
        TextLine.assemble(("Plan: ", "bold"), spell_counts(plan.pending), f"; {deleted(plan)}."),
        TextLine(what_now(plan, run)),
    ]


def question(steps: tuple[Step, ...]) -> str:
    """The question that a person says yes to; it names the cost and what is deleted."""
    paid = [step for step in steps if step.bills]
    parts = [f"Apply {spell_counts(steps)}"]
    if paid:
        amounts = [step.cost.amount[1] for step in paid if step.cost and step.cost.amount]
        currencies = {step.cost.currency for step in paid if step.cost}
        if len(amounts) == len(paid) and len(currencies) == 1:
            total = sum(amounts, start=Decimal(0))
            parts.append(f"spend about {spell_amounts(total, total)} {currencies.pop()}")
        else:
            parts.append("at a cost that is not known")
    lost = [step for step in steps if step.deletes]
    if lost:
        parts.append(f"delete {named(lost)}")
    return ", ".join(parts) + "?"


def change_lines(step: Step, columns: int | None = None) -> Iterator[TextLine]:
    """The fields of a step, for a terminal of so many columns, or for whatever has no width."""
    if step.action is Action.TRAIN:
        yield from _parameters(step, min(WIDEST_LINE, (columns or WIDEST_LINE * 2) - len(INDENT)))
        return
    shown = [change for change in step.changes if not _shown_already(step, change)]
    width = max((len(change.path) for change in shown), default=0)
    for change in shown:
        yield TextLine.assemble(INDENT, (change.path.ljust(width), "dim"), "  ", _values(change))
        yield from _text_diff(change)


def _shown_already(step: Step, change: Change) -> bool:
    """A first upload or deployment does not repeat what its digest, its summary and its model say."""
    return change.before is None and change.in_summary and not step.drift


def _parameters(step: Step, width: int) -> Iterator[TextLine]:
    """A first job lists every parameter that is sent, a group for each reason; a later one what differs.

    The parameters are the fields below another one; the others are what the job is made from.
    """
    first = all(change.before is None for change in step.changes)
    if not first:
        width = max((len(change.path) for change in step.changes), default=0)
        for change in step.changes:
            yield TextLine.assemble(INDENT, (change.path.ljust(width), "dim"), "  ", _values(change))
        return
    for reason in dict.fromkeys(change.reason for change in step.changes):
        pairs = [
            f"{change.key}{_UNBROKEN}{spell_number(change.after)}"
            for change in step.changes
            if change.reason == reason and change.key
        ]
        if pairs:
            group = f"{' · '.join(pairs)}  ({reason or 'as written'})"
            lines = wrap(group, width, break_on_hyphens=False)
            yield from (TextLine(INDENT + line.replace(_UNBROKEN, " ")) for line in lines)


def _values(change: Change) -> TextLine:
    if change.known_after:
        later = f"known after {change.known_after}"
        return TextLine(f"{spell_value(change.before)} → {later}" if change.before is not None else later)
    after = spell_value(change.after)
    if change.origin and isinstance(change.after, str):
        after = f"{change.origin} ({len(change.after):,} characters)"
    if change.before is None:
        return TextLine(after)
    if _is_text(change):
        return TextLine(f"{len(str(change.before)):,} → {len(str(change.after)):,} characters")
    return TextLine(f"{spell_value(change.before)} → {after}")


def _is_text(change: Change) -> bool:
    return isinstance(change.before, str) and len(change.before) > QUOTED


def _text_diff(change: Change) -> Iterator[TextLine]:
    """The changes of a long text: each place before and after, with a few words around it."""
    if change.before is None or not _is_text(change):
        return
    before, after = (re.split(r"(?<=\s)", str(value)) for value in (change.before, change.after))
    places = [
        place
        for place in SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
        if place[0] != "equal"
    ]
    changed = Counter(
        tuple(_excerpt(words, start, end) for words, start, end in ((before, i1, i2), (after, j1, j2)))
        for _, i1, i2, j1, j2 in places
    )
    for (old, new), count in list(changed.items())[:DIFF_PLACES]:
        times = f"  ({count} times)" if count > 1 else ""
        yield TextLine(f"{INDENT}  - {old}", style="red")
        yield TextLine(f"{INDENT}  + {new}{times}", style="green")
    if len(changed) > DIFF_PLACES:
        yield TextLine(f"{INDENT}  … and {len(changed) - DIFF_PLACES} places more", style="dim")


def _excerpt(words: list[str], start: int, end: int) -> str:
    """Some words with a little of the line that they stand in."""
    left = "".join(words[:start]).rpartition("\n")[2]
    changed = "".join(words[start:end])
    right = "" if changed.endswith("\n") else "".join(words[end:]).partition("\n")[0]
    before = f"…{left[-AROUND:]}" if len(left) > AROUND else left
    after = f"{right[:AROUND]}…" if len(right) > AROUND else right
    return f"{before}{changed}{after}".rstrip("\n").replace("\n", "⏎")
