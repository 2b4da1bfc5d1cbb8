"""What stands in a plan's place when none could be made, or when an apply broke off.

The same keys as a plan's, status error, and what went wrong.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from wanctl.finding import Finding, Severity
from wanctl.language.diagnostics import Diagnostic, SpecErrors
from wanctl.plan import FORMAT_VERSION, Status


@dataclass(frozen=True)
class Failure:
    """No plan, and why. The project is None where not even its name could be read."""

    project: str | None
    environment: str | None
    findings: tuple[Finding, ...]
    begun: bool = False  # an apply was under way, so that calls may have been made

    @property
    def verdict(self) -> str:
        return "stopped before the end" if self.begun else "there is no plan"

    @property
    def consequence(self) -> tuple[str, str]:
        """What it means for the account, and what now."""
        if self.begun:
            return "What was done stays done.", "Run the same command again: it goes on from here."
        return "Nothing was changed.", "No plan could be made, so there is none to apply."

    @property
    def errors(self) -> int:
        return sum(finding.severity is Severity.ERROR for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        return {
            "format_version": FORMAT_VERSION,
            "project": self.project,
            "environment": self.environment,
            "provider": None,
            "status": Status.ERROR.value,
            "errored": True,
            "summary": {},
            "steps": [],
            "findings": [finding.as_json() for finding in self.findings],
            "orphans": [],
            "digest": None,
        }


def failure_of(
    error: Exception, sentences: Iterable[str], project: str | None, environment: str | None
) -> Failure:
    """The document of an error: every mistake of the specs with its place, else the sentences as they are."""
    if isinstance(error, SpecErrors):
        return Failure(project, environment, tuple(map(finding_of, error.diagnostics)))
    findings = (
        Finding(Severity.ERROR, sentence.removeprefix("error: "), rule="failed") for sentence in sentences
    )
    return Failure(project, environment, tuple(findings))


def finding_of(one: Diagnostic) -> Finding:
    where = f" ({one.path})" if one.path and one.path not in one.message else ""
    return Finding(
        Severity(one.severity.value),
        one.message + where,
        hint=one.hint,
        place=f"{one.file}:{one.line}:{one.column}" if one.line else one.file,
        rule=one.rule,
    )
