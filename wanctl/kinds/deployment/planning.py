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
from wanctl.ledger.record import Entry, Generation, Verb
from wanctl.plan import Action, Change, Progress, Step, When
from wanctl.studio.objects import LiveDeployment


def plan_deployment(resource: Resource, context: Context) -> Planned:
    """Deploy, scale, replace or leave alone; protection changes come first and alone."""
    spec = resource.spec
    assert isinstance(spec, Deployment)  # noqa: S101 - the registry pairs each kind with its model
    if spec.state is State.ABSENT:
        kept = context.entry(resource.address)
        lifting = _plan_protection(resource, spec, None, kept) if kept.protected else None
        return lifting or plan_removal(resource.address, context, context.why_gone, ())
    target = _target(resource, spec, context)
    entry = with_intent_result(resource.address, context)
    entry = with_echoed_by_name(resource, spec, target, entry, context)
    entry = with_echoed_capacity(entry, context)
    learn = entry if entry != context.entry(resource.address) else None
    planned = (
        _plan_protection(resource, spec, target, entry)
        or plan_retired(resource, spec, target, entry, context)
        or _plan_current(resource, spec, target, entry, context)
        or plan_unrecorded(resource, spec, target, context)
        or _plan_first(resource, spec, target, context)
    )
    planned = without_guess(resource, spec, planned, context)
    name = () if target.model_name is None or target.shared else ((PLAIN_NAME, target.model_name),)
    return replace(planned, learn=planned.learn or learn, claims=name)


def _plan_first(resource: Resource, spec: Deployment, target: Target, context: Context) -> Planned:
    planned = plan_deploy(resource, spec, target, "not deployed yet", context)
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


def _plan_protection(
    resource: Resource, spec: Deployment, target: Target | None, entry: Entry
) -> Planned | None:
    """A plan of its own; what else changed is named, and comes in the next one. `target` is what is to serve,
    if anything is."""
    if entry.current is None or entry.protected == spec.protect:
        return None
    action, reason = Action.PROTECT, "protect: true guards it from deletion, also when its document is gone"
    if entry.protected:
        action, reason = Action.UNPROTECT, "from then on it can be replaced and deleted"
    others = config_changes(resource, spec, target, entry.current) if target else ()
    if others:
        verb = "is" if len(others) == 1 else "are"
        reason += f"; {listed(change.path for change in others)} {verb} changed too, in the plan after this"
    step = Step(
        resource.address,
        action,
        When.NOW,
        reason,
        remote_id=entry.current.remote_id,
        changes=(FIELDS.change("protect", entry.protected, spec.protect),),
        effect=Protect(resource.address, spec.protect),
    )
    return Planned(step, ProvidedModel(model_name=entry.current.inputs.get("model_name")))


def _plan_current(
    resource: Resource, spec: Deployment, target: Target, entry: Entry, context: Context
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
        return _plan_unknown_model(resource, target, entry, live, changes)
    if any(change.path != "capacity" for change in changes):
        return plan_replace(resource, spec, target, entry, live, changes, context)
    if changes and live.running:
        effect = Scale(resource.address, live.deployed_model, spec.capacity)
        recorded = context.entry(resource.address).current
        drift = recorded is not None and recorded.inputs.get("capacity") == spec.capacity
        reason = "it was scaled outside wanctl" if drift else FIELDS.why(changes)
        step = live_step(
            resource, Action.SCALE, When.NOW, reason, live, changes=changes, drift=drift, effect=effect
        )
        return Planned(step, ProvidedModel(model_name=target.model_name))
    return _plan_serving(resource, spec, entry, live, context)


def _plan_gone(
    resource: Resource, spec: Deployment, target: Target, current: Generation, context: Context
) -> Planned:
    """It was there and is not: our own interrupted replacement goes on, anything else is drift."""
    intent = context.intent(resource.address)
    if intent and intent.verb == Verb.DELETE:
        return plan_redeploy(resource, spec, target, current, context)
    reason = f"{current.remote_id} was deleted outside wanctl"
    planned = plan_deploy(resource, spec, target, reason, context)
    return replace(planned, step=replace(planned.step, drift=True))


def _leaving(
    resource: Resource,
    spec: Deployment,
    target: Target,
    current: Generation,
    live: LiveDeployment,
    context: Context,
) -> Step:
    """It is on its way out, by our own unanswered call or by somebody else; shown is what comes after it."""
    intent = context.intent(resource.address)
    ours = intent is not None and intent.verb == Verb.DELETE
    reason = f"{live.deployed_model} is being deleted{'' if ours else ' outside wanctl'}"
    action = Action.REPLACE if ours else Action.DEPLOY
    progress = Progress(str(live.status))
    changes = config_changes(resource, spec, target, current if ours else None)
    return live_step(
        resource, action, When.SERVICE, reason, live, changes=changes, progress=progress, drift=not ours
    )


def _plan_unknown_model(
    resource: Resource, target: Target, entry: Entry, live: LiveDeployment, changes: tuple[Change, ...]
) -> Planned:
    if entry.protected:
        return plan_protected(resource, live, changes)
    after = (target.upstream,) if target.upstream else ()
    reason = f"{live.deployed_model} serves until then"
    step = live_step(resource, Action.REPLACE, When.LATER, reason, live, after=after, changes=changes)
    return Planned(step)


def _plan_serving(
    resource: Resource, spec: Deployment, entry: Entry, live: LiveDeployment, context: Context
) -> Planned:
    """It is what the spec wants; its status says whether it serves yet."""
    provided = ProvidedModel(model_name=live.model_name)
    old = [one for one in entry.retiring if standing(one, context)]
    if not live.running:
        return Planned(status_step(resource, spec, live, bool(old)), provided)
    if not old:
        step = live_step(resource, Action.NOTHING, When.DONE, "serving", live, summary=spell_capacity(spec))
        learn = entry.model_copy(update={"retiring": ()}) if entry.retiring else None
        return Planned(step, provided, learn)
    leaving = standing(old[0], context)
    if leaving and leaving.leaving:
        reason = f"{live.deployed_model} serves; {old[0].remote_id} is being deleted"
        progress = Progress(str(leaving.status))
        step = live_step(resource, Action.REPLACE, When.SERVICE, reason, leaving, progress=progress)
    else:
        reason = f"{live.deployed_model} serves; the old one goes"
        step = deletion_step(resource, old[0], reason, entry)
    return Planned(step, provided)
