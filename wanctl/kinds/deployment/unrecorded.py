"""A Deployment of which the ledger does not know all: found again in the account, or left to a person.

The service as documented does not give an aigc_config back: it is known from the ledger, from the suffix of a
name, from a service that echoes it after all, or from a person who adopts. `aigc_config: {unknown: true}` in
the specs, or None in the ledger, says that nobody knows it: what has it goes on serving, and no other
deployment is made from a guess.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from wanctl.address import Address
from wanctl.base.words import listed, quoted
from wanctl.finding import Finding, Severity
from wanctl.kinds.context import Context, Planned, ProvidedModel
from wanctl.kinds.deployment.case import DeploymentCase, live_by_name, status_step, suffix_of, upstream_of
from wanctl.kinds.deployment.deploying import config_identity, deployed_name, with_deployed
from wanctl.kinds.kind import Adopting, AdoptionRefused
from wanctl.language.models import AigcConfig, Deployment, effective_config
from wanctl.language.resources import Resource
from wanctl.ledger.record import CHECKING, Entry, Generation, Verb
from wanctl.plan import Action, Step, When
from wanctl.rules import Rule
from wanctl.studio.objects import LiveDeployment

# The entry, completed by what the account shows


def with_account(case: DeploymentCase) -> DeploymentCase:
    """The case with its entry completed by what the account shows of this Deployment."""
    case = replace(case, known=with_intent_result(case.address, case.context))
    case = replace(case, known=_with_open_check(case))
    case = replace(case, known=_with_own_suffix(case))
    return replace(case, known=_with_live_capacity(case))


def _with_open_check(case: DeploymentCase) -> Entry:
    """The entry with what an open call of the checks may have done."""
    if case.intent is None or case.intent.verb not in CHECKING:
        return case.known
    from wanctl.kinds.deployment.asking import with_unanswered
    from wanctl.kinds.deployment.verdicts import with_lost_verdict

    return with_lost_verdict(with_unanswered(case.known, case.intent), case.intent)


def with_intent_result(address: Address, context: Context) -> Entry:
    """The entry, completed by the deployment that an unanswered call left behind, if it is to be seen.

    One of another name is somebody else's, whenever it came.
    """
    entry, intent = context.entry(address), context.intent(address)
    if not intent or intent.verb != Verb.DEPLOY:
        return entry
    sent = {key: value for key, value in intent.inputs.items() if key not in {"protect", "checks"}}
    live = live_by_name(deployed_name(sent), context)  # one replaced has gone, and may have had the same name
    if (
        live is None
        or live.model_name not in {None, sent["model_name"]}
        or live.deployed_model in intent.seen
    ):
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
    protect, checks = intent.inputs.get("protect", entry.protected), intent.inputs.get("checks")
    return with_deployed(entry, made, protect, checks)


def _with_own_suffix(case: DeploymentCase) -> Entry:
    """The entry, completed by the deployment whose suffix says that it was given this very config."""
    if case.known.current or case.intent:
        return case.known
    ours = [(one, suffix) for one in case.unclaimed() if (suffix := suffix_of(one, case.target.suffixes))]
    if len(ours) != 1:
        return case.known
    live, suffix = ours[0]
    capacity = case.spec.capacity if live.capacity is None else live.capacity
    sent = {**case.sent(shared=True), "capacity": capacity, "suffix": suffix}
    made = Generation(
        remote_id=live.deployed_model,
        identity=config_identity(sent),
        inputs=sent,
        since=case.context.snapshot.observed_at,
        created=live.gmt_create,
    )
    return case.known.model_copy(update={"current": made})


def _with_live_capacity(case: DeploymentCase) -> Entry:
    """The entry with the capacity that the service gives, where it gives one: somebody may have scaled it."""
    current = case.known.current
    live = case.standing(current) if current else None
    if current is None or live is None or live.capacity is None or not live.running:
        return case.known
    sent = {**current.inputs, "capacity": live.capacity}
    if sent == current.inputs:
        return case.known
    scaled = current.model_copy(update={"inputs": sent, "identity": config_identity(sent)})
    return case.known.model_copy(update={"current": scaled})


# Deployments that the ledger does not have


def plan_unrecorded(case: DeploymentCase) -> Planned | None:
    """The ledger knows no deployment; the account may still hold ours, or somebody else's."""
    live = case.unclaimed()
    live = [one for one in live if suffix_of(one, case.target.suffixes)] or _nobody_elses(case, live)
    if not live:
        return None
    if any(one.leaving for one in live):
        reason = f"{live[0].deployed_model} is being deleted; its name is free afterwards"
        changes = case.changes_from(None)
        return Planned(case.leaving_step(Action.DEPLOY, reason, live[0], changes=changes))
    if len(live) > 1 or not case.target.owned or _perhaps_of(case, live[0]):
        return Planned(_ask_a_person(case, live))
    return plan_unverified(case, live[0], "is ours by its model", "not readable from the API and no record")


