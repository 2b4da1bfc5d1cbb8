"""Checkpoint: a person's choice among a job's snapshots, exported under a name of ours to be deployable."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from wanctl.finding import Finding, Severity
from wanctl.kinds.checkpoint.case import CheckpointCase, Export, asked_again
from wanctl.kinds.context import Context, Planned, ProvidedModel
from wanctl.kinds.snapshot import Read
from wanctl.language.models import State
from wanctl.language.resources import Resource
from wanctl.ledger.record import Generation, Intent, Verb
from wanctl.plan import Action, Progress, When
from wanctl.rules import Rule
from wanctl.studio.objects import CheckpointRow, CheckpointStatus, checkpoint_number

_SETTLED = frozenset({CheckpointStatus.SUCCEEDED, CheckpointStatus.FAILED, CheckpointStatus.UNSUPPORTED})
EXPIRES_SOON = timedelta(days=7)
JOB_TAIL = 13  # "202511111122-496e" without its century: enough to tell jobs apart in a display name


def plan_checkpoint(resource: Resource, context: Context) -> Planned:
    """Wait for the choice, export what was chosen, and give its model name downstream."""
    case = CheckpointCase(resource, context)
    if case.spec.state is State.ABSENT:
        return _plan_absent(case)
    if not case.label:
        return _plan_choice(case)
    job_id, job = case.model.job_id, case.model.job
    if case.known and case.known.inputs.get("model_name"):
        return _exported(case, case.known)
    if job_id is None or job is None or not job.succeeded:
        return _plan_later(case) if case.written else _plan_unseen(case)
    rows = context.checkpoints(job_id)
    validated = context.ask(Read.VALIDATED, job_id)
    if rows is None or validated is None:
        return case.export(When.DONE, "its checkpoints are being read")
    row = next((row for row in rows if row.checkpoint == case.label), None)
    if row is None and case.label in validated:
        row = CheckpointRow(checkpoint=case.label)  # it has previews; only exports may be listed
    if row is None:
        return _plan_unlisted(case, rows)
    meant = case.written or case.under_way or (case.appeared and case.spec.of is None and bool(validated))
    if not meant and not _taken(case, row):
        return _plan_unseen(case, validated)
    planned = _plan_row(case, row)
    if planned.step.settled or case.label in validated:
        return planned
    return replace(planned, findings=(*planned.findings, _without_previews(case, validated)))


def _taken(case: CheckpointCase, row: CheckpointRow) -> bool:
    """This very checkpoint is deployed, or was exported at somebody's word: it is a choice already. The last
    one is exported by the service itself, which says nothing."""
    if row.model_name is None:
        return False
    job = case.model.job
    if row.status == CheckpointStatus.SUCCEEDED and job and row.model_name != job.finetuned_output:
        return True
    live = case.context.snapshot.deployments_by_model.get(row.model_name, ())
    return any(not one.leaving and not one.gone for one in live)


def _without_previews(case: CheckpointCase, validated: Sequence[str]) -> Finding:
    return Finding(
        Severity.WARNING,
        f"{case.label} has no previews: the service leaves it out of the validation results",
        case.address,
        hint=f"choose one that has: {_spell_labels(validated)}" if validated else None,
        place=case.resource.at("checkpoint"),
        rule=Rule.CHOICE_WITHOUT_PREVIEWS,
    )


def _plan_unseen(case: CheckpointCase, validated: Sequence[str] = ()) -> Planned:
    """There is a choice, and nothing says that it was made for this training: a person confirms it."""
    place, job = case.resource.at("checkpoint"), case.model.job
    ready = job is not None and job.succeeded
    look = f"wanctl previews {case.finetune} --to previews"
    hints = [f"look:    {look}" if ready else f"look:    {look}, after the training"]
    if case.digits:
        hints.append(
            f"confirm: write {case.of_line} beside checkpoint: at {place}, or another choice with it"
        )
    hints.append("or, to take what nobody has looked at: unseen: allow")
    planned = case.choose(
        f"{case.label} has to be confirmed",
        after=() if ready else (case.finetune,),
        remote_id=case.model.job_id if ready else None,
        summary=f"{len(validated)} with previews: {_spell_labels(validated)}" if validated else "",
        warning=case.doubt,
        hints=tuple(hints),
    )
    return replace(planned, learn=case.noted())


def _plan_absent(case: CheckpointCase) -> Planned:
    """An export cannot be taken back; one whose answer was lost is looked for, and not forgotten."""
    found = _left_by(case.intent, case.context) if case.intent else None
    entry = asked_again(case.entry, found) if found else case.entry
    reason = "absent, as wanted"
    if entry.current:
        reason += "; an exported model can be removed in the console only"
    remote_id = entry.current.inputs.get("model_name") if entry.current else None
    step = case.step(Action.NOTHING, When.DONE, reason, remote_id=remote_id)
    return Planned(step, learn=entry if found else None, answered=case.context.overdue(case.address))


def _left_by(intent: Intent, context: Context) -> Generation | None:
    """The export that an unanswered call made, as the service lists it."""
    job_id, _, label = intent.identity.partition("/")
    row = next((one for one in context.checkpoints(job_id) or () if one.checkpoint == label), None)
    if row is None or row.status != CheckpointStatus.SUCCEEDED or not row.model_name:
        return None
    inputs = {**intent.inputs, "model_name": row.model_name}
    return Generation(
        remote_id=intent.identity, identity=intent.identity, inputs=inputs, since=context.snapshot.observed_at
    )


def _plan_choice(case: CheckpointCase) -> Planned:
    """None chosen yet: a healthy state. Once there is something to look at, say what and how."""
    job, place = case.model.job, case.resource.origin
    judging = f"judge:  wanctl review {case.finetune} --judge"
    if job is None or not job.succeeded:
        hint = f"after training, look at the previews and write checkpoint: at {place}"
        hints = (hint, f"{judging}, after the training") if case.spec.choose else (hint,)
        return replace(case.choose(after=(case.finetune,), hints=hints), learn=case.noted())
    validated = case.context.ask(Read.VALIDATED, job.job_id) or ()
    if validated:
        listed = f"{len(validated)} with previews: {_spell_labels(validated)}"
    else:
        listed = "no checkpoint has previews; the job's final model can be deployed by finetune:"
    planned = case.choose(
        _why_not_judged(case) if case.spec.choose else "none chosen yet",
        remote_id=job.job_id,
        summary=listed,
        hints=(
            *((judging,) if case.spec.choose and not case.best_judged else ()),
            f"look:   wanctl previews {case.finetune} --to previews",
            f"choose: at {place} write checkpoint: and the name of the best one, with {case.of_line}",
        ),
    )
    return replace(planned, learn=case.noted())


def _why_not_judged(case: CheckpointCase) -> str:
    """The judge was to choose, and has not."""
    best, wanted, known = case.best_judged, case.spec.choose, case.entry.judgement
    if best and wanted:
        return f"the judge's best is {best.label} with {best}, and at_least: {wanted.at_least:g} is asked"
    if known is None or known.job_id != case.model.job_id or known.training != case.model.training:
        return "the judge has not scored this training yet"
    if known.rubric != case.spec.rubric.digest:
        return "the rubric is another one than the judge's scores are by"
    return "the judge could score no checkpoint"


def _spell_labels(labels: Sequence[str]) -> str:
    """checkpoint-50, -100, … -400: numbers once the prefix is said."""
    first, *rest = labels
    prefix = first.rpartition("-")[0] + "-"
    return ", ".join([first, *(label.removeprefix(prefix) for label in rest)])


def _plan_later(case: CheckpointCase) -> Planned:
    return case.export(
        When.LATER,
        "chosen" if case.model.job else "chosen before the training",
        after=(case.finetune,),
        routine=True,
        changes=case.changes,
        warning=case.warning,
    )


def _plan_unlisted(case: CheckpointCase, rows: tuple[CheckpointRow, ...]) -> Planned:
    labels = sorted((row.checkpoint for row in rows), key=checkpoint_number)
    listed = _spell_labels(tuple(labels)) if labels else "none at all"
    return case.export(
        When.BLOCKED,
        f"{case.model.job_id} has no {case.label}; it has {listed}",
        remote_id=case.model.job_id,
        hints=(f"choose one of them at {case.resource.origin}",),
    )


def _plan_row(case: CheckpointCase, row: CheckpointRow) -> Planned:
    """By the status of the checkpoint's export at the service."""
    status = str(row.status)
    progress = Progress(status, elapsed=case.context.elapsed(Verb.EXPORT, case.identity))
    if row.model_name and status == CheckpointStatus.SUCCEEDED:
        return _plan_made(case, row)
    if status == CheckpointStatus.PROCESSING or (status not in _SETTLED and case.under_way):
        lost = status != CheckpointStatus.PROCESSING and not case.asked_for  # perhaps to be asked again
        changes = case.changes if lost else ()
        return case.export(
            When.SERVICE, "exporting", remote_id=case.identity, progress=progress, changes=changes
        )
    if status == CheckpointStatus.SUCCEEDED and (case.spec.attempt == 1 or case.under_way):
        # exported, but as what? To ask again may export it twice, so a person says whether to
        reason = f"the service says that {case.label} is exported, and does not name the model"
        look = "plan again in a while; or find the model in the console and deploy it by model_name:"
        return case.export(
            When.BLOCKED, reason, remote_id=case.identity, progress=progress, hints=(look, case.again)
        )
    if status == CheckpointStatus.UNSUPPORTED:
        reason = f"the service says that {case.label} cannot be exported"
        hint = f"choose another checkpoint at {case.resource.origin}"
        return case.export(When.BLOCKED, reason, remote_id=case.model.job_id, hints=(hint,))
    if status == CheckpointStatus.FAILED and case.asked_for:
        reason = f"the export of {case.label} failed at the service"
        return case.export(
            When.BLOCKED, reason, remote_id=case.identity, progress=progress, hints=(case.again,)
        )
    return _plan_export(case, row, failed=status == CheckpointStatus.FAILED)


