"""Two runs that shared no ledger started the same training: one job stands, the others withdraw.

A job that trains stands before one that waits, and of those that wait the earliest. Each run cancels only
what is its own to cancel: the job that its ledger records, or one that its own unanswered call may have
started; and only before it trains. Of two that both train a person decides. Whoever plans a FineTune asks
here.

Of two of the same second the lesser id stands, and the other run withdraws its own. It may have ended before
ours was there, and never look again: so ours is withdrawn as well, once the other had its time.
"""

from dataclasses import dataclass
from datetime import timedelta

from wanctl.kinds.context import Planned, ProvidedModel
from wanctl.kinds.finetune.case import TrainingCase
from wanctl.kinds.finetune.evidence import Match, elected, made_at_once, twins_by_files, twins_by_name
from wanctl.kinds.finetune.training import Withdraw
from wanctl.kinds.snapshot import parse_job_name
from wanctl.ledger.record import Verb
from wanctl.plan import Action, Progress, When
from wanctl.studio.objects import NOT_BEGUN, Job

WITHDRAWS_WITHIN = timedelta(minutes=2)  # a run that sees that another job stands before its own


@dataclass(frozen=True)
class Election:
    """The job that stands, and those that this run has to take back."""

    winner: Job
    losers: tuple[Job, ...]


def election(case: TrainingCase, match: Match) -> Election | None:
    """The outcome of a second live job of the same inputs; None where there is nothing to take back."""
    job = match.job
    if job is None or not job.live or job.succeeded:
        return None
    if case.known and case.known.adopted:
        return None  # a person decided
    rivals = _rivals(case, job)
    if not rivals:
        return None
    winner = elected((job, *rivals), [one.job_id for one in (job, *rivals) if _waited_for_others(case, one)])
    losers = tuple(
        one for one in (job, *rivals) if one.job_id != winner.job_id and not one.succeeded and _own(case, one)
    )
    return Election(winner, losers) if losers else None


def _rivals(case: TrainingCase, job: Job) -> list[Job]:
    """Other live jobs of these very inputs, as far as the service lets them be told."""
    marked = [one for one in twins_by_name(case) if one.live and one.job_id != job.job_id]
    if marked or parse_job_name(job):
        return marked
    return [
        one
        for one in twins_by_files(case)
        if one.in_flight and one.live and one.job_id != job.job_id and made_at_once(one, job)
    ]


def _own(case: TrainingCase, job: Job) -> bool:
    """Recorded here, or perhaps left by a call of ours whose answer was lost."""
    intent = case.intent
    if any(one.remote_id == job.job_id for one in case.entry.generations):
        return True
    if intent is None:
        return False
    if intent.verb == Verb.WITHDRAW:
        return job.job_id in intent.inputs["losers"]
    return intent.verb == Verb.TRAIN and intent.identity == case.identity and job.job_id not in intent.seen


def _waited_for_others(case: TrainingCase, job: Job) -> bool:
    """Ours, and so old that whoever meant to withdraw another one for it has done so."""
    since = case.context.elapsed(Verb.TRAIN, job.job_id)
    return _own(case, job) and since is not None and since >= WITHDRAWS_WITHIN


def plan_withdrawal(case: TrainingCase, ended: Election) -> Planned:
    """Cancel what has not begun; what trains already has cost money, and a person says which one stays."""
    winner, losers = ended.winner, ended.losers
    waiting = [job for job in losers if job.status in NOT_BEGUN]
    training = [job for job in losers if job.status not in NOT_BEGUN]
    first = "before" if winner.status in NOT_BEGUN else "too"
    same = f"another run started the same training {first}, {winner.job_id} ({winner.status})"
    if not waiting:
        names = ", ".join(job.job_id for job in training)
        step = case.step(
            Action.TRAIN,
            When.BLOCKED,
            f"{same}, and {names} trains already: both are billed",
            remote_id=training[0].job_id,
            progress=Progress(str(training[0].status)),
            hints=tuple(
                f"to keep {job.job_id}: wanctl adopt {case.address} {job.job_id}, and cancel the other "
                "one in the console"
                for job in (winner, *training)
            ),
        )
    else:
        names = ", ".join(job.job_id for job in waiting)
        step = case.step(
            Action.CANCEL,
            When.NOW,
            f"{same}; {names} has not begun and is taken back",
            remote_id=waiting[0].job_id,
            progress=Progress(str(waiting[0].status)),
            effect=Withdraw(case.address, tuple(job.job_id for job in waiting), winner.job_id),
        )
    return Planned(step, ProvidedModel(job=winner, job_id=winner.job_id))
