"""The FineTune, as the engine sees it: a job that is billed, and worth money when it is done."""

from collections.abc import Collection, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from wanctl.address import Address, Kind
from wanctl.kinds.context import Context, Planned, ProvidedModel
from wanctl.kinds.finetune.case import FIELDS, cost_of
from wanctl.kinds.finetune.planning import plan_finetune
from wanctl.kinds.finetune.removal import in_service, our_jobs, serving_models_of
from wanctl.kinds.finetune.superseded import superseded_steps
from wanctl.kinds.finetune.training import CancelJob, DeleteJob
from wanctl.kinds.kind import Adopting, Cadence, OrphanToDelete, OutputWords, Pruning, Reader, ResourceKind
from wanctl.kinds.snapshot import Question, Read, Snapshot, is_model_of, resource_in_job_name
from wanctl.language.models import Deployment as DeploymentSpec
from wanctl.language.models import FineTune
from wanctl.language.resources import DOCUMENTS, Resource, Spec
from wanctl.ledger.record import Generation
from wanctl.plan import Action, Orphan, Progress, Step, When
from wanctl.studio.errors import InvalidRequest, NotFound, UnsupportedState
from wanctl.studio.objects import NOT_BEGUN, Job, JobStatus

if TYPE_CHECKING:
    from wanctl.kinds.importing import Importable, Inventory
    from wanctl.studio.client import Studio


async def _logs(studio: "Studio", job_id: str) -> Any:
    """A job may have no log and say so in its own way: an answer as well, for no step follows from logs."""
    try:
        return await studio.jobs.logs(job_id)
    except (NotFound, InvalidRequest, UnsupportedState):
        return None


