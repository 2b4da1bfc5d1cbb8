"""In place of a plan: a failure, where none could be made or an apply broke off; a check alone; or what the
specs alone tell.

Each writes the same keys as a plan does.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from wanctl.address import Address
from wanctl.base.words import counted
from wanctl.finding import Finding, Severity
from wanctl.language.findings import SpecErrors
from wanctl.plan import FORMAT_VERSION, Plan, Status
from wanctl.rules import Rule

VALID = "valid"  # in the place of a plan's status where the specs were checked, and there is no plan


@dataclass(frozen=True)
class PlanFailure:
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
        """The meaning for the account, and what to do next."""
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
) -> PlanFailure:
    """The document of an error: every mistake of the specs with its place, else the sentences as they are."""
    if isinstance(error, SpecErrors):
        return PlanFailure(project, environment, tuple(map(with_path, error.diagnostics)))
    return PlanFailure(project, environment, tuple(Finding.error(Rule.FAILED, one) for one in sentences))


def with_path(one: Finding) -> Finding:
    """The finding with its place in the document in the sentence, for readers who see no lines."""
    if not one.path or one.path in one.message:
        return one
    return replace(one, message=f"{one.message} ({one.path})")


@dataclass(frozen=True)
class Checked:
    """In place of a plan where there is no key: the specs were checked, and are valid."""

    project: str
    environment: str | None
    resources: int
    found: tuple[Finding, ...]
    why: str  # there is no plan

    def as_json(self) -> dict[str, Any]:
        """The keys of a plan's document, none of whose statuses this is."""
        found = tuple(map(with_path, self.found))
        document = PlanFailure(self.project, self.environment, found).as_json()
        return {**document, "status": VALID, "errored": False, "why": self.why}

    def sentence(self) -> str:
        return f"{counted(self.resources, 'resource')}, valid; no plan: {self.why}"


@dataclass(frozen=True)
class OfflinePlan(Checked):
    """All that the specs alone tell: neither the account nor anything else over the network was asked."""

    first: Plan  # what an apply would do if nothing of it existed yet
    recorded: Mapping[Address, str]  # what the ledger in these files names: address → live object
    untold: tuple[str, ...]  # what is not known offline

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.found

    def as_json(self) -> dict[str, Any]:
        """No step and no digest: nothing of it can be applied."""
        return {
            **super().as_json(),
            "if_nothing_exists": [step.as_json() for step in self.first.steps],
            "recorded": {str(address): remote_id for address, remote_id in self.recorded.items()},
            "untold": list(self.untold),
        }


Made = Plan | PlanFailure | Checked
Shown = Plan | PlanFailure | OfflinePlan
