"""Rules of a Deployment's checks: their images are there, and its model takes what is asked for."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from wanctl.address import Address
from wanctl.finding import Finding, Severity
from wanctl.generation.checks import WantedVideo, wanted_videos
from wanctl.generation.modes import CalledModel, tuned_model
from wanctl.language.models import Checkpoint, Deployment, FineTune
from wanctl.language.resources import Resource
from wanctl.language.rules.musts import finding_at
from wanctl.rules import Rule


def check_videos(
    resource: Resource, spec: Deployment, resources: Mapping[Address, Resource]
) -> Iterator[Finding]:
    """What is wrong with each video that the checks ask for, where its image is written."""
    called = called_by(resource.address.name, spec, resources)
    for wanted in wanted_of(resource, spec):
        for one in _problems(wanted, called):
            path = f"checks.images[{wanted.number}]"
            message = f"check {wanted.name}: {one.message}"
            yield finding_at(resource, path, one.severity, Rule.CHECKS, message, one.hint)


def wanted_of(resource: Resource, spec: Deployment) -> tuple[WantedVideo, ...]:
    """The videos of its checks; none where it has none."""
    if spec.checks is None:
        return ()
    return wanted_videos(spec.checks, resource.address.name, resource.files)


def base_of(spec: Deployment, resources: Mapping[Address, Resource]) -> str | None:
    """The base model that it serves a tuned one of, where the specs tell it."""
    finetune = spec.finetune
    if spec.checkpoint:
        chosen = resources.get(Address.checkpoint(spec.checkpoint))
        finetune = chosen.spec.finetune if chosen and isinstance(chosen.spec, Checkpoint) else None
    trained = resources.get(Address.finetune(finetune)) if finetune else None
    return trained.spec.model if trained and isinstance(trained.spec, FineTune) else None


def called_by(name: str, spec: Deployment, resources: Mapping[Address, Resource]) -> CalledModel | None:
    """How it is called, as far as the specs tell its base model."""
    base = base_of(spec, resources)
    uses = None if spec.aigc_config.unknown else bool(spec.aigc_config.use_input_prompt)
    return tuned_model(name, base, None, uses_prompt=uses, made="") if base else None


def _problems(wanted: WantedVideo, called: CalledModel | None) -> Iterator[Finding]:
    from wanctl.generation.inputs import inputs_of
    from wanctl.generation.request import RequestError
    from wanctl.generation.rules import problems

    try:
        inputs = inputs_of(wanted.request)
    except RequestError:
        yield Finding.error(
            Rule.CHECKS, "there is no such image, or it cannot be read", hint="write a path from this file"
        )
        return
    for one in problems(wanted.request, called, inputs) if called else ():
        if one.severity is Severity.ERROR or one.rule is Rule.GENERATE_PROMPT_IGNORED:
            hint = one.hint if one.rule is not Rule.GENERATE_INPUT else None
            yield replace(one, hint=hint)
