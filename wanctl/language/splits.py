"""A FineTune that splits its training sets refers to parts of them: here they become resources of their own.

No document says them. Each stands at the place of the FineTune's validation:, and has the source of its set.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from wanctl.address import Address
from wanctl.dataset.splitting import Side
from wanctl.language.findings import Findings
from wanctl.language.models import Dataset, DatasetPart, FineTune, State, ValidationSplit, part_name
from wanctl.language.resources import Resource
from wanctl.rules import Rule


def with_parts(
    resources: Mapping[Address, Resource], sources: dict[Address, Path], findings: Findings
) -> dict[Address, Resource]:
    """The resources, with the parts before the FineTunes that they are for; `sources` learns theirs."""
    found: dict[Address, Resource] = {}
    for address, resource in resources.items():
        spec = resource.spec
        if not isinstance(spec, FineTune) or spec.split is None:
            found[address] = resource
            continue
        parts = _parts(resource, spec, spec.split, resources, findings)
        for part in parts:
            found[part.address] = _shared(found.get(part.address), part)
            if source := sources.get(part.references[0]):
                sources[part.address] = source
        found[address] = replace(resource, references=tuple(part.address for part in parts))
    return found


def _shared(known: Resource | None, part: Resource) -> Resource:
    """Two FineTunes that split a set in one way have the same parts."""
    return known if known and getattr(known.spec, "needed", False) else part


def _parts(
    resource: Resource,
    spec: FineTune,
    split: ValidationSplit,
    resources: Mapping[Address, Resource],
    findings: Findings,
) -> list[Resource]:
    made = []
    for side in Side:
        for number, name in enumerate(spec.training):
            whole = resources.get(Address.dataset(name))
            if whole is None or not isinstance(whole.spec, Dataset):
                continue  # that there is none was told
            if whole.spec.source.elsewhere:
                _refuse(
                    resource,
                    findings,
                    f"training[{number}]",
                    f"{whole.address} is an uploaded file: what is in it cannot be split here",
                    "name its folder, .zip or URL as source, or write validation: [NAME]",
                )
                continue
            part = _part(resource, split, whole, side)
            if part.address in resources:
                _refuse(
                    resource,
                    findings,
                    "validation",
                    f"{part.address} is the name of a part that is drawn for it, and another document has it",
                    f"rename the one at {resources[part.address].origin}",
                )
            made.append(part)
    return made


def _part(resource: Resource, split: ValidationSplit, whole: Resource, side: Side) -> Resource:
    assert isinstance(whole.spec, Dataset)  # noqa: S101 - as its caller has seen
    fields = {name: getattr(whole.spec, name) for name in Dataset.model_fields}
    fields |= {
        "name": part_name(whole.spec.name, side, split),
        "description": None,
        "digest": None,
        "moved_from": None,
        "state": State.PRESENT,
    }
    needed = resource.spec.state is State.PRESENT
    part = DatasetPart(**fields, of=whole.spec.name, side=side, drawn=split, needed=needed)
    place = resource.at("validation")
    return Resource(Address.dataset(part.name), part, (whole.address,), place, {})


def _refuse(resource: Resource, findings: Findings, path: str, message: str, hint: str) -> None:
    findings.error(resource.at(path), Rule.SPLIT, message, path=f"{resource.address}.{path}", hint=hint)
