"""Plan the end of orphans: what is ours, live, and in no spec. The same engine carries it out.

Level-triggered like every plan: made again after each call, from what is still there.
"""

from collections.abc import Collection, Mapping
from typing import Any

from wanctl.address import Address, Kind
from wanctl.engine.forgetting import forgotten
from wanctl.engine.orphans import OrphanToDelete, unlisted
from wanctl.engine.planner import SETTLE_TIME, Draft, exceeded_limits, make_plan
from wanctl.finding import Finding, Severity
from wanctl.kinds.context import Context, LocalData
from wanctl.kinds.dataset.uploading import DeleteFile
from wanctl.kinds.deployment.deploying import DeleteDeployment
from wanctl.kinds.finetune.removal import serving_models_of
from wanctl.kinds.finetune.training import CancelJob, DeleteJob
from wanctl.kinds.identity import is_model_of
from wanctl.kinds.snapshot import Snapshot
from wanctl.language.models import Deployment as DeploymentSpec
from wanctl.language.resources import Desired
from wanctl.ledger.record import Record
from wanctl.plan import Action, Plan, Progress, Step, When
from wanctl.studio.objects import Job, JobStatus

_ORDER = (Kind.DEPLOYMENT, Kind.FINETUNE, Kind.DATASET)  # what serves goes before what it was made from
WHY = "in no spec"


def make_pruning(
    desired: Desired,
    snapshot: Snapshot,
    record: Record,
    local: Mapping[Address, LocalData],
    to_delete: tuple[OrphanToDelete, ...],
    *,
    everything: bool,
    spared: Collection[str] = (),
) -> Draft:
    """Delete what is doomed and still an orphan. With `everything`, what cannot go now is kept, with a
    word of why, and `spared` goes by name only."""
    wanted = make_plan(desired, snapshot, record, local)
    context = Context(desired, snapshot, record, local, SETTLE_TIME)
    to_delete = (*to_delete, *_on_their_way_out(to_delete, context))
    pruning = _Pruning(context, wanted.plan, to_delete)
    steps = [pruning.step(one) for kind in _ORDER for one in to_delete if one.kind is kind]
    kept = [step for step in steps if everything and step.when is When.BLOCKED]
    steps = [step for step in steps if step not in kept]
    going = [one for one in to_delete if any(step.address == one.address for step in steps)]
    plan = Plan(
        project=desired.settings.project,
        environment=desired.environment,
        provider=str(desired.settings.provider),
        account=desired.settings.account,
        steps=tuple(steps),
        findings=(*exceeded_limits(desired, steps), *_left_alone(spared), *map(_said_to_stay, kept)),
        orphans=unlisted(wanted.plan.orphans, going),
    )
    ended = frozenset(step.address for step in steps if step.settled)
    named = [one.remote_id for one in to_delete if one.kind is not Kind.DEPLOYMENT]
    learned = forgotten(record, snapshot, {}, named)
    return Draft(plan, learned, wanted.questions | context.questions, ended)


def _left_alone(spared: Collection[str]) -> tuple[Finding, ...]:
    """What --all does not take, since nothing here says that this ledger's runs made it."""
    if not spared:
        return ()
    message = (
        "left alone, since no run with this ledger made it, and somebody with another one may need it: "
        f"{', '.join(spared)}"
    )
    hint = f"if nobody does: wanctl prune {' '.join(spared)}"
    return (Finding(Severity.ADVICE, message, hint=hint, rule="prune-unrecorded"),)


def _said_to_stay(step: Step) -> Finding:
    message = f"left alone: {step.remote_id}: {step.reason}"
    return Finding(Severity.ADVICE, message, rule="prune-kept")


