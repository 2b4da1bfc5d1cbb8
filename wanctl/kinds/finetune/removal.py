"""The end of a FineTune's job, by the tombstone in its document: canceled while it trains, else deleted.

Only what is surely ours is ended, and nothing that a deployment still serves.
"""

from wanctl.address import Address
from wanctl.kinds.context import Context, Planned
from wanctl.kinds.finetune.evidence import SURE, Evidence, Match, Wanted, ambiguity
from wanctl.kinds.finetune.training import CancelJob, DeleteJob
from wanctl.kinds.identity import is_model_of
from wanctl.kinds.snapshot import Read
from wanctl.language.resources import Resource
from wanctl.ledger.record import Verb
from wanctl.plan import Action, Progress, Step, When
from wanctl.studio.objects import Job, JobStatus


def plan_job_removal(resource: Resource, wanted: Wanted, match: Match, context: Context) -> Planned:
    match = _not_listed_yet(wanted, match, context)
    job = match.job
    if job and match.evidence not in SURE:
        step = Step(
            resource.address,
            Action.DELETE,
            When.BLOCKED,
            f"{job.job_id} is this training by {match.evidence} only; nothing is ended on that",
            remote_id=job.job_id,
            hints=(f"if it is yours: wanctl adopt {resource.address} {job.job_id}",),
        )
        return Planned(step)
    if job is None and match.candidates:
        reason = ambiguity(match, context.intent(resource.address))
        return Planned(Step(resource.address, Action.DELETE, When.BLOCKED, reason))
    if job is None:
        return _plan_gone(resource.address, wanted, context)
    if job.in_flight:
        return Planned(_cancel(resource.address, job, context))
    first, staying = _deployments_of(job, context)
    if staying:
        reason = f"{', '.join(staying)} still serves a model of {job.job_id}"
        return Planned(Step(resource.address, Action.DELETE, When.BLOCKED, reason, remote_id=job.job_id))
    step = Step(
        resource.address,
        Action.DELETE,
        When.LATER if first else When.NOW,
        context.why_gone,
        after=first,
        remote_id=job.job_id,
        warning="its checkpoints may go with it; training again is billed",
        effect=None if first else DeleteJob(resource.address, job.job_id),
    )
    return Planned(step)


def _cancel(address: Address, job: Job, context: Context) -> Step:
    canceling = job.status == JobStatus.CANCELING
    return Step(
        address,
        Action.CANCEL,
        When.SERVICE if canceling else When.NOW,
        f"{context.why_gone}, and it is in training: canceled first, then deleted",
        remote_id=job.job_id,
        progress=Progress(str(job.status)),
        warning="what it trained so far is billed",
        goes_on=True,
        effect=None if canceling else CancelJob(address, job.job_id),
    )


def _deployments_of(job: Job, context: Context) -> tuple[tuple[Address, ...], list[str]]:
    """Whose deployments of the job's models this plan deletes, and the names of those that stay."""
    going: dict[Address, None] = {}
    staying = []
    for name in serving_models_of(job, context):
        owner = context.claimed.get(name)
        address = Address.parse(owner) if owner else None
        if address and context.ends(address):
            going[address] = None
        else:
            staying.append(name)
    return tuple(going), staying


def _not_listed_yet(wanted: Wanted, match: Match, context: Context) -> Match:
    """A list may lag: the job that the ledger knows is asked for by its id."""
    known = context.entry(wanted.address).generation(wanted.identity)
    if known is None or match.job or match.candidates:
        return match
    asked = context.ask(Read.JOB, known.remote_id)
    return Match(asked, Evidence.LEDGER) if isinstance(asked, Job) else match


def _plan_gone(address: Address, wanted: Wanted, context: Context) -> Planned:
    """Deleted, by this run or by one that was killed over it: written again, its document trains anew."""
    intent = context.intent(address)
    if intent and intent.verb == Verb.TRAIN and context.settling(intent):
        reason = "the answer to its training call was lost; waiting to see whether the job appears"
        return Planned(Step(address, Action.DELETE, When.SERVICE, reason, progress=Progress("UNKNOWN")))
    entry = context.entry(address)
    known = entry.generation(wanted.identity)
    return Planned(
        Step(address, Action.NOTHING, When.DONE, "absent, as wanted"),
        learn=entry.without(known.remote_id) if known else None,
        answered=intent is not None,
    )


def our_jobs(context: Context) -> set[str]:
    """The jobs that are ours by their name, or by the ledger."""
    named = context.snapshot.jobs_by_name.items()
    ours = {job.job_id for (owner, _), jobs in named if owner == context.project for job in jobs}
    return ours | {job.job_id for job in context.snapshot.jobs if job.job_id in context.claimed}


def serving_models_of(job: Job, context: Context) -> list[str]:
    """Deployments of the job's own model, and of what was exported from it under whatever name."""
    exported = set(context.exports.get(job.job_id, ()))
    if job.succeeded:
        exported |= {row.model_name for row in context.checkpoints(job.job_id) or ()}
    return [
        one.deployed_model
        for one in context.snapshot.deployments
        if not one.gone
        and one.model_name
        and (one.model_name in exported or is_model_of(one.model_name, job.finetuned_output))
    ]
