"""What is known of the loop, for everybody who looks: the page, the metrics, the probes. Values only.

The loop replaces the whole board after each turn; who reads it in another thread reads one moment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from wanctl.language.settings import Notification
from wanctl.plan import Step, When
from wanctl.watch.checkout import Commit
from wanctl.watch.policy import Policy
from wanctl.watch.turn import NOTHING_SEEN, Observed, Turn

PATIENCE = timedelta(minutes=15)  # a turn may be longer than its interval: an upload takes its time
_HISTORY_SHOWN = 20


@dataclass(frozen=True)
class LoopStatus:
    """The last turn that came to a plan, and how the loop fares."""

    project: str
    environment: str | None
    ref: str
    interval: timedelta
    started: datetime
    policy: Policy = field(default_factory=Policy)
    turn: Turn | None = None
    turned: datetime | None = None  # when that turn ended
    errors: tuple[str, ...] = ()  # of the turn after it, if that came to none
    failed_at: Commit | None = None  # what that turn looked at, if it came so far
    receivers: tuple[Notification, ...] = ()  # whom the specs say to tell, as far as they were read
    failed_in_a_row: int = 0
    next_turn: datetime | None = None  # None: one is under way
    waiting_since: Mapping[str, datetime] = field(default_factory=dict)  # by the name of the wait

    def with_turn(self, turn: Turn, at: datetime) -> "LoopStatus":
        waiting = [step for step in turn.plan.steps if step.when in {When.PERSON, When.SERVICE}]
        since = {_wait(step): self.waiting_since.get(_wait(step), at) for step in waiting}
        fresh = replace(self, project=turn.plan.project, turn=turn, turned=at, waiting_since=since)
        receivers = turn.settings.notifications
        return replace(fresh, receivers=receivers, errors=(), failed_at=None, failed_in_a_row=0)

    def with_errors(self, errors: tuple[str, ...], seen: Observed = NOTHING_SEEN) -> "LoopStatus":
        receivers = seen.settings.notifications if seen.settings else self.receivers
        fresh = replace(self, errors=errors, failed_at=seen.commit, receivers=receivers)
        return replace(fresh, failed_in_a_row=self.failed_in_a_row + 1)

    @property
    def commit(self) -> Commit | None:
        """What there is news of: the last plan's, or the one that came to no plan."""
        return self.failed_at or (self.turn.commit if self.turn else None)

    def ready(self, now: datetime) -> bool:
        """The last turn came to a plan, not long ago."""
        if self.turned is None or self.errors:
            return False
        return now - self.turned <= 3 * self.interval + PATIENCE

    def oldest_wait(self, when: When, now: datetime) -> timedelta:
        """How long what waits for a person, or for the service, has been seen to wait."""
        steps = self.turn.plan.steps if self.turn else ()
        since = [self.waiting_since[_wait(step)] for step in steps if step.when is when]
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
            "self_heal": self.policy.self_heal,
            "require_approval": sorted(self.policy.needs_approval),
            "commit": _spelled(turn.commit) if turn else None,
            "failed_commit": _spelled(self.failed_at) if self.failed_at else None,
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


def _wait(step: Step) -> str:
    """A wait for the service that becomes one for a person is another wait."""
    return f"{step.when.value} {step.address}"


def _spelled(commit: Commit) -> dict[str, str]:
    return {"id": commit.id, "subject": commit.subject}
