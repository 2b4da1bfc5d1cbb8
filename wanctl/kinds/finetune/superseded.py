"""A training of earlier inputs that still runs: a decision with a price, and a step of its own.

Only a job that the ledger records for this very FineTune, and that the account's list shows in a status that
is known, is ever canceled; and only once a job of the new inputs stands. Anything else is a person's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from wanctl.address import Address, Kind
from wanctl.catalogue.estimate import Cost
from wanctl.kinds.context import Context, ProvidedModel
from wanctl.kinds.finetune.case import TrainingCase, cost_of
from wanctl.kinds.finetune.training import CancelJob
from wanctl.language.models import State, Superseded
from wanctl.ledger.record import Generation
from wanctl.plan import Action, Progress, Step, When
from wanctl.studio.objects import Job, JobStatus
from wanctl.studio.training_log import training_progress

_CANCELABLE = frozenset({JobStatus.PENDING, JobStatus.QUEUING, JobStatus.RUNNING})


@dataclass(frozen=True)
class OlderTraining:
    """A job in flight that was started for other inputs than the spec has now."""

    case: TrainingCase
    made: Generation
    job: Job

    @property
    def address(self) -> Address:
        """It is in no spec, so its id is its name."""
        return Address.finetune(self.job.job_id)

    @property
    def successor(self) -> ProvidedModel:
        """The job of the inputs that the spec has now, as far as there is one."""
        return self.case.context.model(self.case.address)

    def step(self, action: Action, when: When, reason: str, **more: Any) -> Step:
        cost, seen = cost_of(self.job, self.case.context), self._seen
        spent = _spell_spent(cost, seen[0]) if seen else ""
        return Step(
            self.address,
            action,
            when,
            f"{self.job.job_id} was started for earlier inputs of {self.case.address} and is "
            f"{_status(self.job)}{spent}; {reason}",
            remote_id=self.job.job_id,
            progress=Progress(str(self.job.status), seen[1] if seen else None, "", self.job.create_time),
            cost=cost,
            **more,
        )

    @property
    def _seen(self) -> tuple[int, float | None] | None:
        """Tokens and the part that is done, by its log; what waits in the queue has used nothing."""
        if self.job.status == JobStatus.QUEUING:
            return 0, None
        page = self.case.context.logs(self.job.job_id)
        if page is None:
            return None
        tokens = cost_of(self.job, self.case.context).tokens
        seen = training_progress(page.logs, tokens[1] if tokens else None)
        return seen.tokens, seen.fraction


def superseded_steps(context: Context) -> Iterator[Step]:
    """For each training that goes on although the spec has other inputs by now."""
    if context.desired.trainer is not None:
        return  # what is trained is decided there
    provided = [planned.provided for planned in context.planned.values()]
    wanted = {one.job_id for one in provided if isinstance(one, ProvidedModel)}
    for address, resource in context.desired.resources.items():
        if address.kind != Kind.FINETUNE or resource.spec.state is State.ABSENT:
            continue
        case = TrainingCase(resource, context)
        if case.unread:
            continue  # nobody knows what is wanted, so nothing is superseded
        spoken_of = {*wanted, *case.entry.disowned, context.planned[address].step.remote_id}
        for made in case.entry.generations:
            job = context.snapshot.job_by_id.get(made.remote_id)
            older = made.identity != case.identity and made.remote_id not in spoken_of
            if job and job.in_flight and older:
                yield _decided(OlderTraining(case, made, job))


def _decided(older: OlderTraining) -> Step:
    case, job = older.case, older.job
    if job.status == JobStatus.CANCELING:
        return older.step(Action.CANCEL, When.SERVICE, "what it trained so far is billed")
    if case.spec.superseded is Superseded.KEEP:
        return older.step(Action.NOTHING, When.DONE, "kept, as superseded: keep says")
    doubt = _doubt(older)
    if case.spec.superseded is Superseded.ASK or doubt:
        return _asked(older, doubt)
    reason = "superseded: cancel; what it trained so far is billed"
    if older.successor.job is None:
        return older.step(Action.CANCEL, When.LATER, reason, after=(case.address,))
    return older.step(Action.CANCEL, When.NOW, reason, effect=CancelJob(older.address, job.job_id))


def _doubt(older: OlderTraining) -> str | None:
    """Why nobody but a person can end it."""
    if older.made.adopted:
        return "it was adopted, so others may need it"
    if older.job.status not in _CANCELABLE:
        return f"wanctl does not know the status {older.job.status}"
    return None


def _asked(older: OlderTraining, doubt: str | None) -> Step:
    case, job = older.case, older.job
    place = case.resource.at("superseded")
    by_spec = "" if doubt else f"write superseded: cancel at {place}, or "
    return older.step(
        Action.CANCEL,
        When.PERSON,
        f"{doubt}, and it goes on and is billed" if doubt else "it goes on and is billed until somebody says",
        hints=(
            f"to end it:    {by_spec}wanctl prune {job.job_id} (what it trained so far is billed)",
            f"to let it end: write superseded: keep at {place}",
        ),
    )


def _status(job: Job) -> str:
    words: dict[str, str] = {
        JobStatus.PENDING: "about to start",
        JobStatus.QUEUING: "queued",
        JobStatus.RUNNING: "still training",
        JobStatus.CANCELING: "being canceled",
    }
    return words.get(job.status, f"in status {job.status}")


def _spell_spent(cost: Cost, tokens: int) -> str:
    """What it has cost by its log, and what it may still cost; nothing that is not known."""
    if cost.tokens is None:
        return f" ({tokens:,} tokens so far by its log; what is still to come is unknown)"
    least, most = (max(bound - tokens, 0) for bound in cost.tokens)
    if cost.amount is None or not cost.tokens[1]:
        return f" ({tokens:,} tokens so far by its log, up to {most:,} more)"
    each = cost.amount[1] / cost.tokens[1]
    so_far, low, high = (_money(each * count) for count in (tokens, least, most))
    more = high if low == high else f"{low}–{high}"
    return f" (about {so_far} {cost.currency} so far by its log, about {more} {cost.currency} more)"


def _money(amount: Decimal) -> str:
    return f"{amount:.2f}"