def _nobody_elses(case: DeploymentCase, live: list[LiveDeployment]) -> list[LiveDeployment]:
    """Without those that another Deployment's suffix is on; one that shares a model knows its own by that."""
    if case.target.shared:
        return []
    owners, address = case.context.suffix_owners, case.address
    return [one for one in live if owners.get(one.deployed_model.rpartition("-")[2], address) == address]


def _perhaps_of(case: DeploymentCase, live: LiveDeployment) -> str:
    """The environments that may have deployed it: they deploy models of this one, by a name with a suffix of
    theirs, and their ledgers cannot be read here."""
    others = case.context.snapshot.elsewhere.unread
    ours = live.deployed_model == live.model_name or suffix_of(live, case.target.suffixes)
    return listed(others, "or") if others and not ours else ""


def _ask_a_person(case: DeploymentCase, live: list[LiveDeployment]) -> Step:
    names = ", ".join(one.deployed_model for one in live)
    reason = f"more than one deployment of {case.target.model_name} is live: {names}"
    if not case.target.owned:
        reason = f"{names} is live and not ours"
    elif others := _perhaps_of(case, live[0]):
        reason = f"{names} is live, and may be of {others}, whose ledger cannot be read here"
    hints = tuple(
        f"to take it over: wanctl adopt {case.address} {one.deployed_model}  ·  "
        f"to leave it alone: wanctl adopt {case.address} --not {one.deployed_model}"
        for one in live
    )
    return case.step(Action.ADOPT, When.BLOCKED, reason, live[0], hints=hints)


def plan_unverified(case: DeploymentCase, live: LiveDeployment, why: str, unknown: str) -> Planned:
    """It serves our model, and not by a call that we know of: a person can trust its aigc_config, not we."""
    step = case.serving_step(live) if live.running else status_step(case, live)
    finding = _unverified(case, live, why, unknown)
    seen = case.known.model_copy(update={"recognised": (live.deployed_model,)})
    return Planned(
        step,
        ProvidedModel(model_name=live.model_name),
        learn=seen if seen != case.entry else None,
        findings=(finding,) if finding else (),
    )


def _unverified(case: DeploymentCase, live: LiveDeployment, why: str, unknown: str) -> Finding | None:
    """The warning that its config is not known for sure; None where the service gives the very config."""
    other = _differs_from_spec(case, live)
    if other == ():
        return None
    name, adopt = live.deployed_model, f"wanctl adopt {case.address} {live.deployed_model}"
    if other:
        message = f"{name} {why}, and tells another aigc_config than the spec: {'; '.join(other)}"
        hint = f"to have the next plan replace it: {adopt}; to keep it: write into the spec what it tells"
        return _finding(case, message, hint)
    message = f"{name} {why}; its aigc_config is unverified: {unknown}. An edit of it would go unnoticed"
    hint = (
        f"to trust that it is as the spec says: {adopt}; "
        f"to be sure: the same, then attempt: {case.spec.attempt + 1} in the spec, which deploys again"
    )
    return replace(_finding(case, message, hint), place=case.resource.origin)


# Configs that nobody knows


def without_guess(case: DeploymentCase, planned: Planned) -> Planned:
    """The plan, held back where it would deploy a config that nobody knows, with a warning of that."""
    step, current = planned.step, case.entry.current
    if case.spec.aigc_config.unknown:
        message = f"the aigc_config of {step.remote_id or case.address} is unknown: not readable from the API"
        adopt = f", then, to trust it: wanctl adopt {case.address} {step.remote_id}" if step.remote_id else ""
        finding = _finding(case, message, f"write it there{adopt}")
        return replace(planned, step=_held_back(case, step), findings=(finding,))
    if current is None or current.remote_id != step.remote_id or not step.settled:
        return planned
    found = _adopted_unseen(case, current.remote_id) if current.inputs.get("aigc_config") is None else None
    found = found or _echoed_otherwise(case, current.remote_id)
    return replace(planned, findings=(*planned.findings, found)) if found else planned


def _held_back(case: DeploymentCase, step: Step) -> Step:
    if step.action not in {Action.DEPLOY, Action.REPLACE} or step.when not in {When.NOW, When.LATER}:
        return step
    return replace(
        step,
        when=When.BLOCKED,
        reason=f"{step.reason}; its aigc_config is unknown, and none is guessed",
        after=(),
        warning=None,
        hints=(f"write aigc_config at {case.resource.at('aigc_config')}",),
        effect=None,
    )


def _adopted_unseen(case: DeploymentCase, name: str) -> Finding:
    return _finding(
        case,
        f"the aigc_config of {name} is unverified: it was adopted without one",
        f"to trust that it is as the spec says: wanctl adopt {case.address} {name}; "
        f"to deploy again with it: attempt: {case.spec.attempt + 1}",
    )


