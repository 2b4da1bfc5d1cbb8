"""One resource while it is planned, and the fields by which it is compared. Each kind has a case and a table.

A table says as data what the service lets happen to each field, and why; changes are found by it. A path that
ends in `.*` stands for every key below. What is not in the table is no field of the plan.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from wanctl.address import Address
from wanctl.kinds.context import Context, Planned, Provided
from wanctl.language.resources import Resource
from wanctl.ledger.record import Entry, Generation, Intent
from wanctl.plan import Action, Change, FieldClass, Progress, Step, When


@dataclass(frozen=True)
class Case:
    """A resource and all that may be looked at to plan it."""

    resource: Resource
    context: Context

    @property
    def address(self) -> Address:
        return self.resource.address

    @cached_property
    def entry(self) -> Entry:
        return self.context.entry(self.address)

    @cached_property
    def intent(self) -> Intent | None:
        return self.context.intent(self.address)

    def step(self, action: Action, when: When, reason: str, **more: Any) -> Step:
        return Step(self.address, action, when, reason, **more)

    def calling(self, verb: str) -> bool:
        """The answer to such a call is not known."""
        return self.intent is not None and self.intent.verb == verb

    def settling(self, *verbs: str) -> bool:
        """The answer to such a call was lost, and it is too early to say that the call had no effect."""
        intent = self.intent
        return intent is not None and intent.verb in verbs and self.context.settling(intent)

    def wait_for_lost(self, action: Action, call: str, effect: str, **more: Any) -> Step:
        reason = f"the answer to {call} was lost; waiting to see whether {effect}"
        return self.step(action, When.SERVICE, reason, progress=Progress("UNKNOWN"), **more)

    def absent(self, known: Generation | None, provided: Provided | None = None) -> Planned:
        """Deleted, by this run or by one that was killed over it: either way nobody is to miss it later."""
        return Planned(
            self.step(Action.NOTHING, When.DONE, "absent, as wanted"),
            provided or Provided(),
            learn=self.entry.without(known.remote_id) if known else None,
            answered=self.intent is not None,
        )


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
        words = {"reason": rule.reason, "in_summary": rule.in_summary, **more}
        return Change(path, before, after, rule.field_class, **words)

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
