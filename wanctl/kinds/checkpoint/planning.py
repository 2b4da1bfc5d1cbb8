"""Checkpoint: a person's choice among a job's snapshots, exported under a name of ours to be deployable."""

from typing import Any

from wanctl.address import Address
from wanctl.finding import Finding, Severity
from wanctl.kinds.checkpoint.exporting import Export, asked_again
from wanctl.kinds.context import Context, Planned, ProvidedModel
from wanctl.kinds.fields import FieldRule, FieldTable
from wanctl.kinds.snapshot import Read
from wanctl.language.models import Checkpoint, State
from wanctl.language.resources import Resource
from wanctl.ledger.record import Generation, Intent
from wanctl.plan import Action, Change, FieldClass, Progress, Step, When
from wanctl.rules import Rule
from wanctl.studio.objects import CheckpointRow, CheckpointStatus, checkpoint_number

_SETTLED = frozenset({CheckpointStatus.SUCCEEDED, CheckpointStatus.FAILED, CheckpointStatus.UNSUPPORTED})
FIELDS = FieldTable(FieldRule("checkpoint", FieldClass.IMMUTABLE))
JOB_TAIL = 13  # "202511111122-496e" without its century: enough to tell jobs apart in a display name


def plan_checkpoint(resource: Resource, context: Context) -> Planned:
    """Wait for the choice, export what was chosen, and give its model name downstream."""
    spec = resource.spec
    assert isinstance(spec, Checkpoint)  # noqa: S101 - the registry pairs each kind with its model
    if spec.state is State.ABSENT:
        return _plan_absent(resource, context)
    finetune = Address.finetune(spec.finetune)
    upstream = context.model(finetune)
    if spec.checkpoint is None:
        return _plan_choice(resource, finetune, context)
    if upstream.job_id is None:
        return _plan_later(resource, spec, finetune, context)
    known = context.entry(resource.address).generation(_identity(upstream.job_id, spec))
    if known and known.inputs.get("model_name"):
        return _exported(resource, spec, known, context)
    if upstream.job is None or not upstream.job.succeeded:
        return _plan_later(resource, spec, finetune, context)
    rows = context.checkpoints(upstream.job_id)
    if rows is None:
        return Planned(_step(resource, spec, When.DONE, "its checkpoints are being read"))
    row = next((row for row in rows if row.checkpoint == spec.checkpoint), None)
    if row is None and spec.checkpoint in (context.ask(Read.VALIDATED, upstream.job_id) or ()):
        row = CheckpointRow(checkpoint=spec.checkpoint)  # it has previews; only exports may be listed
    if row is None:
        return _plan_unlisted(resource, spec, rows, upstream.job_id)
    return _plan_row(resource, spec, row, upstream.job_id, context)


def _identity(job_id: str, spec: Checkpoint) -> str:
    return f"{job_id}/{spec.checkpoint}"


def _step(resource: Resource, spec: Checkpoint, when: When, reason: str, **more: Any) -> Step:
    return Step(resource.address, Action.EXPORT, when, reason, summary=spec.checkpoint or "", **more)


def _plan_choice(resource: Resource, finetune: Address, context: Context) -> Planned:
    """None chosen yet: a healthy state. Once there is something to look at, say what and how."""
    job = context.model(finetune).job
    place = str(resource.origin)
    if job is None or not job.succeeded:
        step = Step(
            resource.address,
            Action.CHOOSE,
            When.PERSON,
            "none chosen yet",
            after=(finetune,),
            hints=(f"after training, look at the previews and write checkpoint: at {place}",),
        )
        return Planned(step)
    validated = context.ask(Read.VALIDATED, job.job_id) or ()
    if validated:
        listed = f"{len(validated)} with previews: {_spell_labels(validated)}"
    else:
        listed = "no checkpoint has previews; the job's final model can be deployed by finetune:"
    step = Step(
        resource.address,
        Action.CHOOSE,
        When.PERSON,
        "none chosen yet",
        remote_id=job.job_id,
        summary=listed,
        hints=(
            f"look:   wanctl previews {finetune} --to previews",
            f"choose: at {place} write checkpoint: and the name of the best one",
        ),
    )
    return Planned(step)


