"""Gathers diagnostics while specs are read, so that a person sees all of them at once."""

from collections.abc import Iterable

from wanctl.finding import Finding, Place, Severity
from wanctl.language.diagnostics import SpecErrors
from wanctl.rules import Rule

_UNREAD = frozenset({Rule.YAML, Rule.YAML_ALIASES, Rule.YAML_TOO_DEEP, Rule.FILE})


def _in_files(one: Finding) -> tuple[str, int, int]:
    return (one.place.file, one.place.line, one.place.column) if one.place else ("", 0, 0)


class Findings:
    """A list of diagnostics in the making. The same thing found twice is kept once."""

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
