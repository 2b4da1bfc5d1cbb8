"""What is wrong with a dataset, as findings of the plan. Errors stop an upload, and a training on it."""

from dataclasses import replace

from wanctl.address import Address
from wanctl.dataset.checks import abridged
from wanctl.finding import Finding, Place, Severity
from wanctl.kinds.context import Context, LocalData


def dataset_findings(address: Address, local: LocalData) -> tuple[Finding, ...]:
    return tuple(
        replace(one, address=address, place=in_source(one.place, local.source))
        for one in abridged(local.problems)
    )


def in_source(place: Place | None, source: str) -> Place:
    """A place in a dataset, as a person finds it from where the specs are."""
    return Place(f"{source}/{place.file}", place.line) if place else Place(source)


def errors_in_uploaded(addresses: tuple[Address, ...], context: Context) -> tuple[Finding, ...]:
    """What a training would fail on, though the upload is there: it was made for another use, or long ago."""
    return tuple(
        finding
        for address in addresses
        if address in context.local and context.planned[address].step.settled
        for finding in dataset_findings(address, context.local[address])
        if finding.severity is Severity.ERROR
    )