def _echoed_otherwise(case: DeploymentCase, name: str) -> Finding | None:
    """It was sent what the spec says, and a service that gives it back tells something else."""
    live = case.context.snapshot.deployment_by_id.get(name)
    other = _differs_from_spec(case, live) if live else None
    if not other:
        return None
    return _finding(
        case,
        f"{name} tells another aigc_config than it was sent: {'; '.join(other)}",
        f"to deploy again with what the spec says: attempt: {case.spec.attempt + 1}",
    )


def _finding(case: DeploymentCase, message: str, hint: str) -> Finding:
    place = case.resource.places.get("aigc_config", case.resource.origin)
    return Finding(
        Severity.WARNING, message, case.address, hint=hint, place=place, rule=Rule.CONFIG_UNVERIFIED
    )


# Adoption: a person says that a deployment is theirs


async def adopt_deployment(adopting: Adopting, spec: Deployment) -> tuple[Generation, str]:
    """Check that it serves the model of the spec; the sentence says what was compared."""
    resource, deployed_model = adopting.resource, adopting.remote_id
    live = await adopting.studio.deployments.get(deployed_model)
    upstream = upstream_of(spec)
    model_name = adopting.context.model(upstream).model_name if upstream else spec.model_name
    if model_name is None:
        raise AdoptionRefused(f"the model that {resource.address} is to serve is not there yet")
    if live.model_name and live.model_name != model_name:
        raise AdoptionRefused(
            f"{deployed_model} serves {live.model_name}, and {resource.address} wants {model_name}"
        )
    echoed, written = echoed_config(live), None if spec.aigc_config.unknown else spec.aigc_config.sent()
    differs = echoed is not None and (written is None or differences(echoed, written))
    sent = {
        "model_name": model_name,
        "capacity": spec.capacity if live.capacity is None else live.capacity,
        "aigc_config": echoed if differs else written,
        "suffix": _suffix_in_name(live),
        "attempt": spec.attempt,
    }
    sentence = _said_of_config(resource, deployed_model, echoed, written)
    return adopting.generation(config_identity(sent), sent, live.gmt_create), sentence


def _suffix_in_name(live: LiveDeployment) -> str | None:
    """The rest of its name after its model's, if that is how it is made up."""
    plain = f"{live.model_name}-"
    return live.deployed_model.removeprefix(plain) if live.deployed_model.startswith(plain) else None


def _said_of_config(
    resource: Resource, name: str, echoed: Mapping[str, Any] | None, written: Mapping[str, Any] | None
) -> str:
    """The sentence: how the configs compare, and what has to be trusted."""
    bound = f"{name} stands for {resource.address} from now on"
    if echoed is None and written is None:
        return f"{bound}; its aigc_config stays unknown"
    if echoed is None:
        return f"{name} is trusted to have the aigc_config of {resource.address}, unseen"
    if written is None:
        return f"{bound}, with the aigc_config that it tells"
    if other := differences(echoed, written):
        return (
            f"{bound}, and serves with another aigc_config: {'; '.join(other)}. "
            "The next plan replaces it, unless the spec is made to say what serves"
        )
    return f"{bound}, and tells the very aigc_config of the spec"


# The aigc_config of a service that gives it back. It does not overrule the ledger: a service may spell a text
# anew, and a deployment is not replaced over that.


def _differs_from_spec(case: DeploymentCase, live: LiveDeployment) -> tuple[str, ...] | None:
    """How the config that the service gives back differs from the spec's; None where it gives none back."""
    echoed = echoed_config(live)
    return None if echoed is None else differences(echoed, case.spec.aigc_config.sent())


def echoed_config(live: LiveDeployment) -> dict[str, Any] | None:
    """The config it serves with, as it would be sent; None where that is not told whole and usable."""
    echoed = (live.model_extra or {}).get("aigc_config")
    if not isinstance(echoed, dict):
        return None
    known = {key: echoed[key] for key in AigcConfig.model_fields if echoed.get(key) not in (None, "")}
    try:
        config = AigcConfig.model_validate(known)
    except ValidationError:
        return None
    usable = config.use_input_prompt or (config.prompt and config.lora_prompt_default)
    return config.sent() if usable and not config.unknown else None


def differences(echoed: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[str, ...]:
    """Each value that differs, as echoed and as the spec has it; blanks around a text are none."""
    if echoed.get("use_input_prompt") and wanted.get("use_input_prompt"):
        echoed, wanted = effective_config(echoed), effective_config(wanted)
    return tuple(
        f"{key} {quoted(echoed.get(key))} (the spec: {quoted(wanted.get(key))})"
        for key in dict.fromkeys((*echoed, *wanted))
        if _without_blanks(echoed.get(key)) != _without_blanks(wanted.get(key))
    )


def _without_blanks(value: Any) -> Any:
    return (value.strip() or None) if isinstance(value, str) else value