class FineTuneKind(ResourceKind):
    """Never started twice; kept when its document is gone."""

    kind = Kind.FINETUNE
    document = DOCUMENTS[kind]
    fields = FIELDS
    cadence = Cadence(15, 60)
    polling = "jobs"
    output = OutputWords("job_id", "is not trained")
    untold = "which trainings there are already, and how they ended"
    reads: ClassVar[Mapping[str, Reader]] = {
        Read.JOB: lambda studio, remote_id: studio.jobs.get(remote_id),
        Read.VALIDATED: lambda studio, remote_id: studio.jobs.validated(remote_id),
        Read.LOGS: _logs,
    }
    has_previews = True
    forgotten_when_gone = True

    def plan(self, resource: Resource, context: Context) -> Planned:
        return plan_finetune(resource, context)

    def watched(self, step: Step) -> tuple[Question, ...]:
        job_id = step.remote_id
        return (Question(Read.JOB, job_id), Question(Read.LOGS, job_id)) if job_id else ()

    def may_have_twin(self, step: Step) -> bool:
        """A job that does not train yet can still be taken back, should another run have started the same."""
        return step.progress is not None and step.progress.status in NOT_BEGUN

    def beside(self, context: Context) -> Iterable[Step]:
        return superseded_steps(context)

    def orphans(self, context: Context, used: Collection[str | None]) -> Iterable[Orphan]:
        provided = (planned.provided for planned in context.planned.values())
        used = {*used, *(one.job_id for one in provided if isinstance(one, ProvidedModel))}
        ours = our_jobs(context)
        for job in context.snapshot.jobs:
            kept = job.job_id in ours and job.job_id not in used and job.live
            if kept and not in_service(job, context):
                note, cost = f"{job.model}, {job.status}", cost_of(job, context)
                yield Orphan(self.kind, job.job_id, note, created=job.create_time, cost=cost)

    def standing(self, snapshot: Snapshot) -> Collection[str]:
        return snapshot.job_by_id

    def in_flight(self, snapshot: Snapshot, remote_id: str) -> bool:
        job = snapshot.job_by_id.get(remote_id)
        return bool(job and job.in_flight)

    def former_name(self, snapshot: Snapshot, remote_id: str) -> str | None:
        job = snapshot.job_by_id.get(remote_id)
        return resource_in_job_name(job) if job else None

    def serving(self, snapshot: Snapshot, remote_id: str) -> Collection[str]:
        job = snapshot.job_by_id.get(remote_id)
        return [
            one.deployed_model
            for one in snapshot.deployments
            if job
            and not one.gone
            and not one.leaving
            and is_model_of(one.model_name or "", job.finetuned_output)
        ]

    def prune(self, one: OrphanToDelete, pruning: Pruning) -> Step:
        context = pruning.context
        job = context.snapshot.job_by_id.get(one.remote_id)
        if job is None:
            return one.gone()
        if one.in_flight:
            return _canceled(one, job)
        if one.remote_id in context.entry(one.address).undeletable:
            return one.kept("the service refused to delete it, and keeps it")
        if not pruning.is_orphan(one):
            return one.no_orphan()
        serving = [Address.deployment(name) for name in serving_models_of(job, context)]
        standing = [address for address in serving if address not in pruning.to_delete]
        if standing:
            return one.kept(f"{', '.join(one.name for one in standing)} serves a model of it")
        if wanting := _wanting(job, context):
            return one.kept(f"{', '.join(wanting)} is to serve a model of it")
        return one.deletion(
            When.LATER if serving else When.NOW,
            f"{one.why}; {job.model}, {job.status}{_spell_bill(job)}",
            after=tuple(serving),
            warning="it was paid for; its checkpoints may go with it, and training again is billed",
            effect=None if serving else DeleteJob(one.address, one.remote_id),
        )

    def outlasts(self, one: OrphanToDelete, context: Context) -> Iterable[OrphanToDelete]:
        job, live = context.snapshot.job_by_id.get(one.remote_id), context.snapshot.deployment_by_id
        for name in serving_models_of(job, context) if job else ():
            if live[name].leaving:
                yield OrphanToDelete(Kind.DEPLOYMENT, name)

    def comes_from(self, made: Generation, upstream: Generation) -> bool:
        """Datasets are known by their content."""
        return any(upstream.identity in made.inputs.get(key, ()) for key in ("training", "validation"))

    async def adopt(self, adopting: Adopting) -> tuple[Generation, str]:
        from wanctl.kinds.finetune.importing import adopt_job

        return await adopt_job(adopting)

    def why_not_shared(self, other: Address, address: Address, *, in_specs: bool) -> str | None:
        return "one job stands for one document; let both uses refer to that" if in_specs else None

    def import_questions(self, inventory: "Inventory") -> Iterable[Question]:
        from wanctl.kinds.finetune.importing import new_jobs, questions_about

        for job in new_jobs(inventory):
            yield from questions_about(job)

    def importable(self, inventory: "Inventory") -> "Iterable[Importable]":
        from wanctl.kinds.finetune.importing import new_jobs, project_of, write_job
        from wanctl.kinds.importing import Importable

        for job in new_jobs(inventory):
            yield Importable(job.job_id, partial(write_job, listed=job), project_of(job))

    def distinguished_by(self, spec: Spec) -> object:
        from wanctl.kinds.finetune.importing import declared_inputs

        assert isinstance(spec, FineTune)  # noqa: S101 - the registry pairs each kind with its model
        return declared_inputs(spec)


def _wanting(job: Job, context: Context) -> list[str]:
    """Deployments of the specs that name a model of this job literally."""
    return [
        str(address)
        for address, resource in context.desired.resources.items()
        if isinstance(resource.spec, DeploymentSpec)
        and is_model_of(resource.spec.model_name or "", job.finetuned_output)
    ]


def _canceled(one: OrphanToDelete, job: Job) -> Step:
    if job.terminal:
        reason = "canceled" if job.canceled else f"{job.status} before it could be canceled"
        return Step(one.address, Action.NOTHING, When.DONE, reason, remote_id=one.remote_id)
    canceling = job.status == JobStatus.CANCELING
    return Step(
        one.address,
        Action.CANCEL,
        When.SERVICE if canceling else When.NOW,
        "it is being canceled"
        if canceling
        else f"{one.why}; named, and in flight: {job.model}, {job.status}",
        remote_id=one.remote_id,
        progress=Progress(str(job.status)),
        warning=f"it was paid for: what it trained so far is billed{_spell_bill(job)}",
        effect=None if canceling else CancelJob(one.address, one.remote_id),
    )


def _spell_bill(job: Job) -> str:
    return f", {job.usage:,} tokens billed" if job.usage else ""
