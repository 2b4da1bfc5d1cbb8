"""A run of a project: everything that it works with, and the plan that it makes.

The methods of Project come here when somebody asks for a plan: whoever checks specs needs none of it. What
carries a plan out is in `applying`.
"""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from wanctl.address import Address
from wanctl.engine.gates import Gate, gated, neighbour_gate, window_gate
from wanctl.engine.journal import Journal, Stamp
from wanctl.engine.observe import RunSession
from wanctl.engine.planner import Planner, make_plan
from wanctl.engine.polling import PollingPace
from wanctl.finding import Severity
from wanctl.ledger.record import Record
from wanctl.ledger.store import LeasedStore
from wanctl.plan import Plan
from wanctl.project.ledgers import known_to_namesakes
from wanctl.project.local import Packer, sweep_packed
from wanctl.project.promotion import read_elsewhere
from wanctl.project.provider import place_gate
from wanctl.project.results import PlanResult
from wanctl.render.lineage import references_of, texts_of
from wanctl.studio.wire import Permission

if TYPE_CHECKING:
    from wanctl.project import Project


async def planned(project: "Project", to_delete: Collection[Address] | None = None) -> PlanResult:
    """The plan; with `to_delete` that of `destroy`."""
    async with project.session(planner=planner_of(project, to_delete)) as session:
        plan = (await session.survey()).plan
        return PlanResult.of(plan, references_of(project.desired), texts_of(project.desired))


def shown(project: "Project", plan: Plan) -> PlanResult:
    """A plan that can show itself."""
    return PlanResult.of(plan, references_of(project.desired))


def planner_of(project: "Project", to_delete: Collection[Address] | None) -> Planner | None:
    """The planner of `destroy`; None for that of the specs."""
    if to_delete is None:
        return None
    from wanctl.project.destroying import destruction

    return destruction(project.desired, project.record(), to_delete)


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

    packing = project.state / "packing"
    if store:  # a run that only looks changes nothing, here neither
        sweep_packed(packing)
    async with project.account(_permission(store)) as account:
        known, stamp, planned_by = await account.aside(read)
        save, references = store.save if store else _only_looking, references_of(desired)
        yield RunSession(
            desired=desired,
            local=project.local,
            studio=account.studio,
            clock=account.clock,
            journal=Journal(save, known, stamp, account.clock.now, references),
            polling=PollingPace.of(desired.settings.polling),
            archive=Packer(project.datasets, project.local, packing).archive,
            planner=planned_by,
            lists=account.lists(since),
            elsewhere=partial(read_elsewhere, project) if desired.shares_models else None,
        )


def _permission(store: LeasedStore | None) -> Permission | None:
    if store is None:
        return None
    from wanctl.project.leasing import while_held

    return while_held(store)


def _only_looking(_: Record) -> Record:
    raise RuntimeError("the ledger is written under its lease only")
