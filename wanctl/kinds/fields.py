"""The fields of a kind as data: what the service lets happen to each, and why. Changes are found by it.

A path that ends in `.*` stands for every key below. What is not in the table is no field of the plan.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wanctl.plan import Change, FieldClass


@dataclass(frozen=True)
class FieldRule:
    """One field: what happens to it at the service, and the words for it."""

    path: str
    field_class: FieldClass
    reason: str = ""  # stands beside each of its changes
    changed: str = ""  # why a step is planned when it changed
    in_summary: bool = False  # the summary of a first step says its value


class FieldTable:
    """The rules of one kind, the ones that explain most first."""

    def __init__(self, *rules: FieldRule) -> None:
        self.rules = rules
        self._exact = {rule.path: rule for rule in rules}

    def rule(self, path: str) -> FieldRule:
        """The rule of a path; KeyError for a field that the table does not have."""
        return self._exact.get(path) or self._exact[f"{path.partition('.')[0]}.*"]

    def change(self, path: str, before: Any, after: Any, **more: Any) -> Change:
        """A change of this field, with its class and reason."""
        rule = self.rule(path)
        told = {"reason": rule.reason, "in_summary": rule.in_summary, **more}
        return Change(path, before, after, rule.field_class, **told)

    def differing(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
        """The changes of all fields in `after` whose value is another one than before."""
        for path, value in after.items():
            if before.get(path) != value:
                yield self.change(path, before.get(path), value)

    def why(self, changes: Collection[Change], otherwise: str = "") -> str:
        """The reason of a step with these changes: the first rule of the table that one falls under."""
        changed = {self.rule(change.path).path for change in changes}
        found = (rule.changed for rule in self.rules if rule.path in changed and rule.changed)
        return next(found, otherwise)
