"""What is wrong with the datasets' files, in the form in which the specs' mistakes are told."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from wanctl.address import Address
from wanctl.dataset.checks import abridged
from wanctl.finding import Finding
from wanctl.kinds.context import LocalData
from wanctl.language.resources import Desired, Resource
from wanctl.language.sources import missing_sources
from wanctl.rules import Rule


def dataset_diagnostics(desired: Desired, local: Mapping[Address, LocalData]) -> Iterator[Finding]:
    """What is wrong with the datasets' files, at the document that names them, with the file's own place."""
    for address, data in local.items():
        resource = desired.resources[address]
        missing = [*missing_sources({address: resource}, desired.sources)]
        yield from missing
        if data.problem and not missing:
            yield _at_source(resource, Finding.error(Rule.DATASET, data.problem), data.source)
        for problem in abridged(data.problems):
            yield _at_source(resource, problem, data.source)


def _at_source(resource: Resource, problem: Finding, source: str) -> Finding:
    """At the line that names the dataset; the line itself is right, so it is not shown."""
    where = f"{source}/{problem.place}: " if problem.place else ""
    named = replace(resource.at("source"), source_line=None, length=1)
    return replace(problem, message=where + problem.message, place=named, path=str(resource.address))
