"""What the service's documents say must be so: errors, before anything is uploaded.

A document may know better: `allow: [RULE]` in it turns the errors of that rule into warnings, which every
plan shows. An `allow` that has nothing to do is told of as well.
"""

import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from wanctl.base.words import counted, did_you_mean, listed
from wanctl.catalogue.base_models import Catalogue, CatalogueModel
from wanctl.finding import Finding, Severity
from wanctl.language.models import Deployment, FineTune
from wanctl.language.resources import Resource
from wanctl.rules import Rule

LEAST_STEPS = 800
LORA_CAPACITY = 1
NEEDS_SAMPLES = frozenset({Rule.FEW_STEPS})  # not judged before the datasets are counted
ALLOWING = "or, to keep what was made with it, or to try: allow: [{rule}]"
_ALL = frozenset(Rule)


@dataclass(frozen=True)
class JudgedTraining:
    """A FineTune with what the catalogue makes of it. A parameter that could not be read is not there."""

    resource: Resource
    spec: FineTune
    base: CatalogueModel | None
    parameters: Mapping[str, Any]
    model: str  # as it is spelt in the catalogue
    region: str | None = None  # of the account, where that is known

    @classmethod
    def of(
        cls, resource: Resource, catalogue: Catalogue, region: str | None = None, unread: Collection[str] = ()
    ) -> "JudgedTraining":
        spec = resource.spec
        assert isinstance(spec, FineTune)  # noqa: S101 - the callers looked
        model = misspelt_model(spec.model, catalogue) or spec.model
        parameters = catalogue.complete(model, spec.hyper_parameters.declared())
        read = {key: value for key, value in parameters.items() if key not in unread}
        return cls(resource, spec, catalogue.base_model(model), read, model, region)

    def finding(
        self, key: str, severity: Severity, rule: Rule, message: str, hint: str | None = None
    ) -> Finding:
        return finding_at(self.resource, f"hyper_parameters.{key}", severity, rule, message, hint)

    def must(self, key: str, rule: Rule, message: str, hint: str) -> Finding:
        return self.finding(key, Severity.ERROR, rule, message, hint)


def finding_at(
    resource: Resource, path: str, severity: Severity, rule: Rule, message: str, hint: str | None
) -> Finding:
    """At the value if it is written, else at the nearest that is."""
    place, around = None, path
    while place is None and around:
        place = resource.places.get(around)
        around = around.rpartition(".")[0]
    return Finding.at(
        place or resource.origin, severity, rule, message, path=f"{resource.address}.{path}", hint=hint
    )


def misspelt_model(model: str, catalogue: Catalogue) -> str | None:
    """The base model that was surely meant: letters are wrong, missing or swapped. Another number, or a
    longer name, may be a newer model."""
    near = None if catalogue.base_model(model) else did_you_mean(model, list(catalogue.models))
    if near is None or re.findall(r"\d", model) != re.findall(r"\d", near):
        return None
    return near if abs(len(model) - len(near)) <= 1 else None


def broken_musts(resource: Resource, catalogue: Catalogue, region: str | None) -> list[str]:
    """The rules that a document has to allow, so that it can say what is there already."""
    spec = resource.spec
    if isinstance(spec, FineTune):
        found = training_musts(JudgedTraining.of(resource, catalogue, region))
    elif isinstance(spec, Deployment):
        found = serving_musts(resource, spec)
    else:
        return []
    return sorted({str(one.rule) for one in found if one.severity is Severity.ERROR})


def training_musts(training: JudgedTraining) -> Iterator[Finding]:
    """The musts of a training that the specs alone tell."""
    found = [one for rule in _TRAINING_MUSTS for one in rule(training)]
    unjudged = NEEDS_SAMPLES | (frozenset() if training.region else {Rule.REGION})
    return _weighed(training.resource, training.spec.allow, found, unjudged if training.base else _ALL)


def serving_musts(resource: Resource, spec: Deployment) -> Iterator[Finding]:
    """The musts of a deployment."""
    found = []
    if spec.capacity != LORA_CAPACITY:
        message = f"capacity {spec.capacity}: a deployment of plan lora has capacity {LORA_CAPACITY}"
        hint = f"write capacity: {LORA_CAPACITY}"
        found.append(finding_at(resource, "capacity", Severity.ERROR, Rule.CAPACITY, message, hint))
    return _weighed(resource, spec.allow, found)


def step_musts(training: JudgedTraining, samples: int) -> Iterator[Finding]:
    """The must that is known once the samples are counted."""
    return _weighed(training.resource, training.spec.allow, _steps(training, samples), _ALL - NEEDS_SAMPLES)


