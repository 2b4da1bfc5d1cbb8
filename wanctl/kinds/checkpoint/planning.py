"""Checkpoint: a person's choice among a job's snapshots, exported under a name of ours to be deployable."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from wanctl.address import Address
from wanctl.finding import Finding, Severity
from wanctl.kinds.acting import CallResult, Tools
from wanctl.kinds.case import Case, FieldRule, FieldTable
from wanctl.kinds.context import Context, Planned, ProvidedModel
from wanctl.kinds.snapshot import Read
from wanctl.language.models import TRAINING_DIGITS, Checkpoint, State
from wanctl.language.resources import Resource
from wanctl.ledger.record import Entry, Generation, Intent, Offer, Verb
from wanctl.plan import Action, Change, FieldClass, Progress, When
from wanctl.rules import Rule
from wanctl.studio.objects import CheckpointRow, CheckpointStatus, checkpoint_number

_SETTLED = frozenset({CheckpointStatus.SUCCEEDED, CheckpointStatus.FAILED, CheckpointStatus.UNSUPPORTED})
FIELDS = FieldTable(FieldRule("checkpoint", FieldClass.IMMUTABLE, in_summary=True))
EXPIRES_SOON = timedelta(days=7)
JOB_TAIL = 13  # "202511111122-496e" without its century: enough to tell jobs apart in a display name


@dataclass(frozen=True)
class CheckpointCase(Case):
    """One Checkpoint, the training that it belongs to, and what was exported of it before."""

    @property
    def spec(self) -> Checkpoint:
        assert isinstance(self.resource.spec, Checkpoint)  # noqa: S101 - the registry pairs them
        return self.resource.spec

    @property
    def label(self) -> str:
        """The chosen checkpoint, as the job calls it."""
        return self.spec.checkpoint or ""

    @property
    def summary(self) -> str:
        """The choice, and what it rests on."""
        seen = self.spec.evidence
        return f"{self.label}, reviewed ({seen.gallery[:15]}…)" if seen else self.label

    @property
    def finetune(self) -> Address:
        return Address.finetune(self.spec.finetune)

    @cached_property
    def model(self) -> ProvidedModel:
        """The training, as far as it is known."""
        return self.context.model(self.finetune)

    @property
    def identity(self) -> str:
        return f"{self.model.job_id}/{self.label}"

    @property
    def known(self) -> Generation | None:
        """The ledger's record of this checkpoint's export."""
        return self.entry.generation(self.identity)

    @property
    def asked_for(self) -> bool:
        """This attempt's export was asked for, by the ledger."""
        return self.known is not None and self.known.inputs.get("attempt") == self.spec.attempt

    @property
    def under_way(self) -> bool:
        """PENDING, or a status that nobody knows, alone does not say that an export was ever asked for; our
        own record does. Then it is waited for, not asked for again."""
        return self.asked_for or bool(self.intent and self.context.settling(self.intent))

    @property
    def changes(self) -> tuple[Change, ...]:
        current = self.entry.current
        before = current.identity.rpartition("/")[2] if current else None
        if before == self.spec.checkpoint:
            return ()
        return (FIELDS.change("checkpoint", before, self.spec.checkpoint),)

    @property
    def digits(self) -> str:
        """The training, as the spec names it behind of:."""
        return (self.model.training or "")[:TRAINING_DIGITS]

    @property
    def of_line(self) -> str:
        """How the spec says for which training a choice is; quoted where YAML would read a number."""
        number = re.fullmatch(r"[0-9]+(e[0-9]+)?", self.digits)
        return f'of: "{self.digits}"' if number else f"of: {self.digits}"

    @property
    def written(self) -> bool:
        """The spec says that the choice counts for this very training, or for all."""
        return self.spec.unseen is not None or (self.spec.of is not None and self.spec.of == self.digits)

    @property
    def appeared(self) -> bool:
        """A run of this training saw another choice, or none; so this one was written later."""
        offer = self.entry.offer
        return bool(offer and offer.training == self.model.training and offer.choice != self.label)

    @property
    def doubt(self) -> str:
        """Why the choice does not count yet."""
        if self.spec.of is not None:
            return (
                f"{self.label} is the choice of another training, {self.spec.of}; this one is {self.digits}"
            )
        current = self.entry.current
        before = current.identity.partition("/")[0] if current else None
        if before and before != self.model.job_id:
            return f"{self.label} was chosen for {before}; of this training nobody has looked at it"
        return f"{self.label} was written before anybody could look at this training"

    @property
    def warning(self) -> str | None:
        """It is taken although nobody may have looked at it: the spec allows that."""
        if self.spec.unseen is None or self.spec.of == self.digits:
            return None
        return "taken although nobody may have looked at it: unseen: allow"

    @property
    def again(self) -> str:
        """How a person asks for one more export."""
        place = self.resource.at("attempt")
        return f"to export again, write attempt: {self.spec.attempt + 1} at {place} (not billed)"

    def export(self, when: When, reason: str, **more: Any) -> Planned:
        return Planned(self.step(Action.EXPORT, when, reason, summary=self.summary, **more))

    def choose(self, reason: str = "none chosen yet", **more: Any) -> Planned:
        return Planned(self.step(Action.CHOOSE, When.PERSON, reason, **more))

    def noted(self) -> Entry | None:
        """The entry with the choice as this run sees it, which does not count: one that is written later
        does. None where the ledger knows that."""
        training = self.model.training
        offer = Offer(training=training, choice=self.spec.checkpoint) if training else self.entry.offer
        return None if offer == self.entry.offer else self.entry.model_copy(update={"offer": offer})


