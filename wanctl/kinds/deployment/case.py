"""The case of one Deployment: what is wanted, what is known of it, what differs, and its simple steps.

The service gives a model's name to one deployment; every other one of that model needs a suffix. Who has the
name is decided by what is recorded and what is live; of those still to be made the first by name has it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from wanctl.address import Address
from wanctl.kinds.case import Case, FieldRule, FieldTable
from wanctl.kinds.context import Context, ProvidedModel
from wanctl.kinds.deployment.deploying import DeleteDeployment, Deploy, config_identity, deployed_name
from wanctl.kinds.snapshot import Read, config_suffixes
from wanctl.language.models import TEMPLATES, Deployment, Strategy
from wanctl.language.resources import Resource
from wanctl.ledger.record import Entry, Generation, Verb
from wanctl.plan import Action, Change, FieldClass, Progress, Step, When
from wanctl.studio.objects import UNTOLD, DeploymentStatus, LiveDeployment

FIELDS = FieldTable(
    FieldRule("model_name", FieldClass.IMMUTABLE, changed="the model changed", in_summary=True),
    FieldRule(
        "aigc_config.*",
        FieldClass.WRITE_ONLY,
        "compared with what was last sent; the service does not give it back",
        "the aigc_config changed",
    ),
    FieldRule("attempt", FieldClass.IMMUTABLE, changed="a new attempt"),
    FieldRule("capacity", FieldClass.UPDATABLE, changed="the capacity changed", in_summary=True),
    FieldRule("protect", FieldClass.UPDATABLE, in_summary=True),
    FieldRule("checks", FieldClass.UPDATABLE, "made once of each version, once it runs"),
)
SAME_TIME = timedelta(minutes=1)  # however precisely it is told; a deletion alone takes about as long
PLAIN_NAME = "the plain name of a model"  # which one deployment has

Suffixes = tuple[str, ...]


@dataclass(frozen=True)
class Target:
    """The model that the spec wants to serve, its config, and how it is named."""

    model_name: str | None  # None while it is not known yet
    upstream: Address | None
    owned: bool
    config: dict[str, Any]
    suffixes: Suffixes  # which tell it from another deployment of the model; a new one gets the first
    shared: bool  # another deployment of the same model has its plain name
    origin: str | None = None  # which job and choice, where another environment made the model


NOTHING_TO_SERVE = Target(None, None, owned=False, config={}, suffixes=(), shared=False)


@dataclass(frozen=True)
class DeploymentCase(Case):
    """One Deployment in one plan: what is written, what it comes to, and what is known of it."""

    target: Target
    known: Entry  # the ledger's entry, completed by what the account shows

    @property
    def spec(self) -> Deployment:
        assert isinstance(self.resource.spec, Deployment)  # noqa: S101 - the registry pairs them
        return self.resource.spec

    @property
    def protected(self) -> bool:
        return self.known.protected

    @property
    def guarded(self) -> bool:
        """Nothing of it may go: what is handed over first leaves nobody without, all else would."""
        return self.protected and self.spec.strategy is not Strategy.BLUE_GREEN

    @property
    def summary(self) -> str:
        of = f", {self.target.origin}" if self.target.origin else ""
        return f"lora × {self.spec.capacity}{of}"

    def standing(self, one: Generation) -> LiveDeployment | None:
        return standing(one, self.context)

    def running(self, one: Generation) -> bool:
        live = self.standing(one)
        return live is not None and live.running

    def unclaimed(self) -> list[LiveDeployment]:
        """The live deployments of the model that is wanted, which the ledger gives to nobody."""
        name = self.target.model_name
        return [] if name is None else unclaimed(self.address, name, self.context)

    def changes_from(self, before: Generation | None) -> tuple[Change, ...]:
        """The fields that differ from a deployment that was made; from none, everything that is sent."""
        old = before.inputs if before else {}
        model = self._model_changes(old.get("model_name"))
        unseen = before is not None and old.get("aigc_config") is None
        again = bool(model) or old.get("attempt") != self.spec.attempt  # it is deployed again anyway
        config = self._config_changes(before) if again or not unseen else ()
        if before:
            after = {"capacity": self.spec.capacity, "attempt": self.spec.attempt}
            return (*model, *config, *FIELDS.differing(old, after))
        protect = (FIELDS.change("protect", None, True),) if self.spec.protect else ()
        return (*model, *config, FIELDS.change("capacity", None, self.spec.capacity), *protect)

    def _model_changes(self, old: str | None) -> tuple[Change, ...]:
        new, upstream = self.target.model_name, self.target.upstream
        if new is not None and new == old:
            return ()
        later = upstream if new is None else None
        return (FIELDS.change("model_name", old, new, known_after=later, derived_from=upstream),)

    def _config_changes(self, before: Generation | None) -> tuple[Change, ...]:
        old = (before.inputs.get("aigc_config") if before else None) or {}
        changes = []
        for key, value in self.target.config.items():
            if (before is None or old.get(key) != value) and not self._is_dead(key, old):
                path = f"aigc_config.{key}"
                changes.append(FIELDS.change(path, old.get(key), value, origin=self.resource.texts.get(path)))
        return tuple(changes)

    def _is_dead(self, key: str, old: Mapping[str, Any]) -> bool:
        """A template that had no effect before, and has none now."""
        return key in TEMPLATES and bool(
            old.get("use_input_prompt") and self.spec.aigc_config.use_input_prompt
        )

    def unsent_templates(self) -> tuple[str, ...]:
        """Templates that changed since they were sent, which changes nothing at the service."""
        old = (self.known.current.inputs.get("aigc_config") if self.known.current else None) or {}
        config = self.target.config
        return tuple(key for key in TEMPLATES if old.get(key) != config.get(key) and self._is_dead(key, old))

    def deploy_call(self, *, beside: bool = False) -> Deploy:
        """The call that makes it; `beside` another one of the same model, which has the plain name."""
        name, account = self.target.model_name, self.context.snapshot
        assert name is not None  # noqa: S101 - the callers looked
        taken = name in account.deployment_by_id  # by whomever: the call would be refused
        sent = self.sent(shared=self.target.shared or beside or taken)
        identity, made = config_identity(sent), deployed_name(sent)
        nobody_elses = made not in self.context.claimed and made not in self.entry.disowned
        intent = self.intent
        asked_for = sent["suffix"] is not None or (intent is not None and intent.identity == identity)
        seen, ours = account.deployment_names, nobody_elses and asked_for
        checks, title = self.spec.checks.attempt if self.spec.checks else None, self.spec.display_name
        return Deploy(self.address, identity, sent, self.spec.protect, seen, ours, checks, title)

    def serving_step(self, live: LiveDeployment) -> Step:
        return self.step(Action.NOTHING, When.DONE, "serving", live, summary=self.summary)

    def leaving_step(self, action: Action, reason: str, live: LiveDeployment, **more: Any) -> Step:
        """It is waited for until the live one, which is being deleted, is gone."""
        return self.step(action, When.SERVICE, reason, live, progress=Progress(str(live.status)), **more)

    def sent(self, *, shared: bool) -> dict[str, Any]:
        """The values that a deployment is made from, as the ledger keeps them."""
        return {
            "model_name": self.target.model_name,
            "capacity": self.spec.capacity,
            "aigc_config": self.target.config,
            "suffix": self.target.suffixes[0] if shared else None,
            "attempt": self.spec.attempt,
        }

    def step(
        self, action: Action, when: When, reason: str, live: LiveDeployment | None = None, **more: Any
    ) -> Step:
        """A step of this Deployment, about the live one if that is given."""
        about = {"remote_id": live.deployed_model} if live else {}
        return super().step(action, when, reason, **about, **more)


_STOPPED: dict[str, tuple[str, str]] = {
    DeploymentStatus.ARREARS_DOWN: (
        "is stopped: the account is in arrears",
        "pay the bill in the Alibaba Cloud console; it comes back by itself",
    ),
    DeploymentStatus.STOPPED: ("was stopped outside wanctl", "start it in the Model Studio console"),
}
_UNDER_WAY: dict[str, str] = {
    DeploymentStatus.PENDING: "is being deployed (5–10 minutes)",
    DeploymentStatus.UPDATING: "is being scaled",
    DeploymentStatus.ARREARS_RECOVERING: "comes back after the arrears",
}

_AWAITED: dict[str, Verb] = {
    DeploymentStatus.PENDING: Verb.DEPLOY,
    DeploymentStatus.DEPLOYING: Verb.DEPLOY,
    DeploymentStatus.UPDATING: Verb.SCALE,
}


def status_step(case: DeploymentCase, live: LiveDeployment, *, old: tuple[str, ...] = ()) -> Step:
    """The step for one that does not run: by its status it is waited for, or a person has to act. The `old`
    ones go once it runs."""
    status, name = str(live.status), live.deployed_model
    verb = _AWAITED.get(status)
    elapsed = case.context.elapsed(verb, name) if verb else None
    progress = Progress(status, None, "", live.gmt_create, elapsed)
    if status in _STOPPED:
        why, hint = _STOPPED[status]
        more: dict[str, Any] = {"progress": progress, "drift": True, "hints": (hint,)}
        return case.step(Action.NOTHING, When.PERSON, f"{name} {why}", live, **more)
    if status == UNTOLD:
        why, hints = f"{name} does not say its status", ("look at it in the console, then plan again",)
        return case.step(Action.NOTHING, When.BLOCKED, why, live, progress=progress, hints=hints)
    first = Action.SCALE if status == DeploymentStatus.UPDATING else Action.DEPLOY
    action = Action.REPLACE if old else first
    reason = f"{name} {_UNDER_WAY.get(status, f'is in status {status}')}"
    if status in {DeploymentStatus.FAILED, DeploymentStatus.UPDATING_FAILED}:
        place, attempt = case.resource.at("attempt"), case.spec.attempt + 1
        hint = f"to delete it and deploy again, write attempt: {attempt} at {place}"
        return case.step(action, When.BLOCKED, reason, live, ends=old, progress=progress, hints=(hint,))
    more = {"ends": old, "goes_on": bool(old) and not case.spec.kept_seconds}
    return case.step(action, When.SERVICE, reason, live, progress=progress, summary=case.summary, **more)


def deletion_step(case: DeploymentCase, old: Generation, reason: str, *, served: bool = True) -> Step:
    """The old one of a replacement is deleted, unless it is guarded; `served` by a new one already."""
    if case.guarded or (case.protected and not served):
        return Step(
            case.address,
            Action.REPLACE,
            When.BLOCKED,
            f"{old.remote_id} is protected and would be deleted",
            remote_id=old.remote_id,
            hints=(lift_protection(case.resource),),
        )
    live = case.standing(old)
    step = Step(
        case.address,
        Action.REPLACE,
        When.NOW,
        reason,
        remote_id=old.remote_id,
        effect=DeleteDeployment(case.address, old.remote_id, str(live.status) if live else ""),
    )
    return unless_refused(step, live, case.context)


def unless_refused(step: Step, live: LiveDeployment | None, context: Context) -> Step:
    """A deletion that the service refused in this very status waits for a person, who may name it to have it
    asked for again."""
    status = context.entry(step.address).refused.get(live.deployed_model) if live else None
    if live is None or status != str(live.status) or step.address in context.to_delete:
        return step
    again = f"to ask the service once more: wanctl destroy {step.address}"
    once_more = (again,) if step.action is Action.DELETE else ()  # of a replacement it would end the new one
    return replace(
        step,
        when=When.BLOCKED,
        reason=f"{step.reason}; the service refused to delete {live.deployed_model} while it is {status}",
        after=(),
        hints=(
            f"stop or delete {live.deployed_model} in the Model Studio console, then apply again",
            *once_more,
        ),
        effect=None,
    )


def lift_protection(resource: Resource) -> str:
    """The hint: how a person lifts the protection before it can be deleted."""
    written = getattr(resource.spec, "protect", False)
    if not written:
        return f"protect: false at {resource.at('protect')} is not applied yet: wanctl apply, then this again"
    return f"write protect: false at {resource.at('protect')} and apply that first"


def standing(one: Generation, context: Context) -> LiveDeployment | None:
    """The deployment as it stands; None also where another one stands under its name. Where the service does
    not tell which model it serves, the ledger does."""
    found = named(one, context)
    if found is None or _made_again(one, found):
        return None
    if found.model_name is None:
        return found.model_copy(update={"model_name": one.inputs.get("model_name")})
    return found


def named(one: Generation, context: Context) -> LiveDeployment | None:
    """The live deployment of that name, be it this one or another."""
    return live_by_name(one.remote_id, context)


def live_by_name(name: str, context: Context) -> LiveDeployment | None:
    """The list may lag, so what it does not show is asked for."""
    found = context.snapshot.deployment_by_id.get(name)
    if found is None:
        asked = context.ask(Read.DEPLOYMENT, name)
        found = asked if isinstance(asked, LiveDeployment) and not asked.gone else None
    return found


def _made_again(one: Generation, live: LiveDeployment) -> bool:
    """It is not the one of the ledger: somebody deleted that and deployed under its name."""
    if one.created is None or live.gmt_create is None:
        return False
    return abs(live.gmt_create - one.created) > SAME_TIME


def target_of(address: Address, spec: Deployment, context: Context) -> Target:
    """The model that a Deployment is to serve, as far as it is known, and the suffixes of its name."""
    upstream = upstream_of(spec)
    given = context.model(upstream) if upstream else ProvidedModel(owned=False, model_name=spec.model_name)
    names = (address, *(one.old for one in context.desired.renames.get(address, ())))
    suffixes = tuple(one for name in names for one in config_suffixes(context.scope, name, spec))
    elsewhere = context.desired.trainer is not None and upstream is not None  # it deploys the model as well
    shared = given.model_name is not None and (
        elsewhere or _needs_suffix(address, given.model_name, suffixes, context)
    )
    config = spec.aigc_config.sent()
    return Target(given.model_name, upstream, given.owned, config, suffixes, shared, given.origin)


def upstream_of(spec: Deployment) -> Address | None:
    """The resource that makes the model; None where the spec names a model that is there."""
    if spec.model_name:
        return None
    return Address.checkpoint(spec.checkpoint) if spec.checkpoint else Address.finetune(spec.finetune or "")


def _needs_suffix(address: Address, model_name: str, suffixes: Suffixes, context: Context) -> bool:
    """The model's plain name is, or will be, another deployment's; a trial leaves it to those that stay."""
    if context.entry(address).trial:
        return True
    holder = context.plain_names.get(model_name)
    if holder is not None:
        return holder != address
    if not _may_take_it(address, model_name, suffixes, context):
        return True
    return context.claimed_first.get((PLAIN_NAME, model_name), address) != address


def _may_take_it(address: Address, model_name: str, suffixes: Suffixes, context: Context) -> bool:
    """A new deployment may, unless somebody has the name; a lost one has it already, if it is still there."""
    entry = context.entry(address)
    live = context.snapshot.deployment_by_id.get(model_name)
    if entry.current:
        return live is None and entry.current.inputs.get("model_name") != model_name
    if any(suffix_of(one, suffixes) for one in unclaimed(address, model_name, context)):
        return False
    return live is None or live.deployed_model not in entry.disowned


def unclaimed(address: Address, model_name: str, context: Context) -> list[LiveDeployment]:
    """The live deployments of a model that the ledger gives to nobody, and that may be those of `address`."""
    disowned = context.entry(address).disowned
    return [
        one
        for one in context.snapshot.deployments_by_model.get(model_name, ())
        if one.deployed_model not in context.claimed and one.deployed_model not in disowned
    ]


def suffix_of(one: LiveDeployment, suffixes: Suffixes) -> str | None:
    """Which of them its name ends with, if any."""
    return next((suffix for suffix in suffixes if one.deployed_model.endswith(f"-{suffix}")), None)
