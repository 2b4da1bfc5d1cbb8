"""FineTune: an immutable, billed training job. Never started twice; a changed one goes beside the old."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from wanctl.address import Address
from wanctl.kinds.context import Context, Planned, ProvidedModel
from wanctl.kinds.dataset.planning import errors_in_uploaded
from wanctl.kinds.finetune.case import TrainingCase
from wanctl.kinds.finetune.election import election, plan_withdrawal
from wanctl.kinds.finetune.evidence import Evidence, Match, match_job
from wanctl.kinds.finetune.removal import plan_job_removal
from wanctl.kinds.finetune.training import Train
from wanctl.kinds.snapshot import Question, Read, job_name_for
from wanctl.language.models import State
from wanctl.language.resources import Resource
from wanctl.language.source import OssFolder
from wanctl.ledger.record import Generation, Verb
from wanctl.plan import Action, Progress, Step, When
from wanctl.studio.objects import IN_OSS, UNTOLD, Job, JobStatus, LogPage
from wanctl.studio.training_log import training_progress

SAME_INPUTS = "the inputs of a training"  # which one FineTune may have


def plan_finetune(resource: Resource, context: Context) -> Planned:
    """Find the job of these inputs; start it only when surely none exists."""
    case = TrainingCase(resource, context)
    if case.unread:
        return _unknown_inputs(case)
    planned = _plan_readable(case)
    given = planned.provided if isinstance(planned.provided, ProvidedModel) else ProvidedModel()
    provided = replace(given, training=case.identity)
    return replace(planned, provided=provided, claims=((SAME_INPUTS, case.identity),))


def _unknown_inputs(case: TrainingCase) -> Planned:
    """A dataset cannot be read: the job in the ledger, if any, goes on standing for it."""
    job = _current_job(case)
    job_id = job.job_id if job else None
    step = case.step(
        Action.DELETE if case.spec.state is State.ABSENT else Action.TRAIN,
        When.LATER,
        "its datasets cannot be read here",
        after=case.unread,
        remote_id=job_id,
    )
    current = case.entry.current
    return Planned(step, ProvidedModel(job_id=job_id, training=current.identity if current else None))


def _current_job(case: TrainingCase) -> Job | None:
    current = case.entry.current
    return case.context.snapshot.job_by_id.get(current.remote_id) if current else None


def _plan_readable(case: TrainingCase) -> Planned:
    first = case.context.claimed_first.get((SAME_INPUTS, case.identity), case.address)
    if first != case.address and case.spec.state is State.PRESENT:
        return _plan_twin(case, first)
    match = match_job(case)
    if case.spec.state is State.ABSENT:
        return plan_job_removal(case, match)
    if match.job:
        return _plan_known(case, match, match.job)
    if match.candidates:
        return _plan_doubt(case, match)
    if case.known:
        return _plan_missing(case, case.known)
    return _plan_training(case)


def _plan_twin(case: TrainingCase, first: Address) -> Planned:
    """Two documents of one content: at the service nothing would tell their jobs apart."""
    reason = f"{first} has the same inputs, byte for byte: it would be trained and billed twice"
    hint = "let both uses refer to one FineTune; to train the same again, raise its attempt"
    return Planned(case.train(When.BLOCKED, reason, hints=(hint,)))


# There is a job


def _plan_known(case: TrainingCase, match: Match, job: Job) -> Planned:
    if ended := election(case, match):
        return plan_withdrawal(case, ended)
    if job.succeeded:
        step = _trained(case, job)
    elif job.failed or job.canceled:
        step = _ended_badly(case, job)
    else:
        step = _in_training(case, match, job)
    model_name = job.finetuned_output if job.succeeded else None
    return Planned(
        step,
        ProvidedModel(job=job, job_id=job.job_id, model_name=model_name),
        case.context.learned(case.entry, job.job_id, case.identity, case.inputs),
    )


def _trained(case: TrainingCase, job: Job) -> Step:
    """Its log, which says when it began, is at hand where it has just been waited for."""
    page = case.context.snapshot.answers.get(Question(Read.LOGS, job.job_id))
    seen = training_progress(page.logs, None) if isinstance(page, LogPage) else None
    time = case.time(job, seen)
    return case.step(
        Action.NOTHING,
        When.DONE,
        "trained",
        remote_id=job.job_id,
        cost=case.cost(job),
        summary=case.summary,
        took=time.took,
        queued_too=time.queued_too,
    )


def _ended_badly(case: TrainingCase, job: Job) -> Step:
    page = case.context.logs(job.job_id)
    last = [line.strip() for line in page.logs[-3:]] if page else []
    why = ": ".join(part for part in (job.code, job.message) if part)
    word = "failed" if job.failed else "was canceled"
    return case.train(
        When.BLOCKED,
        f"{job.job_id} {word}" + (f" ({why})" if why else ""),
        remote_id=job.job_id,
        progress=Progress(str(job.status), None, last[-1] if last else "", job.create_time),
        cost=case.cost(job),
        hints=(*(f"log: {line}" for line in last), f"correct the cause, {case.again('billed again')}"),
    )


def _in_training(case: TrainingCase, match: Match, job: Job) -> Step:
    cost = case.cost(job)
    if job.status == UNTOLD:
        reason, hint = f"{job.job_id} does not say its status", "look at it in the console, then plan again"
        return case.train(When.BLOCKED, reason, remote_id=job.job_id, cost=cost, hints=(hint,))
    # one trains at a time, and what waits in the queue has written nothing yet
    page = None if job.status == JobStatus.QUEUING else case.context.logs(job.job_id)
    seen = training_progress(page.logs if page else (), cost.tokens[1] if cost.tokens else None)
    time = case.time(job, seen)
    found = "" if match.evidence is Evidence.LEDGER else f", found by {match.evidence}"
    return case.train(
        When.SERVICE,
        f"{job.job_id} is {_spell_status(job)}{found}",
        remote_id=job.job_id,
        progress=Progress(
            str(job.status), seen.fraction, seen.phase, job.create_time, time.elapsed, time.left
        ),
        cost=cost,
    )


def _spell_status(job: Job) -> str:
    words: dict[str, str] = {
        JobStatus.PENDING: "about to start",
        JobStatus.QUEUING: "queued: one job trains at a time",
        JobStatus.RUNNING: "training",
        JobStatus.CANCELING: "being canceled",
    }
    return words.get(job.status, f"in status {job.status}")


# There may be one


def _plan_doubt(case: TrainingCase, match: Match) -> Planned:
    hints = tuple(
        f"if it is: wanctl adopt {case.address} {job.job_id}  ·  "
        f"if not: wanctl adopt {case.address} --not {job.job_id}"
        for job in match.candidates
    )
    return Planned(case.step(Action.TRAIN, When.BLOCKED, match.ambiguity(case.intent), hints=hints))


def _plan_missing(case: TrainingCase, known: Generation) -> Planned:
    """The ledger knows the job and the list does not: gone, or the list lags. Never train again unasked."""
    asked = case.context.ask(Read.JOB, known.remote_id)
    if isinstance(asked, Job):
        return _plan_known(case, Match(asked, Evidence.LEDGER), asked)
    step = case.train(
        When.BLOCKED,
        f"its job {known.remote_id} is gone: deleted outside wanctl",
        remote_id=known.remote_id,
        drift=True,
        hints=(f"to train again, {case.again('billed')}",),
    )
    return Planned(step, ProvidedModel(job_id=known.remote_id))


# There is none


def _plan_training(case: TrainingCase) -> Planned:
    if case.settling(Verb.TRAIN):
        more = {"changes": case.changes, "cost": case.cost(), "summary": case.summary}
        return Planned(case.wait_for_lost(Action.TRAIN, "the training call", "the job appears", **more))
    if running := _earlier_attempt(case):
        reason = (
            f"attempt {case.spec.attempt} would train beside {running.job_id}, "
            f"which is {_spell_status(running)}"
        )
        hint = "wait for it, or cancel it in the console; then apply again"
        return Planned(case.step(Action.TRAIN, When.BLOCKED, reason, remote_id=running.job_id, hints=(hint,)))
    if errors := errors_in_uploaded(case.datasets, case.context):
        reason = "its datasets have errors that a training on them fails for"
        return Planned(case.train(When.BLOCKED, reason), findings=errors)
    missing = tuple(one for one in case.datasets if case.context.dataset(one).file_id is None)
    step = case.train(
        When.LATER if missing else When.NOW,
        _why_train(case),
        after=missing,
        changes=case.changes,
        cost=case.cost(),
        effect=None if missing else _call(case),
        routine=case.entry.current is None and not _sent(case),
    )
    return Planned(step)


def _earlier_attempt(case: TrainingCase) -> Job | None:
    """The job of the very same inputs that still trains: only its attempt differs."""
    current, job = case.entry.current, _current_job(case)
    if current is None or job is None or not job.in_flight:
        return None
    now = case.inputs
    same = all(current.inputs.get(key) == now[key] for key in now if key != "attempt")
    return job if same else None


def _why_train(case: TrainingCase) -> str:
    current = case.entry.current
    if _sent(case):
        return "a training was sent, and no job of it appeared"
    if current is None:
        return "not trained yet"
    if current.inputs.get("attempt") != case.spec.attempt:
        return f"attempt {case.spec.attempt}"
    return f"its inputs changed; {current.remote_id} stays beside it"


def _sent(case: TrainingCase) -> bool:
    return case.intent is not None and case.intent.verb == Verb.TRAIN


def _call(case: TrainingCase) -> Train:
    spec, context = case.spec, case.context
    body: dict[str, Any] = {
        "model": spec.model,
        **_sources("training", case.file_ids(spec.training_sets)),
        "training_type": spec.training_type,
        "hyper_parameters": case.sent_parameters,
        "job_name": job_name_for(context.project, case.address.name, case.identity),
    }
    if spec.validation:
        body |= _sources("validation", case.file_ids(spec.validation_sets))
    return Train(case.address, case.identity, body, case.inputs, context.snapshot.ids_by_model[spec.model])


def _sources(role: str, ids: Sequence[str | None]) -> dict[str, Any]:
    """Files by their ids alone, as every service takes them; with folders in OSS, by the newer field."""
    known = [one for one in ids if one]
    if not any(one.startswith(IN_OSS) for one in known):
        return {f"{role}_file_ids": known}
    return {f"{role}_datasets": [_source(one) for one in known]}


def _source(one: str) -> dict[str, Any]:
    if not one.startswith(IN_OSS):
        return {"data_source_type": "file_id", "file_id": one}
    folder = OssFolder.written(one)
    mount = {"bucket": folder["bucket"], "file_path": folder["path"]}
    return {"data_source_type": "oss_mount", "mount_storage": mount}
