"""References: names that nothing has, names of another kind, what is absent; and the order that follows.

Folders that are not there are told of here, too.
"""

from collections.abc import Collection, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from wanctl.address import Address, Kind
from wanctl.base.words import did_you_mean, listed
from wanctl.finding import Finding, Severity
from wanctl.language.findings import Findings
from wanctl.language.models import Dataset, State
from wanctl.language.resources import DOCUMENTS, Resource, references_of
from wanctl.language.root import likely_meant
from wanctl.rules import Rule


def check_references(
    resources: Mapping[Address, Resource], unread: Collection[str], findings: Findings
) -> None:
    """Report every reference that does not lead to a resource which is there; `unread` names may yet be."""
    kinds: dict[str, list[Kind]] = {}
    for address in resources:
        kinds.setdefault(address.name, []).append(address.kind)
    for resource in resources.values():
        if len(set(resource.references)) < len(resource.references):
            _report_repeated(resource, findings)
        if all(_is_present(resources.get(target)) for target in resource.references):
            continue
        for path, target in references_of(resource.address, resource.spec):
            found = resources.get(target)
            if found is None:
                if target.name in unread or findings.incomplete:
                    continue
                _report_missing(resource, path, target, resources, kinds.get(target.name, []), findings)
            elif not _is_present(found) and resource.spec.state is State.PRESENT:
                message = f"{target} is absent by its own document, and {resource.address} needs it"
                hint = f"take state: absent out at {found.origin}, or write it here too"
                findings.error(
                    resource.at(path),
                    Rule.ABSENT_REFERENCE,
                    message,
                    path=f"{resource.address}.{path}",
                    hint=hint,
                )


def _is_present(resource: Resource | None) -> bool:
    return resource is not None and resource.spec.state is State.PRESENT


def _report_repeated(resource: Resource, findings: Findings) -> None:
    seen: set[tuple[str, Address]] = set()
    for path, target in references_of(resource.address, resource.spec):
        entry = (path.partition("[")[0], target)
        if entry in seen:
            message = f"{target.name} is listed twice"
            place = resource.at(path)
            findings.error(
                place, Rule.REPEATED_REFERENCE, message, path=f"{resource.address}.{path}", hint="keep one"
            )
        seen.add(entry)


def _report_missing(
    resource: Resource,
    path: str,
    target: Address,
    resources: Mapping[Address, Resource],
    kinds_of_name: list[Kind],
    findings: Findings,
) -> None:
    message = f"there is no {target.kind} {target.name}"
    hint = _other_kind(resource, target, kinds_of_name)
    if hint is None:
        names = [address.name for address in resources if address.kind is target.kind]
        near = did_you_mean(target.name, names)
        hint = f"did you mean {near}?" if near else _what_there_is(target.kind, names)
    place = resource.at(path)
    findings.error(place, Rule.DANGLING_REFERENCE, message, path=f"{resource.address}.{path}", hint=hint)


def _other_kind(resource: Resource, target: Address, kinds: list[Kind]) -> str | None:
    """The name belongs to another kind: either the field is the wrong one, or the name is."""
    if not kinds:
        return None
    document = DOCUMENTS[resource.address.kind]
    if document.one_of:
        for kind in kinds:
            if field := document.field_for(kind):
                return f"there is a {kind} of that name; write {field}: {target.name}"
    return f"there is a {listed(kinds)} of that name; a {target.kind} is wanted here"


def _what_there_is(kind: Kind, names: list[str]) -> str:
    if not names:
        return f"write a document with kind: {kind}"
    shown = sorted(names)[:10]
    return (
        f"there {'is' if len(names) == 1 else 'are'} {listed(shown)}{' and more' if len(names) > 10 else ''}"
    )


def in_order(resources: Mapping[Address, Resource], findings: Findings) -> dict[Address, Resource]:
    """Upstream first.

    A cycle cannot be written: every field refers to an earlier kind. A kind that is added may change that.
    """
    graph = {
        address: [target for target in resource.references if target in resources]
        for address, resource in resources.items()
    }
    try:
        return {address: resources[address] for address in TopologicalSorter(graph).static_order()}
    except CycleError as error:
        around: list[Address] = error.args[1]
        message = f"these resources refer to each other in a circle: {' → '.join(map(str, around))}"
        findings.error(resources[around[0]].origin, Rule.CYCLE, message)
        return dict(resources)


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
    written = spec.source.path or spec.source.shown_url or path.name
    near = likely_meant(path, written)
    return Finding.at(
        resource.at("source"),
        Severity.ERROR,
        Rule.DATASET,
        f"there is no folder or file {written}",
        path=f"{resource.address}.source",
        hint=f"did you mean {near}?" if near else None,
    )
