"""The changes of a step as lines of a diff: scalars on one line, long texts compared sentence by sentence.

Values only, not yet escaped for any language; Markdown and HTML dress them.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from wanctl.plan import Change, FieldClass, Step
from wanctl.render.visible import one_line, visible
from wanctl.render.words import QUOTED, spell_number

LONG_LINE = 100  # columns after which a text is shown, and compared, in sentences
SAME_LINE = "↪ "  # stands before what goes on in the same line of the text
COMPARABLE = 3_000  # lines; comparing more takes longer than a reader has
AROUND = 2

# Behind the signs of European and of Chinese texts; the latter have no space after them.
_STOP = re.compile("(?<=[.!?;]\\s)(?=\\S)|(?<=[\u3002\uff01\uff1f\uff1b])(?=\\S)")
_COMMA = re.compile("(?<=[,:]\\s)(?=\\S)|(?<=[\u3001\uff0c\uff1a])(?=\\S)")


@dataclass(frozen=True)
class DiffLine:
    """One line: + and - for what comes and goes, a space for what stays, @ for a heading."""

    sign: str
    text: str


def step_diff(step: Step) -> tuple[DiffLine, ...]:
    """Every changed field of a step; texts last: below their heading a field would look like their line."""
    return tuple(line for change in sorted(step.changes, key=_is_text) for line in _change(change))


def _is_text(change: Change) -> bool:
    return change.known_after is None and (_is_long(change.before) or _is_long(change.after))


def _change(change: Change) -> Iterator[DiffLine]:
    if _is_text(change):
        yield from _text_change(change)
        return
    path, about = one_line(change.path), _about(change)
    if change.before is not None:
        yield DiffLine("-", f"{path}: {spell_whole(change.before)}")
    if change.known_after is not None:
        yield DiffLine("+", f"{path}: known after {one_line(str(change.known_after))}{about}")
    elif change.after is not None:
        yield DiffLine("+", f"{path}: {spell_whole(change.after)}{about}")


def _about(change: Change) -> str:
    return f"  # {', '.join(_class_and_reason(change))}"


def _class_and_reason(change: Change) -> list[str]:
    """Every write-only field has the same reason, so its class is enough."""
    says_more = change.reason and change.field_class is not FieldClass.WRITE_ONLY
    return [change.field_class.value.replace("_", " "), *([one_line(change.reason)] if says_more else [])]


def _is_long(value: Any) -> bool:
    return isinstance(value, str) and (len(value) > QUOTED or "\n" in value)


def spell_whole(value: Any) -> str:
    """A value on one line, whole: JSON but for plain words and numbers."""
    if isinstance(value, str):
        plain = re.fullmatch(r"[\w./:+–-]+", value, re.ASCII) is not None
        return value if plain else visible(json.dumps(value, ensure_ascii=False))
    if isinstance(value, float):
        return spell_number(value)
    return visible(json.dumps(value, ensure_ascii=False, default=str))


def _text_change(change: Change) -> Iterator[DiffLine]:
    sizes = " → ".join(f"{len(text):,}" for text in (change.before, change.after) if isinstance(text, str))
    facts = [f"{sizes} characters", *([one_line(change.origin)] if change.origin else [])]
    yield DiffLine("@", f"{one_line(change.path)} ({', '.join([*facts, *_class_and_reason(change)])})")
    before, after = list(_lines(change.before)), list(_lines(change.after))
    if not before or not after or len(before) + len(after) > COMPARABLE:
        yield from (DiffLine("-", line) for line in before)
        yield from (DiffLine("+", line) for line in after)
        return
    for number, group in enumerate(
        SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(AROUND)
    ):
        if number:
            yield DiffLine("@", "…")
        for what, i1, i2, j1, j2 in group:
            if what == "equal":
                yield from (DiffLine(" ", line) for line in before[i1:i2])
                continue
            yield from (DiffLine("-", line) for line in before[i1:i2])
            yield from (DiffLine("+", line) for line in after[j1:j2])


def _lines(value: Any) -> Iterator[str]:
    """A text's lines; a long one in its sentences, so that a changed word does not repaint a whole prompt."""
    if value is None:
        return
    text = value if isinstance(value, str) else spell_whole(value)
    for line in text.split("\n"):
        *pieces, last = _sentences(line)
        marks = ["", *[SAME_LINE] * len(pieces)]
        ends = [*map(_joint_hidden, pieces), _spaces_shown(last)]
        yield from (mark + visible(piece) for mark, piece in zip(marks, ends, strict=True))


def _sentences(line: str) -> list[str]:
    """Cut behind . ! ? and, where that leaves long pieces, behind commas. Nothing is lost or added."""
    if len(line) <= LONG_LINE:
        return [line]
    pieces = []
    for sentence in _STOP.split(line):
        pieces += [sentence] if len(sentence) <= LONG_LINE else _COMMA.split(sentence)
    return pieces


def _joint_hidden(piece: str) -> str:
    """A sentence without the one space behind it, which the mark of the next one stands for."""
    return piece[:-1] if piece.endswith(" ") and not piece.endswith("  ") else _spaces_shown(piece)


def _spaces_shown(piece: str) -> str:
    bare = piece.rstrip(" ")
    return bare + "␠" * (len(piece) - len(bare))
