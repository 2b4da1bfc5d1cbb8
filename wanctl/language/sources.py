"""Datasets whose source is not where the specs say: told with other mistakes, and by `validate`."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from wanctl.address import Address
from wanctl.language.diagnostics import Diagnostic, Severity
from wanctl.language.models import Dataset
from wanctl.language.resources import Resource
from wanctl.language.root import likely_meant


def missing_sources(
    resources: Mapping[Address, Resource], sources: Mapping[Address, Path]
) -> Iterator[Diagnostic]:
    """Folders and files that are not there. A locked digest speaks for one; a var that is none was told."""
    for address, resource in resources.items():
        spec, path = resource.spec, sources.get(address)
        if path is None or not isinstance(spec, Dataset) or spec.digest or "${" in path.name:
            continue
        if not path.exists():
            yield _missing(resource, spec, path)


def _missing(resource: Resource, spec: Dataset, path: Path) -> Diagnostic:
    written = spec.source.path or spec.source.url or path.name
    near = likely_meant(path, written)
    return Diagnostic.at(
        resource.at("source"),
        Severity.ERROR,
        "dataset",
        f"there is no folder or file {written}",
        path=f"{resource.address}.source",
        hint=f"did you mean {near}?" if near else None,
    )