class _Pruning:
    """The account as one run of the planner sees it."""

    def __init__(self, context: Context, wanted: Plan, to_delete: tuple[OrphanToDelete, ...]) -> None:
        self._context = context
        self._to_delete = {one.address: one for one in to_delete}
        self._orphans = {(one.kind, one.remote_id) for one in wanted.orphans}

    def step(self, one: OrphanToDelete) -> Step:
        if one.kind is Kind.DEPLOYMENT:
            return self._deployment(one)
        return self._job(one) if one.kind is Kind.FINETUNE else self._file(one)

    def _deployment(self, one: OrphanToDelete) -> Step:
        live = self._context.snapshot.deployment_by_id.get(one.remote_id)
        if live is None:
            return _gone(one)
        if live.leaving:
            progress = Progress(str(live.status))
            return _delete(one, When.SERVICE, f"{one.remote_id} is being deleted", progress=progress)
        if not self._orphan(one):
            return _kept(one, "it is not an orphan any more")
        return _delete(
            one,
            When.NOW,
            f"{WHY}; {str(live.status).lower()}, a model of ours: {live.model_name}",
            warning="irreversible; calls to it fail from then on",
            effect=DeleteDeployment(one.address, one.remote_id),
        )

    def _job(self, one: OrphanToDelete) -> Step:
        job = self._context.snapshot.job_by_id.get(one.remote_id)
        if job is None:
            return _gone(one)
        if one.in_flight:
            return _canceled(one, job)
        if one.remote_id in self._context.entry(one.address).undeletable:
            return _kept(one, "the service refused to delete it, and keeps it")
        if not self._orphan(one):
            return _kept(one, "it is not an orphan any more")
        serving = [Address.deployment(name) for name in serving_models_of(job, self._context)]
        standing = [address for address in serving if address not in self._to_delete]
        if standing:
            return _kept(one, f"{', '.join(one.name for one in standing)} serves a model of it")
        if wanting := self._wanting(job):
            return _kept(one, f"{', '.join(wanting)} is to serve a model of it")
        return _delete(
            one,
            When.LATER if serving else When.NOW,
            f"{WHY}; {job.model}, {job.status}{_spell_bill(job)}",
            after=tuple(serving),
            warning="it was paid for; its checkpoints may go with it, and training again is billed",
            effect=None if serving else DeleteJob(one.address, one.remote_id),
        )

    def _wanting(self, job: Job) -> list[str]:
        """Deployments of the specs that name a model of this job literally."""
        return [
            str(address)
            for address, resource in self._context.desired.resources.items()
            if isinstance(resource.spec, DeploymentSpec)
            and is_model_of(resource.spec.model_name or "", job.finetuned_output)
        ]

    def _file(self, one: OrphanToDelete) -> Step:
        file = self._context.snapshot.file_by_id.get(one.remote_id)
        if file is None:
            return _gone(one)
        if not self._orphan(one):
            return _kept(one, "it is not an orphan any more")
        readers = [job for job in self._context.snapshot.jobs if self._reads(job, one)]
        staying = [job.job_id for job in readers if Address.finetune(job.job_id) not in self._to_delete]
        if staying:
            return _kept(one, f"{', '.join(staying)} may still be reading it")
        return _delete(
            one,
            When.LATER if readers else When.NOW,
            f"{WHY}; {file.filename}",
            after=tuple(Address.finetune(job.job_id) for job in readers),
            warning="a deleted file cannot be brought back",
            effect=None if readers else DeleteFile(one.address, one.remote_id),
        )

    def _reads(self, job: Job, file: OrphanToDelete) -> bool:
        """It trains on it, or may; or it is to be deleted too, and then goes before what it was made from."""
        named = (*job.training_file_ids, *job.validation_file_ids)
        to_delete = self._to_delete.get(Address.finetune(job.job_id))
        if job.in_flight:
            return not named or file.remote_id in named
        return bool(to_delete and not to_delete.in_flight and file.remote_id in named)

    def _orphan(self, one: OrphanToDelete) -> bool:
        return (one.kind.value, one.remote_id) in self._orphans


def _on_their_way_out(to_delete: tuple[OrphanToDelete, ...], context: Context) -> tuple[OrphanToDelete, ...]:
    """Deployments that somebody told to go already, and that a doomed job has to outlast."""
    jobs = (context.snapshot.job_by_id.get(one.remote_id) for one in to_delete if one.kind is Kind.FINETUNE)
    serving = dict.fromkeys(name for job in jobs if job for name in serving_models_of(job, context))
    live = context.snapshot.deployment_by_id
    leaving = (OrphanToDelete(Kind.DEPLOYMENT, name) for name in serving if live[name].leaving)
    return tuple(one for one in leaving if one not in to_delete)


def _canceled(one: OrphanToDelete, job: Job) -> Step:
    if job.terminal:
        reason = "canceled" if job.canceled else f"{job.status} before it could be canceled"
        return Step(one.address, Action.NOTHING, When.DONE, reason, remote_id=one.remote_id)
    canceling = job.status == JobStatus.CANCELING
    return Step(
        one.address,
        Action.CANCEL,
        When.SERVICE if canceling else When.NOW,
        "it is being canceled" if canceling else f"{WHY}; named, and in flight: {job.model}, {job.status}",
        remote_id=one.remote_id,
        progress=Progress(str(job.status)),
        warning=f"it was paid for: what it trained so far is billed{_spell_bill(job)}",
        effect=None if canceling else CancelJob(one.address, one.remote_id),
    )


def _spell_bill(job: Job) -> str:
    return f", {job.usage:,} tokens billed" if job.usage else ""


def _gone(one: OrphanToDelete) -> Step:
    return Step(one.address, Action.NOTHING, When.DONE, "deleted", remote_id=one.remote_id)


def _kept(one: OrphanToDelete, why: str) -> Step:
    return Step(one.address, Action.DELETE, When.BLOCKED, why, remote_id=one.remote_id)


def _delete(one: OrphanToDelete, when: When, reason: str, **more: Any) -> Step:
    return Step(one.address, Action.DELETE, when, reason, remote_id=one.remote_id, **more)
