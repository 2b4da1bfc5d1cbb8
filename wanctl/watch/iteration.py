"""One round: fetch the ref, plan, and start what may be started. It waits for nothing: the next goes on."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from wanctl.address import Address
from wanctl.base.running import run
from wanctl.engine.converge import Outcome, Patience, Watcher
from wanctl.engine.gates import OUTSIDE, Gate, restores
from wanctl.engine.polling import ServiceWaits
from wanctl.finding import Severity
from wanctl.language.resources import Desired
from wanctl.language.settings import Settings
from wanctl.ledger.lease import LeaseHeld
from wanctl.ledger.record import Record
from wanctl.plan import Plan, When
from wanctl.project import Project
from wanctl.project.events import Silent
from wanctl.project.host import Host
from wanctl.project.provider import Connect, connect
from wanctl.project.reviews import galleries
from wanctl.render.lineage import References, Texts, references_of, texts_of
from wanctl.studio.wire import CallListener, no_listener
from wanctl.watch.checkout import Commit
from wanctl.watch.policy import Approvals, Policy, holding, intents_of


@dataclass(frozen=True)
class Iteration:
    """The result of a round that came to a plan."""

    commit: Commit
    settings: Settings
    plan: Plan
    references: References
    record: Record
    texts: Texts = field(default_factory=dict)
    galleries: Mapping[Address, str] = field(default_factory=dict)  # of a training: the name of its folder
    failures: Mapping[str, str] = field(default_factory=dict)  # address → what the service said
    held_by: str | None = None  # another run that applies just now
    to_approve: Mapping[Address, str] = field(default_factory=dict)  # the digests of steps that wait for one
    plan_seconds: float = 0.0
    apply_seconds: float | None = None  # None: nothing was applied

    @property
    def refused(self) -> tuple[str, ...]:
        """Why nothing of the plan may be done, but for a window that is closed: that is no fault."""
        return tuple(
            one.message
            for one in self.plan.findings
            if one.severity is Severity.ERROR and one.rule != OUTSIDE
        )

    @property
    def frozen(self) -> tuple[str, ...]:
        """Which window keeps everything, or what is new, from being started."""
        return tuple(one.message for one in self.plan.findings if one.rule == OUTSIDE)


@dataclass(frozen=True)
class Observed:
    """All that a round has seen so far, for where it comes to no plan."""

    commit: Commit | None = None
    settings: Settings | None = None


NOTHING_SEEN = Observed()


@dataclass(frozen=True)
class Begun:
    """A round that has read all but the account."""

    commit: Commit
    project: Project
    record: Record


class SpecsPlace(Protocol):
    """Where the specs of a round are: a checkout of git, or whatever else can be read at a moment."""

    @property
    def directory(self) -> Path:
        """The folder at which paths in the specs start."""

    def update(self) -> Commit:
        """The newest that there is, from now on."""

    def load(self, environment: str | None) -> Desired:
        """The specs as they are there; raises what is wrong with them."""

    def approved(self) -> frozenset[str]:
        """The digests that persons have approved beside the specs."""

    def as_committed(self, text: str) -> str:
        """What is said of files, by the names that they have for those who wrote them."""


@dataclass
class Rounds:
    """Makes rounds of one project. Guards what it saw last: a plan that stands still is not applied again."""

    checkout: SpecsPlace
    environment: str | None
    home: Path
    policy: Policy
    host: Host
    tell: Callable[[str], None] = lambda _: None
    on_call: CallListener = no_listener
    watcher: Watcher = field(default_factory=Silent)
    connect: Connect = connect
    stopwatch: Callable[[], float] = time.perf_counter
    observed: Observed = NOTHING_SEEN
    _seen: str | None = None
    approvals: Approvals = field(default_factory=Approvals)
    gates: Callable[[Project, Record], tuple[Gate, ...]] = lambda *_: ()  # further ones
    _waits: ServiceWaits = field(default_factory=ServiceWaits)

    def take(self) -> Iteration:
        """Whatever goes wrong is raised; what was done until then is in the ledger."""
        self.observed = NOTHING_SEEN
        commit = self.checkout.update()
        return run(self.carried_out(self.begun(commit)))

    def begun(self, commit: Commit) -> Begun:
        """The project as the checkout has it, and its ledger: no account is asked yet."""
        self.observed = Observed(commit)
        desired = self.checkout.load(self.environment)
        self.observed = Observed(commit, desired.settings)
        project = Project(
            desired,
            self.host,
            tell=self.tell,
            home=self.home,
            on_call=self.on_call,
            connect=self.connect,
        )
        self.approvals.lines = self.checkout.approved()
        record = project.record()
        held = holding(self.policy, self.approvals, intents_of(desired, project.local))
        project.gates = (*self.gates(project, record), held)
        return Begun(commit, project, record)

    async def carried_out(self, begun: Begun, since: float | None = None) -> Iteration:
        """Plan, and apply what may be. Lists of an account that is shared are no older than `since`."""
        commit, project = begun.commit, begun.project
        began = self.stopwatch()
        plan = await project.planning(begun.record, since)
        await self._tell_settled(project, plan)
        planned = self.stopwatch()
        outcome, held_by = await self._applied(project, plan)
        if outcome:
            await self._tell_settled(project, outcome.plan)
        self._seen = outcome.plan.digest if outcome else self._seen
        return Iteration(
            commit=commit,
            settings=project.desired.settings,
            plan=_as_committed(outcome.plan if outcome else plan, self.checkout.as_committed),
            references=references_of(project.desired),
            record=await asyncio.to_thread(project.record) if outcome else begun.record,
            texts=texts_of(project.desired),
            galleries={one: page.parent.name for one, page in galleries(project, plan).items()},
            failures={str(one.step.address): str(one.error) for one in outcome.failures} if outcome else {},
            held_by=held_by,
            to_approve=dict(self.approvals.asked),
            plan_seconds=planned - began,
            apply_seconds=self.stopwatch() - planned if outcome else None,
        )

    async def _tell_settled(self, project: Project, plan: Plan) -> None:
        """A round waits for nothing; so it says what the service is done with since the last one."""
        if not self._waits.any and not any(step.when is When.SERVICE for step in plan.steps):
            return
        now = await _account_time(project)
        for step, lasted in self._waits.saw(now, plan.steps):
            self.watcher.settled(now, step, lasted)

    async def _applied(self, project: Project, plan: Plan) -> tuple[Outcome | None, str | None]:
        """Applied is what has something to start, and what has changed: the ledger learns from it."""
        startable = any(step.when is When.NOW for step in plan.steps)
        if not _allowed(plan) or not (startable or plan.digest != self._seen):
            return None, None
        try:
            return await project.applying(lambda *_: True, Patience(waits=False), self.watcher), None
        except LeaseHeld as held:
            return None, held.held.who


async def _account_time(project: Project) -> datetime:
    """Which in a sandbox is another one than this machine's."""
    async with project.account() as account:
        return account.clock.now()


def _as_committed(plan: Plan, as_committed: Callable[[str], str]) -> Plan:
    """The plan for those who look: the files that it names are those of the repository."""
    findings = tuple(
        replace(
            one,
            message=as_committed(one.message),
            hint=one.hint and as_committed(one.hint),
            place=one.place and replace(one.place, file=as_committed(one.place.file)),
        )
        for one in plan.findings
    )
    steps = tuple(
        replace(step, reason=as_committed(step.reason), hints=tuple(map(as_committed, step.hints)))
        for step in plan.steps
    )
    return replace(plan, steps=steps, findings=findings)


def _allowed(plan: Plan) -> bool:
    """Neither an error stands in the way nor a closed window, unless something begun is to be ended."""
    if any(one.severity is Severity.ERROR for one in plan.findings):
        return False
    return not any(one.rule == OUTSIDE for one in plan.findings) or any(map(restores, plan.steps))
