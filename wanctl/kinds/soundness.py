"""What is wrong with a dataset, as findings of the plan. Errors stop an upload, and a training on it."""

from wanctl.address import Address
from wanctl.dataset.checks import abridged
from wanctl.finding import Finding, Severity
from wanctl.kinds.context import Context, LocalData


def dataset_findings(address: Address, local: LocalData) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            Severity(problem.severity),
            problem.message,
            address,
            hint=problem.remedy,
            place=f"{local.source}/{problem.place}".rstrip("/"),
            rule=problem.rule,
        )
        for problem in abridged(local.problems)
    )


def errors_in_uploaded(addresses: tuple[Address, ...], context: Context) -> tuple[Finding, ...]:
    """What a training would fail on, though the upload is there: it was made for another use, or long ago."""
    return tuple(
        finding
        for address in addresses
        if address in context.local and context.planned[address].step.settled
        for finding in dataset_findings(address, context.local[address])
        if finding.severity is Severity.ERROR
    )
