"""Gathers diagnostics while specs are read, so that a person sees all of them at once."""

from collections.abc import Iterable

from wanctl.language.diagnostics import Diagnostic, Severity, SpecErrors
from wanctl.language.places import Place


class Findings:
    """A list of diagnostics in the making. The same thing found twice is kept once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int, int, str], Diagnostic] = {}
        self._errors: set[tuple[str, int, int]] = set()

    def add(self, one: Diagnostic) -> None:
        place = (one.file, one.line, one.column)
        if one.rule == "value" and place in self._errors:
            return  # what is wrong with the value was told better
        if one.severity is Severity.ERROR:
            self._errors.add(place)
        self._found.setdefault((*place, one.message), one)

    def extend(self, more: Iterable[Diagnostic]) -> None:
        for one in more:
            self.add(one)

    def error(
        self, place: Place, rule: str, message: str, *, path: str = "", hint: str | None = None
    ) -> None:
        self.add(Diagnostic.at(place, Severity.ERROR, rule, message, path=path, hint=hint))

    @property
    def broken(self) -> bool:
        return any(one.severity is Severity.ERROR for one in self._found.values())

    @property
    def incomplete(self) -> bool:
        """A file could not be read to its end: what seems to be missing may stand in it."""
        return any(
            one.rule in {"yaml", "yaml-aliases", "yaml-too-deep", "file"} for one in self._found.values()
        )

    def sorted(self) -> tuple[Diagnostic, ...]:
        return tuple(sorted(self._found.values(), key=lambda one: (one.file, one.line, one.column)))

    def raise_if_broken(self) -> None:
        if self.broken:
            raise SpecErrors(self.sorted())
