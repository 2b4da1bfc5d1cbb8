"""Two runs that shared no ledger started the same training: the earliest job stands, the others withdraw.

Each run cancels only what is its own to cancel: the job that its ledger records, or one that its own
unanswered call may have started; and only before it trains. Whoever plans a FineTune asks here.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from wanctl.kinds.context import Context, Planned, ProvidedModel
from wanctl.kinds.finetune.evidence import (
    Match,
    Wanted,
    earliest,
    made_at_once,
    twins_by_files,
    twins_by_name,
)
from wanctl.kinds.finetune.training import Withdraw
from wanctl.kinds.identity import parse_job_name
from wanctl.language.resources import Resource
from wanctl.ledger.record import Verb
from wanctl.plan import Action, Progress, Step, When
from wanctl.studio.objects import NOT_BEGUN, Job


@dataclass(frozen=True)
class Election:
    """The job that stands, and those that this run has to take back."""

    winner: Job
    losers: tuple[Job, ...]


def election(wanted: Wanted, match: Match, context: Context) -> Election | None:
    """What follows from a second live job of the same inputs; None where there is nothing to take back."""
    job = match.job
    if job is None or not job.live or job.succeeded:
        return None
    known = context.entry(wanted.address).generation(wanted.identity)
    if known and known.adopted:
        return None  # a person decided
    rivals = _rivals(wanted, job, context)
    if not rivals:
        return None
    winner = earliest((job, *rivals))
    losers = tuple(
        one
        for one in (job, *rivals)
        if one.job_id != winner.job_id and not one.succeeded and _own(one, wanted, context)
    )
    return Election(winner, losers) if losers else None


def plan_withdrawal(resource: Resource, elected: Election) -> Planned:
    """Cancel what has not begun; what trains already has cost money, and a person says which one stays."""
    winner, losers = elected.winner, elected.losers
    names = ", ".join(job.job_id for job in losers)
    training = [job for job in losers if job.status not in NOT_BEGUN]
    provided = ProvidedModel(job=winner, job_id=winner.job_id)
    same = f"another run started the same training before, {winner.job_id} ({winner.status})"
    if training:
        step = Step(
            resource.address,
            Action.TRAIN,
            When.BLOCKED,
            f"{same}, and {names} trains already: both are billed",
            remote_id=training[0].job_id,
            progress=Progress(str(training[0].status)),
            hints=tuple(
                f"to keep {job.job_id}: wanctl adopt {resource.address} {job.job_id}, and cancel the other "
                "one in the console"
                for job in (winner, *training)
            ),
        )
        return Planned(step, provided)
    step = Step(
        resource.address,
        Action.CANCEL,
        When.NOW,
        f"{same}; {names} has not begun and is taken back",
        remote_id=losers[0].job_id,
        progress=Progress(str(losers[0].status)),
        effect=Withdraw(resource.address, tuple(job.job_id for job in losers)),
    )
    return Planned(step, provided)


def _rivals(wanted: Wanted, job: Job, context: Context) -> list[Job]:
    """Other live jobs of these very inputs, as far as the service lets them be told."""
    marked = [one for one in twins_by_name(wanted, context) if one.live and one.job_id != job.job_id]
    if marked or parse_job_name(job):
        return marked
    return [
        one
        for one in twins_by_files(wanted, context)
        if one.in_flight and one.live and one.job_id != job.job_id and made_at_once(one, job)
    ]


def _own(job: Job, wanted: Wanted, context: Context) -> bool:
    """Recorded here, or perhaps left by a call of ours whose answer was lost."""
    entry, intent = context.entry(wanted.address), context.intent(wanted.address)
    recorded: Iterable[str] = (one.remote_id for one in (entry.current, *entry.past) if one)
    if job.job_id in recorded:
        return True
    if intent is None:
        return False
    if intent.verb == Verb.WITHDRAW:
        return job.job_id in intent.inputs["losers"]
    return intent.verb == Verb.TRAIN and intent.identity == wanted.identity and job.job_id not in intent.seen
