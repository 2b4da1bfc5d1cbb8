"""Deployment: a model that serves, with the aigc_config that the service takes and never gives back.

What was sent is in the ledger; which deployment is ours follows from its model's lineage. This file
plans; what the calls do and how they change the ledger's entry is in `deploying`.
"""

from dataclasses import dataclass, replace
from typing import Any

from wanctl.kinds.deploying import DeleteDeployment, Deploy, Protect, Scale, config_identity, config_suffix
from wanctl.kinds.world import Context, ModelReference, Outcome, Planned, Read
from wanctl.ledger.record import Entry, Generation
from wanctl.plan import Action, Change, FieldClass, Finding, Progress, Severity, Step, When
from wanctl.spec.models import Deployment as DeploymentSpec
from wanctl.spec.models import State, Strategy
from wanctl.spec.resources import Address, Resource
from wanctl.studio.objects import Deployment

OUT_OF_SERVICE = "delete and deploy again: out of service 5–10 minutes, irreversible"


@dataclass(frozen=True)
class Target:
    """What the spec wants to serve."""

    model_name: str | None  # None while it is not known yet
    upstream: Address | None
    owned: bool
    config: dict[str, Any]
    suffix: str | None


def plan_deployment(resource: Resource, context: Context) -> Planned:
    """Deploy, scale, replace or leave alone; protection changes come first and alone."""
    spec = resource.spec
    assert isinstance(spec, DeploymentSpec)  # noqa: S101 - the registry pairs each kind with its model
    if spec.state is State.ABSENT:
        return plan_removal(resource.address, context, "the spec says state: absent", ())
    target = _target(resource, spec, context)
    entry = _with_intent_result(resource.address, context)
    learn = entry if entry != context.entry(resource.address) else None
    planned = (
        _plan_protection(resource, spec, entry)
        or _plan_retired(resource, spec, target, entry, context)
        or _plan_current(resource, spec, target, entry, context)
        or _plan_unrecorded(resource, spec, target, context)
        or _plan_deploy(resource, spec, target, "not deployed yet", context)
    )
    return replace(planned, learn=planned.learn or learn)


def _target(resource: Resource, spec: DeploymentSpec, context: Context) -> Target:
    config = spec.aigc_config.sent()
    suffix = config_suffix(config) if _shares_model(resource, context) else None
    if spec.model_name:
        return Target(spec.model_name, None, False, config, suffix)
    upstream = (
        Address.checkpoint(spec.checkpoint) if spec.checkpoint else Address.finetune(spec.finetune or "")
    )
    outcome = context.outcome(upstream)
    return Target(outcome.model_name, upstream, outcome.owned, config, suffix)


def _shares_model(resource: Resource, context: Context) -> bool:
    """Another Deployment before this one serves the same model: this one needs a suffix."""
    sharing = context.deployments_sharing.get(_reference(resource.spec), ())
    return bool(sharing) and sharing[0] != resource.address


def _reference(spec: Any) -> ModelReference:
    return (spec.checkpoint, spec.finetune, spec.model_name)


def _with_intent_result(address: Address, context: Context) -> Entry:
    """The entry, completed by the deployment that an unanswered call left behind, if it is to be seen."""
    entry, intent = context.entry(address), context.intent(address)
    if not intent or intent.verb != "deploy":
        return entry
    live = context.snapshot.deployments_by_model.get(intent.inputs["model_name"], ())
    fresh = [
        one
        for one in live
        if one.deployed_model not in intent.seen
        and context.claimed.get(one.deployed_model, str(address)) == str(address)
    ]
    if len(fresh) != 1:
        return entry
    made = Generation(
        remote_id=fresh[0].deployed_model, identity=intent.identity, inputs=intent.inputs, since=intent.at
    )
    return Deploy.landed(entry, made)


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
    standing = [one for one in entry.retiring if _live(one, context)]
    if not standing:
        return _plan_redeploy(resource, spec, target, entry.retiring[-1], context)
    live = _live(standing[0], context)
    if live and live.leaving:
        reason = f"{live.deployed_model} is being deleted; the new one follows"
        progress = Progress(str(live.status))
        step = _step(resource, Action.REPLACE, When.SERVICE, reason, live, progress=progress)
        return Planned(step)
    return Planned(_deleting(resource, standing[0], "the old one goes first", entry))


