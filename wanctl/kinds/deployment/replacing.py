"""The plans that deploy: for the first time, once the old one is gone, or beside the one that serves."""

from dataclasses import replace

from wanctl.kinds.context import Planned, ProvidedModel
from wanctl.kinds.deployment.deploying import DeleteDeployment, Deploy, config_identity, deployed_name
from wanctl.kinds.deployment.serving import (
    FIELDS,
    DeploymentCase,
    config_changes,
    deletion_step,
    lift_protection,
    live_step,
    sent_with,
    spell_capacity,
    standing,
)
from wanctl.language.models import Strategy
from wanctl.ledger.record import Generation, Verb
from wanctl.plan import Action, Change, FieldClass, Progress, Step, When
from wanctl.studio.objects import LiveDeployment

OUT_OF_SERVICE = "delete and deploy again: out of service 5–10 minutes, irreversible"


def plan_retired(case: DeploymentCase) -> Planned | None:
    """In the middle of delete-and-deploy-again: the old one was told to go, the new one is not there yet."""
    if case.entry.current is not None or not case.entry.retiring:
        return None
    still_there = [one for one in case.entry.retiring if standing(one, case.context)]
    if not still_there:
        return plan_redeploy(case, case.entry.retiring[-1])
    live = standing(still_there[0], case.context)
    changes = config_changes(case, case.entry.retiring[-1])
    if live and live.leaving:
        reason = f"{live.deployed_model} is being deleted; the new one follows"
        progress = Progress(str(live.status))
        step = live_step(case, Action.REPLACE, When.SERVICE, reason, live, changes=changes, progress=progress)
        return Planned(step)
    step = deletion_step(case, still_there[0], "the old one goes first")
    return Planned(replace(step, changes=changes))


def plan_redeploy(case: DeploymentCase, old: Generation) -> Planned:
    """The second half of a replacement shows the same changes as the first."""
    planned = plan_deploy(case, "the old one is gone", Action.REPLACE)
    return replace(planned, step=replace(planned.step, changes=config_changes(case, old)))


def plan_replace(
    case: DeploymentCase,
    live: LiveDeployment,
    changes: tuple[Change, ...],
) -> Planned:
    """A new model name, or blue and green: the new one first. Else the old one has to go first."""
    if case.entry.protected:
        return plan_protected(case, live, changes)
    new_model = live.model_name != case.target.model_name
    if new_model or case.spec.strategy is Strategy.BLUE_GREEN:
        return Planned(_deploy_beside(case, live, changes))
    step = live_step(
        case,
        Action.REPLACE,
        When.NOW,
        _why_replace(changes, ", and the service cannot change it in place"),
        live,
        changes=changes,
        warning=OUT_OF_SERVICE,
        hints=("strategy: blue_green deploys the new one first",),
        effect=DeleteDeployment(case.address, live.deployed_model),
    )
    return Planned(step)


def plan_protected(case: DeploymentCase, live: LiveDeployment, changes: tuple[Change, ...]) -> Planned:
    step = live_step(
        case,
        Action.REPLACE,
        When.BLOCKED,
        f"{live.deployed_model} is protected and a replacement deletes it",
        live,
        changes=changes,
        hints=(lift_protection(case.resource),),
    )
    return Planned(step)


def _deploy_beside(
    case: DeploymentCase,
    live: LiveDeployment,
    changes: tuple[Change, ...],
) -> Step:
    """The new one first. An older one that still has the name which it needs goes before that."""
    if unsettled := _unsettled(case, Action.REPLACE, changes):
        return unsettled
    shared = case.target.shared or live.model_name == case.target.model_name
    effect = _deploy(replace(case, target=replace(case.target, shared=shared)))
    for old in case.entry.retiring:
        namesake = all(old.inputs.get(key) == effect.sent[key] for key in ("model_name", "suffix"))
        there = standing(old, case.context) if namesake else None
        if there and there.leaving:
            reason = f"{there.deployed_model} is being deleted; its name is free afterwards"
            progress = Progress(str(there.status))
            return live_step(
                case, Action.REPLACE, When.SERVICE, reason, there, changes=changes, progress=progress
            )
        if there:
            reason = f"{there.deployed_model} serves no more and has the name that the new one needs"
            return replace(deletion_step(case, old, reason), changes=changes)
    return live_step(
        case,
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
    case: DeploymentCase,
    reason: str,
    action: Action = Action.DEPLOY,
) -> Planned:
    changes = config_changes(case, None)
    if unsettled := _unsettled(case, action, changes):
        return Planned(unsettled)
    known = case.target.model_name is not None
    step = Step(
        case.address,
        action,
        When.NOW if known else When.LATER,
        reason,
        after=() if known or case.target.upstream is None else (case.target.upstream,),
        changes=changes,
        summary=spell_capacity(case.spec),
        effect=_deploy(case) if known else None,
    )
    return Planned(step, ProvidedModel(model_name=case.target.model_name))


def _unsettled(case: DeploymentCase, action: Action, changes: tuple[Change, ...]) -> Step | None:
    """It is too early to call again: what the lost call made may not be listed yet."""
    intent = case.context.intent(case.address)
    if not intent or intent.verb != Verb.DEPLOY or not case.context.settling(intent):
        return None
    reason = "the answer to the deploy call was lost; waiting to see whether it appears"
    progress = Progress("UNKNOWN")
    return Step(case.address, action, When.SERVICE, reason, changes=changes, progress=progress)


def _deploy(case: DeploymentCase) -> Deploy:
    assert case.target.model_name is not None  # noqa: S101 - the callers looked
    address = case.address
    taken = (
        case.target.model_name in case.context.snapshot.deployment_by_id
    )  # by whomever: the call would be refused
    sent = sent_with(case.target, case.spec, shared=case.target.shared or taken)
    identity, name, intent = config_identity(sent), deployed_name(sent), case.context.intent(address)
    nobody_elses = name not in case.context.claimed and name not in case.context.entry(address).disowned
    asked_for = sent["suffix"] is not None or (intent is not None and intent.identity == identity)
    seen = case.context.snapshot.deployment_names
    return Deploy(address, identity, sent, case.spec.protect, seen, ours_if_there=nobody_elses and asked_for)
