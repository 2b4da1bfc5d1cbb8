"""Deployments that the ledger does not know: found again by what they serve, or left to a person."""

from wanctl.address import Address
from wanctl.finding import Finding, Severity
from wanctl.kinds.context import Context, Planned, ProvidedModel
from wanctl.kinds.deployment.deploying import config_identity, deployed_name, with_deployed
from wanctl.kinds.deployment.echoed_config import differences, echoed_config
from wanctl.kinds.deployment.serving import (
    DeploymentCase,
    Target,
    config_changes,
    live_step,
    sent_with,
    spell_capacity,
    standing,
    status_step,
)
from wanctl.kinds.deployment.suffixes import suffix_of, unclaimed
from wanctl.language.models import Deployment
from wanctl.language.resources import Resource
from wanctl.ledger.record import Entry, Generation, Verb
from wanctl.plan import Action, Progress, Step, When
from wanctl.rules import Rule
from wanctl.studio.objects import LiveDeployment


def with_intent_result(address: Address, context: Context) -> Entry:
    """The entry, completed by the deployment that an unanswered call left behind, if it is to be seen.

    One of another name is somebody else's, whenever it came.
    """
    entry, intent = context.entry(address), context.intent(address)
    if not intent or intent.verb != Verb.DEPLOY:
        return entry
    sent = {key: value for key, value in intent.inputs.items() if key != "protect"}
    live = context.snapshot.deployment_by_id.get(deployed_name(sent))
    if live is None or live.model_name != sent["model_name"] or live.deployed_model in intent.seen:
        return entry
    if context.claimed.get(live.deployed_model, str(address)) != str(address):
        return entry
    made = Generation(
        remote_id=live.deployed_model,
        identity=intent.identity,
        inputs=sent,
        since=intent.at,
        created=live.gmt_create,
    )
    return with_deployed(entry, made, intent.inputs.get("protect", entry.protected))


def with_echoed_by_name(
    resource: Resource, spec: Deployment, target: Target, entry: Entry, context: Context
) -> Entry:
    """The entry, completed by the deployment whose suffix says that it was given this very config."""
    if entry.current or target.model_name is None or context.intent(resource.address):
        return entry
    named = [
        (one, suffix)
        for one in unclaimed(target.model_name, entry, context)
        if (suffix := suffix_of(one, target.suffixes))
    ]
    if len(named) != 1:
        return entry
    live, suffix = named[0]
    capacity = spec.capacity if live.capacity is None else live.capacity
    sent = {**sent_with(target, spec, shared=True), "capacity": capacity, "suffix": suffix}
    made = Generation(
        remote_id=live.deployed_model,
        identity=config_identity(sent),
        inputs=sent,
        since=context.snapshot.observed_at,
        created=live.gmt_create,
    )
    return entry.model_copy(update={"current": made})


def with_echoed_capacity(entry: Entry, context: Context) -> Entry:
    """The entry with the capacity that the service tells, where it tells one: somebody may have scaled it."""
    current = entry.current
    live = standing(current, context) if current else None
    if current is None or live is None or live.capacity is None or not live.running:
        return entry
    sent = {**current.inputs, "capacity": live.capacity}
    told = current.model_copy(update={"inputs": sent, "identity": config_identity(sent)})
    return entry if sent == current.inputs else entry.model_copy(update={"current": told})


def plan_unrecorded(case: DeploymentCase) -> Planned | None:
    """The ledger knows no deployment; the account may still hold ours, or somebody else's."""
    if case.target.model_name is None:
        return None
    live = unclaimed(case.target.model_name, case.context.entry(case.address), case.context)
    named = [one for one in live if suffix_of(one, case.target.suffixes)]
    live = named or _nobody_elses(live, case.target, case.resource, case.context)
    if not live:
        return None
    if any(one.leaving for one in live):
        reason = f"{live[0].deployed_model} is being deleted; its name is free afterwards"
        progress = Progress(str(live[0].status))
        changes = config_changes(case, None)
        step = live_step(
            case, Action.DEPLOY, When.SERVICE, reason, live[0], changes=changes, progress=progress
        )
        return Planned(step)
    if len(live) > 1 or not case.target.owned:
        return Planned(_plan_doubt(case, live))
    return plan_unverified(case, live[0], "is ours by its model", "not readable from the API and no record")


def _nobody_elses(
    live: list[LiveDeployment], target: Target, resource: Resource, context: Context
) -> list[LiveDeployment]:
    """Without those that another Deployment's suffix is on; one that shares a model knows its own by that."""
    if target.shared:
        return []
    suffixes = {one.deployed_model: one.deployed_model.rpartition("-")[2] for one in live}
    owners = {name: context.suffix_owners.get(suffix, resource.address) for name, suffix in suffixes.items()}
    return [one for one in live if owners[one.deployed_model] == resource.address]


def _plan_doubt(case: DeploymentCase, live: list[LiveDeployment]) -> Step:
    names = ", ".join(one.deployed_model for one in live)
    reason = f"more than one deployment of {case.target.model_name} is live: {names}"
    if not case.target.owned:
        reason = f"{names} is live and not ours"
    return Step(
        case.address,
        Action.ADOPT,
        When.BLOCKED,
        reason,
        remote_id=live[0].deployed_model,
        hints=tuple(
            f"to take it over: wanctl adopt {case.address} {one.deployed_model}  ·  "
            f"to leave it alone: wanctl adopt {case.address} --not {one.deployed_model}"
            for one in live
        ),
    )


def plan_unverified(case: DeploymentCase, live: LiveDeployment, why: str, unknown: str) -> Planned:
    """It serves our model, and not by a call that we know of: a person can trust its aigc_config, not we."""
    step = status_step(case, live, replacing=False)
    if live.running:
        step = live_step(case, Action.NOTHING, When.DONE, "serving", live, summary=spell_capacity(case.spec))
    finding = _unverified(case, live, why, unknown)
    return Planned(step, ProvidedModel(model_name=live.model_name), findings=(finding,) if finding else ())


def _unverified(case: DeploymentCase, live: LiveDeployment, why: str, unknown: str) -> Finding | None:
    """What nobody can vouch for, and what a person can do; None where the service itself vouches for it."""
    told = echoed_config(live)
    other = differences(told, case.spec.aigc_config.sent()) if told is not None else ()
    if told is not None and not other:
        return None
    name, adopt = live.deployed_model, f"wanctl adopt {case.address} {live.deployed_model}"
    message = f"{name} {why}; its aigc_config is unverified: {unknown}. An edit of it would go unnoticed"
    hint = (
        f"to trust that it is as the spec says: {adopt}; "
        f"to be sure: the same, then attempt: {case.spec.attempt + 1} in the spec, which deploys again"
    )
    if other:
        message = f"{name} {why}, and tells another aigc_config than the spec: {'; '.join(other)}"
        hint = f"to have the next plan replace it: {adopt}; to keep it: write into the spec what it tells"
    place = case.resource.places.get("aigc_config", case.resource.origin) if other else case.resource.origin
    return Finding(
        Severity.WARNING,
        message,
        case.address,
        hint=hint,
        place=place,
        rule=Rule.CONFIG_UNVERIFIED,
    )
