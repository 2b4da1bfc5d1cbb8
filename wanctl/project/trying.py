"""try: a checkpoint is deployed for a while, so that somebody can call it, and deleted when its time is over.

What is begun here stands in the ledger before anything is made; what ends it are the plans of the project.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from wanctl.address import Address
from wanctl.base.words import listed
from wanctl.engine.converge import Outcome, Patience, Watcher, converge
from wanctl.engine.gates import Approval
from wanctl.engine.observe import RunSession
from wanctl.engine.removal import make_destruction
from wanctl.engine.trials import WantedTrial, make_trial
from wanctl.finding import Severity
from wanctl.kinds.registry import called_kind, choosing_kind, kind_of
from wanctl.kinds.together import is_made_elsewhere
from wanctl.language.fields import LONGEST_NAME, check_name
from wanctl.language.models import State
from wanctl.language.resources import Resource, resource_named
from wanctl.ledger.record import Trial, Verb
from wanctl.plan import Plan, When
from wanctl.project import Project
from wanctl.project.applying import ApplyResult
from wanctl.project.approved import Decision
from wanctl.project.errors import ProjectError
from wanctl.project.promotion import made_elsewhere
from wanctl.project.results import PlanResult
from wanctl.project.trials import StandingTrial, trials_in, trials_of
from wanctl.render.lineage import references_of

PREFIX = "try-"
SHORTEST, LONGEST = timedelta(minutes=10), timedelta(days=7)


@dataclass(frozen=True)
class TrialRequest:
    """Which checkpoint is to be tried, for how long, and like which Deployment."""

    checkpoint: str  # Checkpoint/NAME, or its name
    label: str
    span: timedelta
    like: str | None = None


@dataclass(frozen=True)
class TrialResult:
    """How the run of a trial ended."""

    result: ApplyResult
    address: Address
    trial: Trial
    deployed_model: str | None  # once it serves


def begin_trial(
    project: Project,
    asked: TrialRequest,
    approve: Decision,
    patience: Patience,
    watcher: Watcher,
    lock_wait: timedelta = timedelta(),
) -> TrialResult:
    """Plan, ask, note until when, export and deploy, under the ledger's lease."""
    from wanctl.base.running import run

    return run(_begun(project, asked, approve, patience, watcher, lock_wait))


async def _begun(
    project: Project,
    asked: TrialRequest,
    approve: Decision,
    patience: Patience,
    watcher: Watcher,
    lock_wait: timedelta,
) -> TrialResult:
    async with (
        project.leased(lock_wait=lock_wait) as store,
        project.session(store, outside=Severity.ERROR) as session,
    ):
        wanted = wanted_trial(project, asked, session.clock.now())
        session.planner = project.gated(partial(make_trial, wanted=wanted), Severity.ERROR)
        draft = await session.survey()
        _require_possible(draft.plan, wanted)
        references = references_of(project.desired)
        if any(one.severity is Severity.ERROR for one in draft.plan.findings):
            return _result(ApplyResult.of(Outcome(draft), references), wanted)
        started = draft.plan.reachable()
        if draft.plan.pending and not approve(PlanResult.of(draft.plan, references), started):
            return _result(ApplyResult.of(Outcome(draft), references, approved=False), wanted)
        await _note(session, wanted)
        outcome = await converge(session, draft, Approval.of(draft.plan), patience, watcher)
        if _serving(outcome.plan, wanted):  # its time begins now
            wanted = replace(wanted, trial=_prolonged(wanted.trial, session.clock.now() + asked.span))
            await _note(session, wanted)
        return _result(ApplyResult.of(outcome, references), wanted)


async def _note(session: RunSession, wanted: WantedTrial) -> None:
    """Until when it stays is known to the ledger before anything of it is made."""
    entry = session.journal.record.entry(wanted.address)
    entry = entry.model_copy(update={"trial": wanted.trial})
    remote_id = entry.current.remote_id if entry.current else None
    note = f"a trial of {wanted.label} until {wanted.trial.until:%Y-%m-%d %H:%M}"
    await session.journal.note(wanted.address, Verb.TRY, entry, remote_id, note)


def _prolonged(trial: Trial, until: datetime) -> Trial:
    return trial.model_copy(update={"until": max(until, trial.until)})


def _serving(plan: Plan, wanted: WantedTrial) -> str | None:
    step = plan.step(wanted.address)
    return step.remote_id if step and step.settled else None


