"""Apply is the plan in a loop: plan, run every step that may run now, wait for what is in flight, plan again.

A crash needs no recovery code: the next run is the same loop. Who asked for what, and how it is shown,
is not decided here: the caller brings an approved plan and a watcher.
"""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Protocol

from wanctl.address import Address
from wanctl.engine.gates import Approval
from wanctl.engine.observe import RunSession
from wanctl.engine.planner import Draft
from wanctl.engine.polling import LookSchedule, ServiceWaits
from wanctl.finding import Severity
from wanctl.generation.seeing import scored_check
from wanctl.kinds.acting import Act, Overtaken, RefusedForNow, Tools
from wanctl.plan import PROTECTIONS, Effect, Plan, Step, When
from wanctl.studio.errors import (
    Conflict,
    LostAnswer,
    Refused,
    ServerError,
    StudioError,
    Throttled,
    Unreachable,
    UnsupportedState,
    Withheld,
)

CALLS_AT_ONCE = 4
LONGEST_WAIT = timedelta(hours=24)
GRACE = 15.0  # seconds that a call under way has to finish once a person pressed Ctrl-C
LOOKS_IN_VAIN = 10  # in a row, each with its own tries, before a run that only waits gives up
TRIES = 2  # a call whose answer was lost may be made once more, after the settle time showed no effect


class Watcher(Protocol):
    """Who looks on: the live display, the log lines of CI, or a test."""

    def started(self, at: datetime, step: Step) -> None: ...

    def uploaded(self, address: Address, sent: int) -> None: ...

    def done(self, at: datetime, step: Step, remote_id: str | None) -> None: ...

    def failed(self, at: datetime, step: Step, error: StudioError) -> None: ...

    def waiting(self, at: datetime, plan: Plan) -> None: ...

    def settled(self, at: datetime, step: Step, lasted: timedelta | None) -> None:
        """The service is done with what was waited for, for so long as far as anybody knows."""

    def missed(self, at: datetime, error: Exception) -> None: ...


@dataclass(frozen=True)
class Patience:
    """Whether to wait for the service, and how long at the most."""

    waits: bool = False
    longest: timedelta = LONGEST_WAIT


@dataclass(frozen=True)
class Failure:
    """A call that did not do what the plan said."""

    step: Step
    error: StudioError


