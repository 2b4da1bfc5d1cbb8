"""Deployment: a model that serves, with the aigc_config that the service takes and never gives back.

What was sent is in the ledger; which deployment is ours follows from its model's lineage. This file
plans; what the calls do and how they change the ledger's entry is in `deploying`.
"""

from dataclasses import replace

from wanctl.kinds.deploying import (
    DeleteDeployment,
    Deploy,
    Protect,
    Scale,
    config_identity,
    deployed_name,
)
from wanctl.kinds.lineage import (
    as_told,
    plan_unrecorded,
    plan_unverified,
    with_intent_result,
    with_told_by_name,
)
from wanctl.kinds.namesakes import needs_suffix
from wanctl.kinds.removal import plan_removal
from wanctl.kinds.serving import (
    Target,
    config_changes,
    deletion_step,
    live_step,
    named,
    sent_with,
    spell_capacity,
    standing,
    status_step,
    upstream_of,
)
from wanctl.kinds.world import Context, Outcome, Planned, config_suffix
from wanctl.ledger.record import Entry, Generation
from wanctl.plan import Action, Change, FieldClass, Progress, Step, When
from wanctl.spec.models import Deployment as DeploymentSpec
from wanctl.spec.models import State, Strategy
from wanctl.spec.resources import Resource
from wanctl.studio.objects import Deployment

OUT_OF_SERVICE = "delete and deploy again: out of service 5–10 minutes, irreversible"


def plan_deployment(resource: Resource, context: Context) -> Planned:
    """Deploy, scale, replace or leave alone; protection changes come first and alone."""
    spec = resource.spec
    assert isinstance(spec, DeploymentSpec)  # noqa: S101 - the registry pairs each kind with its model
    if spec.state is State.ABSENT:
        return plan_removal(resource.address, context, "the spec says state: absent", ())
    target = _target(resource, spec, context)
    entry = with_intent_result(resource.address, context)
    entry = with_told_by_name(resource, spec, target, entry, context)
    entry = as_told(entry, context)
    learn = entry if entry != context.entry(resource.address) else None
    planned = (
        _plan_protection(resource, spec, entry)
        or _plan_retired(resource, spec, target, entry, context)
        or _plan_current(resource, spec, target, entry, context)
        or plan_unrecorded(resource, spec, target, context)
        or _plan_deploy(resource, spec, target, "not deployed yet", context)
    )
    return replace(planned, learn=planned.learn or learn)


def _target(resource: Resource, spec: DeploymentSpec, context: Context) -> Target:
    config = spec.aigc_config.sent()
    suffix = config_suffix(context.project, resource.address, spec)
    upstream = upstream_of(spec)
    if upstream is None:
        shared = needs_suffix(resource.address, spec.model_name, suffix, context)
        return Target(spec.model_name, None, False, config, suffix, shared)
    outcome = context.outcome(upstream)
    shared = needs_suffix(resource.address, outcome.model_name, suffix, context)
    return Target(outcome.model_name, upstream, outcome.owned, config, suffix, shared)


def _plan_protection(resource: Resource, spec: DeploymentSpec, entry: Entry) -> Planned | None:
    if entry.current is None or entry.protected == spec.protect:
        return None
    action, reason = Action.PROTECT, "protect: true guards it from deletion, also when its document is gone"
    if entry.protected:
        action = Action.UNPROTECT
        reason = "lifting the protection is a change of its own; what else changed comes after it"
    step = Step(
        resource.address,
        action,
        When.NOW,
        reason,
        remote_id=entry.current.remote_id,
        changes=(Change("protect", entry.protected, spec.protect, FieldClass.UPDATABLE),),
        effect=Protect(resource.address, spec.protect),
    )
    return Planned(step, Outcome(model_name=entry.current.inputs.get("model_name")))


def _plan_retired(
    resource: Resource, spec: DeploymentSpec, target: Target, entry: Entry, context: Context
) -> Planned | None:
    """In the middle of delete-and-deploy-again: the old one was told to go, the new one is not there yet."""
    if entry.current is not None or not entry.retiring:
        return None
    still_there = [one for one in entry.retiring if standing(one, context)]
    if not still_there:
        return _plan_redeploy(resource, spec, target, entry.retiring[-1], context)
    live = standing(still_there[0], context)
    changes = config_changes(resource, spec, target, entry.retiring[-1])
    if live and live.leaving:
        reason = f"{live.deployed_model} is being deleted; the new one follows"
        progress = Progress(str(live.status))
        step = live_step(
            resource, Action.REPLACE, When.SERVICE, reason, live, changes=changes, progress=progress
        )
        return Planned(step)
    step = deletion_step(resource, still_there[0], "the old one goes first", entry)
    return Planned(replace(step, changes=changes))


