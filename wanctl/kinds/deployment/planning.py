"""Deployment: a model that serves, with the aigc_config that the service takes and never gives back.

What was sent is in the ledger; which deployment is ours follows from its model's lineage. This file
plans; how one takes another's place is in `replacing`, what the calls do and how they change the
ledger's entry is in `deploying`.
"""

from dataclasses import replace

from wanctl.base.words import listed
from wanctl.kinds.context import Context, Planned, ProvidedModel
from wanctl.kinds.deployment.deploying import Protect, Scale
from wanctl.kinds.deployment.lineage import (
    plan_unrecorded,
    plan_unverified,
    with_echoed_by_name,
    with_echoed_capacity,
    with_intent_result,
)
from wanctl.kinds.deployment.removal import plan_removal
from wanctl.kinds.deployment.replacing import (
    plan_deploy,
    plan_protected,
    plan_redeploy,
    plan_replace,
    plan_retired,
)
from wanctl.kinds.deployment.serving import (
    FIELDS,
    NOTHING_TO_SERVE,
    DeploymentCase,
    Target,
    config_changes,
    deletion_step,
    live_step,
    named,
    spell_capacity,
    standing,
    status_step,
    upstream_of,
)
from wanctl.kinds.deployment.suffixes import PLAIN_NAME, needs_suffix, suffixes_of
from wanctl.kinds.deployment.unknown_config import without_guess
from wanctl.language.models import Deployment, State
from wanctl.language.resources import Resource
from wanctl.ledger.record import Generation, Verb
from wanctl.plan import Action, Change, Progress, Step, When
from wanctl.studio.objects import LiveDeployment


def plan_deployment(resource: Resource, context: Context) -> Planned:
    """Deploy, scale, replace or leave alone; protection changes come first and alone."""
    spec = resource.spec
    assert isinstance(spec, Deployment)  # noqa: S101 - the registry pairs each kind with its model
    if spec.state is State.ABSENT:
        case = DeploymentCase(resource, spec, NOTHING_TO_SERVE, context.entry(resource.address), context)
        lifting = _plan_protection(case) if case.entry.protected else None
        return lifting or plan_removal(resource.address, context, context.why_gone, ())
    target = _target(resource, spec, context)
    entry = with_intent_result(resource.address, context)
    entry = with_echoed_by_name(resource, spec, target, entry, context)
    entry = with_echoed_capacity(entry, context)
    learn = entry if entry != context.entry(resource.address) else None
    case = DeploymentCase(resource, spec, target, entry, context)
    planned = (
        _plan_protection(case)
        or plan_retired(case)
        or _plan_current(case)
        or plan_unrecorded(case)
        or _plan_first(case)
    )
    planned = without_guess(case, planned)
    name = () if target.model_name is None or target.shared else ((PLAIN_NAME, target.model_name),)
    return replace(planned, learn=planned.learn or learn, claims=name)


def _plan_first(case: DeploymentCase) -> Planned:
    planned = plan_deploy(case, "not deployed yet")
    return replace(planned, step=replace(planned.step, routine=True))


def _target(resource: Resource, spec: Deployment, context: Context) -> Target:
    config = spec.aigc_config.sent()
    suffixes = suffixes_of(resource.address, spec, context)
    upstream = upstream_of(spec)
    if upstream is None:
        shared = needs_suffix(resource.address, spec.model_name, suffixes, context)
        return Target(spec.model_name, None, False, config, suffixes, shared)
    provided = context.model(upstream)
    shared = needs_suffix(resource.address, provided.model_name, suffixes, context)
    return Target(provided.model_name, upstream, provided.owned, config, suffixes, shared)


def _plan_protection(case: DeploymentCase) -> Planned | None:
    """A plan of its own; what else changed is named, and comes in the next one."""
    if case.entry.current is None or case.entry.protected == case.spec.protect:
        return None
    action, reason = Action.PROTECT, "protect: true guards it from deletion, also when its document is gone"
    if case.entry.protected:
        action, reason = Action.UNPROTECT, "from then on it can be replaced and deleted"
    others = config_changes(case, case.entry.current) if case.spec.state is State.PRESENT else ()
    if others:
        verb = "is" if len(others) == 1 else "are"
        reason += f"; {listed(change.path for change in others)} {verb} changed too, in the plan after this"
    step = Step(
        case.address,
        action,
        When.NOW,
        reason,
        remote_id=case.entry.current.remote_id,
        changes=(FIELDS.change("protect", case.entry.protected, case.spec.protect),),
        effect=Protect(case.address, case.spec.protect),
    )
    return Planned(step, ProvidedModel(model_name=case.entry.current.inputs.get("model_name")))


