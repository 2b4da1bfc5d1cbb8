"""What a job is made from: its identity, what is sent, what differs from the job before, what it costs."""

from typing import Any

from wanctl.address import Address
from wanctl.kinds.context import Context
from wanctl.kinds.fields import FieldRule, FieldTable
from wanctl.kinds.finetune.evidence import Wanted
from wanctl.kinds.identity import canonical_number, digest_of
from wanctl.language.estimate import estimate_training
from wanctl.language.models import FineTune
from wanctl.ledger.record import Entry
from wanctl.plan import Change, Cost, FieldClass
from wanctl.studio.objects import Job

FIELDS = FieldTable(  # what is left out of the hyper-parameters is a default, by the catalogue
    FieldRule("model", FieldClass.IMMUTABLE),
    FieldRule("training", FieldClass.IMMUTABLE),
    FieldRule("validation", FieldClass.IMMUTABLE),
    FieldRule("hyper_parameters.*", FieldClass.IMMUTABLE),
    FieldRule("attempt", FieldClass.IMMUTABLE),
)


def wanted_job(address: Address, spec: FineTune, context: Context) -> Wanted | None:
    """The FineTune with its datasets' contents; None while one of them cannot be read."""
    training = [context.dataset(Address.dataset(name)).content for name in spec.training]
    validation = [context.dataset(Address.dataset(name)).content for name in spec.validation]
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


def datasets_of(spec: FineTune) -> tuple[Address, ...]:
    return tuple(Address.dataset(name) for name in (*spec.training, *spec.validation))


def sent_parameters(spec: FineTune, context: Context) -> dict[str, Any]:
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
        "hyper_parameters": dict(sent_parameters(wanted.spec, context)),
        "declared": sorted(wanted.declared),
        "attempt": wanted.spec.attempt,
    }


def input_changes(spec: FineTune, wanted: Wanted, entry: Entry, context: Context) -> tuple[Change, ...]:
    """Against the job that stood for it, only what differs; for a first job, everything that is sent."""
    before = entry.current.inputs if entry.current else {}
    after = job_inputs(wanted, context)
    changes = [
        FIELDS.change(key, _short(before.get(key)), _short(after[key]))
        for key in ("model", "training", "validation", "attempt")
        if before.get(key) != after[key] and not (key == "attempt" and not before) and after[key] != []
    ]
    old = before.get("hyper_parameters", {})
    origin = context.desired.catalogue.origin(spec.model)
    defaults = FieldTable(FieldRule("hyper_parameters.*", FieldClass.SERVER_DEFAULT, origin))
    for key, value in after["hyper_parameters"].items():
        if canonical_number(old.get(key)) != canonical_number(value):
            table = FIELDS if key in wanted.declared else defaults
            changes.append(table.change(f"hyper_parameters.{key}", old.get(key), value))
    return tuple(changes)


def _short(value: Any) -> Any:
    """Contents by their first 16 digits: enough to tell apart, short enough to read."""
    if isinstance(value, list):
        return [item if item.startswith("file:") else f"sha256:{item[:16]}" for item in value]
    return value


def spell_training(spec: FineTune, context: Context) -> str:
    parameters = context.desired.catalogue.complete(spec.model, spec.hyper_parameters.declared())
    measured = [context.measured(Address.dataset(name)) for name in spec.training]
    samples = [one.samples for one in measured if one]
    epochs, batch = parameters.get("n_epochs"), parameters.get("batch_size")
    if len(samples) != len(spec.training) or not isinstance(epochs, int) or not isinstance(batch, int):
        return f"{spec.model}, {epochs} epochs"
    per_epoch = -(-sum(samples) // batch)
    return f"{spec.model}, {epochs:,} epochs × {per_epoch:,} = {epochs * per_epoch:,} steps"


def training_cost(spec: FineTune, context: Context, job: Job | None) -> Cost:
    measured = [context.measured(Address.dataset(name)) for name in spec.training]
    known = [one for one in measured if one]
    seconds = None
    if len(known) == len(spec.training):
        seconds = tuple(clip for one in known for clip in one.seconds)
    estimate = estimate_training(
        context.desired.catalogue,
        spec.model,
        sent_parameters(spec, context),
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