def _plan_current(
    resource: Resource, spec: DeploymentSpec, target: Target, entry: Entry, context: Context
) -> Planned | None:
    current = entry.current
    if current is None:
        return None
    live = standing(current, context)
    if live is None and (other := named(current, context)):
        why = "was deployed again by somebody since the ledger was written"
        return plan_unverified(resource, spec, other, why, "it is not what the ledger says of the one before")
    if live is None:
        return _plan_gone(resource, spec, target, current, context)
    if live.leaving:
        return Planned(_leaving(resource, spec, target, current, live, context))
    changes = config_changes(resource, spec, target, current)
    if target.model_name is None:
        return _plan_unknown_model(resource, target, live, changes)
    if any(change.path != "capacity" for change in changes):
        return _plan_replace(resource, spec, target, entry, live, changes, context)
    if changes and live.running:
        effect = Scale(resource.address, live.deployed_model, spec.capacity)
        recorded = context.entry(resource.address).current
        drift = recorded is not None and recorded.inputs.get("capacity") == spec.capacity
        reason = "it was scaled outside wanctl" if drift else "the capacity changed"
        step = live_step(
            resource, Action.SCALE, When.NOW, reason, live, changes=changes, drift=drift, effect=effect
        )
        return Planned(step, Outcome(model_name=target.model_name))
    return _plan_serving(resource, spec, entry, live, context)


def _plan_gone(
    resource: Resource, spec: DeploymentSpec, target: Target, current: Generation, context: Context
) -> Planned:
    """It was there and is not: our own interrupted replacement goes on, anything else is drift."""
    intent = context.intent(resource.address)
    if intent and intent.verb == "delete":
        return _plan_redeploy(resource, spec, target, current, context)
    reason = f"{current.remote_id} was deleted outside wanctl"
    planned = _plan_deploy(resource, spec, target, reason, context)
    return replace(planned, step=replace(planned.step, drift=True))


def _plan_redeploy(
    resource: Resource, spec: DeploymentSpec, target: Target, old: Generation, context: Context
) -> Planned:
    """The second half of a replacement shows the same changes as the first."""
    planned = _plan_deploy(resource, spec, target, "the old one is gone", context, Action.REPLACE)
    return replace(planned, step=replace(planned.step, changes=config_changes(resource, spec, target, old)))


def _leaving(
    resource: Resource,
    spec: DeploymentSpec,
    target: Target,
    current: Generation,
    live: Deployment,
    context: Context,
) -> Step:
    """It is on its way out, by our own unanswered call or by somebody else; shown is what comes after it."""
    intent = context.intent(resource.address)
    ours = intent is not None and intent.verb == "delete"
    reason = f"{live.deployed_model} is being deleted{'' if ours else ' outside wanctl'}"
    action = Action.REPLACE if ours else Action.DEPLOY
    progress = Progress(str(live.status))
    changes = config_changes(resource, spec, target, current if ours else None)
    return live_step(
        resource, action, When.SERVICE, reason, live, changes=changes, progress=progress, drift=not ours
    )


def _plan_unknown_model(
    resource: Resource, target: Target, live: Deployment, changes: tuple[Change, ...]
) -> Planned:
    after = (target.upstream,) if target.upstream else ()
    reason = f"{live.deployed_model} serves until then"
    step = live_step(resource, Action.REPLACE, When.LATER, reason, live, after=after, changes=changes)
    return Planned(step)


def _plan_replace(
    resource: Resource,
    spec: DeploymentSpec,
    target: Target,
    entry: Entry,
    live: Deployment,
    changes: tuple[Change, ...],
    context: Context,
) -> Planned:
    """A new model name, or blue and green: the new one first. Else the old one has to go first."""
    if entry.protected:
        step = live_step(
            resource,
            Action.REPLACE,
            When.BLOCKED,
            f"{live.deployed_model} is protected and a replacement deletes it",
            live,
            changes=changes,
            hints=(f"write protect: false at {resource.origin} and apply that first",),
        )
        return Planned(step)
    new_model = live.model_name != target.model_name
    if new_model or spec.strategy is Strategy.BLUE_GREEN:
        return Planned(_deploy_beside(resource, spec, target, entry, live, changes, context))
    step = live_step(
        resource,
        Action.REPLACE,
        When.NOW,
        _why_replace(changes, ", and the service cannot change it in place"),
        live,
        changes=changes,
        warning=OUT_OF_SERVICE,
        hints=("strategy: blue_green deploys the new one first",),
        effect=DeleteDeployment(resource.address, live.deployed_model),
    )
    return Planned(step)