def _result(result: ApplyResult, wanted: WantedTrial) -> TrialResult:
    return TrialResult(result, wanted.address, wanted.trial, _serving(result.plan, wanted))


def _require_possible(plan: Plan, wanted: WantedTrial) -> None:
    """ProjectError where the checkpoint is not there to be deployed."""
    step = plan.step(wanted.checkpoint.address)
    if step is None or step.settled:
        return
    if step.when is When.LATER:
        names = listed([str(one) for one in step.after])
        raise ProjectError(f"there is no {wanted.label} yet", f"it comes of {names}: wanctl apply")
    if step.when in {When.BLOCKED, When.PERSON}:
        raise ProjectError(f"{wanted.label} cannot be tried: {step.reason}")


def wanted_trial(project: Project, asked: TrialRequest, now: datetime) -> WantedTrial:
    """The trial that a request means; ProjectError says what is wrong with it."""
    if not SHORTEST <= asked.span <= LONGEST:
        raise ProjectError("a trial lasts between 10 minutes and 7 days", "write --for 2h")
    if project.desired.settings.limits.deletes == 0:
        raise ProjectError("limits.deletes is 0, so that nothing could end the trial", "allow at least 1")
    resources = project.desired.resources
    address = resource_named(asked.checkpoint, resources, choosing_kind())
    if is_made_elsewhere(address, project.desired):
        raise made_elsewhere(address, project.desired, f"try {address} {asked.label}")
    checkpoint = resources[address]
    if checkpoint.spec.state is State.ABSENT:
        raise ProjectError(f"{address} is to be absent by its document")
    label = f"checkpoint-{asked.label}" if asked.label.isdigit() else asked.label
    like = _like(project, address, asked.like)
    name = trial_name(address.name, label)
    trial_address = Address(called_kind(), name)
    if trial_address in resources:
        raise ProjectError(f"{trial_address} is in the specs, and a trial would have its name", "rename it")
    trial = Trial(checkpoint=str(address), label=label, until=now + asked.span)
    if known := project.record().entry(trial_address).trial:
        trial = _prolonged(trial, known.until)
    return WantedTrial(trial_address, checkpoint, label, like, trial)


def trial_name(checkpoint: str, label: str) -> str:
    """The name of a trial's Deployment: as short as names have to be."""
    number = label.rpartition("-")[2]
    room = LONGEST_NAME - len(PREFIX) - len(number) - 1
    return check_name(f"{PREFIX}{checkpoint[:room].rstrip('-')}-{number}")


def _like(project: Project, checkpoint: Address, named: str | None) -> Resource:
    """The Deployment whose aigc_config it gets: the one that is named, else the checkpoint's only one."""
    resources = project.desired.resources
    if named is not None:
        found = [resources[resource_named(named, resources, called_kind())]]
    else:
        found = [one for one in resources.values() if checkpoint in one.references]
    serving = [one for one in found if kind_of(one.address).as_trial(one.spec, one.address.name, checkpoint)]
    if len(serving) == 1:
        return serving[0]
    what = listed([str(one.address) for one in serving]) if serving else f"no {called_kind()}"
    raise ProjectError(
        f"{what} of {checkpoint} says how it comes to its prompt",
        f"say whose aigc_config: --like {called_kind()}/NAME",
    )


def standing_trials(project: Project) -> tuple[StandingTrial, ...]:
    """The trials of the ledger, each with how it stands in the account."""
    from wanctl.base.running import run

    async def work() -> tuple[StandingTrial, ...]:
        async with project.session() as session:
            await session.survey()
            return trials_of(session)

    return run(work())


def end_trial(
    project: Project,
    name: str,
    approve: Decision,
    patience: Patience,
    watcher: Watcher,
    lock_wait: timedelta = timedelta(),
) -> ApplyResult:
    """Delete what a trial deployed, before its time; nothing that is no trial."""
    from wanctl.base.running import run

    known = trials_in(project.record())
    address = resource_named(name, known, called_kind()) if known else None
    if address is None:
        raise ProjectError("the ledger knows of no trial")

    async def work() -> ApplyResult:
        async with (
            project.leased(lock_wait=lock_wait) as store,
            project.session(store, outside=Severity.ERROR) as session,
        ):
            session.planner = project.gated(partial(make_destruction, named=(address,)), Severity.ERROR)
            draft = await session.survey()

            def asked(plan: PlanResult, _: object) -> bool:
                return approve(plan, plan.reachable())

            return await project.carry_out(session, draft, asked, patience, watcher)

    return run(work())