def _spell_labels(labels: tuple[str, ...]) -> str:
    """checkpoint-50, -100, … -400: numbers once the prefix is said."""
    first, *rest = labels
    prefix = first.rpartition("-")[0] + "-"
    return ", ".join([first, *(label.removeprefix(prefix) for label in rest)])


def _plan_later(resource: Resource, spec: Checkpoint, finetune: Address, context: Context) -> Planned:
    return Planned(
        _step(
            resource,
            spec,
            When.LATER,
            "chosen" if context.model(finetune).job else "chosen before the training",
            after=(finetune,),
            routine=True,
            changes=_changes(resource, spec, context),
            warning=_unseen(resource, spec, context.model(finetune).job_id, context),
        )
    )


def _unseen(resource: Resource, spec: Checkpoint, job_id: str | None, context: Context) -> str | None:
    """The spec names a checkpoint of the job before; nobody has looked at that of the new one."""
    current = context.entry(resource.address).current
    chosen_from = current.identity.partition("/")[0] if current else None
    if chosen_from is None or chosen_from == job_id:
        return None
    return (
        f"{spec.checkpoint} was chosen for {chosen_from}; of the new training nobody has seen it yet "
        "(to look first, take checkpoint: out)"
    )


def _exported(resource: Resource, spec: Checkpoint, known: Generation, context: Context) -> Planned:
    model_name = known.inputs["model_name"]
    entry = context.entry(resource.address)
    step = Step(
        resource.address,
        Action.NOTHING,
        When.DONE,
        "exported",
        remote_id=model_name,
        summary=spec.checkpoint or "",
    )
    learn = entry.with_current(known) if entry.current != known else None
    return Planned(step, ProvidedModel(model_name=model_name), learn)


def _plan_unlisted(
    resource: Resource, spec: Checkpoint, rows: tuple[CheckpointRow, ...], job_id: str
) -> Planned:
    labels = sorted((row.checkpoint for row in rows), key=checkpoint_number)
    listed = _spell_labels(tuple(labels)) if labels else "none at all"
    return Planned(
        _step(
            resource,
            spec,
            When.BLOCKED,
            f"{job_id} has no {spec.checkpoint}; it has {listed}",
            remote_id=job_id,
            hints=(f"choose one of them at {resource.origin}",),
        )
    )


def _plan_row(
    resource: Resource, spec: Checkpoint, row: CheckpointRow, job_id: str, context: Context
) -> Planned:
    entry = context.entry(resource.address)
    asked = entry.generation(_identity(job_id, spec))
    status = str(row.status)
    if row.model_name and status == CheckpointStatus.SUCCEEDED:
        inputs = {
            "display_name": row.model_display_name,
            "model_name": row.model_name,
            "attempt": spec.attempt,
        }
        made = Generation(
            remote_id=_identity(job_id, spec),
            identity=_identity(job_id, spec),
            inputs=inputs,
            since=context.snapshot.observed_at,
        )
        exported = _exported(resource, spec, made, context)
        return Planned(exported.step, exported.provided, exported.learn, _expiry(resource, row))
    under_way = _under_way(resource, asked, spec, context)
    if status == CheckpointStatus.PROCESSING or (status not in _SETTLED and under_way):
        lost = status != CheckpointStatus.PROCESSING and not _asked_for(
            asked, spec
        )  # perhaps to be asked again
        step = _step(
            resource,
            spec,
            When.SERVICE,
            "exporting",
            remote_id=_identity(job_id, spec),
            progress=Progress(status),
            changes=_changes(resource, spec, context) if lost else (),
        )
        return Planned(step)
    if status == CheckpointStatus.SUCCEEDED and (spec.attempt == 1 or under_way):
        return _plan_nameless(resource, spec, job_id)
    if status == CheckpointStatus.UNSUPPORTED:
        reason = f"the service says that {spec.checkpoint} cannot be exported"
        hint = f"choose another checkpoint at {resource.origin}"
        return Planned(_step(resource, spec, When.BLOCKED, reason, remote_id=job_id, hints=(hint,)))
    if status == CheckpointStatus.FAILED and _asked_for(asked, spec):
        hint = f"to export again, write attempt: {spec.attempt + 1} at {resource.at('attempt')} (not billed)"
        reason = f"the export of {spec.checkpoint} failed at the service"
        step = _step(
            resource,
            spec,
            When.BLOCKED,
            reason,
            remote_id=_identity(job_id, spec),
            progress=Progress(status),
            hints=(hint,),
        )
        return Planned(step)
    return _plan_export(resource, spec, job_id, status, context)