def _plan_made(case: CheckpointCase, row: CheckpointRow) -> Planned:
    """The service has made it: the ledger learns the model's name."""
    inputs = {
        "display_name": row.model_display_name,
        "model_name": row.model_name,
        "attempt": case.spec.attempt,
    }
    since = case.context.snapshot.observed_at
    made = Generation(remote_id=case.identity, identity=case.identity, inputs=inputs, since=since)
    return _exported(case, made, (*_without_person(case), *_expiry(case, row)))


def _without_person(case: CheckpointCase) -> tuple[Finding, ...]:
    """A choice that nobody made goes on to what is deployed of it; said until the ledger knows it."""
    if not case.verdict or case.known:
        return ()
    rule = Rule.CHOSEN_BY_JUDGE
    return (Finding(Severity.WARNING, f"{case.label} was {case.warning}", case.address, rule=rule),)


def _exported(case: CheckpointCase, made: Generation, findings: tuple[Finding, ...] = ()) -> Planned:
    name = made.inputs["model_name"]
    step = case.step(Action.NOTHING, When.DONE, "exported", remote_id=name, summary=case.summary)
    learn = case.entry.with_current(made) if case.entry.current != made else None
    return Planned(step, ProvidedModel(model_name=name), learn, findings)


def _expiry(
    case: CheckpointCase, row: CheckpointRow, severity: Severity = Severity.ADVICE
) -> tuple[Finding, ...]:
    if row.expire_time is None:
        return ()
    message = f"{row.checkpoint} is kept by the service until {row.expire_time:%Y-%m-%d %H:%M}"
    return (Finding(severity, message, case.address, rule=Rule.CHECKPOINT_EXPIRES),)


