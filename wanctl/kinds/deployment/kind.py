"""The Deployment, as the engine sees it: it serves, costs by the hour, and goes with its document."""

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from wanctl.address import Address, Kind
from wanctl.base.words import listed
from wanctl.kinds.context import Context, Planned
from wanctl.kinds.deployment.case import FIELDS
from wanctl.kinds.deployment.deploying import (
    DeleteDeployment,
    Deploy,
    HandBack,
    deployed_name,
    with_deployed,
)
from wanctl.kinds.deployment.planning import plan_deployment
from wanctl.kinds.deployment.removal import plan_removal, plan_trial
from wanctl.kinds.deployment.unrecorded import adopt_deployment
from wanctl.kinds.finetune.removal import our_jobs
from wanctl.kinds.kind import Adopting, Cadence, OrphanToDelete, OutputWords, Pruning, Reader, ResourceKind
from wanctl.kinds.snapshot import Listing, Question, Read, Snapshot, is_model_of
from wanctl.language.models import Deployment, State
from wanctl.language.resources import DOCUMENTS, Desired, Resource, Spec
from wanctl.ledger.record import Entry, Generation, Intent, Verb
from wanctl.plan import Action, Orphan, Progress, Step, When
from wanctl.studio.objects import LiveDeployment

if TYPE_CHECKING:
    from wanctl.kinds.importing import Importable, Inventory

_ONLY_CALLS = "irreversible; calls to it fail from then on"


