"""The plans that deploy: for the first time, once the old one is gone, or beside the one that serves."""

from dataclasses import replace

from wanctl.kinds.context import Context, Planned, ProvidedModel
from wanctl.kinds.deployment.deploying import DeleteDeployment, Deploy, config_identity, deployed_name
from wanctl.kinds.deployment.serving import (
    FIELDS,
    Target,
    config_changes,
    deletion_step,
    lift_protection,
    live_step,
    sent_with,
    spell_capacity,
    standing,
)
from wanctl.language.models import Deployment, Strategy
from wanctl.language.resources import Resource
from wanctl.ledger.record import Entry, Generation, Verb
from wanctl.plan import Action, Change, FieldClass, Progress, Step, When
from wanctl.studio.objects import LiveDeployment

OUT_OF_SERVICE = "delete and deploy again: out of service 5–10 minutes, irreversible"


def plan_retired(
    resource: Resource, spec: Deployment, target: Target, entry: Entry, context: Context
) -> Planned | None:
    """In the middle of delete-and-deploy-again: the old one was told to go, the new one is not there yet."""
    if entry.current is not None or not entry.retiring:
        return None
    still_there = [one for one in entry.retiring if standing(one, context)]
    if not still_there:
        return plan_redeploy(resource, spec, target, entry.retiring[-1], context)
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


def plan_redeploy(
    resource: Resource, spec: Deployment, target: Target, old: Generation, context: Context
) -> Planned:
    """The second half of a replacement shows the same changes as the first."""
    planned = plan_deploy(resource, spec, target, "the old one is gone", context, Action.REPLACE)
    return replace(planned, step=replace(planned.step, changes=config_changes(resource, spec, target, old)))


def plan_replace(
    resource: Resource,
    spec: Deployment,
    target: Target,
    entry: Entry,
    live: LiveDeployment,
    changes: tuple[Change, ...],
    context: Context,
) -> Planned:
    """A new model name, or blue and green: the new one first. Else the old one has to go first."""
    if entry.protected:
        return plan_protected(resource, live, changes)
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


def plan_protected(resource: Resource, live: LiveDeployment, changes: tuple[Change, ...]) -> Planned:
    step = live_step(
        resource,
        Action.REPLACE,
        When.BLOCKED,
        f"{live.deployed_model} is protected and a replacement deletes it",
        live,
        changes=changes,
        hints=(lift_protection(resource),),
    )
    return Planned(step)


def _deploy_beside(
    resource: Resource,
    spec: Deployment,
    target: Target,
    entry: Entry,
    live: LiveDeployment,
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
            return live_step(
                resource, Action.REPLACE, When.SERVICE, reason, there, changes=changes, progress=progress
            )
        if there:
            reason = f"{there.deployed_model} serves no more and has the name that the new one needs"
            return replace(deletion_step(resource, old, reason, entry), changes=changes)
    return live_step(
        resource,
        Action.REPLACE,
        When.NOW,
        _why_replace(changes),
        live,
        changes=changes,
        warning=_handover(live.deployed_model, deployed_name(effect.sent)),
        effect=effect,
    )


def _handover(old: str, new: str) -> str:
    """Callers name the deployment: a new name is theirs to change, too."""
    if new == old:
        return f"the new one is deployed first; {old} is deleted once it serves"
    return f"the new one is deployed first as {new}, which callers need; {old} is deleted once it serves"


def _why_replace(changes: tuple[Change, ...], excuse: str = "") -> str:
    in_place = any(FIELDS.rule(change.path).field_class is FieldClass.WRITE_ONLY for change in changes)
    return FIELDS.why(changes) + (excuse if in_place else "")


def plan_deploy(
    resource: Resource,
    spec: Deployment,
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
    return Planned(step, ProvidedModel(model_name=target.model_name))


def _unsettled(
    resource: Resource, action: Action, changes: tuple[Change, ...], context: Context
) -> Step | None:
    """It is too early to call again: what the lost call made may not be listed yet."""
    intent = context.intent(resource.address)
    if not intent or intent.verb != Verb.DEPLOY or not context.settling(intent):
        return None
    reason = "the answer to the deploy call was lost; waiting to see whether it appears"
    progress = Progress("UNKNOWN")
    return Step(resource.address, action, When.SERVICE, reason, changes=changes, progress=progress)


def _deploy(resource: Resource, spec: Deployment, target: Target, context: Context) -> Deploy:
    assert target.model_name is not None  # noqa: S101 - the callers looked
    address = resource.address
    taken = target.model_name in context.snapshot.deployment_by_id  # by whomever: the call would be refused
    sent = sent_with(target, spec, shared=target.shared or taken)
    identity, name, intent = config_identity(sent), deployed_name(sent), context.intent(address)
    nobody_elses = name not in context.claimed and name not in context.entry(address).disowned
    asked_for = sent["suffix"] is not None or (intent is not None and intent.identity == identity)
    seen = context.snapshot.deployment_names
    return Deploy(address, identity, sent, spec.protect, seen, ours_if_there=nobody_elses and asked_for)
