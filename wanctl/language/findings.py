"""Findings in the specs: gathered so that a person sees all at once, and shown with their line."""

import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING

from wanctl.base.errors import WanctlError
from wanctl.base.words import counted
from wanctl.finding import Finding, Place, Severity
from wanctl.rules import Rule

if TYPE_CHECKING:
    from wanctl.language.resources import Desired

_WIDEST = 100  # columns of a source line that are shown
_LONGEST_PATH = 160  # characters of where a value stands in its document
MOST_FINDINGS = 300  # that are told; whoever has more has one mistake many times


_UNREAD = frozenset({Rule.YAML, Rule.YAML_ALIASES, Rule.YAML_TOO_DEEP, Rule.FILE})


def _in_files(one: Finding) -> tuple[str, int, int]:
    return (one.place.file, one.place.line, one.place.column) if one.place else ("", 0, 0)


class Findings:
    """The findings so far. The same thing found twice is kept once."""

    def __init__(self) -> None:
        self._found: dict[tuple[Place, str], Finding] = {}
        self._errors: set[Place] = set()

    def add(self, one: Finding) -> None:
        place = one.place or Place("")
        if one.rule is Rule.VALUE and place in self._errors:
            return  # what is wrong with the value was told better
        if one.severity is Severity.ERROR:
            self._errors.add(place)
        self._found.setdefault((place, one.message), one)
        if len(self._found) > MOST_FINDINGS:
            raise SpecErrors([*self.sorted()[:MOST_FINDINGS], _and_more(place)])

    def extend(self, more: Iterable[Finding]) -> None:
        for one in more:
            self.add(one)

    def error(
        self, place: Place, rule: Rule, message: str, *, path: str = "", hint: str | None = None
    ) -> None:
        self.add(Finding.at(place, Severity.ERROR, rule, message, path=path, hint=hint))

    @property
    def broken(self) -> bool:
        return any(one.severity is Severity.ERROR for one in self._found.values())

    @property
    def incomplete(self) -> bool:
        """A file could not be read to its end: what seems to be missing may stand in it."""
        return any(one.rule in _UNREAD for one in self._found.values())

    def sorted(self) -> tuple[Finding, ...]:
        return tuple(sorted(self._found.values(), key=_in_files))

    def raise_if_broken(self) -> None:
        if self.broken:
            raise SpecErrors(self.sorted())


def _and_more(place: Place) -> Finding:
    message = f"there is more to say than these {MOST_FINDINGS}, and the reading ends here"
    hint = "correct some of them: the others are told then"
    return Finding.error(Rule.TOO_MUCH, message, place=Place(place.file), hint=hint)


class SpecErrors(WanctlError):  # noqa: N818 - it holds all of them, which its name says
    """The specs cannot be used. Holds every finding, errors and the rest, in the order of the files; and what
    of the specs is right, which may be judged further."""

    def __init__(self, diagnostics: Iterable[Finding], readable: "Desired | None" = None) -> None:
        self.diagnostics = tuple(diagnostics)
        self.readable = readable
        super().__init__("\n\n".join(self.rendered()))

    def beside(self, more: Iterable[Finding]) -> "SpecErrors":
        """With what was found beyond."""
        findings = Findings()
        findings.extend((*self.diagnostics, *more))
        return SpecErrors(findings.sorted(), self.readable)

    def lines(self, columns: int | None = None) -> list[str]:
        rendered = self.rendered(columns) if columns else self.rendered()
        if any(one.rule is Rule.NO_PROJECT for one in self.diagnostics):
            return [*rendered]
        errors = counted(sum(one.severity is Severity.ERROR for one in self.diagnostics), "error")
        return [*rendered, f"{errors}. What is in the datasets is checked once these are corrected."]

    def rendered(self, columns: int = 2 * _WIDEST) -> tuple[str, ...]:
        return tuple(rendered(one, columns) for one in self.diagnostics)


def rendered(finding: Finding, columns: int = 2 * _WIDEST) -> str:
    """The finding as people know it from compilers: place, sentence, line with carets, help.

    Of the line as much is shown as fits into so many columns.
    """
    place = finding.place or Place("")
    path = finding.path if len(finding.path) <= _LONGEST_PATH else f"{finding.path[:_LONGEST_PATH]}…"
    where = f" ({path})" if path and path not in finding.message else ""
    head = f"{place}: {finding.severity}: {finding.message}{where} [{finding.rule}]"
    gutter = " " * len(str(place.line))
    shown = _excerpt(place, gutter, min(_WIDEST, columns - len(gutter) - len(" | …") - 1))
    help_ = [f"{gutter} = help: {finding.hint}"] if finding.hint else []
    return "\n".join([head, *shown, *help_])


def _excerpt(place: Place, gutter: str, widest: int) -> list[str]:
    if not place.source_line:
        return []
    line, start = _window(place.source_line, place.column - 1, widest)
    line = _printable(line)
    before, token = line[:start], line[start : start + place.length]
    carets = "^" * max(1, min(_columns(token), _columns(line[start:])))
    return [
        f"{gutter} |",
        f"{place.line} | {line}",
        f"{gutter} | {' ' * _columns(before)}{carets}",
    ]


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