def _service_time(case: CheckpointCase) -> datetime | None:
    """The time at the service, in the zone that it does not name: by how it dated a job that we saw begin;
    else at least that of the last thing that happened there."""
    snapshot, job = case.context.snapshot, case.model.job
    entry = case.context.entry(case.finetune)
    begun = next((one for one in entry.generations if job and one.remote_id == job.job_id), None)
    if job and job.create_time and begun and not begun.adopted:
        return job.create_time + (snapshot.observed_at - begun.since)
    told = [time for one in snapshot.jobs for time in (one.create_time, one.end_time) if time]
    told += [one.gmt_create for one in snapshot.deployments if one.gmt_create]
    return max(told, default=None)


def _plan_expired(case: CheckpointCase, row: CheckpointRow) -> Planned:
    return case.export(
        When.BLOCKED,
        f"{case.label} expired at the service on {row.expire_time:%Y-%m-%d}: it can no longer be exported",
        remote_id=case.model.job_id,
        hints=(
            f"choose a checkpoint that is still kept, at {case.resource.at('checkpoint')}",
            f"or train again: raise attempt: of {case.finetune} (billed)",
        ),
    )


def _plan_export(case: CheckpointCase, row: CheckpointRow, *, failed: bool) -> Planned:
    job_id, attempt = case.model.job_id or "", case.spec.attempt
    now = _service_time(case)
    if row.expire_time is not None and now is not None and row.expire_time <= now:
        return _plan_expired(case, row)
    soon = row.expire_time is not None and now is not None and row.expire_time <= now + EXPIRES_SOON
    suffix = job_id.removeprefix("ft-")[-JOB_TAIL:]
    name = f"{case.context.project}-{case.address.name}-{case.label}-{suffix}"
    if attempt > 1:
        name = f"{name}-{attempt}"
    planned = case.export(
        When.NOW,
        "the export failed before; asked for again" if failed else "chosen",
        routine=not failed,
        remote_id=case.identity,
        changes=case.changes,
        warning=case.warning,
        effect=Export(case.address, job_id, case.label, name, attempt),
    )
    return replace(planned, findings=_expiry(case, row, Severity.WARNING) if soon else ())
