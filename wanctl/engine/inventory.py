"""The account as an import sees it: what of it is in the specs, what is new, and what made what. Pure."""

from dataclasses import dataclass
from functools import cached_property

from wanctl.address import Kind
from wanctl.engine.orphans import claims
from wanctl.kinds.snapshot import Question, Read, Snapshot
from wanctl.language.resources import Desired
from wanctl.ledger.record import Record
from wanctl.plan import Plan
from wanctl.studio.objects import CheckpointRow, CheckpointStatus, Deployment, Job


@dataclass(frozen=True)
class Inventory:
    """The account, and what of it is in the specs already."""

    desired: Desired
    plan: Plan
    record: Record
    snapshot: Snapshot  # with the answers to `questions_of`

    def taken(self, kind: Kind, remote_id: str) -> bool:
        return remote_id in self.names.get(kind, {}) or remote_id in self.claimed

    @cached_property
    def claimed(self) -> dict[str, str]:
        return claims(self.record)

    @cached_property
    def names(self) -> dict[Kind, dict[str, str]]:
        """By kind: remote id → the name in the specs."""
        found: dict[Kind, dict[str, str]] = {kind: {} for kind in Kind}
        for step in self.plan.steps:
            if step.remote_id and step.address in self.desired.resources:
                found[step.address.kind][step.remote_id] = step.address.name
        return found

    def new_jobs(self) -> list[Job]:
        known = self.desired.catalogue.base_model
        return [
            job
            for job in sorted(self.snapshot.jobs, key=self._by_use)
            if job.live
            and not self.taken(Kind.FINETUNE, job.job_id)
            and known(job.model or job.base_model or "")
        ]

    def _by_use(self, job: Job) -> tuple[bool, str, str]:
        """What serves comes first: of two jobs that a spec cannot tell apart it is the one to have."""
        return job.job_id not in self._serving, str(job.create_time), job.job_id

    @cached_property
    def _serving(self) -> set[str]:
        found = (self.job_of(one.model_name or "") for one in self.snapshot.deployments if not one.gone)
        return {job.job_id for job in found if job}

    def new_deployments(self) -> list[Deployment]:
        known = self.desired.catalogue.base_model
        ordered = sorted(self.snapshot.deployments, key=lambda one: (str(one.gmt_create), one.deployed_model))
        return [
            one
            for one in ordered
            if not one.gone
            and not one.leaving
            and not self.taken(Kind.DEPLOYMENT, one.deployed_model)
            and (known(one.base_model or "") or self.job_of(one.model_name or ""))
        ]

    def job_of(self, model_name: str) -> Job | None:
        """The job that gave this model, by the model's name: its output, or that and what tells an export."""
        name = model_name
        while name:
            if job := self._by_output.get(name):
                return job
            name = name.rpartition("-")[0]
        return None

    @cached_property
    def _by_output(self) -> dict[str, Job]:
        return {
            job.finetuned_output: job
            for job in reversed(self.snapshot.jobs)
            if job.succeeded and job.finetuned_output
        }

    def rows(self, job_id: str) -> tuple[CheckpointRow, ...]:
        found = self.snapshot.answers.get(Question(Read.CHECKPOINTS, job_id))
        return tuple(
            row for row in found or () if row.model_name and row.status == CheckpointStatus.SUCCEEDED
        )

    def questions(self) -> frozenset[Question]:
        """What is to be read one by one before documents can be made."""
        jobs = {job.job_id: job for job in self.new_jobs()}
        deployments = self.new_deployments()
        for one in deployments:
            if job := self.job_of(one.model_name or ""):
                jobs[job.job_id] = job
        asked = {Question(Read.JOB, job_id) for job_id in jobs}
        asked |= {Question(Read.CHECKPOINTS, job.job_id) for job in jobs.values() if job.succeeded}
        return frozenset(asked | {Question(Read.DEPLOYMENT, one.deployed_model) for one in deployments})
