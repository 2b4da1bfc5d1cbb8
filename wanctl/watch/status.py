"""The status of the loop, for everybody who looks: the page, the metrics, the probes.

The loop replaces the whole status after each round; who reads it in another thread reads one moment. Since
when what waits has been waiting is kept in a file: a loop that is restarted each day would otherwise never
see a wait of more than a day.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from wanctl.base.files import PRIVATE, replace_file
from wanctl.base.words import counted, spell_span
from wanctl.language.settings import Notification
from wanctl.plan import Step, When
from wanctl.watch.checkout import Commit
from wanctl.watch.iteration import NOTHING_SEEN, Iteration, Observed
from wanctl.watch.policy import Policy

PATIENCE = timedelta(minutes=15)  # a round may be longer than its interval: an upload takes its time
_HISTORY_SHOWN = 20


@dataclass(frozen=True)
class LoopStatus:
    """The last round that came to a plan, and how the loop fares."""

    project: str
    environment: str | None
    ref: str
    interval: timedelta
    started: datetime
    policy: Policy = field(default_factory=Policy)
    iteration: Iteration | None = None
    completed: datetime | None = None  # when that round ended
    errors: tuple[str, ...] = ()  # of the round after it, if that came to none
    failed_at: Commit | None = None  # what that round looked at, if it came so far
    receivers: tuple[Notification, ...] = ()  # whom the specs say to notify, as far as they were read
    failed_in_a_row: int = 0
    next_iteration: datetime | None = None  # None: one is under way
    began: datetime | None = None  # the last round, or the one that is under way
    waiting_since: Mapping[str, datetime] = field(default_factory=dict)  # by the name of the wait

    def with_iteration(self, iteration: Iteration, at: datetime) -> "LoopStatus":
        waiting = [step for step in iteration.plan.steps if step.when in {When.PERSON, When.SERVICE}]
        since = {_wait(step): self.waiting_since.get(_wait(step), at) for step in waiting}
        fresh = replace(
            self, project=iteration.plan.project, iteration=iteration, completed=at, waiting_since=since
        )
        receivers = iteration.settings.notifications
        return replace(fresh, receivers=receivers, errors=(), failed_at=None, failed_in_a_row=0)

    def with_errors(self, errors: tuple[str, ...], seen: Observed = NOTHING_SEEN) -> "LoopStatus":
        receivers = seen.settings.notifications if seen.settings else self.receivers
        fresh = replace(self, errors=errors, failed_at=seen.commit, receivers=receivers)
        return replace(fresh, failed_in_a_row=self.failed_in_a_row + 1)

    @property
    def commit(self) -> Commit | None:
        """The commit that was looked at last: the last plan's, or that of a round which came to none."""
        return self.failed_at or (self.iteration.commit if self.iteration else None)

    def at_work(self, now: datetime) -> str:
        """What the loop does, as a line for whoever asks whether it lives."""
        if self.next_iteration:
            doing = f"the next round begins at {self.next_iteration:%H:%M:%S %Z}"
        elif self.began:
            doing = f"a round is under way, for {spell_span((now - self.began).total_seconds())}"
        else:
            doing = "the first round is about to begin"
        came = f"the last plan was made at {self.completed:%Y-%m-%d %H:%M:%S %Z}" if self.completed else ""
        failed = f"{counted(self.failed_in_a_row, 'round')} in a row failed" if self.failed_in_a_row else ""
        return "; ".join(one for one in (doing, came or "no round has come to a plan yet", failed) if one)

    def ready(self, now: datetime) -> bool:
        """The last round came to a plan, not long ago."""
        return not self.errors and lately(self.completed, self.interval, now)

    def oldest_wait(self, when: When, now: datetime) -> timedelta:
        """How long what waits for a person, or for the service, has been seen to wait."""
        steps = self.iteration.plan.steps if self.iteration else ()
        since = [self.waiting_since[_wait(step)] for step in steps if step.when is when]
        return now - min(since) if since else timedelta(0)

    @property
    def drifted(self) -> tuple[Step, ...]:
        """The steps of drift that nobody corrected yet."""
        return tuple(step for step in self.iteration.plan.pending if step.drift) if self.iteration else ()

    def as_json(self, now: datetime) -> dict[str, Any]:
        iteration = self.iteration
        return {
            "project": self.project,
            "environment": self.environment,
            "ref": self.ref,
            "self_heal": self.policy.self_heal,
            "require_approval": sorted(self.policy.needs_approval),
            "commit": _spelled(iteration.commit) if iteration else None,
            "failed_commit": _spelled(self.failed_at) if self.failed_at else None,
            "ready": self.ready(now),
            "errors": list(self.errors),
            "failed_in_a_row": self.failed_in_a_row,
            "last_success": self.completed.isoformat() if self.completed else None,
            "next_turn": self.next_iteration.isoformat() if self.next_iteration else None,
            "held_by": iteration.held_by if iteration else None,
            "failures": dict(iteration.failures) if iteration else {},
            "ledger_serial": iteration.record.serial if iteration else None,
            "history": [line.model_dump(mode="json") for line in iteration.record.history[-_HISTORY_SHOWN:]]
            if iteration
            else [],
            "plan": iteration.plan.as_json() if iteration else None,
        }


def lately(at: datetime | None, interval: timedelta, now: datetime) -> bool:
    """A loop with this interval is expected to have been there since."""
    return at is not None and now - at <= 3 * interval + PATIENCE


def _wait(step: Step) -> str:
    """A wait for the service that becomes one for a person is another wait."""
    return f"{step.when.value} {step.address}"


def _spelled(commit: Commit) -> dict[str, str]:
    return {"id": commit.id, "subject": commit.subject}


_Since = TypeAdapter(dict[str, AwareDatetime])


class Waits:
    """Listens to the loop, and remembers in a file since when something waits. A broken file is empty."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def known(self, now: datetime) -> Mapping[str, datetime]:
        """As they were written down. Nothing has been waiting since a time that is still to come."""
        try:
            return {wait: min(at, now) for wait, at in _Since.validate_json(self._path.read_bytes()).items()}
        except (OSError, ValidationError):
            return {}

    def completed(self, loop_status: LoopStatus) -> None:
        replace_file(self._path, _Since.dump_json(dict(loop_status.waiting_since)), mode=PRIVATE)

    def failed(self, loop_status: LoopStatus) -> None:
        """Nothing has been seen."""
