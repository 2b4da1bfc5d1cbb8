"""Steps as Markdown: a table of all of them, and of each a folded block with its fields as a diff."""

from collections.abc import Sequence
from dataclasses import dataclass

from wanctl.plan import Plan, Step
from wanctl.render.diffs import DiffLine, step_diff
from wanctl.render.markdown.markup import code, fence, folded, in_html, prose, row
from wanctl.render.summary import as_specified
from wanctl.render.visible import cut, fitted, one_line
from wanctl.render.words import (
    icon_of,
    spell_cost,
    spell_price,
    spell_progress,
    spell_state,
    spell_times,
    spell_verb,
    spell_when,
)

LONGEST_CELL = 240
LONGEST_LINE = 2_000

_HEAD = ("| Step | Resource | When | Why | Cost |", "|---|---|---|---|---|")
_SETTLED_HEAD = ("| Resource | State | Live as |", "|---|---|---|")


def step_table(steps: Sequence[Step], room: int) -> str:
    """The steps that are still to come, a line each."""
    return _table(_HEAD, [_row(step) for step in steps], room)


def _row(step: Step) -> str:
    why = " · ".join(part for part in (step.reason, step.summary) if part)
    return row(
        (
            f"{icon_of(step)} {spell_verb(step)}",
            code(str(step.address), LONGEST_CELL),
            _cell(spell_when(step)),
            ("**drift:** " if step.drift else "") + _cell(why),
            _cell(spell_price(step)),
        )
    )


def _cell(text: str) -> str:
    return prose(cut(text, LONGEST_CELL)) if text else ""


def settled_table(plan: Plan, room: int) -> str:
    """The resources that are as the specs say, folded; empty where there are none."""
    settled = [step for step in plan.steps if step.settled]
    if not settled:
        return ""
    rows = [
        row((code(str(step.address)), _cell(spell_state(step)), code(step.remote_id or "—")))
        for step in settled
    ]
    return folded(as_specified(len(settled)), _table(_SETTLED_HEAD, rows, room))


def _table(head: tuple[str, str], rows: Sequence[str], room: int) -> str:
    kept, left_out = fitted(rows, room - len("\n".join(head)) - 40, hole="")
    if left_out:
        missing = len(rows) - (len(kept) - 1)
        columns = head[0].count("|") - 1
        kept[kept.index("")] = row([f"_… {missing:,} more …_", *[""] * (columns - 1)])
    return "\n".join([*head, *kept])


@dataclass(frozen=True)
class StepBlock:
    """All that is known of a step, to be folded: what stands above its diff, and the diff's lines."""

    top: tuple[str, ...]
    lines: tuple[str, ...]

    @classmethod
    def of(cls, step: Step) -> "StepBlock":
        title = f"{icon_of(step)} {spell_verb(step)} {in_html(str(step.address))}"
        hints = [one_line(hint, 400) for hint in step.hints[:12]]
        parts = [*_paragraphs(step), fence(hints, "text") if hints else ""]
        return cls(
            (f"<details><summary>{title}</summary>", *(part for part in parts if part)),
            tuple(_diff_line(line) for line in step_diff(step)),
        )

    def rendered(self, room: int | None = None) -> str:
        """The block, its diff cut in the middle to the room there is."""
        lines = list(self.lines)
        if room is not None:
            room -= sum(len(part) + 2 for part in self.top) + 80
            shortened = [cut(line, LONGEST_LINE) for line in lines]
            lines, _ = fitted(shortened, max(0, room), hole="@@ … the middle is left out … @@")
        return "\n\n".join([*self.top, *([fence(lines, "diff")] if lines else []), "</details>"])


def _paragraphs(step: Step) -> list[str]:
    facts = [f"live as {code(step.remote_id)}"] if step.remote_id else []
    if step.progress:
        times = spell_times(step.progress)
        progress = " · ".join(part for part in (spell_progress(step), step.progress.detail, times) if part)
        facts.append(f"progress: {prose(progress)}")
    return [
        prose(" · ".join(part for part in (step.reason, step.summary) if part), begins=True),
        f"Cost: {prose(spell_cost(step.cost))}" if step.cost else "",
        f"⚠️ **{prose(step.warning)}**" if step.warning else "",
        " · ".join(facts),
    ]


def _diff_line(line: DiffLine) -> str:
    return f"@@ {line.text} @@" if line.sign == "@" else f"{line.sign} {line.text}".rstrip()
