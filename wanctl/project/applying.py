"""A plan carried out: asked for, converged under the ledger's lease, and how that ended."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from wanctl.address import Address
from wanctl.base.words import counted
from wanctl.engine.converge import Outcome, Patience, Watcher, converge
from wanctl.engine.gates import Approval
from wanctl.engine.observe import RunSession
from wanctl.engine.planner import Draft
from wanctl.finding import Severity
from wanctl.plan import Status
from wanctl.project.approved import Decision
from wanctl.project.results import PlanResult
from wanctl.project.runs import planner_of
from wanctl.render.lineage import References, references_of
from wanctl.render.options import Command

if TYPE_CHECKING:
    from wanctl.project import Project


@dataclass(repr=False)
class ApplyResult(Outcome):
    """How an apply ended: the plan that is left, what was done, and what failed."""

    references: References | None = None
    approved: bool = True  # false: whoever was asked said no, and nothing was done

    @classmethod
    def of(cls, outcome: Outcome, references: References, *, approved: bool = True) -> Self:
        known = {one.name: getattr(outcome, one.name) for one in fields(Outcome)}
        return cls(**known, references=references, approved=approved)

    @property
    def plan(self) -> PlanResult:
        """The plan of what is left to do or to wait for."""
        return PlanResult.of(self.draft.plan, self.references or {})

    @property
    def ok(self) -> bool:
        """Nothing failed, came up unapproved, or stands in the way. There may be more to wait for."""
        stuck = self.plan.status in {Status.ERROR, Status.BLOCKED}
        return self.approved and not (self.failures or self.unapproved or stuck)

    @property
    def converged(self) -> bool:
        """The account is as the specs say."""
        return self.plan.status is Status.CONVERGED

    def to_text(self) -> str:
        from wanctl.render.text.console import plain
        from wanctl.render.text.run import outcome_lines

        return plain(outcome_lines(self, Command.APPLY, plan_shown=True))

    def to_dict(self) -> dict[str, Any]:
        """The document of `wanctl apply --format json`."""
        from wanctl.render.json.documents import outcome_json

        return outcome_json(self)

    def __repr__(self) -> str:
        done, failed = counted(len(self.done), "call"), len(self.failures)
        return f"<wanctl.ApplyResult {self.plan.status.value}: {done} made, {failed} failed>"


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
    planner = planner_of(project, to_delete)
    outside = Severity.WARNING if ignore_windows else Severity.ERROR
    async with (
        project.leased(lock_wait=lock_wait) as store,
        project.session(store, planner, outside) as session,
    ):
        draft = await session.survey()
        return await project.carry_out(session, draft, approve, patience, watcher)


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
