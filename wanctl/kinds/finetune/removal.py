"""The end of a FineTune's job, by the tombstone in its document: canceled while it trains, else deleted.

Only what is surely ours is ended, and nothing that a deployment still serves.
"""

from bisect import bisect_left
from collections.abc import Sequence

from wanctl.address import Address
from wanctl.kinds.context import Context, Planned
from wanctl.kinds.finetune.case import TrainingCase
from wanctl.kinds.finetune.evidence import SURE, Evidence, Match
from wanctl.kinds.finetune.training import CancelJob, DeleteJob
from wanctl.kinds.snapshot import Read, is_model_of
from wanctl.ledger.record import Verb
from wanctl.plan import Action, Progress, Step, When
from wanctl.studio.objects import Job, JobStatus


def plan_job_removal(case: TrainingCase, match: Match) -> Planned:
    match = _not_listed_yet(case, match)
    job = match.job
    if job is None and match.candidates:
        return Planned(case.step(Action.DELETE, When.BLOCKED, match.ambiguity(case.intent)))
    if job is None:
        if case.settling(Verb.TRAIN):
            return Planned(case.wait_for_lost(Action.DELETE, "its training call", "the job appears"))
        return case.absent(case.known)
    if match.evidence not in SURE:
        reason = f"{job.job_id} is this training by {match.evidence} only; nothing is ended on that"
        hint = f"if it is yours: wanctl adopt {case.address} {job.job_id}"
        return Planned(
            case.step(Action.DELETE, When.BLOCKED, reason, remote_id=job.job_id, hints=(hint,)),
        )
    return Planned(_cancel(case, job) if job.in_flight else _delete(case, job))


def _not_listed_yet(case: TrainingCase, match: Match) -> Match:
    """A list may lag: the job that the ledger knows is asked for by its id."""
    if case.known is None or match.job or match.candidates:
        return match
    asked = case.context.ask(Read.JOB, case.known.remote_id)
    return Match(asked, Evidence.LEDGER) if isinstance(asked, Job) else match


def _cancel(case: TrainingCase, job: Job) -> Step:
    canceling = job.status == JobStatus.CANCELING
    return case.step(
        Action.CANCEL,
        When.SERVICE if canceling else When.NOW,
        f"{case.context.why_gone}, and it is in training: canceled first, then deleted",
        remote_id=job.job_id,
        progress=Progress(str(job.status)),
        warning="what it trained so far is billed",
        goes_on=True,
        effect=None if canceling else CancelJob(case.address, job.job_id),
    )


def _delete(case: TrainingCase, job: Job) -> Step:
    first, staying = _deployments_of(job, case.context)
    if staying:
        reason = f"{', '.join(staying)} still serves a model of {job.job_id}"
        return case.step(Action.DELETE, When.BLOCKED, reason, remote_id=job.job_id)
    if not first and job.job_id in case.entry.undeletable:  # said, and not asked for again at every run
        reason = f"the spec says state: absent; the service refused to delete {job.job_id}, and keeps it"
        return case.step(Action.NOTHING, When.DONE, reason, remote_id=job.job_id)
    return case.step(
        Action.DELETE,
        When.LATER if first else When.NOW,
        case.context.why_gone,
        after=first,
        remote_id=job.job_id,
        warning="its checkpoints may go with it; training again is billed",
        effect=None if first else DeleteJob(case.address, job.job_id),
    )


def _deployments_of(job: Job, context: Context) -> tuple[tuple[Address, ...], list[str]]:
    """Whose deployments of the job's models this plan deletes, and the names of those that stay."""
    going: dict[Address, None] = {}
    staying = []
    for name in serving_models_of(job, context):
        if theirs := context.snapshot.elsewhere.known.get(name):
            staying.append(f"{name} ({theirs})")
            continue
        owner = context.claimed.get(name)
        address = Address.parse(owner) if owner else None
        if address and context.ends(address):
            going[address] = None
        else:
            staying.append(name)
    return tuple(going), staying


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


def in_service(job: Job, context: Context) -> bool:
    """A deployment that is accounted for serves a model of it, as far as the names and the ledger tell."""
    models, output = context.models_in_service, job.finetuned_output
    if any(_stands_in(models, name) for name in context.exports.get(job.job_id, ()) if name):
        return True
    if not output:
        return False
    following = bisect_left(models, f"{output}-")
    exported = following < len(models) and is_model_of(models[following], output)
    return exported or _stands_in(models, output)


def _stands_in(models: Sequence[str], name: str) -> bool:
    place = bisect_left(models, name)
    return place < len(models) and models[place] == name


def our_jobs(context: Context) -> set[str]:
    """The jobs that are ours by their name, or by the ledger."""
    named = context.snapshot.jobs_by_name.items()
    ours = {job.job_id for (owner, _), jobs in named if owner == context.project for job in jobs}
    return ours | {job.job_id for job in context.snapshot.jobs if job.job_id in context.claimed}