def _plan_nameless(resource: Resource, spec: Checkpoint, job_id: str) -> Planned:
    """Exported, but as what? To ask again may export it twice, so a person says whether to."""
    step = _step(
        resource,
        spec,
        When.BLOCKED,
        f"the service says that {spec.checkpoint} is exported, and does not name the model",
        remote_id=_identity(job_id, spec),
        progress=Progress(CheckpointStatus.SUCCEEDED),
        hints=(
            "plan again in a while; or find the model in the console and deploy it by model_name:",
            f"to export again, write attempt: {spec.attempt + 1} at {resource.at('attempt')} (not billed)",
        ),
    )
    return Planned(step)


def _asked_for(asked: Generation | None, spec: Checkpoint) -> bool:
    return asked is not None and asked.inputs.get("attempt") == spec.attempt


def _under_way(resource: Resource, asked: Generation | None, spec: Checkpoint, context: Context) -> bool:
    """PENDING, or a status that nobody knows, alone does not say that an export was ever asked for; our own
    record does. Then it is waited for, not asked for again."""
    if _asked_for(asked, spec):
        return True
    intent = context.intent(resource.address)
    return bool(intent and context.settling(intent))


def _plan_export(resource: Resource, spec: Checkpoint, job_id: str, status: str, context: Context) -> Planned:
    assert spec.checkpoint is not None  # noqa: S101 - without a choice there is no row
    suffix = job_id.removeprefix("ft-")[-JOB_TAIL:]
    name = f"{context.project}-{resource.address.name}-{spec.checkpoint}-{suffix}"
    if spec.attempt > 1:
        name = f"{name}-{spec.attempt}"
    failed = status == CheckpointStatus.FAILED
    step = _step(
        resource,
        spec,
        When.NOW,
        "the export failed before; asked for again" if failed else "chosen",
        routine=not failed,
        remote_id=_identity(job_id, spec),
        changes=_changes(resource, spec, context),
        warning=_unseen(resource, spec, job_id, context),
        effect=Export(resource.address, job_id, spec.checkpoint, name, spec.attempt),
    )
    return Planned(step)


def _changes(resource: Resource, spec: Checkpoint, context: Context) -> tuple[Change, ...]:
    current = context.entry(resource.address).current
    before = current.identity.rpartition("/")[2] if current else None
    if before == spec.checkpoint:
        return ()
    return (FIELDS.change("checkpoint", before, spec.checkpoint),)


def _expiry(resource: Resource, row: CheckpointRow) -> tuple[Finding, ...]:
    if row.expire_time is None:
        return ()
    message = f"{row.checkpoint} is kept by the service until {row.expire_time:%Y-%m-%d %H:%M}"
    return (Finding(Severity.ADVICE, message, resource.address, rule=Rule.CHECKPOINT_EXPIRES),)


def _plan_absent(resource: Resource, context: Context) -> Planned:
    """An export cannot be taken back; one whose answer was lost is looked for, and not forgotten."""
    entry, intent = context.entry(resource.address), context.intent(resource.address)
    found = _left_by(intent, context) if intent else None
    if found:
        entry = asked_again(entry, found)
    current = entry.current
    step = Step(
        resource.address,
        Action.NOTHING,
        When.DONE,
        "absent, as wanted; an exported model can be removed in the console only"
        if current
        else "absent, as wanted",
        remote_id=current.inputs.get("model_name") if current else None,
    )
    return Planned(step, learn=entry if found else None, answered=context.overdue(resource.address))


def _left_by(intent: Intent, context: Context) -> Generation | None:
    """What an unanswered export made, as the service lists it."""
    job_id, _, label = intent.identity.partition("/")
    row = next((one for one in context.checkpoints(job_id) or () if one.checkpoint == label), None)
    if row is None or row.status != CheckpointStatus.SUCCEEDED or not row.model_name:
        return None
    inputs = {**intent.inputs, "model_name": row.model_name}
    return Generation(
        remote_id=intent.identity, identity=intent.identity, inputs=inputs, since=context.snapshot.observed_at
    )
