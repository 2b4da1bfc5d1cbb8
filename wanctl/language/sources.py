"""Datasets whose source is not where the specs say: told with other mistakes, and by `validate`."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from wanctl.address import Address
from wanctl.finding import Finding, Severity
from wanctl.language.models import Dataset
from wanctl.language.resources import Resource
from wanctl.language.root import likely_meant
from wanctl.rules import Rule


def missing_sources(
    resources: Mapping[Address, Resource], sources: Mapping[Address, Path]
) -> Iterator[Finding]:
    """Folders and files that are not there. A locked digest speaks for one; a var that is none was told."""
    for address, resource in resources.items():
        spec, path = resource.spec, sources.get(address)
        if path is None or not isinstance(spec, Dataset) or spec.digest or "${" in path.name:
            continue
        if not path.exists():
            yield _missing(resource, spec, path)


def _missing(resource: Resource, spec: Dataset, path: Path) -> Finding:
    written = spec.source.path or spec.source.url or path.name
    near = likely_meant(path, written)
    return Finding.at(
        resource.at("source"),
        Severity.ERROR,
        Rule.DATASET,
        f"there is no folder or file {written}",
        path=f"{resource.address}.source",
        hint=f"did you mean {near}?" if near else None,
    )
