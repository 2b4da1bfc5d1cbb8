"""FineTune: an immutable, billed training job. Never started twice; a changed one goes beside the old."""

from dataclasses import replace
from typing import Any

from wanctl.address import Address
from wanctl.finding import Finding, Severity
from wanctl.kinds.context import Context, Planned, ProvidedModel
from wanctl.kinds.dataset.planning import errors_in_uploaded
from wanctl.kinds.finetune.election import election, plan_withdrawal
from wanctl.kinds.finetune.evidence import Evidence, Match, Wanted, ambiguity, match_job
from wanctl.kinds.finetune.inputs import (
    datasets_of,
    input_changes,
    job_inputs,
    sent_parameters,
    spell_training,
    training_cost,
    wanted_job,
)
from wanctl.kinds.finetune.removal import plan_job_removal
from wanctl.kinds.finetune.training import Train
from wanctl.kinds.identity import job_name_for
from wanctl.kinds.snapshot import Read
from wanctl.language.models import FineTune, State
from wanctl.language.resources import Resource
from wanctl.ledger.record import Entry, Generation, Intent, Verb
from wanctl.plan import Action, Cost, Progress, Step, When
from wanctl.rules import Rule
from wanctl.studio.objects import Job, JobStatus
from wanctl.studio.training_log import training_progress

SAME_INPUTS = "the inputs of a training"  # which one FineTune may have


def plan_finetune(resource: Resource, context: Context) -> Planned:
    """Find the job of these inputs; start it only when surely none exists."""
    spec = resource.spec
    assert isinstance(spec, FineTune)  # noqa: S101 - the registry pairs each kind with its model
    wanted = wanted_job(resource.address, spec, context)
    if wanted is None:
        return _unknown_inputs(resource, spec, context)
    planned = _plan_wanted(resource, spec, wanted, context)
    return replace(planned, claims=((SAME_INPUTS, wanted.identity),))


def _plan_wanted(resource: Resource, spec: FineTune, wanted: Wanted, context: Context) -> Planned:
    first = context.claimed_first.get((SAME_INPUTS, wanted.identity), resource.address)
    if first != resource.address and spec.state is State.PRESENT:
        return _plan_twin(resource, spec, first, context)
    match = match_job(wanted, context)
    if spec.state is State.ABSENT:
        return plan_job_removal(resource, wanted, match, context)
    if elected := election(wanted, match, context):
        return plan_withdrawal(resource, elected)
    if match.job:
        return _plan_known(resource, wanted, match, context)
    if match.candidates:
        return _plan_doubt(resource, match, context)
    known = context.entry(resource.address).generation(wanted.identity)
    if known:
        return _plan_missing(resource, spec, wanted, known, context)
    return _plan_training(resource, spec, wanted, context)


def _plan_twin(resource: Resource, spec: FineTune, first: Address, context: Context) -> Planned:
    """Two documents of one content: at the service nothing would tell their jobs apart."""
    step = Step(
        resource.address,
        Action.TRAIN,
        When.BLOCKED,
        f"{first} has the same inputs, byte for byte: it would be trained and billed twice",
        summary=spell_training(spec, context),
        hints=("let both uses refer to one FineTune; to train the same again, raise its attempt",),
    )
    return Planned(step)


def _plan_known(resource: Resource, wanted: Wanted, match: Match, context: Context) -> Planned:
    job = match.job
    assert job is not None  # noqa: S101 - the caller looked
    inputs = job_inputs(wanted, context)
    learn = context.learned(context.entry(resource.address), job.job_id, wanted.identity, inputs)
    provided = ProvidedModel(
        job=job, job_id=job.job_id, model_name=job.finetuned_output if job.succeeded else None
    )
    cost = training_cost(wanted.spec, context, job)
    if job.succeeded:
        step = Step(
            resource.address,
            Action.NOTHING,
            When.DONE,
            "trained",
            remote_id=job.job_id,
            cost=cost,
            summary=spell_training(wanted.spec, context),
        )
    elif job.failed or job.canceled:
        step = _ended_badly(resource, wanted.spec, job, context)
    else:
        step = _in_training(resource, wanted.spec, match, cost, context)
    return Planned(step, provided, learn, _older_in_flight(resource, job, context))


