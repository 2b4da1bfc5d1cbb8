"""Deployment: a model that serves, with the aigc_config that the service takes and never gives back.

This file plans one. What the case holds is in `case`; how one takes another's place in `replacing`, and what
it has to show before in `checking`; what the ledger does not know in `unrecorded`; the end in `removal`; the
calls in `deploying` and `asking`.
"""

from dataclasses import replace
from datetime import timedelta

from wanctl.base.words import listed
from wanctl.finding import Finding, Severity
from wanctl.kinds.context import Context, Planned, ProvidedModel
from wanctl.kinds.deployment.case import (
    FIELDS,
    NOTHING_TO_SERVE,
    PLAIN_NAME,
    DeploymentCase,
    deletion_step,
    named,
    status_step,
    target_of,
)
from wanctl.kinds.deployment.deploying import Protect, Scale
from wanctl.kinds.deployment.replacing import (
    plan_deploy,
    plan_protected,
    plan_redeploy,
    plan_replace,
    plan_retired,
)
from wanctl.kinds.deployment.unrecorded import plan_unrecorded, plan_unverified, with_account, without_guess
from wanctl.kinds.deployment.untold import with_untold
from wanctl.language.models import Deployment, State
from wanctl.language.resources import Resource
from wanctl.ledger.record import CHECKING, Entry, Generation, Verb
from wanctl.plan import Action, Change, Step, When
from wanctl.rules import Rule
from wanctl.studio.objects import LiveDeployment


def plan_deployment(resource: Resource, context: Context) -> Planned:
    """Deploy, scale, replace or leave alone; protection changes come first and alone."""
    spec, address = resource.spec, resource.address
    assert isinstance(spec, Deployment)  # noqa: S101 - the registry pairs each kind with its model
    recorded = context.entry(address)
    if spec.state is State.ABSENT:
        case = DeploymentCase(resource, context, NOTHING_TO_SERVE, recorded)
        lifting = _plan_protection(case) if case.protected else None
        if lifting:
            return lifting
        from wanctl.kinds.deployment.removal import plan_removal

        return plan_removal(address, context, context.why_gone, ())
    target = target_of(address, spec, context)
    case = with_account(DeploymentCase(resource, context, target, recorded))
    learn = case.known if case.known != recorded else None
    planned = with_untold(case, _with_note(case, without_guess(case, _plan_present(case))))
    planned = replace(planned, step=_with_coming_checks(case, planned.step))
    name = () if target.model_name is None or target.shared else ((PLAIN_NAME, target.model_name),)
    return replace(
        planned,
        learn=_without_former(planned, recorded, planned.learn or learn),
        claims=name,
        answered=planned.answered or any(map(case.calling, CHECKING)),  # the entry has it now
    )


def _without_former(planned: Planned, recorded: Entry, learn: Entry | None) -> Entry | None:
    """What was recognised once, and is not what serves for it any more, is forgotten."""
    entry = learn or recorded
    known = entry.current.remote_id if entry.current else None
    kept = tuple(one for one in entry.recognised if one == planned.step.remote_id != known)
    return learn if kept == entry.recognised else entry.model_copy(update={"recognised": kept})


def _with_note(case: DeploymentCase, planned: Planned) -> Planned:
    """Templates that have no effect are not worth an outage; a person should know that they were not sent."""
    keys = case.unsent_templates()
    if not keys or not planned.step.settled:
        return planned
    verb = "is" if len(keys) == 1 else "are"
    note = Finding(
        Severity.ADVICE,
        f"{listed(keys)} changed and {verb} not sent: "
        "with use_input_prompt: true the service does not use it",
        case.address,
        hint="it goes along with the next deployment",
        place=case.resource.at(f"aigc_config.{keys[0]}"),
        rule=Rule.TEMPLATE_UNSENT,
    )
    return replace(planned, findings=(*planned.findings, note))


def _plan_present(case: DeploymentCase) -> Planned:
    return (
        _plan_protection(case)
        or plan_retired(case)
        or _plan_current(case)
        or plan_unrecorded(case)
        or _plan_first(case)
    )


def _plan_protection(case: DeploymentCase) -> Planned | None:
    """A plan of its own; what else changed is named, and comes in the next one."""
    current, wanted = case.known.current, case.spec.protect
    if current is None or case.protected == wanted:
        return None
    action, reason = Action.PROTECT, "protect: true guards it from deletion, also when its document is gone"
    if case.protected:
        action, reason = Action.UNPROTECT, "from then on it can be replaced and deleted"
    others = case.changes_from(current) if case.spec.state is State.PRESENT else ()
    if others:
        verb = "is" if len(others) == 1 else "are"
        reason += f"; {listed(change.path for change in others)} {verb} changed too, in the plan after this"
    step = Step(
        case.address,
        action,
        When.NOW,
        reason,
        remote_id=current.remote_id,
        changes=(FIELDS.change("protect", case.protected, wanted),),
        effect=Protect(case.address, wanted),
    )
    return Planned(step, ProvidedModel(model_name=current.inputs.get("model_name")))


def _plan_current(case: DeploymentCase) -> Planned | None:
    """The ledger knows one: it serves, it changed, or it is not there any more."""
    current = case.known.current
    if current is None:
        return None
    live = case.standing(current)
    if live is None and (other := named(current, case.context)):
        why = "was deployed again by somebody since the ledger was written"
        return plan_unverified(case, other, why, "it is not what the ledger says of the one before")
    if live is None:
        return _plan_gone(case, current)
    if live.leaving:
        return Planned(_leaving(case, current, live))
    changes = case.changes_from(current)
    if case.target.model_name is None:
        return _plan_unknown_model(case, live, changes)
    if any(change.path != "capacity" for change in changes):
        return plan_replace(case, live, changes)
    if changes and live.running:
        return _plan_scale(case, live, changes)
    return _plan_serving(case, live)


