"""The plans that deploy: beside the one that serves, once the old one is gone, or for the first time."""

from dataclasses import replace

from wanctl.base.words import spell_span
from wanctl.kinds.context import Planned, ProvidedModel
from wanctl.kinds.deployment.case import (
    FIELDS,
    DeploymentCase,
    deletion_step,
    lift_protection,
    unless_refused,
)
from wanctl.kinds.deployment.deploying import DeleteDeployment, Deploy, HandBack, deployed_name
from wanctl.language.models import Strategy
from wanctl.ledger.record import Generation, Verb
from wanctl.plan import Action, Change, FieldClass, Step, When
from wanctl.studio.objects import LiveDeployment

OUT_OF_SERVICE = "delete and deploy again: out of service 5–10 minutes, irreversible"


def plan_replace(case: DeploymentCase, live: LiveDeployment, changes: tuple[Change, ...]) -> Planned:
    """A new model name, or blue and green: the new one first. Else the old one has to go first."""
    if case.guarded:
        return plan_protected(case, live, changes)
    if back := _plan_hand_back(case, live):
        return back
    new_model = live.model_name != case.target.model_name
    if new_model or case.spec.strategy is Strategy.BLUE_GREEN:
        return Planned(_deploy_beside(case, live, changes))
    step = case.step(
        Action.REPLACE,
        When.NOW,
        _why_replace(changes, ", and the service cannot change it in place"),
        live,
        changes=changes,
        warning=OUT_OF_SERVICE,
        hints=("strategy: blue_green deploys the new one first",),
        effect=DeleteDeployment(case.address, live.deployed_model, str(live.status)),
    )
    return Planned(unless_refused(step, live, case.context))


def plan_protected(case: DeploymentCase, live: LiveDeployment, changes: tuple[Change, ...]) -> Planned:
    """A replacement is wanted, and would delete what is protected."""
    step = case.step(
        Action.REPLACE,
        When.BLOCKED,
        f"{live.deployed_model} is protected and a replacement deletes it",
        live,
        changes=changes,
        hints=(lift_protection(case.resource), "or write strategy: blue_green: the new one takes over first"),
    )
    return Planned(step)


def _plan_hand_back(case: DeploymentCase, live: LiveDeployment) -> Planned | None:
    """The one before serves still and is what the spec wants again: nothing has to be deployed."""
    for one in reversed(case.known.retiring):
        there, changes = case.standing(one), case.changes_from(one)
        if there and there.running and not any(change.path != "capacity" for change in changes):
            break
    else:
        return None
    effect = HandBack(case.address, there.deployed_model, case.spec.protect)
    warning = f"callers need {there.deployed_model} again; {live.deployed_model} is deleted {_end(case)}"
    if case.known.unproven(live.deployed_model):
        warning = f"{live.deployed_model}, which did not pass its checks, is deleted"
    step = case.step(
        Action.REPLACE,
        When.NOW,
        f"{there.deployed_model} still serves, and is as the spec wants it: it takes over again",
        live,
        changes=case.changes_from(case.known.current),
        warning=warning,
        effect=effect,
    )
    return Planned(step, ProvidedModel(model_name=there.model_name))


def _deploy_beside(case: DeploymentCase, live: LiveDeployment, changes: tuple[Change, ...]) -> Step:
    """The new one first. An older one that still has the name which it needs goes before that."""
    if case.settling(Verb.DEPLOY):
        return case.wait_for_lost(Action.REPLACE, "the deploy call", "it appears", changes=changes)
    effect = case.deploy_call(beside=live.model_name == case.target.model_name)
    if freeing := _free_the_name(case, effect):
        return replace(freeing, changes=changes)
    others = [one.remote_id for one in case.known.retiring if case.standing(one)]
    new_model = live.model_name != case.target.model_name
    whose = f": {case.target.origin}" if new_model and case.target.origin else ""
    return case.step(
        Action.REPLACE,
        When.NOW,
        _why_replace(changes) + whose,
        live,
        ends=(live.deployed_model, *others) if others else (),
        changes=changes,
        warning=_handover(case, live.deployed_model, deployed_name(effect.sent)),
        effect=effect,
    )


def _free_the_name(case: DeploymentCase, effect: Deploy) -> Step | None:
    """The step that ends an older one which has the name that the new one needs, if there is one."""
    for old in case.known.retiring:
        same_name = all(old.inputs.get(key) == effect.sent[key] for key in ("model_name", "suffix"))
        there = case.standing(old) if same_name else None
        if there and there.leaving:
            reason = f"{there.deployed_model} is being deleted; its name is free afterwards"
            return case.leaving_step(Action.REPLACE, reason, there)
        if there:
            reason = f"{there.deployed_model} serves no more and has the name that the new one needs"
            return deletion_step(case, old, reason)
    return None


def _why_replace(changes: tuple[Change, ...], excuse: str = "") -> str:
    in_place = any(FIELDS.rule(change.path).field_class is FieldClass.WRITE_ONLY for change in changes)
    return FIELDS.why(changes) + (excuse if in_place else "")


def _handover(case: DeploymentCase, old: str, new: str) -> str:
    """Callers name the deployment: a new name is theirs to change, too."""
    called = "" if new == old else f" as {new}, which callers need"
    return f"the new one is deployed first{called}; {old} is deleted {_end(case)}"


def _end(case: DeploymentCase) -> str:
    kept, then = case.spec.kept_seconds, "its checks have passed" if case.spec.checks else "it serves"
    return f"{spell_span(kept)} after {then}" if kept else f"once {then}"


def plan_retired(case: DeploymentCase) -> Planned | None:
    """In the middle of delete-and-deploy-again: the old one was told to go, the new one is not there yet."""
    if case.known.current is not None or not case.known.retiring:
        return None
    last = case.known.retiring[-1]
    still_there = [one for one in case.known.retiring if case.standing(one)]
    if not still_there:
        return plan_redeploy(case, last)
    live, changes = case.standing(still_there[0]), case.changes_from(last)
    if live and live.leaving:
        reason = f"{live.deployed_model} is being deleted; the new one follows"
        return Planned(case.leaving_step(Action.REPLACE, reason, live, changes=changes))
    step = deletion_step(case, still_there[0], "the old one goes first", served=False)
    return Planned(replace(step, changes=changes))


def plan_redeploy(case: DeploymentCase, old: Generation) -> Planned:
    """The second half of a replacement shows the same changes as the first."""
    planned = plan_deploy(case, "the old one is gone", Action.REPLACE)
    return replace(planned, step=replace(planned.step, changes=case.changes_from(old)))


def plan_deploy(case: DeploymentCase, reason: str, action: Action = Action.DEPLOY) -> Planned:
    """Nothing of it stands: it is deployed as soon as its model is there."""
    changes = case.changes_from(None)
    if case.settling(Verb.DEPLOY):
        return Planned(case.wait_for_lost(action, "the deploy call", "it appears", changes=changes))
    known, upstream = case.target.model_name is not None, case.target.upstream
    step = case.step(
        action,
        When.NOW if known else When.LATER,
        reason,
        after=() if known or upstream is None else (upstream,),
        changes=changes,
        summary=case.summary,
        effect=case.deploy_call() if known else None,
    )
    return Planned(step, ProvidedModel(model_name=case.target.model_name))