def _weighed(
    resource: Resource,
    allow: Sequence[str],
    found: Iterable[Finding],
    unjudged: Collection[str] = (),
) -> Iterator[Finding]:
    """The findings, those that are allowed as warnings; and what is allowed without need."""
    broken = [*found]
    for one in broken:
        if one.rule in allow:
            yield replace(one, severity=Severity.WARNING, message=f"{one.message}; allowed here", hint=None)
        else:
            yield replace(one, hint=f"{one.hint}; {ALLOWING.format(rule=one.rule)}")
    for number, rule in enumerate(str(one) for one in allow):
        if rule not in unjudged and all(one.rule != rule for one in broken):
            message, hint = f"allow: {rule} lets nothing pass: all is as documented", f"take {rule} out"
            yield finding_at(resource, f"allow[{number}]", Severity.ADVICE, Rule.ALLOW_IDLE, message, hint)


def _steps(training: JudgedTraining, samples: int) -> Iterator[Finding]:
    epochs, batch = training.parameters.get("n_epochs"), training.parameters.get("batch_size")
    if not isinstance(epochs, int) or not isinstance(batch, int):
        return
    per_epoch = math.ceil(samples / batch)
    steps = epochs * per_epoch
    if steps >= LEAST_STEPS:
        return
    rounded = f" (rounded up from {samples} / {batch})" if samples % batch else ""
    message = (
        f"{counted(steps, 'step is', 'steps are')} too few, {LEAST_STEPS} are needed: "
        f"n_epochs {epochs} × {per_epoch} an epoch, of {counted(samples, 'sample')} "
        f"with batch_size {batch}{rounded}"
    )
    enough = math.ceil(LEAST_STEPS / per_epoch)
    hint = f"write n_epochs: {enough}, the fewest that reach {LEAST_STEPS}; the price grows with it"
    yield training.must("n_epochs", Rule.FEW_STEPS, message, hint)


def _eval_epochs(training: JudgedTraining) -> Iterator[Finding]:
    epochs, every = training.parameters.get("n_epochs"), training.parameters.get("eval_epochs")
    if not isinstance(epochs, int) or not isinstance(every, int) or every * 10 >= epochs:
        return
    message = f"eval_epochs {every} is less than a tenth of n_epochs {epochs}"
    hint = f"write eval_epochs: {math.ceil(epochs / 10)} or more"
    yield training.must("eval_epochs", Rule.EVAL_EPOCHS, message, hint)


def _ranges(training: JudgedTraining) -> Iterator[Finding]:
    declared = training.spec.hyper_parameters.declared()
    for key, (least, most) in (training.base.ranges if training.base else {}).items():
        value = declared.get(key)
        if value is not None and not least <= value <= most:
            documented = f"what is documented for {training.model}: {least:.0f} to {most:.0f}"
            message = f"{key} {value} is outside of {documented}"
            yield training.must(key, Rule.RANGE, message, f"write {least:.0f} to {most:.0f}")


def _powers_of_two(training: JudgedTraining) -> Iterator[Finding]:
    for key in ("lora_rank", "lora_alpha"):
        value = getattr(training.spec.hyper_parameters, key)
        if value is not None and value & (value - 1):
            below = 1 << (value.bit_length() - 1)
            message = f"{key} {value} is not a power of two"
            yield training.must(key, Rule.POWER_OF_TWO, message, f"write {below} or {below * 2}")


def _region(training: JudgedTraining) -> Iterator[Finding]:
    """Keys, models and deployments belong to one region, and few regions fine-tune."""
    regions = training.base.regions if training.base else ()
    if training.region is None or not regions or training.region in regions:
        return
    message = f"{training.model} is not fine-tuned in {training.region}, as far as is documented"
    hint = f"{listed(regions, 'or')} has it: region: in wanctl.yaml"
    yield finding_at(training.resource, "model", Severity.ERROR, Rule.REGION, message, hint)


def _choices(training: JudgedTraining) -> Iterator[Finding]:
    """A hyper-parameter of this model alone takes what the catalogue lists."""
    own = training.base.hyper_parameters if training.base else {}
    for key, value in training.spec.hyper_parameters.declared().items():
        choices = own[key].choices if key in own else ()
        if choices and value not in choices:
            message = f"{key} {value} is none that {training.model} takes: {listed(map(str, choices), 'or')}"
            yield training.must(key, Rule.RANGE, message, f"write {listed(map(str, choices), 'or')}")


_TRAINING_MUSTS: tuple[Callable[[JudgedTraining], Iterator[Finding]], ...] = (
    _eval_epochs,
    _ranges,
    _choices,
    _powers_of_two,
    _region,
)
