"""The log of a training: read from its first line on, and followed through faults while it grows."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from wanctl.address import Address
from wanctl.base.running import Clock
from wanctl.catalogue.estimate import Cost
from wanctl.kinds.registry import kind_of, previewed_kind
from wanctl.ledger.record import Verb
from wanctl.plan import Action, Progress, Step, When
from wanctl.project.errors import ProjectError
from wanctl.project.outputs import named
from wanctl.project.provider import OpenAccount
from wanctl.studio.errors import NotFound, StudioError, UnsupportedState
from wanctl.studio.objects import NOT_BEGUN, Job
from wanctl.studio.pace import passes
from wanctl.studio.training_log import (
    LogClock,
    LogStart,
    TrainingProgress,
    TrainingTime,
    stamp_of,
    training_progress,
    training_time,
    unseen,
)

if TYPE_CHECKING:
    from wanctl.project import Project

_JOB_ID = re.compile(r"ft-[\w.-]+")
_Found = TypeVar("_Found")
Say = Callable[[str], None]


@dataclass(frozen=True)
class LogLine:
    """One line, with its place in the log as that is now."""

    number: int  # from 1
    text: str

    def as_json(self) -> dict[str, Any]:
        at = stamp_of(self.text)
        return {
            "type": "line",
            "number": self.number,
            "at": at.isoformat() if at else None,  # as the service has it, in the zone that it does not name
            "text": self.text,
        }


@dataclass(frozen=True)
class Logged:
    """Whose log it is: of a FineTune with what its training will cost, or of any job by its id."""

    job_id: str
    address: Address | None = None
    cost: Cost | None = None
    sent: datetime | None = None  # when it was asked for, by the account's clock; None where nobody knows

    @property
    def expected_tokens(self) -> int | None:
        """By the estimate, at its end."""
        return self.cost.tokens[1] if self.cost and self.cost.tokens else None


@dataclass(frozen=True)
class TrainingLog:
    """A job's log as the service gives it, and how far the training is by it."""

    of: Logged
    job: Job
    lines: tuple[str, ...]
    seen_at: datetime  # by the account's clock

    @property
    def reading(self) -> TrainingProgress:
        return training_progress(self.lines, self.of.expected_tokens)

    @property
    def time(self) -> TrainingTime:
        return training_time(self.job, self.reading, self.of.sent, self.seen_at)

    @property
    def step(self) -> Step:
        """The same as a plan says it, for those who show it."""
        job, time, reading = self.job, self.time, self.reading
        address = self.of.address or Address(previewed_kind(), job.job_id)
        if job.terminal:
            when, why = (When.DONE, "trained") if job.succeeded else (When.BLOCKED, self._why_ended)
            return Step(
                address,
                Action.TRAIN,
                when,
                why,
                remote_id=job.job_id,
                cost=self.of.cost,
                took=time.took,
                queued_too=time.queued_too,
            )
        phase = str(job.status).lower() if job.status in NOT_BEGUN or not self.lines else reading.phase.value
        progress = Progress(str(job.status), reading.fraction, "", job.create_time, time.elapsed, time.left)
        return Step(address, Action.TRAIN, When.SERVICE, phase, remote_id=job.job_id, progress=progress)

    @property
    def _why_ended(self) -> str:
        why = ": ".join(part for part in (self.job.code, self.job.message) if part)
        return ("failed" if self.job.failed else "canceled") + (f" ({why})" if why else "")

    def numbered(self, first: int = 0) -> tuple[LogLine, ...]:
        return tuple(LogLine(place + 1, self.lines[place]) for place in range(first, len(self.lines)))

    def first_wanted(self, start: LogStart | None) -> int:
        """The place from which on somebody wants it."""
        if start is None:
            return 0
        clock = LogClock.of(self.job, self.of.sent, self.seen_at)
        if start.at and start.at.tzinfo and clock.ahead is None:
            raise ProjectError(
                "the log names no time zone, and nobody knows by now which one it is in",
                "write the time as the log has it, without a zone",
            )
        return start.first(self.lines, clock)

    def as_json(self) -> dict[str, Any]:
        """How far it is, beside the lines."""
        time, reading, cost = self.time, self.reading, self.of.cost
        billed = cost.as_json() if cost else {}
        return {
            "type": "progress",
            "address": str(self.of.address) if self.of.address else None,
            "job_id": self.job.job_id,
            "status": str(self.job.status),
            "phase": reading.phase.value,
            "tokens": reading.tokens,
            "expected_tokens": self.of.expected_tokens,
            "fraction": None if reading.fraction is None else round(reading.fraction, 4),
            "elapsed_seconds": None if time.elapsed is None else round(time.elapsed.total_seconds()),
            "left_seconds": None if time.left is None else round(time.left.total_seconds()),
            "took_seconds": None if time.took is None else round(time.took.total_seconds()),
            "billed_tokens": self.job.usage,
            "billed_amount": billed.get("billed_amount"),
            "currency": billed.get("currency"),
        }


