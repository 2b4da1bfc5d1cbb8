"""Rules of values that are valid in themselves: what the documents demand (`musts`), and what is advised.

`check_declared` needs nothing but the specs and runs when they are loaded; `check` needs the samples, which
only the datasets' files tell.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from wanctl.address import Address
from wanctl.base.words import did_you_mean, listed, quoted
from wanctl.catalogue.base_models import Catalogue
from wanctl.dataset.contents import DatasetFacts
from wanctl.finding import Finding, Severity
from wanctl.language.models import Checkpoint, Dataset, Deployment, FineTune, State
from wanctl.language.resources import Desired, Resource
from wanctl.language.rules.checks import check_videos
from wanctl.language.rules.datasets import check_templates
from wanctl.language.rules.musts import (
    JudgedTraining,
    finding_at,
    misspelt_model,
    serving_musts,
    step_musts,
    training_musts,
)
from wanctl.rules import Rule

FAR_OFF = 50  # times more or less than usual


def check(desired: Desired, facts: Mapping[Address, DatasetFacts | None]) -> tuple[Finding, ...]:
    """The rules that need the samples. What was not seen is not judged."""
    found: list[Finding] = []
    for resource in desired.resources.values():
        spec = resource.spec
        if isinstance(spec, FineTune) and spec.state is State.PRESENT:
            sets = [facts.get(Address.dataset(name)) for name in spec.training_sets]
            counts = [len(one.samples) for one in sets if one and one.samples]
            if len(counts) == len(sets):
                found += step_musts(JudgedTraining.of(resource, desired.catalogue), sum(counts))
    found += check_templates(desired, facts)
    return tuple(found)


def check_declared(
    resources: Mapping[Address, Resource],
    catalogue: Catalogue,
    sources: Mapping[Address, Path],
    region: str | None = None,
) -> Iterator[Finding]:
    """The rules that need nothing but the specs; `region` is the account's, where it is known."""
    for resource in resources.values():
        yield from check_document(resource, resources, catalogue, region)
    yield from _twins(resources, sources)


def check_document(
    resource: Resource,
    resources: Mapping[Address, Resource],
    catalogue: Catalogue,
    region: str | None,
    unread: Collection[str] = (),
) -> Iterator[Finding]:
    """The rules of one document. Hyper-parameters that are `unread` were told of already, and judge nothing.

    What it refers to is found in `resources`.
    """
    spec = resource.spec
    if spec.state is State.ABSENT:
        return
    if isinstance(spec, FineTune):
        training = JudgedTraining.of(resource, catalogue, region, unread)
        yield from training_musts(training)
        for rule in _TRAINING_RULES:
            yield from rule(training)
        if catalogue.base_model(spec.model) is None:
            yield _unknown_model(resource, spec, catalogue)
    elif isinstance(spec, Deployment):
        yield from serving_musts(resource, spec)
        yield from _prompts(resource, spec)
        yield from check_videos(resource, spec, resources)
    elif isinstance(spec, Checkpoint):
        yield from _choice(resource, spec, resources, catalogue)


def _split_without_effect(training: JudgedTraining) -> Iterator[Finding]:
    if not training.spec.validation:
        return
    for key in ("split", "max_split_val_dataset_sample"):
        if key in training.spec.hyper_parameters.declared():
            message = f"{key} has no effect: with a validation set nothing is split off"
            yield training.finding(key, Severity.WARNING, Rule.SPLIT_IGNORED, message, f"take {key} out")


def _batch_size(training: JudgedTraining) -> Iterator[Finding]:
    declared = training.spec.hyper_parameters.batch_size
    advised = training.base.recommended_batch_size if training.base else None
    if declared is not None and advised is not None and declared != advised:
        message = f"batch_size {declared} is not the {advised} that is recommended for {training.spec.model}"
        hint = f"write batch_size: {advised}, or leave it out"
        yield training.finding("batch_size", Severity.WARNING, Rule.BATCH_SIZE, message, hint)


def _learning_rate(training: JudgedTraining) -> Iterator[Finding]:
    """No document bounds it; a slip of the decimal point is a training paid for in vain."""
    declared = training.spec.hyper_parameters.learning_rate
    usual = training.base.defaults.learning_rate if training.base else None
    if not declared or not usual or 1 / FAR_OFF < declared / usual < FAR_OFF:
        return
    times = declared / usual
    far = f"{times:,.0f} times" if times > 1 else f"1/{1 / times:,.0f} of"
    value, common = (f"{one:g}".replace("e-0", "e-") for one in (declared, usual))
    message = f"learning_rate {value} is {far} the usual {common} of {training.spec.model}"
    yield training.finding(
        "learning_rate", Severity.WARNING, Rule.LEARNING_RATE, message, f"write {common}, or leave it out"
    )