class DeploymentKind(ResourceKind):
    """A deployment that is ours by its model alone is listed, and deleted only by name."""

    kind = Kind.DEPLOYMENT
    document = DOCUMENTS[kind]
    fields = FIELDS
    cadence = Cadence(5, 15)
    polling = "deployments"
    output = OutputWords("deployed_model", "is not serving")
    untold = "what serves, and whether it stays, is changed or is replaced"
    reads: ClassVar[Mapping[str, Reader]] = {
        Read.DEPLOYMENT: lambda studio, remote_id: studio.deployments.get(remote_id),
        Read.TASKS: lambda studio, remote_id: studio.tasks.list(remote_id),
    }
    listing = Listing.DEPLOYMENTS
    goes_with_its_document = True
    orphan_is_drift = True

    def plan(self, resource: Resource, context: Context) -> Planned:
        return plan_deployment(resource, context)

    def watched(self, step: Step) -> tuple[Question, ...]:
        if step.awaited:
            return tuple(Question(Read.VIDEO, task_id) for task_id in step.awaited)
        return (Question(Read.DEPLOYMENT, step.remote_id),) if step.remote_id else ()

    def plan_without_document(
        self, address: Address, context: Context, first: tuple[Address, ...]
    ) -> Planned | None:
        if context.entry(address).trial:
            return plan_trial(address, context)
        return plan_removal(address, context, "its document left the specs", first)

    def plan_destruction(self, address: Address, context: Context) -> Planned | None:
        removal = plan_removal(address, context, context.why_gone, ())
        unknown = _left_standing(address, context) if removal.step.settled else None
        return unknown or removal

    def as_trial(self, like: Spec, name: str, model: Address) -> Spec | None:
        config = like.aigc_config if isinstance(like, Deployment) else None
        if config is None or config.unknown or like.state is State.ABSENT:
            return None
        return Deployment(name=name, checkpoint=model.name, aigc_config=config)

    def orphans(self, context: Context, used: Collection[str | None]) -> Iterable[Orphan]:
        """Deployments of our jobs' models that nothing in the ledger accounts for: ours by lineage only."""
        ours = our_jobs(context)
        outputs = [
            job.finetuned_output
            for job in context.snapshot.jobs
            if job.job_id in ours and job.finetuned_output
        ]
        for one in context.snapshot.deployments:
            known = one.deployed_model in used or one.deployed_model in context.claimed
            if known or one.gone or one.leaving:
                continue
            if any(is_model_of(one.model_name or "", output) for output in outputs):
                note = f"{one.status}, ours by its model {one.model_name} only"
                if others := _perhaps_of(one, context):
                    note += f", or of {others}"
                yield Orphan(self.kind, one.deployed_model, note, created=one.gmt_create)

    def standing(self, snapshot: Snapshot) -> Collection[str]:
        return snapshot.deployment_by_id

    def leaving(self, snapshot: Snapshot, remote_id: str) -> bool:
        live = snapshot.deployment_by_id.get(remote_id)
        return bool(live and live.leaving)

    def made_from(self, snapshot: Snapshot, remote_id: str, made: Collection[str | None]) -> bool:
        outputs = {job.finetuned_output for job in snapshot.jobs if job.job_id in made} - {None}
        model_name = snapshot.deployment_by_id[remote_id].model_name or ""
        return any(is_model_of(model_name, output) for output in outputs)

    def comes_from(self, made: Generation, upstream: Generation) -> bool:
        """Of an export by the name that it got, of a training by its job, after which its model is named."""
        model_name = made.inputs.get("model_name") or ""
        return upstream.inputs.get("model_name") == model_name or upstream.remote_id in model_name

    def left_by(self, intent: Intent) -> str | None:
        return deployed_name(intent.inputs) if intent.verb == Verb.DEPLOY else None

    def prune(self, one: OrphanToDelete, pruning: Pruning) -> Step:
        live = pruning.context.snapshot.deployment_by_id.get(one.remote_id)
        if live is None:
            return one.gone()
        if live.leaving:
            progress = Progress(str(live.status))
            return one.deletion(When.SERVICE, f"{one.remote_id} is being deleted", progress=progress)
        if not pruning.is_orphan(one):
            return one.no_orphan()
        if others := _perhaps_of(live, pruning.context):
            return one.kept(
                f"it may be of {others}, whose ledger cannot be read here: prune where it can be, "
                "or delete it in the console"
            )
        return one.deletion(
            When.NOW,
            f"{one.why}; {str(live.status).lower()}, a model of ours: {live.model_name}",
            warning=_ONLY_CALLS,
            effect=DeleteDeployment(one.address, one.remote_id, str(live.status)),
        )

    async def adopt(self, adopting: Adopting) -> tuple[Generation, str]:
        spec = adopting.resource.spec
        assert isinstance(spec, Deployment)  # noqa: S101 - the registry pairs each kind with its model
        return await adopt_deployment(adopting, spec)

    def bound(self, entry: Entry, generation: Generation) -> Entry:
        """The one before is ours to delete, once this one serves."""
        return with_deployed(entry, generation, entry.protected)

    def why_not_shared(self, other: Address, address: Address, *, in_specs: bool) -> str | None:
        return f"if it has another name now, write moved_from: {other.name} in the document of {address}"

    def import_questions(self, inventory: "Inventory") -> Iterable[Question]:
        from wanctl.kinds.deployment.importing import questions_about_deployments

        return questions_about_deployments(inventory)

    def importable(self, inventory: "Inventory") -> "Iterable[Importable]":
        from wanctl.kinds.deployment.importing import importable_deployments

        return importable_deployments(inventory)

    def in_service(self, step: Step, entry: Entry, snapshot: Snapshot) -> tuple[str, ...]:
        """The newest that runs and passed its checks, then those before it: also while the next is made."""
        known = (one.remote_id for one in (entry.current, *reversed(entry.retiring)) if one)
        running = tuple(name for name in known if _runs(name, snapshot) and not entry.unproven(name))
        if step.remote_id and entry.unproven(step.remote_id):
            return running  # it runs, and nobody has seen yet that it works
        return running or super().in_service(step, entry, snapshot)

    def successor(self, step: Step) -> str | None:
        if isinstance(step.effect, Deploy):
            return deployed_name(step.effect.sent)
        if isinstance(step.effect, HandBack):
            return step.effect.remote_id
        return step.remote_id if step.when is When.SERVICE and step.ends else None

    def texts(self, spec: Spec) -> Mapping[str, str]:
        """What becomes of a caller's prompt."""
        if not isinstance(spec, Deployment):
            return {}
        config = spec.aigc_config
        texts = {"prompt": config.prompt, "lora_prompt_default": config.lora_prompt_default}
        given = {"use_input_prompt": "true: the caller's prompt is used"} if config.use_input_prompt else {}
        return {**given, **{name: text for name, text in texts.items() if text}}

    def facts(self, remote_id: str, snapshot: Snapshot, desired: Desired) -> dict[str, Any]:
        live = snapshot.deployment_by_id.get(remote_id)
        if live is None:
            return {}
        base = desired.catalogue.base_model(live.base_model or "")
        return {
            "model_name": live.model_name,
            "base_model": live.base_model,
            "status": str(live.status),
            "call_path": base.call_path if base else None,
        }


def _runs(name: str, snapshot: Snapshot) -> bool:
    live = snapshot.deployment_by_id.get(name) or snapshot.answers.get(Question(Read.DEPLOYMENT, name))
    return isinstance(live, LiveDeployment) and live.running


def _perhaps_of(live: LiveDeployment, context: Context) -> str:
    """Environments that may have deployed it, as far as can be seen: by a name with a suffix, always."""
    plain, ours = live.deployed_model == live.model_name, live.deployed_model in context.record.owners
    others = context.snapshot.elsewhere.unread
    return listed(others, "or") if others and not (plain or ours) else ""


def _left_standing(address: Address, context: Context) -> Planned | None:
    """Another deployment serves for it than the ledger knows: a person can say that it is theirs."""
    seen = context.planned.get(address)
    live = context.snapshot.deployment_by_id.get((seen and seen.step.remote_id) or "")
    if live is None or live.leaving:
        return None
    name = live.deployed_model
    step = Step(
        address,
        Action.DELETE,
        When.BLOCKED,
        f"{name} serves for it, but nothing in the ledger says that wanctl deployed it",
        remote_id=name,
        hints=(f"if it is yours: wanctl adopt {address} {name}",),
    )
    return Planned(step)
