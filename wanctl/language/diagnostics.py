"""Findings in the specs as a person reads them: with the line that they are in, and what to write instead."""

import unicodedata
from collections.abc import Iterable

from wanctl.base.errors import WanctlError
from wanctl.base.words import counted
from wanctl.finding import Finding, Place, Severity
from wanctl.rules import Rule

_WIDEST = 100  # columns of a source line that are shown


def rendered(finding: Finding, columns: int = 2 * _WIDEST) -> str:
    """The finding as people know it from compilers: place, sentence, line with carets, help.

    Of the line as much is shown as fits into so many columns.
    """
    place = finding.place or Place("")
    where = f" ({finding.path})" if finding.path and finding.path not in finding.message else ""
    head = f"{place}: {finding.severity}: {finding.message}{where} [{finding.rule}]"
    gutter = " " * len(str(place.line))
    shown = _excerpt(place, gutter, min(_WIDEST, columns - len(gutter) - len(" | …") - 1))
    help_ = [f"{gutter} = help: {finding.hint}"] if finding.hint else []
    return "\n".join([head, *shown, *help_])


def _excerpt(place: Place, gutter: str, widest: int) -> list[str]:
    if not place.source_line:
        return []
    line, start = _window(_printable(place.source_line), place.column - 1, widest)
    before, token = line[:start], line[start : start + place.length]
    carets = "^" * max(1, min(_columns(token), _columns(line[start:])))
    return [
        f"{gutter} |",
        f"{place.line} | {line}",
        f"{gutter} | {' ' * _columns(before)}{carets}",
    ]


class SpecErrors(WanctlError):  # noqa: N818 - it holds all of them, which its name says
    """The specs cannot be used. Holds every finding, errors and the rest, in the order of the files."""

    def __init__(self, diagnostics: Iterable[Finding]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n\n".join(self.rendered()))

    def lines(self, columns: int | None = None) -> list[str]:
        rendered = self.rendered(columns) if columns else self.rendered()
        if any(one.rule is Rule.NO_PROJECT for one in self.diagnostics):
            return [*rendered]
        errors = counted(sum(one.severity is Severity.ERROR for one in self.diagnostics), "error")
        return [*rendered, f"{errors}. What is in the datasets is checked once these are corrected."]

    def rendered(self, columns: int = 2 * _WIDEST) -> tuple[str, ...]:
        return tuple(rendered(one, columns) for one in self.diagnostics)


def _printable(line: str) -> str:
    """One column for each tab, to be seen, and nothing that a terminal would obey."""
    return "".join("⇥" if letter == "\t" else letter if letter.isprintable() else "�" for letter in line)


def _window(line: str, start: int, widest: int) -> tuple[str, int]:
    """The part of a long line that holds the place, and where the place is in it."""
    if len(line) <= widest:
        return line, start
    first = max(0, min(start - widest // 3, len(line) - widest))
    shown = line[first : first + widest]
    left = "…" if first else ""
    right = "…" if first + widest < len(line) else ""
    return f"{left}{shown}{right}", start - first + len(left)


def _columns(text: str) -> int:
    """How wide the text is on a terminal."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )
