"""The runs of a project: its plan, made with the account, and the plan carried out.

The methods of Project come here when somebody asks for a plan: whoever checks specs needs none of it.
"""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from wanctl.address import Address
from wanctl.engine.converge import Outcome, Patience, Watcher, converge
from wanctl.engine.gates import Approval, Gate, gated, neighbour_gate, window_gate
from wanctl.engine.journal import Journal, Stamp
from wanctl.engine.observe import RunSession
from wanctl.engine.planner import Draft, Planner, make_plan
from wanctl.engine.polling import PollingPace
from wanctl.finding import Severity
from wanctl.ledger.record import Record
from wanctl.ledger.store import LeasedStore
from wanctl.plan import Plan
from wanctl.project.approved import Decision
from wanctl.project.destroying import destruction
from wanctl.project.leasing import while_held
from wanctl.project.ledgers import known_to_namesakes
from wanctl.project.local import Packer
from wanctl.project.promotion import read_elsewhere
from wanctl.project.provider import place_gate
from wanctl.project.results import ApplyResult, PlanResult
from wanctl.render.lineage import references_of, texts_of

if TYPE_CHECKING:
    from wanctl.project import Project


async def planned(project: "Project", to_delete: Collection[Address] | None = None) -> PlanResult:
    """The plan; with `to_delete` that of `destroy`."""
    async with project.session(planner=_planner(project, to_delete)) as session:
        plan = (await session.survey()).plan
        return PlanResult.of(plan, references_of(project.desired), texts_of(project.desired))


def shown(project: "Project", plan: Plan) -> PlanResult:
    """A plan that can show itself."""
    return PlanResult.of(plan, references_of(project.desired))


async def applied(
    project: "Project",
    approve: Decision,
    patience: Patience,
    watcher: Watcher,
    to_delete: Collection[Address] | None = None,
    lock_wait: timedelta = timedelta(),
    *,
    ignore_windows: bool = False,
) -> ApplyResult:
    """Plan and converge under the ledger's lease."""
    planner = _planner(project, to_delete)
    outside = Severity.WARNING if ignore_windows else Severity.ERROR
    async with (
        project.leased(lock_wait=lock_wait) as store,
        project.session(store, planner, outside) as session,
    ):
        draft = await session.survey()
        return await project.carry_out(session, draft, approve, patience, watcher)


def _planner(project: "Project", to_delete: Collection[Address] | None) -> Planner | None:
    return None if to_delete is None else destruction(project.desired, project.record(), to_delete)


async def carried_out(
    project: "Project",
    session: RunSession,
    draft: Draft,
    approve: Decision,
    patience: Patience,
    watcher: Watcher,
) -> ApplyResult:
    """Ask, and converge; a plan with errors is given back as it is.

    `approve` hears of every plan that has something to do, so that a plan which was reviewed is compared
    also where there is nothing to start yet. What nobody was asked about is not approved.
    """
    references = references_of(project.desired)
    if any(one.severity is Severity.ERROR for one in draft.plan.findings):
        return ApplyResult.of(Outcome(draft), references)
    started = draft.plan.reachable() if patience.waits else draft.plan.this_run()
    if draft.plan.pending and not approve(PlanResult.of(draft.plan, references), started):
        return ApplyResult.of(Outcome(draft), references, approved=False)
    approval = Approval.of(draft.plan) if started else Approval({})
    outcome = await converge(session, draft, approval, patience, watcher)
    return ApplyResult.of(outcome, references)


def gated_planner(project: "Project", planner: Planner, outside: Severity) -> Planner:
    """The planner with everything that may narrow it."""
    settings = project.desired.settings
    gates: tuple[Gate, ...] = (
        place_gate(settings, project.host),
        *project.gates,
        neighbour_gate(known_to_namesakes(project)),
        window_gate(settings.windows, outside),
    )
    return gated(planner, gates)


@asynccontextmanager
async def session_of(
    project: "Project",
    store: LeasedStore | None,
    planner: Planner | None,
    outside: Severity,
    record: Record | None,
    since: float | None,
) -> AsyncIterator[RunSession]:
    """As Project.session says."""
    desired = project.desired

    def read() -> tuple[Record, Stamp, Planner]:
        known = project.record() if record is None else record
        stamp = project.host.stamp(desired) if store else Stamp()
        return (
            known,
            stamp,
            project.gated(planner or partial(make_plan, diagnostics=project.findings()), outside),
        )

    async with project.account(while_held(store) if store else None) as account:
        known, stamp, planned_by = await account.aside(read)
        save, references = store.save if store else _only_looking, references_of(desired)
        yield RunSession(
            desired=desired,
            local=project.local,
            studio=account.studio,
            clock=account.clock,
            journal=Journal(save, known, stamp, account.clock.now, references),
            polling=PollingPace.of(desired.settings.polling),
            archive=Packer(project.datasets, project.local, project.state / "packing").archive,
            planner=planned_by,
            lists=account.lists(since),
            elsewhere=partial(read_elsewhere, project) if desired.shares_models else None,
        )


def _only_looking(_: Record) -> Record:
    raise RuntimeError("the ledger is written under its lease only")