def _in_training(resource: Resource, spec: FineTune, match: Match, cost: Cost, context: Context) -> Step:
    job = match.job
    assert job is not None  # noqa: S101 - the caller looked
    expected = cost.tokens[1] if cost.tokens else None
    # one trains at a time, and what waits in the queue has written nothing yet
    page = None if job.status == JobStatus.QUEUING else context.logs(job.job_id)
    seen = training_progress(page.logs if page else (), expected)
    found = "" if match.evidence is Evidence.LEDGER else f", found by {match.evidence}"
    return Step(
        resource.address,
        Action.TRAIN,
        When.SERVICE,
        f"{job.job_id} is {_spell_status(job)}{found}",
        remote_id=job.job_id,
        progress=Progress(str(job.status), seen.fraction, seen.phase, job.create_time),
        cost=cost,
        summary=spell_training(spec, context),
    )


def _spell_status(job: Job) -> str:
    words: dict[str, str] = {
        JobStatus.PENDING: "about to start",
        JobStatus.QUEUING: "queued: one job trains at a time",
        JobStatus.RUNNING: "training",
        JobStatus.CANCELING: "being canceled",
    }
    return words.get(job.status, f"in status {job.status}")


def _ended_badly(resource: Resource, spec: FineTune, job: Job, context: Context) -> Step:
    page = context.logs(job.job_id)
    last = [line.strip() for line in page.logs[-3:]] if page else []
    why = ": ".join(part for part in (job.code, job.message) if part)
    place = resource.at("attempt")
    word = "failed" if job.failed else "was canceled"
    return Step(
        resource.address,
        Action.TRAIN,
        When.BLOCKED,
        f"{job.job_id} {word}" + (f" ({why})" if why else ""),
        remote_id=job.job_id,
        progress=Progress(str(job.status), None, last[-1] if last else "", job.create_time),
        cost=training_cost(spec, context, job),
        summary=spell_training(spec, context),
        hints=(
            *(f"log: {line}" for line in last),
            f"correct the cause, write attempt: {spec.attempt + 1} at {place} (billed again)",
        ),
    )


def _older_in_flight(resource: Resource, job: Job, context: Context) -> tuple[Finding, ...]:
    """A job of earlier inputs that still trains costs money: a person may want it canceled."""
    older = [context.snapshot.job_by_id.get(one.remote_id) for one in context.entry(resource.address).past]
    return tuple(
        Finding(
            Severity.WARNING,
            f"{one.job_id}, started for earlier inputs, is still {_spell_status(one)} and billed",
            resource.address,
            rule=Rule.OLDER_JOB,
        )
        for one in older
        if one and one.in_flight and one.job_id != job.job_id
    )


def _plan_doubt(resource: Resource, match: Match, context: Context) -> Planned:
    step = Step(
        resource.address,
        Action.TRAIN,
        When.BLOCKED,
        ambiguity(match, context.intent(resource.address)),
        hints=tuple(
            f"if it is: wanctl adopt {resource.address} {job.job_id}  ·  "
            f"if not: wanctl adopt {resource.address} --not {job.job_id}"
            for job in match.candidates
        ),
    )
    return Planned(step)


def _plan_missing(
    resource: Resource, spec: FineTune, wanted: Wanted, known: Generation, context: Context
) -> Planned:
    """The ledger knows the job and the list does not: gone, or the list lags. Never train again unasked."""
    asked = context.ask(Read.JOB, known.remote_id)
    if isinstance(asked, Job):
        match = Match(asked, Evidence.LEDGER)
        elected = election(wanted, match, context)
        return (
            plan_withdrawal(resource, elected) if elected else _plan_known(resource, wanted, match, context)
        )
    step = Step(
        resource.address,
        Action.TRAIN,
        When.BLOCKED,
        f"its job {known.remote_id} is gone: deleted outside wanctl",
        remote_id=known.remote_id,
        drift=True,
        summary=spell_training(spec, context),
        hints=(f"to train again, write attempt: {spec.attempt + 1} at {resource.at('attempt')} (billed)",),
    )
    return Planned(step, ProvidedModel(job_id=known.remote_id))


