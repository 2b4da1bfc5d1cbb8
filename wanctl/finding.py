"""The one "something is wrong": in the specs, in a dataset, in the plan, or in what the service answered."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self

from wanctl.address import Address
from wanctl.rules import Rule
from wanctl.rules import Severity as Severity  # here, too: nobody has a finding without one


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a file that a person wrote, with what is needed to show it."""

    file: str
    line: int = 0  # from 1; 0 is the file as a whole
    column: int = 0  # from 1; 0 is the line as a whole
    length: int = field(default=1, compare=False)
    source_line: str | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return ":".join([self.file, *(str(number) for number in (self.line, self.column) if number)])


@dataclass(frozen=True)
class Finding:
    """Something that a person should know: in the specs, in a dataset, in a plan."""

    severity: Severity
    message: str
    address: Address | None = None
    hint: str | None = None
    place: Place | None = None
    path: str = ""  # in the document: FineTune/money-rain.training[0]
    about: tuple[Place, ...] = field(default=(), compare=False, repr=False)  # all places, where they are many
    rule: Rule = field(kw_only=True)

    @classmethod
    def at(
        cls,
        place: Place,
        severity: Severity,
        rule: Rule,
        message: str,
        *,
        path: str = "",
        hint: str | None = None,
    ) -> Self:
        return cls(severity, message, hint=hint, place=place, path=path, rule=rule)

    @classmethod
    def error(cls, rule: Rule, message: str, *, place: Place | None = None, hint: str | None = None) -> Self:
        return cls(Severity.ERROR, message, hint=hint, place=place, rule=rule)

    @classmethod
    def warning(
        cls,
        rule: Rule,
        message: str,
        *,
        place: Place | None = None,
        hint: str | None = None,
        about: Iterable[Place] = (),
    ) -> Self:
        return cls(Severity.WARNING, message, hint=hint, place=place, about=tuple(about), rule=rule)

    def as_json(self) -> dict[str, Any]:
        return {
            "severity": self.severity.value,
            "rule": self.rule,
            "address": str(self.address) if self.address else None,
            "message": self.message,
            "hint": self.hint,
            "place": str(self.place) if self.place else None,
        }