def _deleting(resource: Resource, old: Generation, reason: str, entry: Entry) -> Step:
    if entry.protected:
        return Step(
            resource.address,
            Action.REPLACE,
            When.BLOCKED,
            f"{old.remote_id} is protected and would be deleted",
            remote_id=old.remote_id,
            hints=(f"write protect: false at {resource.origin} and apply that first",),
        )
    return Step(
        resource.address,
        Action.REPLACE,
        When.NOW,
        reason,
        remote_id=old.remote_id,
        effect=DeleteDeployment(resource.address, old.remote_id),
    )


def _live(one: Generation, context: Context) -> Deployment | None:
    """The deployment as it stands; the list may lag, so an absent one is asked for by name."""
    found = context.snapshot.deployment_by_id.get(one.remote_id)
    if found is None:
        asked = context.ask(Read.DEPLOYMENT, one.remote_id)
        found = asked if isinstance(asked, Deployment) and not asked.gone else None
    return found


def _plan_current(
    resource: Resource, spec: DeploymentSpec, target: Target, entry: Entry, context: Context
) -> Planned | None:
    current = entry.current
    if current is None:
        return None
    live = _live(current, context)
    if live is None:
        return _plan_gone(resource, spec, target, current, context)
    if live.leaving:
        return Planned(_leaving(resource, live, context))
    changes = _changes(resource, spec, target, current)
    if target.model_name is None:
        return _plan_unknown_model(resource, target, live, changes)
    rebuilt = tuple(change for change in changes if change.path != "capacity")
    if rebuilt:
        return _plan_replace(resource, spec, target, entry, live, rebuilt, context)
    if changes and live.running:
        effect = Scale(resource.address, live.deployed_model, spec.capacity)
        reason = "the capacity changed"
        step = _step(resource, Action.SCALE, When.NOW, reason, live, changes=changes, effect=effect)
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
    return replace(planned, step=replace(planned.step, changes=_changes(resource, spec, target, old)))


def _leaving(resource: Resource, live: Deployment, context: Context) -> Step:
    """It is on its way out: by our own call whose answer was never written, or by somebody else."""
    intent = context.intent(resource.address)
    ours = intent is not None and intent.verb == "delete"
    reason = f"{live.deployed_model} is being deleted{'' if ours else ' outside wanctl'}"
    action = Action.REPLACE if ours else Action.DEPLOY
    progress = Progress(str(live.status))
    return _step(resource, action, When.SERVICE, reason, live, progress=progress, drift=not ours)