def whose_log(project: "Project", text: str) -> Address | str:
    """The FineTune that a person means, or a job by its id."""
    known = any(text in {str(one), one.name} for one in project.desired.resources)
    if _JOB_ID.fullmatch(text) and not known:
        return text
    address = named(project, text, previewed_kind())
    if not kind_of(address).has_previews:
        raise ProjectError(f"only a training writes a log: name a {previewed_kind()}, not {address}")
    return address


async def read_log(project: "Project", wanted: Address | str) -> TrainingLog:
    """The whole log as it is now; an error while there is no job."""
    found = await _logged(project, wanted)
    if found is None:
        raise ProjectError(f"{wanted} has no job yet", "wanctl apply starts it; logs -f waits for it")
    async with project.account() as account:
        return await _read(account, found)


async def followed(
    project: "Project", wanted: Address | str, start: LogStart | None, every: float, say: Say
) -> AsyncIterator[tuple[TrainingLog, tuple[LogLine, ...]]]:
    """The log again and again until the job is over, each time with the lines that are new.

    What cannot be read now is read again later, and so is a job that is not there yet.
    """
    async with project.account() as account:
        reading = _PatientReading(account.clock, every, say)
        absent = f"{wanted} has no job yet; waiting until one is started"
        found = await reading.of(lambda: _logged(project, wanted), absent)
        log = await reading.of(lambda: _read(account, found))
        yield log, log.numbered(log.first_wanted(start))
        while not log.job.terminal:
            shown = log.lines
            await account.clock.sleep(every)
            log = await reading.of(lambda: _read(account, found))
            if log.job.terminal:  # billed by now
                last = await reading.of(lambda: _logged(project, wanted))
                log = replace(log, of=replace(found, cost=last.cost if last.job_id == found.job_id else None))
            yield log, log.numbered(unseen(shown, log.lines))


@dataclass
class _PatientReading:
    """Reads until there is something to be read, and says once what it waits for.

    A service that could not be reached even once is an error: it may be the wrong one.
    """

    clock: Clock
    every: float
    say: Say
    reached: bool = False

    async def of(self, read: Callable[[], Awaitable[_Found | None]], absent: str = "") -> _Found:
        said: set[str] = set()
        while True:
            try:
                found = await read()
                self.reached = True
                why = key = absent
            except (StudioError, ExceptionGroup) as error:
                first = _first(error)
                if not self.reached or not passes(first):
                    raise
                found, key = None, "unreadable"
                why = f"the service cannot be read now, trying again: {first}"
            if found is not None:
                if "unreadable" in said:
                    self.say("the service can be read again")
                return found
            if key not in said:
                self.say(why)
            said.add(key)
            await self.clock.sleep(self.every)


def _first(error: Exception) -> Exception:
    return _first(error.exceptions[0]) if isinstance(error, ExceptionGroup) else error


async def _logged(project: "Project", wanted: Address | str) -> Logged | None:
    """The job that is meant, with its cost; None while there is none."""
    async with project.session() as session:
        plan = (await session.survey()).plan
        record = session.journal.record
    if isinstance(wanted, str):
        job_id = wanted
        costs = [step.cost for step in plan.steps if step.remote_id == wanted]
        costs += [one.cost for one in plan.orphans if one.remote_id == wanted]
        address = next((step.address for step in plan.steps if step.remote_id == wanted), None)
    else:
        step, address = plan.step(wanted), wanted
        if step is None or step.remote_id is None:
            if step and step.when in {When.BLOCKED, When.DONE}:
                raise ProjectError(f"{wanted} has no job: {step.reason}")
            return None
        job_id, costs = step.remote_id, [step.cost]
    calls = (one for one in record.history if (one.verb, one.result) == (Verb.TRAIN, "ok"))
    sent = next((one.at for one in calls if one.remote_id == job_id), None)
    return Logged(job_id, address, costs[0] if costs else None, sent)


async def _read(account: OpenAccount, found: Logged) -> TrainingLog:
    """First how the job stands, then its log: a job that is over writes no more."""
    job = await account.studio.jobs.get(found.job_id)
    try:
        lines = (await account.studio.jobs.logs(found.job_id)).logs
    except (NotFound, UnsupportedState):
        if job.terminal:
            raise
        lines = ()  # it has not begun to write
    return TrainingLog(found, job, lines, account.clock.now())
