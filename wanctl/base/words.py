"""Words for messages: near misses, lists, quoted values, counts and sizes."""

import difflib
import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

_LONGEST_QUOTE = 60

_HOURS_TOLD = 48  # from then on, days say enough


def did_you_mean(word: str, known: Sequence[str]) -> str | None:
    """The known word that was most likely meant, if one is near."""
    if len(word) > 200:  # comparing takes time in the square of the length
        return None
    by_plain = {_plain(one): one for one in known}
    if exact := by_plain.get(_plain(word)):
        return exact
    near = difflib.get_close_matches(_plain(word), by_plain, n=1, cutoff=0.6)
    return by_plain[near[0]] if near else None


def _plain(word: str) -> str:
    """Case, dashes and underscores are what people get wrong most."""
    return word.lower().replace("-", "").replace("_", "")


def suggestion(word: str, known: Sequence[str], none: str) -> str:
    """A hint: the near miss, or what there is, or that there is nothing."""
    if near := did_you_mean(word, known):
        return f"did you mean {near}?"
    return f"write one of: {', '.join(known)}" if known else none


def listed(words: Iterable[str], last: str = "and") -> str:
    """a, b and c."""
    *most, end = [*words]
    return f"{', '.join(most)} {last} {end}" if most else end


def spell_span(seconds: float) -> str:
    """A duration in its two largest units: 24 h, 1 h 30 min, 45 s."""
    hours, minutes, rest = int(seconds // 3600), int(seconds % 3600 // 60), int(seconds % 60)
    parts = [(hours, "h"), (minutes, "min"), (rest, "s")]
    return " ".join([f"{count} {unit}" for count, unit in parts if count][:2]) or "0 s"


def quoted(value: Any) -> str:
    """A value as it would be written, short enough for a sentence and safe for a terminal."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, str):
        value = value[: 2 * _LONGEST_QUOTE]  # of a text without end no more is looked at
    text = json.dumps(value, ensure_ascii=False, default=str)
    text = "".join(letter if letter.isprintable() else "�" for letter in text)
    return text if len(text) <= _LONGEST_QUOTE else f"{text[: _LONGEST_QUOTE - 1]}…"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """1 sample, 2 samples; 1 resource is, 2 resources are."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def first_line(text: str) -> str:
    """The first line, which says it at once: the lines below explain it."""
    return text.partition("\n")[0]


def spell_bytes(size: int) -> str:
    """71.2 MB, as a person says it."""
    amount, unit = float(size), "B"
    for larger in ("kB", "MB", "GB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"


def spell_time(seconds: float) -> str:
    """1:02:03.4, without hours where there are none."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    begin = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{begin}:{rest / 10:04.1f}"


def spell_age(age: timedelta) -> str:
    """So old, in the unit that says enough."""
    hours = age // timedelta(hours=1)
    if hours >= _HOURS_TOLD:
        return f"{counted(hours // 24, 'day')} old"
    return (
        f"{counted(hours, 'hour')} old" if hours else f"{counted(age // timedelta(minutes=1), 'minute')} old"
    )
