"""The end of a FineTune's job, by the tombstone in its document: canceled while it trains, else deleted.

Only what is surely ours is ended, and nothing that a deployment still serves.
"""

from wanctl.kinds.evidence import Match, ambiguity
from wanctl.kinds.training import CancelJob, DeleteJob
from wanctl.kinds.world import Context, Planned
from wanctl.plan import Action, Progress, Step, When
from wanctl.spec.resources import Resource
from wanctl.studio.objects import Job, JobStatus


def plan_job_removal(resource: Resource, match: Match, context: Context) -> Planned:
    job = match.job
    if job and match.evidence not in {"the ledger", "its name"}:
        step = Step(
            resource.address,
            Action.DELETE,
            When.BLOCKED,
            f"{job.job_id} is this training by {match.evidence} only; nothing is ended on that",
            remote_id=job.job_id,
            hints=(f"if it is yours: wanctl adopt {resource.address} {job.job_id}",),
        )
        return Planned(step)
    if job is None:
        doubt = bool(match.candidates)
        step = Step(
            resource.address,
            Action.DELETE if doubt else Action.NOTHING,
            When.BLOCKED if doubt else When.DONE,
            ambiguity(match, None) if doubt else "absent, as wanted",
        )
        return Planned(step)
    derived = _serving_models_of(job, context)
    if derived:
        reason = f"{', '.join(derived)} still serves a model of {job.job_id}"
        return Planned(Step(resource.address, Action.DELETE, When.BLOCKED, reason, remote_id=job.job_id))
    if job.in_flight:
        canceling = job.status == JobStatus.CANCELING
        step = Step(
            resource.address,
            Action.CANCEL,
            When.SERVICE if canceling else When.NOW,
            f"{context.why_gone}, and it is in training",
            remote_id=job.job_id,
            progress=Progress(str(job.status)),
            warning="what it trained so far is billed",
            effect=None if canceling else CancelJob(resource.address, job.job_id),
        )
        return Planned(step)
    step = Step(
        resource.address,
        Action.DELETE,
        When.NOW,
        context.why_gone,
        remote_id=job.job_id,
        warning="its checkpoints may go with it; training again is billed",
        effect=DeleteJob(resource.address, job.job_id),
    )
    return Planned(step)


def _serving_models_of(job: Job, context: Context) -> list[str]:
    """Deployments of the job's own model, and of what was exported from it under whatever name."""
    exported = {
        one.inputs.get("model_name")
        for entry in context.record.entries.values()
        for one in (entry.current, *entry.past)
        if one and one.identity.startswith(f"{job.job_id}/")
    }
    output = job.finetuned_output
    return [
        one.deployed_model
        for one in context.snapshot.deployments
        if not one.gone
        and one.model_name
        and (one.model_name in exported or (output and one.model_name.startswith(output)))
    ]