@dataclass
class Outcome:
    """How a run ended: the last plan, what was done, what failed, what was not in the approved plan.

    `announced` was not in it either, but the plan said that it comes next, in a plan of its own.
    """

    draft: Draft
    done: list[tuple[Step, str | None]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    unapproved: list[Step] = field(default_factory=list)
    announced: list[Step] = field(default_factory=list)
    overdue: bool = False

    @property
    def plan(self) -> Plan:
        return self.draft.plan


async def converge(
    session: RunSession, draft: Draft, approval: Approval, patience: Patience, watcher: Watcher
) -> Outcome:
    """Run until nothing can move any more without a person, a fix, or more patience."""
    run = _Convergence(session, approval, watcher, Outcome(draft), LookSchedule(session.polling))
    run.take(draft)
    deadline = session.clock.now() + patience.longest
    while True:
        await session.journal.learn(run.outcome.draft.learned, run.outcome.draft.answered)
        ready = run.ready()
        if ready:
            await run.carry_out(ready)
            run.take(await session.survey())
            run.judge_contested()
            continue
        waits = any(step.when is When.SERVICE for step in run.outcome.plan.steps)
        if not waits or not patience.waits:
            break
        watcher.waiting(session.clock.now(), run.outcome.plan)
        left = (deadline - session.clock.now()).total_seconds()
        if left <= 0:
            run.outcome.overdue = True
            break
        await session.clock.sleep(min(run.schedule.seconds(session.clock.now()), left))
        await run.look()
    run.sort_what_is_left()
    return run.outcome


_Key = tuple[Address, str, str]


@dataclass
class _Convergence:
    """One run, with all that it did so far."""

    session: RunSession
    approval: Approval
    watcher: Watcher
    outcome: Outcome
    schedule: LookSchedule
    tried: dict[_Key, int] = field(default_factory=dict)
    turned_away: dict[_Key, Throttled] = field(default_factory=dict)
    waits: ServiceWaits = field(default_factory=ServiceWaits)
    in_vain: int = 0
    contested: list[Failure] = field(default_factory=list)

    def take(self, draft: Draft, looked_at: Collection[Address] | None = None) -> None:
        """The plan as it stands for this run: what was turned away waits for the service."""
        steps = tuple(self._as_it_stands(step) for step in draft.plan.steps)
        self.outcome.draft = replace(draft, plan=replace(draft.plan, steps=steps))
        now = self.session.clock.now()
        self.schedule.saw(now, steps, looked_at)
        for step, lasted in self.waits.saw(now, steps):
            self.watcher.settled(now, step, lasted)

    def _as_it_stands(self, step: Step) -> Step:
        refusal = self.turned_away.get(_key(step)) if step.when is When.NOW and step.effect else None
        if refusal is None:
            return step
        why = "; ".join(part for part in (refusal.message, refusal.remedy) if part)
        return replace(step, when=When.SERVICE, reason=f"turned away for now: {why}")

    async def look(self) -> None:
        """Look at what is due. What cannot be read now is looked at again later: nothing follows from it."""
        due = self.schedule.due(self.session.clock.now())
        try:
            await self._look_at(due)
        except (StudioError, ExceptionGroup) as error:
            self.in_vain += 1
            if self.in_vain > LOOKS_IN_VAIN or not _passes(error):
                raise
            now = self.session.clock.now()
            self.watcher.missed(now, error)
            self.schedule.saw(now, self.outcome.plan.steps, due)
            return
        self.in_vain = 0

    async def _look_at(self, due: Collection[Address]) -> None:
        """A cheap look at what is due; if it shows something to do, the whole account is read first."""
        again = [key for key in self.turned_away if key[0] in due]
        for key in again:
            del self.turned_away[key]
        if not again:
            self.take(await self.session.look_again(self.outcome.draft, due), due)
            if not self._now():
                return
            await self.session.journal.learn(self.outcome.draft.learned, self.outcome.draft.answered)
        self.take(await self.session.survey())

    def ready(self) -> list[Step]:
        """The steps that may run now: approved, not failed in this run, not done already."""
        if any(finding.severity is Severity.ERROR for finding in self.outcome.plan.findings):
            return []
        return [step for step in self._now() if self.approval.covers(step) and self._may_try(step)]

    def sort_what_is_left(self) -> None:
        """Sort the steps that could run unapproved: surprises, and those that a protection came before."""
        failed = {failure.step.address for failure in self.outcome.failures}
        guarded = {step.address for step, _ in self.outcome.done if step.action in PROTECTIONS}
        for step in self._now():
            if step.address not in failed:
                expected = step.address in guarded
                (self.outcome.announced if expected else self.outcome.unapproved).append(step)

    def _now(self) -> list[Step]:
        return [step for step in self.outcome.plan.steps if step.when is When.NOW and step.effect]

    def _may_try(self, step: Step) -> bool:
        if any(failure.step.address == step.address for failure in self.outcome.failures):
            return False
        return self.tried.get(_key(step), 0) < TRIES

    async def carry_out(self, steps: list[Step]) -> None:
        """Run steps side by side. Ctrl-C, or a ledger that cannot be written, lets the calls under way finish
        and writes what came of them; no other call is begun, nor one that waits for its turn."""
        gate = asyncio.Semaphore(CALLS_AT_ONCE)
        stopping = asyncio.Event()

        def stop() -> None:
            stopping.set()
            self.session.studio.change_no_more()

        async def one(step: Step) -> None:
            async with gate:
                if stopping.is_set():
                    return
                try:
                    await self._call(step)
                except BaseException:
                    stop()
                    raise

        calls = asyncio.gather(*(one(step) for step in steps), return_exceptions=True)
        try:
            results = await asyncio.shield(calls)
        except asyncio.CancelledError:
            stop()
            await asyncio.wait([calls], timeout=GRACE)
            raise
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _call(self, step: Step) -> None:
        """Intent written → called once → result written."""
        effect = step.effect
        assert isinstance(effect, Act)  # noqa: S101 - the planner makes no other
        journal, session = self.session.journal, self.session
        self.watcher.started(session.clock.now(), step)
        await journal.begin(effect)
        try:
            result = await effect.perform(self._tools(effect))
        except Overtaken:
            self.tried[_key(step)] = self.tried.get(_key(step), 0) + 1
            await journal.unsent(effect)
            session.snapshot = None
            return
        except Withheld:
            await journal.unsent(effect)
            return
        except LostAnswer as error:
            self.tried[_key(step)] = self.tried.get(_key(step), 0) + 1
            await journal.lost(effect, str(error))
            return
        except Throttled as error:
            self.turned_away[_key(step)] = error
            await journal.turned_away(effect, f"{error.message}: {error.service_message}", error.request_id)
            return
        except RefusedForNow as refused:
            self.tried[_key(step)] = TRIES
            await journal.failed(effect, str(refused.error), refused.error.request_id, refused.entry)
            self.contested.append(Failure(step, refused.error))
            return
        except (Conflict, Refused, UnsupportedState) as error:
            self.tried[_key(step)] = self.tried.get(_key(step), 0) + 1
            await journal.failed(effect, str(error), error.request_id)
            self.contested.append(Failure(step, error))
            return
        except StudioError as error:
            await journal.failed(effect, str(error), error.request_id)
            self._fail(Failure(step, error))
            return
        self.tried[_key(step)] = TRIES
        await journal.succeeded(effect, result)
        self.outcome.done.append((step, result.remote_id))
        session.snapshot = None
        self.watcher.done(session.clock.now(), step, result.said or result.remote_id)

    def judge_contested(self) -> None:
        """A call that was refused is no failure where the account has what it was for: another run was
        faster. The plan that was made since then says so."""
        for failure in self.contested:
            step = self.outcome.plan.step(failure.step.address)
            if step is None or step.when in {When.NOW, When.BLOCKED}:
                self._fail(failure)
        self.contested.clear()

    def _fail(self, failure: Failure) -> None:
        self.outcome.failures.append(failure)
        self.watcher.failed(self.session.clock.now(), failure.step, failure.error)

    def _tools(self, effect: Effect) -> Tools:
        @asynccontextmanager
        async def archive(address: Address, content: str) -> AsyncIterator[Path]:
            async with self.session.archive(address, content) as path:
                await self.session.journal.begin(
                    effect
                )  # packing took its time: ours still, and begun only now
                yield path

        return Tools(
            studio=self.session.studio,
            now=self.session.clock.now,
            archive=archive,
            uploaded=self.watcher.uploaded,
            entry=self.session.journal.record.entry(effect.address),
            scored=partial(scored_check, self.session.studio),
        )


def _passes(error: Exception) -> bool:
    """Only faults of the service or of the way there."""
    if isinstance(error, ExceptionGroup):
        return all(_passes(one) for one in error.exceptions)
    return isinstance(error, Unreachable | ServerError | Throttled)


def _key(step: Step) -> _Key:
    assert step.effect is not None  # noqa: S101 - only steps with an effect are tried
    return step.address, step.effect.verb, step.effect.identity
