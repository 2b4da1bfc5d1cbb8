"""Rules between specs and datasets: what a dataset is used for, and whether templates fit its captions.

The datasets' own checks know nothing of specs; here a FineTune becomes a `Use`, and a Deployment's
templates are held against the captions that its model was trained on.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from wanctl.address import Address
from wanctl.catalogue.base_models import FrameMode
from wanctl.dataset.checks import Use
from wanctl.dataset.checks.captions import CaptionEffect, effect_of, likeness, made_up_words
from wanctl.dataset.contents import DatasetFacts
from wanctl.finding import Finding, Severity
from wanctl.language.models import Checkpoint, Dataset, Deployment, FineTune, State
from wanctl.language.resources import Desired, Resource
from wanctl.rules import Rule

_UNLIKE = 0.35
Facts = Mapping[Address, DatasetFacts | None]


def uses_of(desired: Desired, facts: Facts) -> dict[Address, list[Use]]:
    """Each dataset's uses, in the order of the FineTunes."""
    uses: dict[Address, list[Use]] = defaultdict(list)
    for resource in desired.resources.values():
        spec = resource.spec
        if isinstance(spec, FineTune) and spec.state is State.PRESENT:
            split = spec.training if spec.split else ()  # what is said of a whole helps who looks at it
            for name in (*split, *spec.training_sets, *spec.validation_sets):
                address = Address.dataset(name)
                uses[address].append(_use(resource, spec, address, desired, facts))
    return uses


def _use(resource: Resource, spec: FineTune, dataset: Address, desired: Desired, facts: Facts) -> Use:
    base = desired.catalogue.base_model(spec.model)
    training = dataset.name in (*spec.training, *spec.training_sets)
    referred = desired.resources.get(dataset)
    trained = [facts.get(Address.dataset(name)) for name in spec.training_sets]
    known = [one for one in trained if one]
    parameters = desired.catalogue.complete(spec.model, spec.hyper_parameters.declared())
    batch = parameters.get("batch_size")
    return Use(
        by=str(resource.address),
        training=training,
        model=spec.model,
        last_frames=base.mode_with(parameters) is FrameMode.FIRST_AND_LAST_FRAME if base else None,
        longest=base.longest_clip if base else None,
        batch_size=batch if isinstance(batch, int) else None,
        target_seconds=referred.spec.target_seconds
        if referred and isinstance(referred.spec, Dataset)
        else None,
        total_samples=sum(len(one.samples) for one in known) if len(known) == len(trained) else None,
        trained_captions=() if training else tuple(text for one in known for text in one.prompts),
    )


def check_templates(desired: Desired, facts: Facts) -> Iterator[Finding]:
    """A Deployment asks in its templates for what its training set taught, in the same words."""
    for resource in desired.resources.values():
        spec = resource.spec
        if not isinstance(spec, Deployment) or spec.state is State.ABSENT:
            continue
        if spec.aigc_config.use_input_prompt or spec.aigc_config.unknown:
            continue
        trained = _training_of(spec, desired)
        sets = [facts.get(Address.dataset(name)) for name in trained.training] if trained else []
        captions = [text for one in sets if one for text in one.prompts]
        if trained and captions and all(sets):
            effect = effect_of(captions)
            for key in ("prompt", "lora_prompt_default"):
                text = getattr(spec.aigc_config, key) or ""
                yield from _template(resource, key, text, effect, captions, ", ".join(trained.training))


def _training_of(spec: Deployment, desired: Desired) -> FineTune | None:
    name = spec.finetune
    if spec.checkpoint:
        checkpoint = desired.resources.get(Address.checkpoint(spec.checkpoint))
        name = checkpoint.spec.finetune if checkpoint and isinstance(checkpoint.spec, Checkpoint) else None
    resource = desired.resources.get(Address.finetune(name)) if name else None
    return resource.spec if resource and isinstance(resource.spec, FineTune) else None


def _template(
    resource: Resource, key: str, text: str, effect: CaptionEffect, captions: list[str], trained: str
) -> Iterator[Finding]:
    if not text.strip():
        return
    path = f"aigc_config.{key}"
    taught = made_up_words(" ".join(captions))
    strange = sorted(made_up_words(text) - taught)
    if strange:
        hint = f"the captions have {effect.trigger}; did you mean that?" if effect.trigger else None
        yield _warn(
            resource, path, f"{strange[0]} is in no caption of {trained}: nothing was learnt of it", hint
        )
    elif effect.trigger and effect.trigger not in made_up_words(text):
        message = f"{key} has no {effect.trigger}, the trigger word that the captions of {trained} teach"
        yield _warn(resource, path, message, f"write {effect.trigger} into it")
    elif effect.trigger and key == "lora_prompt_default":
        alike = max(likeness(part, effect.description) for part in _endings(text))
        if alike < _UNLIKE:
            message = f"{key} describes the effect in other words than the captions of {trained}"
            yield _warn(resource, path, message, f'the captions say: "{effect.description}"')


def _endings(text: str) -> list[str]:
    """The text from each sentence on: what comes before the effect differs anyway."""
    sentences = [part for part in text.replace("\n", " ").split(". ") if part.strip()]
    return [". ".join(sentences[number:]) for number in range(len(sentences))] or [text]


def _warn(resource: Resource, path: str, message: str, hint: str | None) -> Finding:
    place = resource.places.get(path) or resource.origin
    return Finding.at(
        place, Severity.WARNING, Rule.TEMPLATE_TRIGGER, message, path=f"{resource.address}.{path}", hint=hint
    )
