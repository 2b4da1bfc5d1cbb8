"""One FineTune as the service would know it: its identity, what is sent, what differs, what it costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from wanctl.address import Address
from wanctl.catalogue.estimate import Cost, estimate_training
from wanctl.kinds.case import Case, FieldRule, FieldTable
from wanctl.kinds.context import Context, Measured
from wanctl.kinds.snapshot import canonical_number, digest_of
from wanctl.language.models import FineTune
from wanctl.ledger.record import Generation, Verb
from wanctl.plan import Action, Change, FieldClass, Step, When
from wanctl.studio.objects import Job
from wanctl.studio.training_log import TrainingProgress, TrainingTime, training_time

FIELDS = FieldTable(  # what is left out of the hyper-parameters is a default, by the catalogue
    FieldRule("model", FieldClass.IMMUTABLE),
    FieldRule("training", FieldClass.IMMUTABLE),
    FieldRule("validation", FieldClass.IMMUTABLE),
    FieldRule("validation.*", FieldClass.IMMUTABLE),
    FieldRule("hyper_parameters.*", FieldClass.IMMUTABLE),
    FieldRule("attempt", FieldClass.IMMUTABLE),
)


@dataclass(frozen=True)
class TrainingCase(Case):
    """One FineTune, its datasets' contents, and what the ledger knows of these inputs."""

    @cached_property
    def spec(self) -> FineTune:
        assert isinstance(self.resource.spec, FineTune)  # noqa: S101 - the registry pairs them
        return self.resource.spec

    # Datasets

    @cached_property
    def datasets(self) -> tuple[Address, ...]:
        return tuple(Address.dataset(name) for name in (*self.spec.training_sets, *self.spec.validation_sets))

    @property
    def unread(self) -> tuple[Address, ...]:
        """Datasets whose content is not known: without it the training has no identity."""
        return tuple(one for one in self.datasets if self.context.dataset(one).content is None)

    @cached_property
    def training(self) -> tuple[str, ...]:
        return self._contents(self.spec.training_sets)

    @cached_property
    def validation(self) -> tuple[str, ...]:
        return self._contents(self.spec.validation_sets)

    def _contents(self, names: tuple[str, ...]) -> tuple[str, ...]:
        contents = (self.context.dataset(Address.dataset(name)).content for name in names)
        return tuple(sorted(content for content in contents if content))

    def file_ids(self, names: tuple[str, ...]) -> list[str | None]:
        return [self.context.dataset(Address.dataset(name)).file_id for name in names]

    @cached_property
    def content_by_file(self) -> Mapping[str, str]:
        """File id → content, for every live file that holds one of the contents wanted."""
        found: dict[str, str] = {}
        for content in (*self.training, *self.validation):
            if content.startswith("file:"):
                found[content.removeprefix("file:")] = content
                continue
            key = (self.context.project, content[:16])
            for file in self.context.snapshot.files_by_content.get(key, ()):
                found[file.id] = content
        return found

    # Inputs

    @cached_property
    def declared(self) -> Mapping[str, Any]:
        """The hyper-parameters that the spec names."""
        return self.spec.hyper_parameters.declared()

    @property
    def parameters(self) -> dict[str, Any]:
        """Every hyper-parameter, by the spec or the catalogue."""
        return self.context.desired.catalogue.complete(self.spec.model, self.declared)

    @property
    def sent_parameters(self) -> dict[str, Any]:
        """All are sent explicitly: the service's own defaults moved before, and with them the price."""
        parameters = self.parameters
        if self.spec.validation:
            for ignored in ("split", "max_split_val_dataset_sample"):
                if ignored not in self.declared:
                    parameters.pop(ignored, None)
        return parameters

    @property
    def trained_parameters(self) -> dict[str, Any]:
        """Those of the job that is known, whatever the catalogue says by now; else what would be sent."""
        kept = self.known.inputs.get("hyper_parameters") if self.known and not self.known.adopted else None
        return {**self.sent_parameters, **(kept or {})}

    @cached_property
    def identity(self) -> str:
        return digest_of(
            {
                "model": self.spec.model,
                "training_type": self.spec.training_type,
                "training": self.training,
                "validation": self.validation,
                "hyper_parameters": {key: canonical_number(value) for key, value in self.declared.items()},
                "attempt": self.spec.attempt,
            }
        )

    @property
    def inputs(self) -> dict[str, Any]:
        """The ledger's record of the training."""
        return {
            "model": self.spec.model,
            "training_type": self.spec.training_type,
            "training": list(self.training),
            "validation": list(self.validation),
            "hyper_parameters": self.sent_parameters,
            "declared": sorted(self.declared),
            "attempt": self.spec.attempt,
            **({"drawn": self.spec.split.model_dump()} if self.spec.split else {}),
        }

    @property
    def known(self) -> Generation | None:
        """The job of these inputs, by the ledger."""
        return self.entry.generation(self.identity)

    @property
    def changes(self) -> tuple[Change, ...]:
        """Against the job that stood for it, only what differs; for a first job, everything that is sent."""
        before, after = self.entry.current.inputs if self.entry.current else {}, self.inputs
        changes = [
            FIELDS.change(key, _short(before.get(key)), _short(after[key]))
            for key in ("model", "training", "validation", "attempt")
            if before.get(key) != after[key] and not (key == "attempt" and not before) and after[key] != []
        ]
        changes += self._changes_of_draw(before.get("drawn", {}), after.get("drawn", {}))
        old = before.get("hyper_parameters", {})
        origin = self.context.desired.catalogue.origin(self.spec.model)
        defaults = FieldTable(FieldRule("hyper_parameters.*", FieldClass.SERVER_DEFAULT, origin))
        for key, value in after["hyper_parameters"].items():
            if canonical_number(old.get(key)) != canonical_number(value):
                table = FIELDS if key in self.declared else defaults
                changes.append(table.change(f"hyper_parameters.{key}", old.get(key), value))
        return tuple(changes)

    def _changes_of_draw(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
        """How the validation set is drawn, where that is another way than it was."""
        return [
            FIELDS.change(f"validation.{key}", before.get(key), after.get(key))
            for key in dict.fromkeys((*before, *after))
            if before.get(key) != after.get(key)
        ]

    # Length and price

    @property
    def measured(self) -> list[Measured] | None:
        """The samples of each training set; None unless all are known."""
        known = [self.context.measured(Address.dataset(name)) for name in self.spec.training_sets]
        measured = [one for one in known if one]
        return measured if len(measured) == len(known) else None

    @property
    def summary(self) -> str:
        parameters, measured, model = self.trained_parameters, self.measured, self.spec.model
        epochs, batch = parameters.get("n_epochs"), parameters.get("batch_size")
        if measured is None or not isinstance(epochs, int) or not isinstance(batch, int):
            return f"{model}, {epochs} epochs"
        per_epoch = -(-sum(one.samples for one in measured) // batch)
        return f"{model}, {epochs:,} epochs × {per_epoch:,} = {epochs * per_epoch:,} steps"

    def cost(self, job: Job | None = None) -> Cost:
        measured = self.measured
        estimate = estimate_training(
            self.context.desired.catalogue,
            self.spec.model,
            self.trained_parameters,
            None if measured is None else tuple(clip for one in measured for clip in one.seconds),
            validation_given=bool(self.spec.validation),
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

    def time(self, job: Job, seen: TrainingProgress | None) -> TrainingTime:
        """How long the job takes; the queue is part of it only where its log does not say when it began."""
        sent = self.context.called_at(Verb.TRAIN, job.job_id)
        return training_time(job, seen, sent, self.context.snapshot.observed_at)

    # Steps

    def train(self, when: When, reason: str, **more: Any) -> Step:
        return self.step(Action.TRAIN, when, reason, summary=self.summary, **more)

    def again(self, billed: str) -> str:
        """The attribute that a person writes to train once more."""
        return f"write attempt: {self.spec.attempt + 1} at {self.resource.at('attempt')} ({billed})"


def cost_of(job: Job, context: Context) -> Cost:
    """What any job of ours costs, by its bill, else by what the ledger says that it was made from."""
    made = context.recorded.get(job.job_id)
    inputs = made.inputs if made else {}
    clips = [context.seconds_by_content.get(content) for content in inputs.get("training", ())]
    known = [one for one in clips if one is not None]
    estimate = estimate_training(
        context.desired.catalogue,
        job.model or inputs.get("model") or "",
        inputs.get("hyper_parameters") or job.hyper_parameters,
        tuple(second for one in known for second in one) if known and len(known) == len(clips) else None,
        validation_given=bool(inputs.get("validation")),
    )
    usage = job.usage
    return Cost(
        estimate.tokens,
        estimate.amount,
        estimate.currency,
        estimate.basis,
        usage,
        estimate.amount_of(usage) if usage is not None else None,
    )


def _short(value: Any) -> Any:
    """Contents by their first 16 digits: enough to tell apart, short enough to read."""
    if isinstance(value, list):
        return [item if item.startswith("file:") else f"sha256:{item[:16]}" for item in value]
    return value
