"""prune: find the orphans that a person means, and carry out the plan of their end."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from wanctl.base.running import run
from wanctl.engine.converge import Patience, Watcher
from wanctl.engine.observe import RunSession
from wanctl.engine.planner import Draft
from wanctl.engine.removal import OrphanChoice, all_to_delete, make_pruning, not_made_here, to_delete_by_name
from wanctl.finding import Severity
from wanctl.plan import Plan, Step
from wanctl.project import Project
from wanctl.project.applying import ApplyResult
from wanctl.project.approved import Decision
from wanctl.project.results import PlanResult


@dataclass(frozen=True)
class Choice:
    """The orphans to delete: those of these ids and addresses, or everything, or, of neither, nothing yet."""

    names: Collection[str] = ()
    everything: bool = False


def pruning_plan(project: Project, choice: Choice) -> Plan:
    """Only the plan; what is not chosen stands among its orphans."""

    async def work() -> Plan:
        async with project.session() as session:
            return (await _planned(project, session, choice, Severity.WARNING)).plan

    return run(work())


def prune(
    project: Project,
    choice: Choice,
    approve: Decision,
    patience: Patience,
    watcher: Watcher,
    lock_wait: timedelta = timedelta(),
    *,
    ignore_windows: bool = False,
) -> ApplyResult:
    """Plan, ask, delete, under the ledger's lease."""
    outside = Severity.WARNING if ignore_windows else Severity.ERROR

    def asked(plan: PlanResult, _: tuple[Step, ...]) -> bool:
        """Orphans that can go once others are gone may go in the same run, so they are asked for as well."""
        return approve(plan, plan.reachable())

    async def work() -> ApplyResult:
        async with project.leased(lock_wait=lock_wait) as store, project.session(store) as session:
            draft = await _planned(project, session, choice, outside)
            return await project.carry_out(session, draft, asked, patience, watcher)

    return run(work())


async def _planned(project: Project, session: RunSession, choice: Choice, outside: Severity) -> Draft:
    """The account is read once: first as the specs see it, then as it will be pruned."""
    wanted = await session.survey()
    assert session.snapshot is not None  # noqa: S101 - a survey leaves one
    account = OrphanChoice(wanted.plan, session.snapshot, session.journal.record)
    to_delete = all_to_delete(account) if choice.everything else to_delete_by_name(account, choice.names)
    spared = not_made_here(account) if choice.everything else ()
    pruning = partial(make_pruning, to_delete=to_delete, everything=choice.everything, spared=spared)
    session.planner = project.gated(pruning, outside)
    return await session.look_again(wanted, ())
