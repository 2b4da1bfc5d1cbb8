"""One resource while it is planned: what travels together is one value. Each kind has a case of its own."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from wanctl.address import Address
from wanctl.kinds.context import Context, Planned, Provided
from wanctl.language.resources import Resource
from wanctl.ledger.record import Entry, Generation, Intent
from wanctl.plan import Action, Progress, Step, When


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