def _plan_current(case: DeploymentCase) -> Planned | None:
    current = case.entry.current
    if current is None:
        return None
    live = standing(current, case.context)
    if live is None and (other := named(current, case.context)):
        why = "was deployed again by somebody since the ledger was written"
        return plan_unverified(case, other, why, "it is not what the ledger says of the one before")
    if live is None:
        return _plan_gone(case, current)
    if live.leaving:
        return Planned(_leaving(case, current, live))
    changes = config_changes(case, current)
    if case.target.model_name is None:
        return _plan_unknown_model(case, live, changes)
    if any(change.path != "capacity" for change in changes):
        return plan_replace(case, live, changes)
    if changes and live.running:
        effect = Scale(case.address, live.deployed_model, case.spec.capacity)
        recorded = case.context.entry(case.address).current
        drift = recorded is not None and recorded.inputs.get("capacity") == case.spec.capacity
        reason = "it was scaled outside wanctl" if drift else FIELDS.why(changes)
        step = live_step(
            case, Action.SCALE, When.NOW, reason, live, changes=changes, drift=drift, effect=effect
        )
        return Planned(step, ProvidedModel(model_name=case.target.model_name))
    return _plan_serving(case, live)


def _plan_gone(case: DeploymentCase, current: Generation) -> Planned:
    """It was there and is not: our own interrupted replacement goes on, anything else is drift."""
    intent = case.context.intent(case.address)
    if intent and intent.verb == Verb.DELETE:
        return plan_redeploy(case, current)
    reason = f"{current.remote_id} was deleted outside wanctl"
    planned = plan_deploy(case, reason)
    return replace(planned, step=replace(planned.step, drift=True))


def _leaving(
    case: DeploymentCase,
    current: Generation,
    live: LiveDeployment,
) -> Step:
    """It is on its way out, by our own unanswered call or by somebody else; shown is what comes after it."""
    intent = case.context.intent(case.address)
    ours = intent is not None and intent.verb == Verb.DELETE
    reason = f"{live.deployed_model} is being deleted{'' if ours else ' outside wanctl'}"
    action = Action.REPLACE if ours else Action.DEPLOY
    progress = Progress(str(live.status))
    changes = config_changes(case, current if ours else None)
    return live_step(
        case, action, When.SERVICE, reason, live, changes=changes, progress=progress, drift=not ours
    )


def _plan_unknown_model(case: DeploymentCase, live: LiveDeployment, changes: tuple[Change, ...]) -> Planned:
    if case.entry.protected:
        return plan_protected(case, live, changes)
    after = (case.target.upstream,) if case.target.upstream else ()
    reason = f"{live.deployed_model} serves until then"
    step = live_step(case, Action.REPLACE, When.LATER, reason, live, after=after, changes=changes)
    return Planned(step)


def _plan_serving(case: DeploymentCase, live: LiveDeployment) -> Planned:
    """It is what the spec wants; its status says whether it serves yet."""
    provided = ProvidedModel(model_name=live.model_name)
    old = [one for one in case.entry.retiring if standing(one, case.context)]
    if not live.running:
        return Planned(status_step(case, live, bool(old)), provided)
    if not old:
        step = live_step(case, Action.NOTHING, When.DONE, "serving", live, summary=spell_capacity(case.spec))
        learn = case.entry.model_copy(update={"retiring": ()}) if case.entry.retiring else None
        return Planned(step, provided, learn)
    leaving = standing(old[0], case.context)
    if leaving and leaving.leaving:
        reason = f"{live.deployed_model} serves; {old[0].remote_id} is being deleted"
        progress = Progress(str(leaving.status))
        step = live_step(case, Action.REPLACE, When.SERVICE, reason, leaving, progress=progress)
    else:
        reason = f"{live.deployed_model} serves; the old one goes"
        step = deletion_step(case, old[0], reason)
    return Planned(step, provided)
