"""The end of a Deployment: last of all, never a protected one, and forgotten once it is gone."""

from wanctl.address import Address
from wanctl.finding import Finding, Severity
from wanctl.kinds.context import Context, Planned
from wanctl.kinds.deployment.case import lift_protection, standing, unless_refused
from wanctl.kinds.deployment.deploying import DeleteDeployment
from wanctl.kinds.deployment.unrecorded import with_intent_result
from wanctl.language.resources import Resource
from wanctl.ledger.record import Entry, Generation, Verb
from wanctl.plan import Action, Progress, Step, When
from wanctl.rules import Rule


def plan_removal(address: Address, context: Context, why: str, first: tuple[Address, ...]) -> Planned:
    """Delete what the ledger knows of a Deployment, or what a lost call left; forget it once it is gone."""
    entry, intent = with_intent_result(address, context), context.intent(address)
    learn = entry if entry != context.entry(address) else None
    known = [*((entry.current,) if entry.current else ()), *entry.retiring]
    still_there = [one for one in known if standing(one, context)]
    if not still_there and intent and intent.verb == Verb.DEPLOY and context.settling(intent):
        reason = f"{why}; the answer to its deployment was lost: waiting to see whether it appears"
        return Planned(Step(address, Action.DELETE, When.SERVICE, reason, progress=Progress("UNKNOWN")))
    if not still_there and entry.protected:
        return Planned(_absent(address), findings=(_protected_and_gone(address, known),))
    if not still_there:
        forget = Entry(disowned=entry.disowned)
        something = known or entry.recognised or entry.trial
        return Planned(_absent(address), learn=forget if something else None, answered=intent is not None)
    live = standing(still_there[0], context)
    assert live is not None  # noqa: S101 - it stands
    if live.leaving:
        progress = Progress(str(live.status))
        reason = f"{live.deployed_model} is being deleted"
        step = Step(
            address, Action.DELETE, When.SERVICE, reason, remote_id=live.deployed_model, progress=progress
        )
        return Planned(step, learn=learn)
    resource = context.desired.resources.get(address)
    written = resource is not None and getattr(resource.spec, "protect", False)
    if entry.protected or written:
        step = Step(
            address,
            Action.DELETE,
            When.BLOCKED,
            f"{why}, but {live.deployed_model} is protected",
            remote_id=live.deployed_model,
            hints=(_how_to_lift(resource),),
        )
        return Planned(step, learn=learn)
    step = Step(
        address,
        Action.DELETE,
        When.LATER if first else When.NOW,
        why,
        after=first,
        remote_id=live.deployed_model,
        warning="irreversible; calls to it fail from then on",
        effect=None if first else DeleteDeployment(address, live.deployed_model, str(live.status)),
    )
    return Planned(unless_refused(step, live, context), learn=learn)


def plan_trial(address: Address, context: Context) -> Planned:
    """A trial is left alone until its time is over, and deleted then, whatever became of the run that began
    it."""
    entry, intent = with_intent_result(address, context), context.intent(address)
    trial = context.entry(address).trial
    assert trial is not None  # noqa: S101 - the caller looked
    live = standing(entry.current, context) if entry.current else None
    ended = context.snapshot.observed_at >= trial.until or entry.retiring or (live and live.leaving)
    gone = entry.current is not None and live is None
    if ended or gone:
        return plan_removal(address, context, f"the trial of {trial.label} is over", ())
    learn = entry if entry != context.entry(address) else None
    zone = f" {trial.until.tzname()}" if trial.until.tzname() else ""
    made = "" if live else ", and is not deployed yet" if not intent else ", and is being deployed"
    finding = Finding(
        Severity.ADVICE,
        f"it is a trial of {trial.label} until {trial.until:%Y-%m-%d %H:%M}{zone}{made}; an apply after that "
        "deletes it",
        address,
        hint=f"to end it now: wanctl try --end {address.name}",
        rule=Rule.TRIAL,
    )
    remote_id = live.deployed_model if live else None
    step = Step(address, Action.NOTHING, When.DONE, "a trial", remote_id=remote_id)
    return Planned(step, learn=learn, findings=(finding,))


def _how_to_lift(resource: Resource | None) -> str:
    if resource is None:
        return "bring its document back with protect: false and apply that first"
    return lift_protection(resource)


def _absent(address: Address) -> Step:
    return Step(address, Action.NOTHING, When.DONE, "absent, as wanted")


def _protected_and_gone(address: Address, known: list[Generation]) -> Finding:
    """Perhaps the key is of another account, where nothing of ours stands: no protection is lost by that."""
    names = ", ".join(one.remote_id for one in known) or "nothing"
    return Finding(
        Severity.WARNING,
        f"{address} is protected in the ledger, and {names} is not in this account",
        address,
        hint="check the key; if it was deleted on purpose, bring its document back with protect: false",
        rule=Rule.PROTECTED_GONE,
    )
