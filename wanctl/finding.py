"""The one "something is wrong": in the specs, in a dataset, in the plan, or in what the service answered."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from wanctl.address import Address


class Severity(StrEnum):
    """How much a finding matters: an error stops apply, the others do not."""

    ERROR = "error"
    WARNING = "warning"
    ADVICE = "advice"


@dataclass(frozen=True)
class Finding:
    """Something a person should know which is not a step."""

    severity: Severity
    message: str
    address: Address | None = None
    hint: str | None = None
    place: str | None = None  # file:line:column
    rule: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "severity": self.severity.value,
            "rule": self.rule,
            "address": str(self.address) if self.address else None,
            "message": self.message,
            "hint": self.hint,
            "place": self.place,
        }
