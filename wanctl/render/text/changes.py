"""The fields of a step, before and after, and for long texts the places that differ."""

import re
from collections import Counter
from collections.abc import Iterator
from difflib import SequenceMatcher
from textwrap import wrap

from rich.text import Text

from wanctl.plan import Change, Step
from wanctl.render.words import ACTIONS, QUOTED, spell_number, spell_value

DIFF_PLACES = 6  # changed places of a text before the rest is only counted


AROUND = 32  # characters of unchanged text that are shown on each side of a change


FIRST = {"content", "model_name", "checkpoint", "capacity", "protect"}

INDENT = " " * 8
WIDEST_LINE = 100
_UNBROKEN = "\xa0"  # a name and its value stay in one line


def change_lines(step: Step, columns: int | None = None) -> Iterator[Text]:
    """The fields of a step, for a terminal of so many columns, or for whatever has no width."""
    if ACTIONS[step.action].billed:
        yield from _parameters(step, min(WIDEST_LINE, (columns or WIDEST_LINE * 2) - len(INDENT)))
        return
    shown = [change for change in step.changes if not _told_already(step, change)]
    width = max((len(change.path) for change in shown), default=0)
    for change in shown:
        yield Text.assemble(INDENT, (change.path.ljust(width), "dim"), "  ", _values(change))
        yield from _text_diff(change)


def _told_already(step: Step, change: Change) -> bool:
    """A first upload or deployment does not repeat what its digest, its summary and its model say."""
    return change.before is None and change.path in FIRST and not step.drift


def _parameters(step: Step, width: int) -> Iterator[Text]:
    """A first job lists every hyper-parameter that is sent, in two groups; a later one what differs."""
    first = all(change.before is None for change in step.changes)
    if not first:
        width = max((len(change.path) for change in step.changes), default=0)
        for change in step.changes:
            yield Text.assemble(INDENT, (change.path.ljust(width), "dim"), "  ", _values(change))
        return
    for reason in dict.fromkeys(change.reason for change in step.changes):
        pairs = [
            f"{change.path.removeprefix('hyper_parameters.')}{_UNBROKEN}{spell_number(change.after)}"
            for change in step.changes
            if change.reason == reason and change.path.startswith("hyper_parameters.")
        ]
        if pairs:
            told = f"{' · '.join(pairs)}  ({reason or 'as written'})"
            lines = wrap(told, width, break_on_hyphens=False)
            yield from (Text(INDENT + line.replace(_UNBROKEN, " ")) for line in lines)


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
    """Some words with a little of the line that they stand in."""
    left = "".join(words[:start]).rpartition("\n")[2]
    changed = "".join(words[start:end])
    right = "" if changed.endswith("\n") else "".join(words[end:]).partition("\n")[0]
    before = f"…{left[-AROUND:]}" if len(left) > AROUND else left
    after = f"{right[:AROUND]}…" if len(right) > AROUND else right
    return f"{before}{changed}{after}".rstrip("\n").replace("\n", "⏎")
