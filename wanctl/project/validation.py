"""What is wrong with the datasets' files, in the form in which the specs' mistakes are told."""

from collections.abc import Iterator, Mapping

from wanctl.address import Address
from wanctl.dataset.checks import abridged
from wanctl.dataset.contents import Problem
from wanctl.kinds.context import LocalData
from wanctl.language.diagnostics import Diagnostic, Severity
from wanctl.language.resources import Desired, Resource
from wanctl.language.sources import missing_sources


def dataset_diagnostics(desired: Desired, local: Mapping[Address, LocalData]) -> Iterator[Diagnostic]:
    """What is wrong with the datasets' files, at the document that names them, with the file's own place."""
    for address, data in local.items():
        resource = desired.resources[address]
        missing = [*missing_sources({address: resource}, desired.sources)]
        yield from missing
        if data.problem and not missing:
            yield _at_source(resource, Problem.error("dataset", data.problem), data.source)
        for problem in abridged(data.problems):
            yield _at_source(resource, problem, data.source)


def _at_source(resource: Resource, problem: Problem, source: str) -> Diagnostic:
    """At the line that names the dataset; the line itself is right, so it is not shown."""
    named = resource.at("source")
    place = f"{source}/{problem.place}: " if problem.place else ""
    return Diagnostic(
        severity=Severity(problem.severity),
        rule=problem.rule,
        message=place + problem.message,
        hint=problem.remedy,
        file=named.file,
        line=named.line,
        column=named.column,
        path=str(resource.address),
    )
