"""Text that hides nothing and is cut where it is too long: what a screen would obey is spelt out as ⟨U+202E⟩.

For the outputs that are read elsewhere (Markdown, HTML, pictures). Each of them escapes for its own language
on top of this.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

_ALWAYS_SEEN = frozenset("\n\t \u3000\ufe0f")  # with the wide space of Chinese, and what colours emoji
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
_SUSPECTS = re.compile(r"[^\x20-\x7e\n\t]")
_BLANK_LETTERS = frozenset(
    chr(point)
    for first, last in (
        (0x034F, 0x034F),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0E),
        (0xFFA0, 0xFFA0),
        (0xE0100, 0xE01EF),
    )
    for point in range(first, last + 1)
)


def visible(text: str) -> str:
    """The text with every control, direction, zero-width and blank character spelt out."""
    return _spelt(text, lambda letter: f"⟨U+{ord(letter):04X}⟩")


def json_text(value: Any) -> str:
    """JSON for people and programs: what hides is written as an escape, which reads as the same value."""
    written = json.dumps(value, indent=2, ensure_ascii=False)
    return _spelt(written, lambda letter: json.dumps(letter)[1:-1]) + "\n"


def json_line(value: Any) -> str:
    """The same in one line, for streams."""
    return _spelt(json.dumps(value, ensure_ascii=False), lambda letter: json.dumps(letter)[1:-1]) + "\n"


def _spelt(text: str, spelling: Callable[[str], str]) -> str:
    return _SUSPECTS.sub(lambda found: spelling(found[0]) if _hides(found[0]) else found[0], text)


def _hides(letter: str) -> bool:
    if letter in _ALWAYS_SEEN:
        return False
    return unicodedata.category(letter) in _HIDDEN_CATEGORIES or letter in _BLANK_LETTERS


def one_line(text: str, longest: int | None = None) -> str:
    """The text as one visible line, line ends shown as ⏎, cut in the middle where it is too long."""
    shown = visible(text).replace("\n", "⏎").replace("\t", " ")
    return shown if longest is None else cut(shown, longest)


def cut(text: str, longest: int) -> str:
    """Both ends of a text that is too long, with a sign between them."""
    if len(text) <= longest:
        return text
    kept = max(0, longest - 1)
    return f"{text[: kept - kept // 3]}…{text[len(text) - kept // 3 :] if kept // 3 else ''}"


def clipped(text: str, columns: int) -> str:
    """As much of a text's beginning as so many columns hold; wide letters take two."""
    if sum(map(_columns, text)) <= columns:
        return text
    room = columns - 1
    for number, letter in enumerate(text):
        room -= _columns(letter)
        if room < 0:
            return text[:number] + "…"
    return text


def _columns(letter: str) -> int:
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


HOLE = "…"


def fitted(parts: Sequence[str], room: int, gap: int = 1, hole: str = HOLE) -> tuple[list[str], int]:
    """Parts that fit into so many characters, from both ends, the hole between; and what was left out."""
    if sum(len(part) + gap for part in parts) <= room:
        return list(parts), 0
    left = room - len(hole) - gap
    first, last = 0, len(parts)
    while first < last:
        from_end = (len(parts) - last) * 2 < first  # twice as much of the beginning
        size = len(parts[last - 1 if from_end else first]) + gap
        if size > left:
            break
        left -= size
        first, last = (first, last - 1) if from_end else (first + 1, last)
    skipped = sum(len(part) for part in parts[first:last])
    return [*parts[:first], hole, *parts[last:]], skipped
