"""A plan without the account: what the specs alone tell, and what they do not. No key, no network.

The planner is asked what would be done if nothing existed yet. Its steps are no promise: what is live, and
what it would become, only the account tells. So there is nothing in it that could be applied.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from wanctl.address import Address
from wanctl.engine.planner import make_plan
from wanctl.kinds.registry import kinds
from wanctl.kinds.snapshot import Snapshot
from wanctl.language.findings import SpecErrors
from wanctl.language.models import State
from wanctl.ledger.location import FileLocation, parse_location
from wanctl.ledger.record import Record
from wanctl.plan import Action, Step, When
from wanctl.project import Project
from wanctl.render.made import OfflinePlan

LEFT = "what is live of documents that left the specs: it would be deleted, or kept as an orphan"
FOREIGN = "what others changed or deleted there"
LIMITS = "whether limits: hold: they count what is really started, deleted and paid"


def planned_offline(project: Project, why: str) -> OfflinePlan:
    """Check specs and datasets as `validate` does, and tell all that follows from them; SpecErrors where they
    are wrong. Datasets behind a URL are not fetched."""
    project.datasets.fetches = False
    found = project.validate()
    if not found.valid:
        raise SpecErrors(found.diagnostics)
    desired = project.desired
    nothing = Record(lineage="", project=project.name, endpoint="")
    draft = make_plan(desired, Snapshot(datetime.now(UTC)), nothing, project.local)
    asked = {question.remote_id for question in draft.questions}
    steps = tuple(_told(step, project, asked) for step in draft.plan.steps)
    return OfflinePlan(
        project=project.name,
        environment=desired.environment,
        resources=len(desired.resources),
        found=found.diagnostics,
        why=why,
        first=replace(draft.plan, steps=steps, findings=(), orphans=()),
        recorded=_recorded(project),
        untold=_untold(project),
    )


def _told(step: Step, project: Project, asked: Collection[str]) -> Step:
    """The step in words that claim nothing about the account."""
    if step.made_in:
        reason = f"made in {step.made_in}, whose ledger was not read"
        return replace(step, action=Action.NOTHING, when=When.DONE, reason=reason, hints=(), after=())
    if step.remote_id in asked:
        return replace(step, when=When.DONE, reason="is said to be in the account", hints=(), after=())
    resource, local = project.desired.resources.get(step.address), project.local.get(step.address)
    if resource and resource.spec.state is State.ABSENT:
        reason = "absent: it is deleted if it is there"
        return replace(step, action=Action.NOTHING, when=When.DONE, reason=reason, summary="", after=())
    if local and local.missing and local.problem is None and step.when is When.BLOCKED:
        reason = f"its media ({local.source}) are not on this machine, and nothing is fetched offline"
        return replace(step, when=When.NOW, reason=reason, hints=())
    return replace(step, reason="") if step.routine else step


def _recorded(project: Project) -> Mapping[Address, str]:
    """What a ledger among these files names; one in another place is not asked."""
    if not _ledger_is_here(project):
        return {}
    entries = project.record().entries
    return {Address.parse(text): one.current.remote_id for text, one in entries.items() if one.current}


def _ledger_is_here(project: Project) -> bool:
    return isinstance(parse_location(project.desired.settings.ledger), FileLocation)


def _untold(project: Project) -> tuple[str, ...]:
    """The facts that only the account knows, or a ledger elsewhere, as far as they matter to these specs."""
    desired = project.desired
    used = {address.kind for address in desired.resources}
    found = [kind.untold for kind in kinds() if kind.kind in used and kind.untold]
    ledger = () if _ledger_is_here(project) else (f"what the ledger {desired.settings.ledger} knows",)
    limited = any(value is not None for _, value in desired.settings.limits)
    return (*found, LEFT, FOREIGN, *ledger, *((LIMITS,) if limited else ()))
