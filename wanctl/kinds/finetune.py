"""FineTune: an immutable, billed training job. Never started twice; a changed one goes beside the old."""

from dataclasses import dataclass
from typing import Any

from wanctl.kinds.evidence import Match, Wanted, ambiguity, match_job
from wanctl.kinds.world import (
    Context,
    Landing,
    Outcome,
    Planned,
    Read,
    Tools,
    canonical_number,
    digest_of,
    job_mark,
)
from wanctl.ledger.record import Entry, Generation, Intent
from wanctl.plan import Action, Change, Cost, FieldClass, Finding, Progress, Severity, Step, When
from wanctl.spec.estimate import estimate_training
from wanctl.spec.models import FineTune, State
from wanctl.spec.resources import Address, Resource
from wanctl.studio.errors import InvalidRequest
from wanctl.studio.objects import Job, LogPage, training_progress


def plan_finetune(resource: Resource, context: Context) -> Planned:
    """Find the job of these inputs; start it only when surely none exists."""
    spec = resource.spec
    assert isinstance(spec, FineTune)  # noqa: S101 - the registry pairs each kind with its model
    wanted = wanted_job(resource.address, spec, context)
    if wanted is None:
        return _unknown_inputs(resource, spec, context)
    match = match_job(wanted, context)
    if spec.state is State.ABSENT:
        return _plan_absent(resource, match, context)
    if match.job:
        return _plan_known(resource, wanted, match, context)
    if match.candidates:
        return _plan_doubt(resource, match, context)
    known = context.entry(resource.address).generation(wanted.identity)
    if known:
        return _plan_missing(resource, spec, wanted, known, context)
    return _plan_training(resource, spec, wanted, context)


def wanted_job(address: Address, spec: FineTune, context: Context) -> Wanted | None:
    """The FineTune with its datasets' contents; None while one of them cannot be read."""
    training = [context.outcome(Address.dataset(name)).content for name in spec.training]
    validation = [context.outcome(Address.dataset(name)).content for name in spec.validation]
    if None in training or None in validation:
        return None
    declared = spec.hyper_parameters.declared()
    contents = tuple(sorted(content for content in training if content))
    checks = tuple(sorted(content for content in validation if content))
    identity = digest_of(
        {
            "model": spec.model,
            "training_type": spec.training_type,
            "training": contents,
            "validation": checks,
            "hyper_parameters": {key: canonical_number(value) for key, value in declared.items()},
            "attempt": spec.attempt,
        }
    )
    return Wanted(address, spec, identity, contents, checks, declared)


def _datasets(spec: FineTune) -> tuple[Address, ...]:
    return tuple(Address.dataset(name) for name in (*spec.training, *spec.validation))


def _plan_known(resource: Resource, wanted: Wanted, match: Match, context: Context) -> Planned:
    job = match.job
    assert job is not None  # noqa: S101 - the caller looked
    inputs = job_inputs(wanted, context)
    learn = context.learned(context.entry(resource.address), job.job_id, wanted.identity, inputs)
    outcome = Outcome(job=job, job_id=job.job_id, model_name=job.finetuned_output if job.succeeded else None)
    cost = _cost(wanted.spec, context, job)
    if job.succeeded:
        step = Step(
            resource.address,
            Action.NOTHING,
            When.DONE,
            "trained",
            remote_id=job.job_id,
            cost=cost,
            summary=_summary(wanted.spec, context),
        )
    elif job.failed or job.canceled:
        step = _ended_badly(resource, wanted.spec, job, context)
    else:
        step = _in_training(resource, wanted.spec, job, match, cost, context)
    return Planned(step, outcome, learn, _older_in_flight(resource, job, context))