_TRAINING_RULES: tuple[Callable[[JudgedTraining], Iterator[Finding]], ...] = (
    _split_without_effect,
    _batch_size,
    _learning_rate,
)


def _choice(
    resource: Resource, spec: Checkpoint, resources: Mapping[Address, Resource], catalogue: Catalogue
) -> Iterator[Finding]:
    """As far as is documented, checkpoints are made every eval_epochs, and one at the end."""
    finetune = resources.get(Address.finetune(spec.finetune))
    if finetune is None or not isinstance(finetune.spec, FineTune) or spec.checkpoint is None:
        return
    parameters = catalogue.complete(finetune.spec.model, finetune.spec.hyper_parameters.declared())
    epochs, every = parameters.get("n_epochs"), parameters.get("eval_epochs")
    number = int(spec.checkpoint.rpartition("-")[2])
    if not isinstance(epochs, int) or not isinstance(every, int) or number <= epochs:
        return
    last = epochs - epochs % every or epochs
    message = (
        f"{spec.checkpoint} is beyond the {epochs} epochs of {finetune.address}: it will hardly be there"
    )
    hint = f"with eval_epochs {every} the last ones are checkpoint-{last} and checkpoint-{epochs}"
    if last == epochs:
        hint = f"with eval_epochs {every} the last one is checkpoint-{epochs}"
    yield finding_at(resource, "checkpoint", Severity.WARNING, Rule.CHECKPOINT_BEYOND, message, hint)


def _unknown_model(resource: Resource, spec: FineTune, catalogue: Catalogue) -> Finding:
    near = did_you_mean(spec.model, list(catalogue.models))
    message = (
        f"the catalogue does not know the model {quoted(spec.model)}: "
        "nothing is filled in, and its price is unknown"
    )
    hint = (
        f"did you mean {near}?"
        if near
        else f"it knows {listed(catalogue.models)}; catalogue: FILE can add more"
    )
    typo = misspelt_model(spec.model, catalogue) is not None
    severity = Severity.ERROR if typo else Severity.WARNING
    hint += " if it is another one: catalogue: FILE can add it" if typo else ""
    return finding_at(resource, "model", severity, Rule.UNKNOWN_MODEL, message, hint)


def _prompts(resource: Resource, spec: Deployment) -> Iterator[Finding]:
    config = spec.aigc_config
    if config.unknown:
        return
    templates = {"prompt": config.prompt, "lora_prompt_default": config.lora_prompt_default}
    for key, text in templates.items():
        path = f"aigc_config.{key}"
        if config.use_input_prompt and text:
            message = f"{key} is not used: with use_input_prompt: true the caller's own prompt is"
            hint = f"take {key} out, or write use_input_prompt: false"
            yield finding_at(resource, path, Severity.WARNING, Rule.PROMPT_UNUSED, message, hint)
        if not config.use_input_prompt and not (text and text.strip()):
            lack = "missing" if text is None else "empty"
            message = f"{key} is {lack}, and with use_input_prompt: false it is needed"
            hint = f"write {key}: with a text or {{file: path}}; or use_input_prompt: true"
            yield finding_at(resource, path, Severity.ERROR, Rule.PROMPT_MISSING, message, hint)


def _twins(resources: Mapping[Address, Resource], sources: Mapping[Address, Path]) -> Iterator[Finding]:
    """FineTunes with the same inputs: the service has no field in which their jobs would differ for sure."""
    first: dict[object, Resource] = {}
    for resource in resources.values():
        spec = resource.spec
        if not isinstance(spec, FineTune):
            continue
        inputs = (
            spec.model,
            frozenset(_content(name, resources, sources) for name in spec.training),
            spec.split or frozenset(_content(name, resources, sources) for name in spec.validation_sets),
            tuple(spec.hyper_parameters.declared().items()),
        )
        twin = first.setdefault(inputs, resource)
        if twin is not resource:
            message = (
                f"{resource.address} has the same inputs as {twin.address} at {twin.origin}: "
                "at the service nothing would tell their jobs apart"
            )
            hint = "let both uses refer to one FineTune; to train the same again, raise its attempt"
            yield Finding.at(
                resource.origin,
                Severity.ERROR,
                Rule.TWIN_FINETUNES,
                message,
                path=str(resource.address),
                hint=hint,
            )


def _content(name: str, resources: Mapping[Address, Resource], sources: Mapping[Address, Path]) -> object:
    """The identity of a dataset's content before it is read: its path or its file id."""
    address = Address.dataset(name)
    resource = resources.get(address)
    uploaded = resource.spec.source.elsewhere if resource and isinstance(resource.spec, Dataset) else None
    return uploaded or sources.get(address, name)
