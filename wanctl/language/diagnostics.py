"""What is wrong with specs, or could be better: one sentence with its place, and what to write instead."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from wanctl.base.errors import WanctlError
from wanctl.base.words import counted
from wanctl.language.places import Place

_WIDEST = 100  # columns of a source line that are shown


class Severity(StrEnum):
    """Errors stop; warnings are likely mistakes; advice is what experience says."""

    ERROR = "error"
    WARNING = "warning"
    ADVICE = "advice"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. `rule` is a stable id; `path` says where in the document."""

    severity: Severity
    rule: str
    message: str
    hint: str | None
    file: str
    line: int
    column: int
    path: str
    source_line: str | None = None
    length: int = 1

    @classmethod
    def at(
        cls,
        place: Place,
        severity: Severity,
        rule: str,
        message: str,
        *,
        path: str = "",
        hint: str | None = None,
    ) -> Self:
        return cls(
            severity,
            rule,
            message,
            hint,
            place.file,
            place.line,
            place.column,
            path,
            place.source_line,
            place.length,
        )

    def render(self, columns: int = 2 * _WIDEST) -> str:
        """The finding as people know it from compilers: place, sentence, line with carets, help.

        Of the line as much is shown as fits into so many columns.
        """
        where = f" ({self.path})" if self.path and self.path not in self.message else ""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        head = f"{place}: {self.severity}: {self.message}{where} [{self.rule}]"
        gutter = " " * len(str(self.line))
        shown = self._excerpt(gutter, min(_WIDEST, columns - len(gutter) - len(" | …") - 1))
        help_ = [f"{gutter} = help: {self.hint}"] if self.hint else []
        return "\n".join([head, *shown, *help_])

    def _excerpt(self, gutter: str, widest: int) -> list[str]:
        if not self.source_line:
            return []
        line, start = _window(_printable(self.source_line), self.column - 1, widest)
        before, token = line[:start], line[start : start + self.length]
        carets = "^" * max(1, min(_columns(token), _columns(line[start:])))
        return [
            f"{gutter} |",
            f"{self.line} | {line}",
            f"{gutter} | {' ' * _columns(before)}{carets}",
        ]


class SpecErrors(WanctlError):  # noqa: N818 - it holds all of them, which its name says
    """The specs cannot be used. Holds every finding, errors and the rest, in the order of the files."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n\n".join(self.rendered()))

    def lines(self, columns: int | None = None) -> list[str]:
        rendered = self.rendered(columns) if columns else self.rendered()
        if any(one.rule == "no-project" for one in self.diagnostics):
            return [*rendered]
        errors = counted(sum(one.severity is Severity.ERROR for one in self.diagnostics), "error")
        return [*rendered, f"{errors}. What is in the datasets is checked once these are corrected."]

    def rendered(self, columns: int = 2 * _WIDEST) -> tuple[str, ...]:
        return tuple(one.render(columns) for one in self.diagnostics)


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
