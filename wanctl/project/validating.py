"""The verdict on specs and datasets, offline: errors, and points to consider. It needs nothing that plans."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from wanctl.address import Address
from wanctl.base.words import counted
from wanctl.dataset.checks import abridged
from wanctl.dataset.contents import LocalData
from wanctl.finding import Finding, Severity
from wanctl.language.findings import rendered as rendered_finding
from wanctl.language.resources import Desired, Resource
from wanctl.language.rules.references import missing_sources
from wanctl.rules import Rule


@dataclass(frozen=True, repr=False)
class Validation:
    """Errors of specs that could be read, and of their datasets, and points to consider."""

    project: str
    environment: str | None
    resources: int
    diagnostics: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(one for one in self.diagnostics if one.severity is Severity.ERROR)

    @property
    def valid(self) -> bool:
        return not self.errors

    def sentence(self) -> str:
        """The verdict in one line."""
        warnings = len(self.diagnostics) - len(self.errors)
        verdict = "valid" if self.valid else counted(len(self.errors), "error")
        more = f", {warnings} to consider" if warnings else ""
        return f"{self.project}: {counted(self.resources, 'resource')}, {verdict}{more}."

    def to_text(self) -> str:
        return "".join(f"{rendered_finding(one)}\n" for one in self.diagnostics) + f"{self.sentence()}\n"

    def to_dict(self) -> dict[str, Any]:
        """The document of `wanctl validate --format json`."""
        from wanctl.render.json.documents import validation_json

        return validation_json(self.diagnostics)

    def __repr__(self) -> str:
        return f"<wanctl.Validation {self.sentence().removesuffix('.')}>"


def dataset_diagnostics(desired: Desired, local: Mapping[Address, LocalData]) -> Iterator[Finding]:
    """Problems of the datasets' files, at the document that names them, with the file's own place."""
    for address, data in local.items():
        resource = desired.resources[address]
        missing = [*missing_sources({address: resource}, desired.sources)]
        yield from missing
        if data.problem and not missing:
            yield _at_source(resource, Finding.error(Rule.DATASET, data.problem), data.source)
        for problem in abridged(_not_told(resource, data, local)):
            yield _at_source(resource, problem, data.source)


def _not_told(resource: Resource, data: LocalData, local: Mapping[Address, LocalData]) -> Iterable[Finding]:
    """Of a part only errors that its whole does not have: the rest is told there."""
    whole = next((local[one] for one in resource.references if one in local), None)
    if whole is None or whole.facts is None:
        return data.problems
    told = {(one.rule, one.place) for one in whole.problems}
    return [
        one for one in data.problems if one.severity is Severity.ERROR and (one.rule, one.place) not in told
    ]


def _at_source(resource: Resource, problem: Finding, source: str) -> Finding:
    """At the line that names the dataset; the line itself is right, so it is not shown."""
    where = f"{source}/{problem.place}: " if problem.place else ""
    named = replace(resource.at("source"), source_line=None, length=1)
    return replace(problem, message=where + problem.message, place=named, path=str(resource.address))