def _plan_gone(case: DeploymentCase, current: Generation) -> Planned:
    """It was there and is not: our own interrupted replacement goes on, anything else is drift."""
    if case.calling(Verb.DELETE):
        return plan_redeploy(case, current)
    planned = plan_deploy(case, f"{current.remote_id} was deleted outside wanctl")
    return replace(planned, step=replace(planned.step, drift=True))


def _leaving(case: DeploymentCase, current: Generation, live: LiveDeployment) -> Step:
    """It is on its way out, by our own unanswered call or by somebody else; shown is what comes after it."""
    if case.calling(Verb.DELETE):
        reason, changes = f"{live.deployed_model} is being deleted", case.changes_from(current)
        return case.leaving_step(Action.REPLACE, reason, live, changes=changes)
    reason, changes = f"{live.deployed_model} is being deleted outside wanctl", case.changes_from(None)
    return case.leaving_step(Action.DEPLOY, reason, live, changes=changes, drift=True)


def _plan_unknown_model(case: DeploymentCase, live: LiveDeployment, changes: tuple[Change, ...]) -> Planned:
    if case.guarded:
        return plan_protected(case, live, changes)
    after = (case.target.upstream,) if case.target.upstream else ()
    reason = f"{live.deployed_model} serves until then"
    return Planned(case.step(Action.REPLACE, When.LATER, reason, live, after=after, changes=changes))


def _plan_scale(case: DeploymentCase, live: LiveDeployment, changes: tuple[Change, ...]) -> Planned:
    """Only the capacity differs; where the ledger has the one that is wanted, somebody else changed it."""
    capacity, recorded = case.spec.capacity, case.entry.current
    drift = recorded is not None and recorded.inputs.get("capacity") == capacity
    step = case.step(
        Action.SCALE,
        When.NOW,
        "it was scaled outside wanctl" if drift else FIELDS.why(changes),
        live,
        changes=changes,
        drift=drift,
        effect=Scale(case.address, live.deployed_model, capacity),
    )
    return Planned(step, ProvidedModel(model_name=case.target.model_name))


def _plan_serving(case: DeploymentCase, live: LiveDeployment) -> Planned:
    """It is what the spec wants; its status says whether it serves yet, and then the old one goes."""
    provided = ProvidedModel(model_name=live.model_name)
    old = [one for one in case.known.retiring if case.standing(one)]
    names = tuple(one.remote_id for one in old)
    if not live.running:
        return Planned(status_step(case, live, old=names), provided)
    case, checking = _checked(case, live, names)
    planned = Planned(checking, provided) if checking else _plan_checked(case, live, old, provided)
    learn = planned.learn or (case.known if case.known != case.entry else None)
    return replace(planned, learn=learn)


def _checked(
    case: DeploymentCase, live: LiveDeployment, old: tuple[str, ...]
) -> tuple[DeploymentCase, Step | None]:
    """As `checking` says it, which is imported where there are checks, or were some."""
    if case.spec.checks is None and not case.known.checks:
        return case, None
    from wanctl.kinds.deployment.checking import checked

    return checked(case, live, old)


def _with_coming_checks(case: DeploymentCase, step: Step) -> Step:
    if case.spec.checks is None:
        return step
    from wanctl.kinds.deployment.checking import with_coming_checks

    return with_coming_checks(case, step)


def _plan_checked(
    case: DeploymentCase, live: LiveDeployment, old: list[Generation], provided: ProvidedModel
) -> Planned:
    """It runs, and its checks have passed, if it has any: now the old one goes."""
    proven = [one for one in old if case.running(one) and not case.known.unproven(one.remote_id)]
    serving = proven[-1] if proven else None
    if not old:
        over = case.known.model_copy(update={"retiring": (), "handed_over": None, "refused": {}})
        own = {name: one for name, one in over.checks.items() if name == live.deployed_model}
        over = over.model_copy(update={"checks": own})
        return Planned(case.serving_step(live), provided, over if over != case.known else None)
    kept = _plan_kept(case, live, serving) if serving else None
    to_go = [one for one in old if not kept or one is not serving]
    if kept and not to_go:
        return replace(kept, provided=provided)
    leaving = case.standing(to_go[0])
    if leaving and leaving.leaving:
        reason = f"{live.deployed_model} serves; {to_go[0].remote_id} is being deleted"
        return Planned(case.leaving_step(Action.REPLACE, reason, leaving), provided)
    step = deletion_step(case, to_go[0], f"{live.deployed_model} serves; the old one goes")
    return Planned(step, provided, learn=kept.learn if kept else None)


def _plan_kept(case: DeploymentCase, live: LiveDeployment, old: Generation) -> Planned | None:
    """The one that served before serves on for a while, so that callers have time; None once that is over."""
    now = case.context.snapshot.observed_at
    since = case.known.handed_over or now
    until = since + timedelta(seconds=case.spec.kept_seconds)
    if until <= now:
        return None
    entry = case.known.model_copy(update={"handed_over": since})
    end = f"{until:%Y-%m-%d %H:%M} {until.tzname()}"
    finding = Finding(
        Severity.ADVICE,
        f"{old.remote_id} serves as well until {end}; an apply after that deletes it",
        case.address,
        hint=f"to end it sooner, write keep_old: 0s at {case.resource.at('keep_old')}",
        rule=Rule.OLD_KEPT,
    )
    learn = entry if entry != case.entry else None
    return Planned(case.serving_step(live), learn=learn, findings=(finding,))


def _plan_first(case: DeploymentCase) -> Planned:
    planned = plan_deploy(case, "not deployed yet")
    return replace(planned, step=replace(planned.step, routine=True))
