"""A deployment as it stands: what is wanted of it, what differs, and what its status means."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from wanctl.address import Address
from wanctl.kinds.context import Context
from wanctl.kinds.deployment.deploying import DeleteDeployment
from wanctl.kinds.deployment.suffixes import Suffixes
from wanctl.kinds.fields import FieldRule, FieldTable
from wanctl.kinds.snapshot import Read
from wanctl.language.models import Deployment
from wanctl.language.resources import Resource
from wanctl.ledger.record import Entry, Generation
from wanctl.plan import Action, Change, FieldClass, Progress, Step, When
from wanctl.studio.objects import DeploymentStatus, LiveDeployment

FIELDS = FieldTable(
    FieldRule("model_name", FieldClass.IMMUTABLE, changed="the model changed"),
    FieldRule(
        "aigc_config.*",
        FieldClass.WRITE_ONLY,
        "compared with what was last sent; the service does not give it back",
        "the aigc_config changed",
    ),
    FieldRule("attempt", FieldClass.IMMUTABLE, changed="a new attempt"),
    FieldRule("capacity", FieldClass.UPDATABLE, changed="the capacity changed"),
    FieldRule("protect", FieldClass.UPDATABLE),
)
SAME_TIME = timedelta(minutes=1)  # however precisely it is told; a deletion alone takes about as long


@dataclass(frozen=True)
class Target:
    """What the spec wants to serve."""

    model_name: str | None  # None while it is not known yet
    upstream: Address | None
    owned: bool
    config: dict[str, Any]
    suffixes: (
        Suffixes  # which tell it from another deployment of the same model: the suffix to give it comes first
    )
    shared: bool  # another deployment of the same model has its plain name


NOTHING_TO_SERVE = Target(None, None, owned=False, config={}, suffixes=(), shared=False)


@dataclass(frozen=True)
class DeploymentCase:
    """One Deployment in one plan: what is written, what it comes to, and what is known of it."""

    resource: Resource
    spec: Deployment
    target: Target
    entry: Entry  # the ledger's, completed by what the account shows
    context: Context

    @property
    def address(self) -> Address:
        return self.resource.address


def sent_with(target: Target, spec: Deployment, *, shared: bool) -> dict[str, Any]:
    """What a deployment is made from, as the ledger keeps it."""
    return {
        "model_name": target.model_name,
        "capacity": spec.capacity,
        "aigc_config": target.config,
        "suffix": target.suffixes[0] if shared else None,
        "attempt": spec.attempt,
    }


def upstream_of(spec: Deployment) -> Address | None:
    """What makes the model; None where the spec names one that is there."""
    if spec.model_name:
        return None
    return Address.checkpoint(spec.checkpoint) if spec.checkpoint else Address.finetune(spec.finetune or "")


def deletion_step(case: DeploymentCase, old: Generation, reason: str) -> Step:
    if case.entry.protected:
        return Step(
            case.address,
            Action.REPLACE,
            When.BLOCKED,
            f"{old.remote_id} is protected and would be deleted",
            remote_id=old.remote_id,
            hints=(lift_protection(case.resource),),
        )
    return Step(
        case.address,
        Action.REPLACE,
        When.NOW,
        reason,
        remote_id=old.remote_id,
        effect=DeleteDeployment(case.address, old.remote_id),
    )


def lift_protection(resource: Resource) -> str:
    """What a person does before something protected can be deleted."""
    written = getattr(resource.spec, "protect", False)
    if not written:
        return f"protect: false at {resource.at('protect')} is not applied yet: wanctl apply, then this again"
    return f"write protect: false at {resource.at('protect')} and apply that first"


def standing(one: Generation, context: Context) -> LiveDeployment | None:
    """The deployment as it stands; None also where another one stands under its name. Where the service does
    not tell which model it serves, the ledger does."""
    found = named(one, context)
    if found is None or made_again(one, found):
        return None
    if found.model_name is None:
        return found.model_copy(update={"model_name": one.inputs.get("model_name")})
    return found


def made_again(one: Generation, live: LiveDeployment) -> bool:
    """It is not the one of the ledger: somebody deleted that and deployed under its name."""
    if one.created is None or live.gmt_create is None:
        return False
    return abs(live.gmt_create - one.created) > SAME_TIME


def named(one: Generation, context: Context) -> LiveDeployment | None:
    """What has its name at the service; the list may lag, so an absent one is asked for."""
    found = context.snapshot.deployment_by_id.get(one.remote_id)
    if found is None:
        asked = context.ask(Read.DEPLOYMENT, one.remote_id)
        found = asked if isinstance(asked, LiveDeployment) and not asked.gone else None
    return found


def status_step(case: DeploymentCase, live: LiveDeployment, replacing: bool) -> Step:
    status = str(live.status)
    first = Action.SCALE if status == DeploymentStatus.UPDATING else Action.DEPLOY
    action = Action.REPLACE if replacing else first
    progress = Progress(status, None, "", live.gmt_create)
    name = live.deployed_model
    if status == DeploymentStatus.ARREARS_DOWN:
        action = Action.NOTHING
        hint = "pay the bill in the Alibaba Cloud console; it comes back by itself"
        reason = f"{name} is stopped: the account is in arrears"
        return live_step(
            case, action, When.PERSON, reason, live, progress=progress, drift=True, hints=(hint,)
        )
    if status == DeploymentStatus.STOPPED:
        action = Action.NOTHING
        hint = "start it in the Model Studio console"
        reason = f"{name} was stopped outside wanctl"
        return live_step(
            case, action, When.PERSON, reason, live, progress=progress, drift=True, hints=(hint,)
        )
    if status in {DeploymentStatus.FAILED, DeploymentStatus.UPDATING_FAILED}:
        place, attempt = case.resource.at("attempt"), case.spec.attempt + 1
        hint = f"to delete it and deploy again, write attempt: {attempt} at {place}"
        reason = f"{name} is in status {status}"
        return live_step(case, action, When.BLOCKED, reason, live, progress=progress, hints=(hint,))
    words: dict[str, str] = {
        DeploymentStatus.PENDING: f"{name} is being deployed (5–10 minutes)",
        DeploymentStatus.UPDATING: f"{name} is being scaled",
        DeploymentStatus.ARREARS_RECOVERING: f"{name} comes back after the arrears",
    }
    reason = words.get(status, f"{name} is in status {status}")
    return live_step(
        case, action, When.SERVICE, reason, live, progress=progress, summary=spell_capacity(case.spec)
    )


def config_changes(case: DeploymentCase, current: Generation | None) -> tuple[Change, ...]:
    before = current.inputs if current else {}
    changes = []
    if case.target.model_name is None or case.target.model_name != before.get("model_name"):
        later = case.target.upstream if case.target.model_name is None else None
        old_name = before.get("model_name")
        changes.append(
            FIELDS.change(
                "model_name",
                old_name,
                case.target.model_name,
                known_after=later,
                derived_from=case.target.upstream,
            )
        )
    old = before.get("aigc_config") or {}
    unseen = current is not None and before.get("aigc_config") is None
    told = (
        not unseen or bool(changes) or before.get("attempt") != case.spec.attempt
    )  # it is deployed again anyway
    for key, value in case.target.config.items():
        if told and (not current or old.get(key) != value):
            path = f"aigc_config.{key}"
            changes.append(FIELDS.change(path, old.get(key), value, origin=case.resource.texts.get(path)))
    if current:
        changes += FIELDS.differing(before, {"capacity": case.spec.capacity, "attempt": case.spec.attempt})
    else:
        changes.append(FIELDS.change("capacity", None, case.spec.capacity))
    if not current and case.spec.protect:
        changes.append(FIELDS.change("protect", None, True))
    return tuple(changes)


def spell_capacity(spec: Deployment) -> str:
    return f"lora × {spec.capacity}"


def live_step(
    case: DeploymentCase, action: Action, when: When, reason: str, live: LiveDeployment, **more: Any
) -> Step:
    return Step(case.address, action, when, reason, remote_id=live.deployed_model, **more)
