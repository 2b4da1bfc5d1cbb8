"""Everything that is known of one dataset here, with what training each base model on it would cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wanctl.address import Address
from wanctl.catalogue.base_models import Catalogue, FrameMode
from wanctl.catalogue.estimate import TrainingEstimate, estimate_training
from wanctl.dataset.checks.captions import CaptionEffect, effect_of
from wanctl.dataset.contents import DatasetFacts
from wanctl.finding import Finding
from wanctl.language.models import FineTune
from wanctl.language.resources import Desired


@dataclass(frozen=True)
class Estimate:
    """The cost of training a base model on the dataset alone."""

    model: str
    by: str | None  # the FineTune whose hyper-parameters these are; else they are the catalogue's
    fits: bool  # the samples have the frames that the model's mode needs
    epochs: int | None
    training: TrainingEstimate


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
        if isinstance(resource.spec, FineTune) and address.name in resource.spec.training
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