def _in_training(
    resource: Resource, spec: FineTune, job: Job, match: Match, cost: Cost, context: Context
) -> Step:
    expected = cost.tokens[1] if cost.tokens else None
    page = context.logs(job.job_id) or LogPage()
    seen = training_progress(page.logs, expected)
    found = "" if match.evidence == "the ledger" else f", found by {match.evidence}"
    return Step(
        resource.address,
        Action.TRAIN,
        When.SERVICE,
        f"{job.job_id} is {_spell_status(job)}{found}",
        remote_id=job.job_id,
        progress=Progress(str(job.status), seen.fraction, seen.phase, job.create_time),
        cost=cost,
        summary=_summary(spec, context),
    )


def _spell_status(job: Job) -> str:
    return {
        "PENDING": "about to start",
        "QUEUING": "queued: one job trains at a time",
        "RUNNING": "training",
        "CANCELING": "being canceled",
    }.get(str(job.status), f"in status {job.status}")


def _ended_badly(resource: Resource, spec: FineTune, job: Job, context: Context) -> Step:
    page = context.logs(job.job_id)
    last = [line.strip() for line in page.logs[-3:]] if page else []
    why = ": ".join(part for part in (job.code, job.message) if part)
    word = "failed" if job.failed else "was canceled"
    return Step(
        resource.address,
        Action.TRAIN,
        When.BLOCKED,
        f"{job.job_id} {word}" + (f" ({why})" if why else ""),
        remote_id=job.job_id,
        progress=Progress(str(job.status), None, last[-1] if last else "", job.create_time),
        cost=_cost(spec, context, job),
        summary=_summary(spec, context),
        hints=(
            *(f"log: {line}" for line in last),
            f"mend the cause, then write attempt: {spec.attempt + 1} at {resource.origin} (billed again)",
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
            rule="older-job-in-flight",
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
        return _plan_known(resource, wanted, Match(asked, "the ledger"), context)
    step = Step(
        resource.address,
        Action.TRAIN,
        When.BLOCKED,
        f"its job {known.remote_id} is gone: deleted outside wanctl",
        remote_id=known.remote_id,
        drift=True,
        summary=_summary(spec, context),
        hints=(f"to train again, write attempt: {spec.attempt + 1} at {resource.origin} (billed)",),
    )
    return Planned(step, Outcome(job_id=known.remote_id))


def _unknown_inputs(resource: Resource, spec: FineTune, context: Context) -> Planned:
    """A dataset cannot be read: the job in the ledger, if any, goes on standing for it."""
    current = context.entry(resource.address).current
    job = context.snapshot.job_by_id.get(current.remote_id) if current else None
    unread = tuple(address for address in _datasets(spec) if context.outcome(address).content is None)
    step = Step(
        resource.address,
        Action.TRAIN,
        When.LATER,
        "its datasets cannot be read here",
        after=unread,
        remote_id=job.job_id if job else None,
    )
    return Planned(step, Outcome(job_id=job.job_id if job else None))


def _plan_training(resource: Resource, spec: FineTune, wanted: Wanted, context: Context) -> Planned:
    intent = context.intent(resource.address)
    if intent and intent.verb == "train" and context.settling(intent):
        step = Step(
            resource.address,
            Action.TRAIN,
            When.SERVICE,
            "the answer to the training call was lost; waiting to see whether the job appears",
            progress=Progress("UNKNOWN"),
        )
        return Planned(step)
    missing = tuple(address for address in _datasets(spec) if context.outcome(address).file_id is None)
    entry = context.entry(resource.address)
    step = Step(
        resource.address,
        Action.TRAIN,
        When.LATER if missing else When.NOW,
        _why_train(entry, spec, intent),
        after=missing,
        changes=_changes(spec, wanted, entry, context),
        cost=_cost(spec, context, None),
        summary=_summary(spec, context),
        effect=None if missing else _train(resource, spec, wanted, context),
    )
    return Planned(step)


def _why_train(entry: Entry, spec: FineTune, intent: Intent | None) -> str:
    if intent and intent.verb == "train":
        return "a training was sent, and no job of it appeared"
    if entry.current is None:
        return "not trained yet"
    if entry.current.inputs.get("attempt") != spec.attempt:
        return f"attempt {spec.attempt}"
    return f"its inputs changed; {entry.current.remote_id} stays beside it"


def _train(resource: Resource, spec: FineTune, wanted: Wanted, context: Context) -> "Train":
    body: dict[str, Any] = {
        "model": spec.model,
        "training_file_ids": [context.outcome(Address.dataset(name)).file_id for name in spec.training],
        "training_type": spec.training_type,
        "hyper_parameters": _sent_parameters(spec, context),
        "job_name": job_mark(context.project, resource.address.name, wanted.identity),
    }
    if spec.validation:
        body["validation_file_ids"] = [
            context.outcome(Address.dataset(name)).file_id for name in spec.validation
        ]
    same_model = context.snapshot.jobs_by_model.get(spec.model, ())
    return Train(
        resource.address,
        wanted.identity,
        body,
        job_inputs(wanted, context),
        tuple(job.job_id for job in same_model),
    )


def _sent_parameters(spec: FineTune, context: Context) -> dict[str, Any]:
    """Every hyper-parameter, explicitly: the service's own defaults moved before, and with them the price."""
    parameters = context.desired.catalogue.complete(spec.model, spec.hyper_parameters.declared())
    if spec.validation:
        for ignored in ("split", "max_split_val_dataset_sample"):
            if ignored not in spec.hyper_parameters.declared():
                parameters.pop(ignored, None)
    return parameters


def job_inputs(wanted: Wanted, context: Context) -> dict[str, Any]:
    return {
        "model": wanted.spec.model,
        "training_type": wanted.spec.training_type,
        "training": list(wanted.training),
        "validation": list(wanted.validation),
        "hyper_parameters": dict(_sent_parameters(wanted.spec, context)),
        "declared": sorted(wanted.declared),
        "attempt": wanted.spec.attempt,
    }


def _changes(spec: FineTune, wanted: Wanted, entry: Entry, context: Context) -> tuple[Change, ...]:
    """Against the job that stood for it, only what differs; for a first job, everything that is sent."""
    before = entry.current.inputs if entry.current else {}
    after = job_inputs(wanted, context)
    changes = [
        Change(key, _short(before.get(key)), _short(after[key]), FieldClass.IMMUTABLE)
        for key in ("model", "training", "validation", "attempt")
        if before.get(key) != after[key] and not (key == "attempt" and not before) and after[key] != []
    ]
    old = before.get("hyper_parameters", {})
    for key, value in after["hyper_parameters"].items():
        if canonical_number(old.get(key)) != canonical_number(value):
            declared = key in wanted.declared
            changes.append(
                Change(
                    f"hyper_parameters.{key}",
                    old.get(key),
                    value,
                    FieldClass.IMMUTABLE if declared else FieldClass.SERVER_DEFAULT,
                    "" if declared else context.desired.catalogue.origin(spec.model),
                )
            )
    return tuple(changes)


def _short(value: Any) -> Any:
    """Contents by their first 16 digits: enough to tell apart, short enough to read."""
    if isinstance(value, list):
        return [item if item.startswith("file:") else f"sha256:{item[:16]}" for item in value]
    return value


def _summary(spec: FineTune, context: Context) -> str:
    parameters = context.desired.catalogue.complete(spec.model, spec.hyper_parameters.declared())
    facts = [context.local.get(Address.dataset(name)) for name in spec.training]
    samples = [one.facts.samples for one in facts if one and one.facts]
    epochs, batch = parameters.get("n_epochs"), parameters.get("batch_size")
    if len(samples) != len(spec.training) or not isinstance(epochs, int) or not isinstance(batch, int):
        return f"{spec.model}, {epochs} epochs"
    per_epoch = -(-sum(samples) // batch)
    return f"{spec.model}, {epochs} epochs × {per_epoch} = {epochs * per_epoch:,} steps"


def _cost(spec: FineTune, context: Context, job: Job | None) -> Cost:
    facts = [context.local.get(Address.dataset(name)) for name in spec.training]
    known = [one.facts for one in facts if one and one.facts]
    seconds = None
    if len(known) == len(spec.training):
        seconds = tuple(clip for one in known for clip in one.seconds)
    estimate = estimate_training(
        context.desired.catalogue,
        spec.model,
        _sent_parameters(spec, context),
        seconds,
        validation_given=bool(spec.validation),
    )
    usage = job.usage if job else None
    return Cost(
        estimate.tokens,
        estimate.amount,
        estimate.currency,
        estimate.basis,
        usage,
        estimate.amount_of(usage) if usage is not None else None,
    )


def _plan_absent(resource: Resource, match: Match, context: Context) -> Planned:
    job = match.job
    if job is None:
        doubt = bool(match.candidates)
        step = Step(
            resource.address,
            Action.DELETE if doubt else Action.NOTHING,
            When.BLOCKED if doubt else When.DONE,
            ambiguity(match, None) if doubt else "absent, as the spec says",
        )
        return Planned(step)
    derived = [
        one.deployed_model
        for one in context.snapshot.deployments
        if not one.gone and job.finetuned_output and (one.model_name or "").startswith(job.finetuned_output)
    ]
    if derived:
        reason = f"{', '.join(derived)} still serves a model of {job.job_id}"
        return Planned(Step(resource.address, Action.DELETE, When.BLOCKED, reason, remote_id=job.job_id))
    if job.in_flight:
        canceling = str(job.status) == "CANCELING"
        step = Step(
            resource.address,
            Action.CANCEL,
            When.SERVICE if canceling else When.NOW,
            "the spec says state: absent, and it is in training",
            remote_id=job.job_id,
            progress=Progress(str(job.status)),
            warning="what it trained so far is billed",
            effect=None if canceling else CancelJob(resource.address, job.job_id),
        )
        return Planned(step)
    step = Step(
        resource.address,
        Action.DELETE,
        When.NOW,
        "the spec says state: absent",
        remote_id=job.job_id,
        warning="its checkpoints may go with it; training again is billed",
        effect=DeleteJob(resource.address, job.job_id),
    )
    return Planned(step)


@dataclass(frozen=True)
class Train:
    """POST the job, with our mark as its name; a service that rejects the mark is asked again without it."""

    address: Address
    identity: str
    body: dict[str, Any]
    sent: dict[str, Any]
    seen: tuple[str, ...]
    verb: str = "train"

    def inputs(self) -> dict[str, Any]:
        return self.sent

    async def perform(self, tools: Tools) -> Landing:
        try:
            answer = await tools.studio.jobs.create(self.body)
        except InvalidRequest as error:
            if "job_name" not in (error.service_message or ""):
                raise
            unnamed = {key: value for key, value in self.body.items() if key != "job_name"}
            answer = await tools.studio.jobs.create(unnamed)
        made = tools.generation(answer.value.job_id, self.identity, self.sent)
        return Landing(tools.entry.with_current(made), answer.value.job_id, answer.request_id)


@dataclass(frozen=True)
class CancelJob:
    """POST cancel: idempotent, and billed up to here."""

    address: Address
    remote_id: str
    verb: str = "cancel"

    @property
    def identity(self) -> str:
        return self.remote_id

    def inputs(self) -> dict[str, Any]:
        return {"job_id": self.remote_id}

    async def perform(self, tools: Tools) -> Landing:
        answer = await tools.studio.jobs.cancel(self.remote_id)
        return Landing(tools.entry, self.remote_id, answer.request_id)


@dataclass(frozen=True)
class DeleteJob:
    """DELETE the job's record; a service may refuse this in any state."""

    address: Address
    remote_id: str
    verb: str = "delete"

    @property
    def identity(self) -> str:
        return self.remote_id

    def inputs(self) -> dict[str, Any]:
        return {"job_id": self.remote_id}

    async def perform(self, tools: Tools) -> Landing:
        answer = await tools.studio.jobs.delete(self.remote_id)
        return Landing(None, self.remote_id, answer.request_id)
