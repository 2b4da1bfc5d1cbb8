"""A training by its log: how far it is, how long it takes, which lines are new or late enough. Pure.

The service names no time zone, neither in its log nor beside its jobs. So a job is timed by two stamps of the
service, or by the account's clock alone, or over the one moment that both know: when the job was sent.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from wanctl.base.values import parse_duration
from wanctl.studio.objects import Job


class Phase(StrEnum):
    """Where in a training its log says it is."""

    STARTING = "starting"
    PREPARING = "preparing the data"
    TRAINING = "training"
    TRANSFERRING = "transferring the model"
    DELIVERING = "delivering the model"
    SAVING = "saving checkpoints"
    COMPLETE = "complete"


@dataclass(frozen=True)
class TrainingProgress:
    """How far a training is by its log: an estimate, not what is billed."""

    tokens: int
    fraction: float | None
    phase: Phase
    began: datetime | None = None  # the training proper, by the log's own clock


_TOKENS = re.compile(r"(?:number of consumed tokens is|training usage)\D{0,3}(\d{1,18})(?!\d)", re.IGNORECASE)
_MARKS = (
    ("data process succeeded", Phase.TRAINING),
    ("start to transfer it for inference", Phase.TRANSFERRING),
    ("start to deliver it for inference", Phase.DELIVERING),
    ("start to save checkpoint", Phase.SAVING),
    ("finetune-job succeeded", Phase.COMPLETE),
    ("##FT_COMPLETE##", Phase.COMPLETE),
)


def training_progress(lines: Iterable[str], expected_tokens: int | None) -> TrainingProgress:
    """Read the log's known lines. The counter stops short of the expected end: it is an estimate."""
    tokens, phase, began = 0, Phase.STARTING, None
    for line in lines:
        if phase is Phase.STARTING:
            phase = Phase.PREPARING
        if counted := _TOKENS.search(line):
            tokens, phase = int(counted[1]), Phase.TRAINING
        phase = next((reached for mark, reached in _MARKS if mark in line), phase)
        if phase is Phase.TRAINING:
            began = began or stamp_of(line)
    if phase in {Phase.STARTING, Phase.PREPARING}:
        return TrainingProgress(tokens, None, phase)
    if phase is not Phase.TRAINING:
        return TrainingProgress(tokens, 1.0, phase, began)
    fraction = min(tokens / expected_tokens, 1.0) if expected_tokens else None
    return TrainingProgress(tokens, fraction, phase, began)


@dataclass(frozen=True)
class TrainingTime:
    """How long a job takes, as far as that is known."""

    elapsed: timedelta | None = None  # while it is in flight: since it was sent
    left: timedelta | None = None  # of the training proper, if it goes on as it went
    took: timedelta | None = None  # once it is over
    queued_too: bool = False  # that counts from when it was sent


_TOO_EARLY = 0.01  # a smaller part says nothing of the pace


def training_time(
    job: Job, progress: TrainingProgress | None, sent: datetime | None, now: datetime
) -> TrainingTime:
    """`sent` and `now` are of the account's clock; `sent` is None where no call of ours is known."""
    began = progress.began if progress else None
    if job.terminal:
        first, queued_too = (began, False) if began else (job.create_time, True)
        if first is None or job.end_time is None or job.end_time < first:
            return TrainingTime()
        return TrainingTime(took=job.end_time - first, queued_too=queued_too)
    if sent is None or now < sent:
        return TrainingTime()
    elapsed, there = now - sent, service_time(job, sent, now)
    trained = there - began if there and began and there >= began else elapsed
    training = progress is not None and progress.phase is Phase.TRAINING
    return TrainingTime(elapsed, time_left(trained, progress.fraction) if progress and training else None)


def service_time(job: Job, sent: datetime | None, now: datetime) -> datetime | None:
    """The time at the service, in the zone that it does not name: by how it dated a job that we saw begin."""
    return job.create_time + (now - sent) if job.create_time and sent else None


def time_left(trained: timedelta, fraction: float | None) -> timedelta | None:
    """The rest, at the pace so far; None while nobody can tell."""
    if fraction is None or not _TOO_EARLY <= fraction <= 1 or trained <= timedelta():
        return None
    return trained * ((1 - fraction) / fraction)


