"""What is known of the loop, for everybody who looks: the page, the metrics, the probes. Values only.

The loop replaces the whole board after each turn; who reads it in another thread reads one moment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from wanctl.plan import Step, When
from wanctl.spec.resources import Address
from wanctl.watch.turn import Turn

PATIENCE = timedelta(minutes=15)  # a turn may be longer than its interval: an upload takes its time
_HISTORY_SHOWN = 20


@dataclass(frozen=True)
class Board:
    """The last turn that came to a plan, and how the loop fares."""

    project: str
    environment: str | None
    ref: str
    interval: timedelta
    started: datetime
    turn: Turn | None = None
    turned: datetime | None = None  # when that turn ended
    errors: tuple[str, ...] = ()  # of the turn after it, if that came to none
    failed_in_a_row: int = 0
    next_turn: datetime | None = None  # None: one is under way
    waiting_since: Mapping[Address, datetime] = field(default_factory=dict)

    def with_turn(self, turn: Turn, at: datetime) -> "Board":
        waiting = {step.address for step in turn.plan.steps if step.when in {When.PERSON, When.SERVICE}}
        since = {address: self.waiting_since.get(address, at) for address in waiting}
        fresh = replace(self, project=turn.plan.project, turn=turn, turned=at, waiting_since=since)
        return replace(fresh, errors=(), failed_in_a_row=0)

    def with_errors(self, errors: tuple[str, ...]) -> "Board":
        return replace(self, errors=errors, failed_in_a_row=self.failed_in_a_row + 1)

    def ready(self, now: datetime) -> bool:
        """The last turn came to a plan, not long ago."""
        if self.turned is None or self.errors:
            return False
        return now - self.turned <= 3 * self.interval + PATIENCE

    def oldest_wait(self, when: When, now: datetime) -> timedelta:
        """How long what waits for a person, or for the service, has been seen to wait."""
        steps = self.turn.plan.steps if self.turn else ()
        since = [self.waiting_since[step.address] for step in steps if step.when is when]
        return now - min(since) if since else timedelta(0)

    @property
    def drifted(self) -> tuple[Step, ...]:
        """What the world moved, and nobody mended yet."""
        return tuple(step for step in self.turn.plan.pending if step.drift) if self.turn else ()

    def as_json(self, now: datetime) -> dict[str, Any]:
        turn = self.turn
        return {
            "project": self.project,
            "environment": self.environment,
            "ref": self.ref,
            "commit": {"id": turn.commit.id, "subject": turn.commit.subject} if turn else None,
            "ready": self.ready(now),
            "errors": list(self.errors),
            "failed_in_a_row": self.failed_in_a_row,
            "last_success": self.turned.isoformat() if self.turned else None,
            "next_turn": self.next_turn.isoformat() if self.next_turn else None,
            "held_by": turn.held_by if turn else None,
            "failures": dict(turn.failures) if turn else {},
            "ledger_serial": turn.record.serial if turn else None,
            "history": [line.model_dump(mode="json") for line in turn.record.history[-_HISTORY_SHOWN:]]
            if turn
            else [],
            "plan": turn.plan.as_json() if turn else None,
        }
