"""Everything that is known of one dataset here, with what training each base model on it would cost."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wanctl.address import Address
from wanctl.catalogue.base_models import Catalogue, FrameMode
from wanctl.catalogue.estimate import TrainingEstimate, estimate_training
from wanctl.catalogue.packaged import laid_over, models_of, packaged_catalogue
from wanctl.dataset.checks.captions import CaptionEffect, effect_of
from wanctl.dataset.contents import DatasetFacts, Sample
from wanctl.finding import Finding, Severity
from wanctl.language.models import FineTune, State
from wanctl.language.resources import Desired, Resource
from wanctl.language.rules.musts import JudgedTraining, step_musts, training_musts


@dataclass(frozen=True)
class Estimate:
    """The cost of training a base model on the dataset alone."""

    model: str
    by: str | None  # the FineTune whose hyper-parameters these are; else they are the catalogue's
    fits: bool  # the samples have the frames that the model's mode needs
    epochs: int | None
    training: TrainingEstimate


@dataclass(frozen=True)
class EditionChange:
    """What another edition of the catalogue makes of one training."""

    address: Address
    model: str
    values: tuple[tuple[str, Any, Any], ...]  # key, in this edition, in the other
    before: TrainingEstimate
    after: TrainingEstimate
    problems: tuple[Finding, ...] = ()  # errors that it would have


@dataclass(frozen=True)
class Inspection:
    """Everything that is known of a dataset here."""

    address: Address
    source: str
    path: Path
    facts: DatasetFacts
    problems: tuple[Finding, ...]
    effect: CaptionEffect
    estimates: tuple[Estimate, ...]
    excluded: tuple[Sample, ...] = ()  # samples that exclude: leaves out


def inspection(
    desired: Desired,
    address: Address,
    path: Path,
    source: str,
    facts: DatasetFacts,
    problems: tuple[Finding, ...],
) -> Inspection:
    return Inspection(
        address=address,
        source=source,
        path=path,
        facts=facts,
        problems=problems,
        effect=effect_of(facts.prompts),
        estimates=tuple(_estimates(desired, address, facts)),
    )


def _estimates(desired: Desired, address: Address, facts: DatasetFacts) -> list[Estimate]:
    catalogue = desired.catalogue
    users = {
        resource.spec.model: (str(resource.address), resource.spec)
        for resource in reversed(list(desired.resources.values()))
        if isinstance(resource.spec, FineTune)
        and address.name in (*resource.spec.training, *resource.spec.training_sets)
    }
    models = [*users, *(model for model in catalogue.models if model not in users)]
    return [_estimate(catalogue, model, users.get(model), facts) for model in models]


def _estimate(
    catalogue: Catalogue, model: str, user: tuple[str, FineTune] | None, facts: DatasetFacts
) -> Estimate:
    declared: Mapping[str, Any] = user[1].hyper_parameters.declared() if user else {}
    parameters = catalogue.complete(model, declared)
    base = catalogue.base_model(model)
    two_frames = base is not None and base.mode is FrameMode.FIRST_AND_LAST_FRAME
    return Estimate(
        model=model,
        by=user[0] if user else None,
        fits=base is None or all(bool(sample.last_frame) == two_frames for sample in facts.samples),
        epochs=parameters.get("n_epochs"),
        training=estimate_training(
            catalogue,
            model,
            parameters,
            facts.seconds or None,
            validation_given=bool(user and user[1].validation),
        ),
    )


def edition_changes(
    desired: Desired, edition: str, facts: Mapping[Address, DatasetFacts | None]
) -> tuple[EditionChange, ...]:
    """For each training of the specs what another edition would change; the project's own facts stay."""
    here, region = desired.catalogue, desired.settings.region
    raw = laid_over(packaged_catalogue(edition), here.own)
    other = Catalogue(models_of(raw, region), region, here.own_prices, edition, here.own)
    found = []
    for resource in desired.resources.values():
        if isinstance(resource.spec, FineTune) and resource.spec.state is State.PRESENT:
            change = _edition_change(resource, resource.spec, (here, other), facts)
            known = desired.settings.known_region
            musts = [*training_musts(JudgedTraining.of(resource, other, known))]
            counts = [facts.get(Address.dataset(name)) for name in resource.spec.training_sets]
            if all(counts):
                total = sum(len(one.samples) for one in counts if one)
                musts += step_musts(JudgedTraining.of(resource, other, known), total)
            wrong = tuple(one for one in musts if one.severity is Severity.ERROR)
            found.append(replace(change, problems=wrong))
    return tuple(found)


def _edition_change(
    resource: Resource,
    spec: FineTune,
    editions: tuple[Catalogue, Catalogue],
    facts: Mapping[Address, DatasetFacts | None],
) -> EditionChange:
    declared = spec.hyper_parameters.declared()
    sets = [facts.get(Address.dataset(name)) for name in spec.training_sets]
    seconds = [clip for one in sets if one for clip in one.seconds] if all(sets) else None
    both = [one.complete(spec.model, declared) for one in editions]
    before, after = (
        estimate_training(one, spec.model, values, seconds, validation_given=bool(spec.validation))
        for one, values in zip(editions, both, strict=True)
    )
    keys = dict.fromkeys((*both[0], *both[1]))
    values = tuple(
        (key, both[0].get(key), both[1].get(key)) for key in keys if both[0].get(key) != both[1].get(key)
    )
    return EditionChange(resource.address, spec.model, values, before, after)