def _plan_unknown_model(
    resource: Resource, target: Target, live: Deployment, changes: tuple[Change, ...]
) -> Planned:
    after = (target.upstream,) if target.upstream else ()
    reason = f"{live.deployed_model} serves until then"
    step = _step(resource, Action.REPLACE, When.LATER, reason, live, after=after, changes=changes)
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
        step = _step(
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
        suffix = target.suffix if new_model else config_suffix(target.config)
        step = _step(
            resource,
            Action.REPLACE,
            When.NOW,
            "the model changed" if new_model else "the aigc_config changed",
            live,
            changes=changes,
            warning=f"the new one is deployed first; {live.deployed_model} is deleted once it serves",
            effect=_deploy(resource, spec, replace(target, suffix=suffix), context),
        )
        return Planned(step)
    step = _step(
        resource,
        Action.REPLACE,
        When.NOW,
        _why_recreate(changes),
        live,
        changes=changes,
        warning=OUT_OF_SERVICE,
        hints=("strategy: blue_green deploys the new one first",),
        effect=DeleteDeployment(resource.address, live.deployed_model),
    )
    return Planned(step)


def _why_recreate(changes: tuple[Change, ...]) -> str:
    if all(change.path == "attempt" for change in changes):
        return "a new attempt"
    return "the aigc_config changed, and the service cannot change it in place"


def _plan_serving(
    resource: Resource, spec: DeploymentSpec, entry: Entry, live: Deployment, context: Context
) -> Planned:
    """It is what the spec wants; its status says whether it serves yet."""
    outcome = Outcome(model_name=live.model_name)
    old = [one for one in entry.retiring if _live(one, context)]
    if not live.running:
        return Planned(_status_step(resource, spec, live, bool(old)), outcome)
    if not old:
        step = _step(resource, Action.NOTHING, When.DONE, "serving", live, summary=_summary(spec))
        learn = entry.model_copy(update={"retiring": ()}) if entry.retiring else None
        return Planned(step, outcome, learn)
    leaving = _live(old[0], context)
    if leaving and leaving.leaving:
        reason = f"{live.deployed_model} serves; {old[0].remote_id} is being deleted"
        progress = Progress(str(leaving.status))
        step = _step(resource, Action.REPLACE, When.SERVICE, reason, leaving, progress=progress)
    else:
        reason = f"{live.deployed_model} serves; the old one goes"
        step = _deleting(resource, old[0], reason, entry)
    return Planned(step, outcome)


def _status_step(resource: Resource, spec: DeploymentSpec, live: Deployment, replacing: bool) -> Step:
    status = str(live.status)
    action = Action.REPLACE if replacing else Action.DEPLOY
    progress = Progress(status, None, "", live.gmt_create)
    name = live.deployed_model
    if status == "ARREARS_DOWN":
        action = Action.NOTHING
        hint = "pay the bill in the Alibaba Cloud console; it comes back by itself"
        reason = f"{name} is stopped: the account is in arrears"
        return _step(
            resource, action, When.PERSON, reason, live, progress=progress, drift=True, hints=(hint,)
        )
    if status == "STOPPED":
        action = Action.NOTHING
        hint = "start it in the Model Studio console"
        reason = f"{name} was stopped outside wanctl"
        return _step(
            resource, action, When.PERSON, reason, live, progress=progress, drift=True, hints=(hint,)
        )
    if status in {"FAILED", "UPDATING_FAILED"}:
        hint = f"to delete it and deploy again, write attempt: {spec.attempt + 1} at {resource.origin}"
        reason = f"{name} is in status {status}"
        return _step(resource, action, When.BLOCKED, reason, live, progress=progress, hints=(hint,))
    reason = {
        "PENDING": f"{name} is being deployed (5–10 minutes)",
        "UPDATING": f"{name} is being scaled",
        "ARREARS_RECOVERING": f"{name} comes back after the arrears",
    }.get(status, f"{name} is in status {status}")
    return _step(resource, action, When.SERVICE, reason, live, progress=progress, summary=_summary(spec))


def _plan_unrecorded(
    resource: Resource, spec: DeploymentSpec, target: Target, context: Context
) -> Planned | None:
    """The ledger knows no deployment; the account may still hold ours, or somebody else's."""
    if target.model_name is None:
        return None
    live = [
        one
        for one in context.snapshot.deployments_by_model.get(target.model_name, ())
        if one.deployed_model not in context.claimed
        and one.deployed_model not in context.entry(resource.address).strangers
    ]
    if target.suffix or len(live) > 1:
        live = _by_suffix(live, target, resource, context)
    if not live:
        return None
    if any(one.leaving for one in live):
        reason = f"{live[0].deployed_model} is being deleted; its name is free afterwards"
        progress = Progress(str(live[0].status))
        return Planned(_step(resource, Action.DEPLOY, When.SERVICE, reason, live[0], progress=progress))
    if len(live) > 1 or not target.owned:
        return Planned(_plan_doubt(resource, live, target))
    return _plan_unverified(resource, spec, live[0])


def _by_suffix(
    live: list[Deployment], target: Target, resource: Resource, context: Context
) -> list[Deployment]:
    """Deployments that share a model are told apart by the suffix that their config gives them."""
    if target.suffix:
        return [one for one in live if one.deployed_model.endswith(f"-{target.suffix}")]
    sharing = context.deployments_sharing.get(_reference(resource.spec), ())
    specs = [context.desired.resources[one].spec for one in sharing if one != resource.address]
    others = [config_suffix(one.aigc_config.sent()) for one in specs if isinstance(one, DeploymentSpec)]
    return [one for one in live if not any(one.deployed_model.endswith(f"-{other}") for other in others)]


def _plan_doubt(resource: Resource, live: list[Deployment], target: Target) -> Step:
    names = ", ".join(one.deployed_model for one in live)
    reason = f"more than one deployment of {target.model_name} is live: {names}"
    if not target.owned:
        reason = f"{names} is live and not ours"
    return Step(
        resource.address,
        Action.ADOPT,
        When.BLOCKED,
        reason,
        remote_id=live[0].deployed_model,
        hints=tuple(
            f"to take it over: wanctl adopt {resource.address} {one.deployed_model}  ·  "
            f"to leave it alone: wanctl adopt {resource.address} --not {one.deployed_model}"
            for one in live
        ),
    )


def _plan_unverified(resource: Resource, spec: DeploymentSpec, live: Deployment) -> Planned:
    """Ours by lineage, and the ledger is lost: its aigc_config can be trusted by a person, not guessed."""
    step = _status_step(resource, spec, live, replacing=False)
    if live.running:
        step = _step(resource, Action.NOTHING, When.DONE, "serving", live, summary=_summary(spec))
    finding = Finding(
        Severity.WARNING,
        f"{live.deployed_model} is ours by its model; its aigc_config is unverified: "
        "not readable from the API and no record",
        resource.address,
        hint=f"to trust that it is as the spec says: wanctl adopt {resource.address} {live.deployed_model}",
        place=str(resource.origin),
        rule="aigc-config-unverified",
    )
    return Planned(step, Outcome(model_name=live.model_name), findings=(finding,))


def _plan_deploy(
    resource: Resource,
    spec: DeploymentSpec,
    target: Target,
    reason: str,
    context: Context,
    action: Action = Action.DEPLOY,
) -> Planned:
    intent = context.intent(resource.address)
    if intent and intent.verb == "deploy" and context.settling(intent):
        reason = "the answer to the deploy call was lost; waiting to see whether it appears"
        progress = Progress("UNKNOWN")
        return Planned(Step(resource.address, action, When.SERVICE, reason, progress=progress))
    known = target.model_name is not None
    step = Step(
        resource.address,
        action,
        When.NOW if known else When.LATER,
        reason,
        after=() if known or target.upstream is None else (target.upstream,),
        changes=_changes(resource, spec, target, None),
        summary=_summary(spec),
        effect=_deploy(resource, spec, target, context) if known else None,
    )
    return Planned(step, Outcome(model_name=target.model_name))


def _deploy(resource: Resource, spec: DeploymentSpec, target: Target, context: Context) -> Deploy:
    assert target.model_name is not None  # noqa: S101 - the callers looked
    sent = {
        "model_name": target.model_name,
        "capacity": spec.capacity,
        "aigc_config": target.config,
        "suffix": target.suffix,
        "attempt": spec.attempt,
    }
    seen = tuple(one.deployed_model for one in context.snapshot.deployments)
    return Deploy(resource.address, config_identity(sent), sent, spec.protect, seen)


def _changes(
    resource: Resource, spec: DeploymentSpec, target: Target, current: Generation | None
) -> tuple[Change, ...]:
    before = current.inputs if current else {}
    changes = []
    if target.model_name is None or target.model_name != before.get("model_name"):
        later = target.upstream if target.model_name is None else None
        old_name = before.get("model_name")
        changes.append(
            Change("model_name", old_name, target.model_name, FieldClass.IMMUTABLE, known_after=later)
        )
    old = before.get("aigc_config") or {}
    for key, value in target.config.items():
        if not current or old.get(key) != value:
            path = f"aigc_config.{key}"
            changes.append(
                Change(
                    path,
                    old.get(key),
                    value,
                    FieldClass.WRITE_ONLY,
                    "compared with what was last sent; the service does not give it back",
                    resource.texts.get(path),
                )
            )
    for key, value, field_class in (
        ("capacity", spec.capacity, FieldClass.UPDATABLE),
        ("attempt", spec.attempt, FieldClass.IMMUTABLE),
    ):
        if current and before.get(key) != value:
            changes.append(Change(key, before.get(key), value, field_class))
    return tuple(changes)


def _summary(spec: DeploymentSpec) -> str:
    return f"lora × {spec.capacity}"


def _step(resource: Resource, action: Action, when: When, reason: str, live: Deployment, **more: Any) -> Step:
    return Step(resource.address, action, when, reason, remote_id=live.deployed_model, **more)


def plan_removal(address: Address, context: Context, why: str, first: tuple[Address, ...]) -> Planned:
    """Delete what the ledger knows of a Deployment, last of all; forget it once it is gone."""
    entry = context.entry(address)
    known = [*((entry.current,) if entry.current else ()), *entry.retiring]
    standing = [one for one in known if _live(one, context)]
    if not standing:
        forget = Entry(strangers=entry.strangers)
        return Planned(Step(address, Action.NOTHING, When.DONE, "gone"), learn=forget if known else None)
    live = _live(standing[0], context)
    assert live is not None  # noqa: S101 - it stands
    if live.leaving:
        progress = Progress(str(live.status))
        reason = f"{live.deployed_model} is being deleted"
        step = Step(
            address, Action.DELETE, When.SERVICE, reason, remote_id=live.deployed_model, progress=progress
        )
        return Planned(step)
    if entry.protected:
        step = Step(
            address,
            Action.DELETE,
            When.BLOCKED,
            f"{why}, but {live.deployed_model} is protected",
            remote_id=live.deployed_model,
            hints=("bring its document back with protect: false and apply that first",),
        )
        return Planned(step)
    step = Step(
        address,
        Action.DELETE,
        When.LATER if first else When.NOW,
        why,
        after=first,
        remote_id=live.deployed_model,
        warning="irreversible; calls to it fail from then on",
        effect=None if first else DeleteDeployment(address, live.deployed_model),
    )
    return Planned(step)