# Lines


_ANCHOR = 3  # lines by which the place is found again in a log that was written anew


def unseen(shown: Sequence[str], now: Sequence[str]) -> int:
    """The place in the log as it is now from which on it was not shown yet.

    A log may be written anew: then it goes on behind the last lines that were shown, or, where these are
    gone, with the first line that differs.
    """
    if list(now[: len(shown)]) == list(shown):
        return len(shown)
    for size in range(min(_ANCHOR, len(shown)), 0, -1):
        anchor = list(shown[-size:])
        for start in range(len(now) - size, -1, -1):
            if list(now[start : start + size]) == anchor:
                return start + size
    return next((at for at, (a, b) in enumerate(zip(shown, now, strict=False)) if a != b), len(now))


_STAMP = re.compile(r"\W{0,3}(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d)(?::(\d\d))?")


def stamp_of(line: str) -> datetime | None:
    """The time that a line begins with, as it is written."""
    found = _STAMP.match(line)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
    try:
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - naive, as the log has it
    except ValueError:
        return None


@dataclass(frozen=True)
class LogClock:
    """What ties the times of a log to those that people write. None where nobody knows it."""

    there: datetime | None = None  # now, by the clock of the log
    ahead: timedelta | None = None  # of UTC

    @classmethod
    def of(cls, job: Job, sent: datetime | None, now: datetime) -> "LogClock":
        """The clock of a job's log. Spans count back from the end of a job that is over."""
        if job.create_time is None or sent is None:
            return cls(job.end_time if job.terminal else None)
        ahead = job.create_time - sent.astimezone(UTC).replace(tzinfo=None)
        there = job.end_time if job.terminal else service_time(job, sent, now)
        return cls(there, round(ahead / _ZONES) * _ZONES)


_ZONES = timedelta(minutes=15)  # what zones differ by is a multiple of it
_LINE = re.compile(r"line\W?(\d{1,9})", re.IGNORECASE)
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")


@dataclass(frozen=True)
class LogStart:
    """From where on a log is wanted: a line, a span before now or before its end, or a time."""

    line: int | None = None  # counted from 1
    span: timedelta | None = None
    at: datetime | None = None  # with a zone if somebody wrote one
    clock: str | None = None  # when it was this time last

    @classmethod
    def parse(cls, text: str) -> "LogStart":
        """2h, line 40, 2026-03-18T09:00, 2026-03-18 or 09:00; ValueError says the forms."""
        text = text.strip()
        if found := _LINE.fullmatch(text):
            return cls(line=int(found[1]))
        if _CLOCK.fullmatch(text):
            return cls(clock=text)
        try:
            if re.match(r"\d{4}-", text):
                return cls(at=datetime.fromisoformat(text))
            return cls(span=timedelta(seconds=parse_duration(text)))
        except ValueError:
            raise ValueError("write a span, a line or a time: 2h, 'line 40', 2026-03-18T09:00") from None

    def first(self, lines: Sequence[str], clock: LogClock) -> int:
        """The place of the first line that is wanted.

        A line without a time may be as new as the next one that has one: in doubt it is shown.
        """
        if self.line is not None:
            return max(0, self.line - 1)
        stamps = [(place, stamp) for place, line in enumerate(lines) if (stamp := stamp_of(line))]
        wanted = self._moment(stamps[-1][1], clock) if stamps else None
        if wanted is None:
            return 0
        return max((place + 1 for place, stamp in stamps if stamp < wanted), default=0)

    def _moment(self, newest: datetime, clock: LogClock) -> datetime | None:
        """By the log's clock; None where nobody knows how that goes."""
        if self.span is not None:
            return (clock.there or newest) - self.span
        if self.at is not None:
            offset = self.at.utcoffset()
            if offset is None:
                return self.at
            return None if clock.ahead is None else self.at.replace(tzinfo=None) - offset + clock.ahead
        found = _CLOCK.fullmatch(self.clock or "")
        hour, minute, second = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
        today = newest.replace(hour=hour, minute=minute, second=second, microsecond=0)
        return today if today <= (clock.there or newest) else today - timedelta(days=1)