def _unknown_inputs(resource: Resource, spec: FineTune, context: Context) -> Planned:
    """A dataset cannot be read: the job in the ledger, if any, goes on standing for it."""
    current = context.entry(resource.address).current
    job = context.snapshot.job_by_id.get(current.remote_id) if current else None
    unread = tuple(address for address in datasets_of(spec) if context.dataset(address).content is None)
    step = Step(
        resource.address,
        Action.DELETE if spec.state is State.ABSENT else Action.TRAIN,
        When.LATER,
        "its datasets cannot be read here",
        after=unread,
        remote_id=job.job_id if job else None,
    )
    return Planned(step, ProvidedModel(job_id=job.job_id if job else None))


def _plan_training(resource: Resource, spec: FineTune, wanted: Wanted, context: Context) -> Planned:
    intent, entry = context.intent(resource.address), context.entry(resource.address)
    if intent and intent.verb == Verb.TRAIN and context.settling(intent):
        step = Step(
            resource.address,
            Action.TRAIN,
            When.SERVICE,
            "the answer to the training call was lost; waiting to see whether the job appears",
            progress=Progress("UNKNOWN"),
            changes=input_changes(spec, wanted, entry, context),
            cost=training_cost(spec, context, None),
            summary=spell_training(spec, context),
        )
        return Planned(step)
    missing = tuple(address for address in datasets_of(spec) if context.dataset(address).file_id is None)
    if running := _earlier_attempt(entry, wanted, context):
        step = Step(
            resource.address,
            Action.TRAIN,
            When.BLOCKED,
            f"attempt {spec.attempt} would train beside {running.job_id}, which is {_spell_status(running)}",
            remote_id=running.job_id,
            hints=("wait for it, or cancel it in the console; then apply again",),
        )
        return Planned(step)
    if errors := errors_in_uploaded(datasets_of(spec), context):
        reason = "its datasets have errors that a training on them fails for"
        step = Step(
            resource.address, Action.TRAIN, When.BLOCKED, reason, summary=spell_training(spec, context)
        )
        return Planned(step, findings=errors)
    step = Step(
        resource.address,
        Action.TRAIN,
        When.LATER if missing else When.NOW,
        _why_train(entry, spec, intent),
        after=missing,
        changes=input_changes(spec, wanted, entry, context),
        cost=training_cost(spec, context, None),
        summary=spell_training(spec, context),
        effect=None if missing else _train(resource, spec, wanted, context),
        routine=entry.current is None and not _sent(intent),
    )
    return Planned(step)


def _earlier_attempt(entry: Entry, wanted: Wanted, context: Context) -> Job | None:
    """The job of the very same inputs that still trains: only its attempt differs."""
    current = entry.current
    job = context.snapshot.job_by_id.get(current.remote_id) if current else None
    if current is None or job is None or not job.in_flight:
        return None
    now = job_inputs(wanted, context)
    same = all(current.inputs.get(key) == now[key] for key in now if key != "attempt")
    return job if same else None


def _why_train(entry: Entry, spec: FineTune, intent: Intent | None) -> str:
    if _sent(intent):
        return "a training was sent, and no job of it appeared"
    if entry.current is None:
        return "not trained yet"
    if entry.current.inputs.get("attempt") != spec.attempt:
        return f"attempt {spec.attempt}"
    return f"its inputs changed; {entry.current.remote_id} stays beside it"


def _sent(intent: Intent | None) -> bool:
    return intent is not None and intent.verb == Verb.TRAIN


def _train(resource: Resource, spec: FineTune, wanted: Wanted, context: Context) -> Train:
    body: dict[str, Any] = {
        "model": spec.model,
        "training_file_ids": [context.dataset(Address.dataset(name)).file_id for name in spec.training],
        "training_type": spec.training_type,
        "hyper_parameters": sent_parameters(spec, context),
        "job_name": job_name_for(context.project, resource.address.name, wanted.identity),
    }
    if spec.validation:
        body["validation_file_ids"] = [
            context.dataset(Address.dataset(name)).file_id for name in spec.validation
        ]
    return Train(
        resource.address,
        wanted.identity,
        body,
        job_inputs(wanted, context),
        context.snapshot.ids_by_model[spec.model],
    )