def _deploy_beside(
    resource: Resource,
    spec: DeploymentSpec,
    target: Target,
    entry: Entry,
    live: Deployment,
    changes: tuple[Change, ...],
    context: Context,
) -> Step:
    """The new one first. An older one that still has the name which it needs goes before that."""
    if unsettled := _unsettled(resource, Action.REPLACE, changes, context):
        return unsettled
    target = replace(target, shared=target.shared or live.model_name == target.model_name)
    effect = _deploy(resource, spec, target, context)
    for old in entry.retiring:
        namesake = all(old.inputs.get(key) == effect.sent[key] for key in ("model_name", "suffix"))
        there = standing(old, context) if namesake else None
        if there and there.leaving:
            reason = f"{there.deployed_model} is being deleted; its name is free afterwards"
            progress = Progress(str(there.status))
            return live_step(resource, Action.REPLACE, When.SERVICE, reason, there, progress=progress)
        if there:
            reason = f"{there.deployed_model} serves no more and has the name that the new one needs"
            return deletion_step(resource, old, reason, entry)
    return live_step(
        resource,
        Action.REPLACE,
        When.NOW,
        _why_replace(changes),
        live,
        changes=changes,
        warning=f"the new one is deployed first; {live.deployed_model} is deleted once it serves",
        effect=effect,
    )


def _why_replace(changes: tuple[Change, ...], excuse: str = "") -> str:
    paths = {change.path for change in changes} - {"capacity"}
    if "model_name" in paths:
        return "the model changed"
    if paths == {"attempt"}:
        return "a new attempt"
    return f"the aigc_config changed{excuse}"


def _plan_serving(
    resource: Resource, spec: DeploymentSpec, entry: Entry, live: Deployment, context: Context
) -> Planned:
    """It is what the spec wants; its status says whether it serves yet."""
    outcome = Outcome(model_name=live.model_name)
    old = [one for one in entry.retiring if standing(one, context)]
    if not live.running:
        return Planned(status_step(resource, spec, live, bool(old)), outcome)
    if not old:
        step = live_step(resource, Action.NOTHING, When.DONE, "serving", live, summary=spell_capacity(spec))
        learn = entry.model_copy(update={"retiring": ()}) if entry.retiring else None
        return Planned(step, outcome, learn)
    leaving = standing(old[0], context)
    if leaving and leaving.leaving:
        reason = f"{live.deployed_model} serves; {old[0].remote_id} is being deleted"
        progress = Progress(str(leaving.status))
        step = live_step(resource, Action.REPLACE, When.SERVICE, reason, leaving, progress=progress)
    else:
        reason = f"{live.deployed_model} serves; the old one goes"
        step = deletion_step(resource, old[0], reason, entry)
    return Planned(step, outcome)


def _plan_deploy(
    resource: Resource,
    spec: DeploymentSpec,
    target: Target,
    reason: str,
    context: Context,
    action: Action = Action.DEPLOY,
) -> Planned:
    changes = config_changes(resource, spec, target, None)
    if unsettled := _unsettled(resource, action, changes, context):
        return Planned(unsettled)
    known = target.model_name is not None
    step = Step(
        resource.address,
        action,
        When.NOW if known else When.LATER,
        reason,
        after=() if known or target.upstream is None else (target.upstream,),
        changes=changes,
        summary=spell_capacity(spec),
        effect=_deploy(resource, spec, target, context) if known else None,
    )
    return Planned(step, Outcome(model_name=target.model_name))


def _unsettled(
    resource: Resource, action: Action, changes: tuple[Change, ...], context: Context
) -> Step | None:
    """It is too early to call again: what the lost call made may not be listed yet."""
    intent = context.intent(resource.address)
    if not intent or intent.verb != "deploy" or not context.settling(intent):
        return None
    reason = "the answer to the deploy call was lost; waiting to see whether it appears"
    progress = Progress("UNKNOWN")
    return Step(resource.address, action, When.SERVICE, reason, changes=changes, progress=progress)


def _deploy(resource: Resource, spec: DeploymentSpec, target: Target, context: Context) -> Deploy:
    assert target.model_name is not None  # noqa: S101 - the callers looked
    address = resource.address
    taken = target.model_name in context.snapshot.deployment_by_id  # by whomever: the call would be refused
    sent = sent_with(target, spec, shared=target.shared or taken)
    identity, name, intent = config_identity(sent), deployed_name(sent), context.intent(address)
    nobody_elses = name not in context.claimed and name not in context.entry(address).strangers
    asked_for = sent["suffix"] is not None or (intent is not None and intent.identity == identity)
    seen = tuple(one.deployed_model for one in context.snapshot.deployments)
    return Deploy(address, identity, sent, spec.protect, seen, ours_if_there=nobody_elses and asked_for)
