"""Diagnostics of specs and datasets, as JSON, and datasets' problems in the form of the specs' own."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from wanctl.kinds.world import LocalData
from wanctl.spec.diagnostics import Diagnostic, Severity
from wanctl.spec.resources import Address, Desired


def dataset_diagnostics(desired: Desired, local: Mapping[Address, LocalData]) -> Iterator[Diagnostic]:
    """What is wrong with the datasets' files: at their own place where there is one, else at the document."""
    for address, data in local.items():
        origin = desired.resources[address].origin
        if data.facts is None:
            yield _at_document(origin, address, data.problem or "its source cannot be read")
            continue
        for problem in data.facts.problems:
            where = problem.member or ""
            place = f"{where}:{problem.line}: " if where and problem.line else (f"{where}: " if where else "")
            yield _at_document(origin, address, place + problem.message, Severity(problem.severity))


def _at_document(
    origin: Any, address: Address, message: str, severity: Severity = Severity.ERROR
) -> Diagnostic:
    return Diagnostic(
        severity=severity,
        rule="dataset",
        message=message,
        hint=None,
        file=origin.file,
        line=origin.line,
        column=origin.column,
        path=str(address),
    )


def validation_json(found: Iterable[Diagnostic]) -> dict[str, Any]:
    diagnostics = [
        {
            "severity": one.severity.value,
            "rule": one.rule,
            "file": one.file,
            "line": one.line,
            "column": one.column,
            "path": one.path,
            "message": one.message,
            "hint": one.hint,
        }
        for one in found
    ]
    return {"valid": not any(one["severity"] == "error" for one in diagnostics), "diagnostics": diagnostics}
