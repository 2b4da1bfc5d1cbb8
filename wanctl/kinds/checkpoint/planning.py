"""Checkpoint: a person's choice among a job's snapshots, exported under a name of ours to be deployable."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from wanctl.address import Address
from wanctl.finding import Finding, Severity
from wanctl.kinds.acting import CallResult, Tools
from wanctl.kinds.case import Case, FieldRule, FieldTable
from wanctl.kinds.context import Context, Planned, ProvidedModel
from wanctl.kinds.snapshot import Read
from wanctl.language.models import Checkpoint, State
from wanctl.language.resources import Resource
from wanctl.ledger.record import Entry, Generation, Intent, Verb
from wanctl.plan import Action, Change, FieldClass, Progress, When
from wanctl.rules import Rule
from wanctl.studio.objects import CheckpointRow, CheckpointStatus, checkpoint_number

_SETTLED = frozenset({CheckpointStatus.SUCCEEDED, CheckpointStatus.FAILED, CheckpointStatus.UNSUPPORTED})
FIELDS = FieldTable(FieldRule("checkpoint", FieldClass.IMMUTABLE, in_summary=True))
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
    def warning(self) -> str | None:
        """The spec names a checkpoint of the job before; nobody has looked at that of the new one."""
        current = self.entry.current
        chosen_from = current.identity.partition("/")[0] if current else None
        if chosen_from is None or chosen_from == self.model.job_id:
            return None
        return (
            f"{self.label} was chosen for {chosen_from}; of the new training nobody has seen it yet "
            "(to look first, take checkpoint: out)"
        )

    @property
    def again(self) -> str:
        """How a person asks for one more export."""
        place = self.resource.at("attempt")
        return f"to export again, write attempt: {self.spec.attempt + 1} at {place} (not billed)"

    def export(self, when: When, reason: str, **more: Any) -> Planned:
        return Planned(self.step(Action.EXPORT, when, reason, summary=self.summary, **more))

    def choose(self, **more: Any) -> Planned:
        return Planned(self.step(Action.CHOOSE, When.PERSON, "none chosen yet", **more))


def plan_checkpoint(resource: Resource, context: Context) -> Planned:
    """Wait for the choice, export what was chosen, and give its model name downstream."""
    case = CheckpointCase(resource, context)
    if case.spec.state is State.ABSENT:
        return _plan_absent(case)
    if case.spec.checkpoint is None:
        return _plan_choice(case)
    job_id, job = case.model.job_id, case.model.job
    if job_id is None:
        return _plan_later(case)
    if case.known and case.known.inputs.get("model_name"):
        return _exported(case, case.known)
    if job is None or not job.succeeded:
        return _plan_later(case)
    rows = context.checkpoints(job_id)
    if rows is None:
        return case.export(When.DONE, "its checkpoints are being read")
    row = next((row for row in rows if row.checkpoint == case.label), None)
    if row is None and case.label in (context.ask(Read.VALIDATED, job_id) or ()):
        row = CheckpointRow(checkpoint=case.label)  # it has previews; only exports may be listed
    if row is None:
        return _plan_unlisted(case, rows)
    return _plan_row(case, row)


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
        return case.choose(after=(case.finetune,), hints=(hint,))
    validated = case.context.ask(Read.VALIDATED, job.job_id) or ()
    if validated:
        listed = f"{len(validated)} with previews: {_spell_labels(validated)}"
    else:
        listed = "no checkpoint has previews; the job's final model can be deployed by finetune:"
    return case.choose(
        remote_id=job.job_id,
        summary=listed,
        hints=(
            f"look:   wanctl previews {case.finetune} --to previews",
            f"choose: at {place} write checkpoint: and the name of the best one",
        ),
    )


def _spell_labels(labels: tuple[str, ...]) -> str:
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
    return _plan_export(case, failed=status == CheckpointStatus.FAILED)


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


def _expiry(case: CheckpointCase, row: CheckpointRow) -> tuple[Finding, ...]:
    if row.expire_time is None:
        return ()
    message = f"{row.checkpoint} is kept by the service until {row.expire_time:%Y-%m-%d %H:%M}"
    return (Finding(Severity.ADVICE, message, case.address, rule=Rule.CHECKPOINT_EXPIRES),)


def _plan_export(case: CheckpointCase, *, failed: bool) -> Planned:
    job_id, attempt = case.model.job_id or "", case.spec.attempt
    suffix = job_id.removeprefix("ft-")[-JOB_TAIL:]
    name = f"{case.context.project}-{case.address.name}-{case.label}-{suffix}"
    if attempt > 1:
        name = f"{name}-{attempt}"
    return case.export(
        When.NOW,
        "the export failed before; asked for again" if failed else "chosen",
        routine=not failed,
        remote_id=case.identity,
        changes=case.changes,
        warning=case.warning,
        effect=Export(case.address, job_id, case.label, name, attempt),
    )


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