def plan_checkpoint(resource: Resource, context: Context) -> Planned:
    """Wait for the choice, export what was chosen, and give its model name downstream."""
    case = CheckpointCase(resource, context)
    if case.spec.state is State.ABSENT:
        return _plan_absent(case)
    if case.spec.checkpoint is None:
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
    if job is None or not job.succeeded:
        hint = f"after training, look at the previews and write checkpoint: at {place}"
        return replace(case.choose(after=(case.finetune,), hints=(hint,)), learn=case.noted())
    validated = case.context.ask(Read.VALIDATED, job.job_id) or ()
    if validated:
        listed = f"{len(validated)} with previews: {_spell_labels(validated)}"
    else:
        listed = "no checkpoint has previews; the job's final model can be deployed by finetune:"
    planned = case.choose(
        remote_id=job.job_id,
        summary=listed,
        hints=(
            f"look:   wanctl previews {case.finetune} --to previews",
            f"choose: at {place} write checkpoint: and the name of the best one, with {case.of_line}",
        ),
    )
    return replace(planned, learn=case.noted())


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
    status, progress = str(row.status), Progress(str(row.status))
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
    return _exported(case, made, _expiry(case, row))


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


@dataclass(frozen=True)
class Export:
    """The GET that changes state: called once, looked at afterwards."""

    address: Address
    job_id: str
    checkpoint: str
    display_name: str
    attempt: int
    verb: Verb = Verb.EXPORT

    @property
    def identity(self) -> str:
        return f"{self.job_id}/{self.checkpoint}"

    def inputs(self) -> dict[str, Any]:
        return {"display_name": self.display_name, "model_name": None, "attempt": self.attempt}

    async def perform(self, tools: Tools) -> CallResult:
        answer = await tools.studio.checkpoints.export(self.job_id, self.checkpoint, self.display_name)
        made = tools.generation(self.identity, self.identity, self.inputs())
        return CallResult(asked_again(tools.entry, made), self.identity, answer.request_id)


def asked_again(entry: Entry, made: Generation) -> Entry:
    """The same checkpoint under a new attempt replaces what was known of it."""
    others = tuple(one for one in entry.past if one.identity != made.identity)
    return entry.model_copy(update={"past": others}).with_current(made)
