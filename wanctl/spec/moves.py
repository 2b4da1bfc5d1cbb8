"""`moved_from`: what a name may have been before. The loader calls this; the planner does the moving."""

from collections.abc import Mapping

from wanctl.spec.addresses import Address
from wanctl.spec.findings import Findings
from wanctl.spec.resources import Resource


def check_moves(resources: Mapping[Address, Resource], findings: Findings) -> None:
    """A former name has no document any more, and only one resource can have had it."""
    taken: dict[Address, Resource] = {}
    for address, resource in resources.items():
        if resource.spec.moved_from is None:
            continue
        old = Address(address.kind, resource.spec.moved_from)
        standing, other = resources.get(old), taken.setdefault(old, resource)
        if standing is resource:
            _complain(
                resource, "it has that name", "delete the line, or write the name that it had", findings
            )
        elif standing:
            hint = "delete that document if it is the same resource, or this line if it is another"
            _complain(resource, f"{old} is still here, at {standing.origin}", hint, findings)
        elif other is not resource:
            _complain(
                resource, f"{other.address} says so too, at {other.origin}", "keep one of them", findings
            )


def _complain(resource: Resource, why: str, hint: str, findings: Findings) -> None:
    findings.error(
        resource.places.get("moved_from", resource.origin),
        "moved-from",
        f"moved_from: {resource.spec.moved_from} cannot be: {why}",
        path=f"{resource.address}.moved_from",
        hint=hint,
    )
