"""A resource under another name: `moved_from` in its document takes the ledger's entry along.

Not a matter of the service: what is live keeps the marks of its old name, and is known by their digests.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from wanctl.kinds.acting import Landing, Tools
from wanctl.ledger.record import Entry, Record
from wanctl.plan import Action, Change, FieldClass, Finding, Severity, Step, When
from wanctl.spec.resources import Address, Desired, Resource

VERB = "move"


@dataclass(frozen=True)
class Moves:
    """What is to be renamed in the ledger, and the record as it will be afterwards."""

    pending: Mapping[Address, Address]  # new → old
    record: Record
    findings: tuple[Finding, ...]


def moves_of(desired: Desired, record: Record) -> Moves:
    """Every `moved_from` that the ledger can follow; of the others a person is told that they do nothing."""
    pending: dict[Address, Address] = {}
    findings = []
    moved = record
    for address, resource in desired.resources.items():
        if resource.spec.moved_from is None:
            continue
        old = Address(address.kind, resource.spec.moved_from)
        if why := _nothing_to_move(old, address, record):
            findings.append(_idle(resource, why))
        else:
            pending[address] = old
            moved = moved.renamed(old, address)
    return Moves(pending, moved, tuple(findings))


def _nothing_to_move(old: Address, new: Address, record: Record) -> str | None:
    intent = record.intent(new)
    if _known(record.entry(new)) or (intent and intent.verb != VERB):
        return f"the ledger knows {new} under its own name"
    if not _known(record.entry(old)) and record.intent(old) is None:
        return f"the ledger knows no {old}"
    return None


def _known(entry: Entry) -> bool:
    return bool(entry.current or entry.past or entry.retiring)


def _idle(resource: Resource, why: str) -> Finding:
    return Finding(
        Severity.ADVICE,
        f"moved_from: {resource.spec.moved_from} does nothing: {why}",
        resource.address,
        hint="delete the line",
        place=str(resource.places.get("moved_from", resource.origin)),
        rule="moved-from-idle",
    )


def move_step(new: Address, old: Address, record: Record) -> Step:
    """Stands at the old address, which no document has any more: what follows it at the new one waits."""
    current = record.entry(old).current
    return Step(
        old,
        Action.MOVE,
        When.NOW,
        f"it is {new} from now on; nothing is called at the service",
        changes=(Change("name", old.name, new.name, FieldClass.UPDATABLE),),
        remote_id=current.remote_id if current else None,
        summary=str(new),
        effect=Move(new, old),
    )


def after_move(step: Step, moves: Moves) -> Step:
    """A step that the ledger's entry is needed for comes after the entry."""
    old = moves.pending.get(step.address)
    if old is None or step.when is not When.NOW:
        return step
    return replace(step, when=When.LATER, after=(*step.after, old), effect=None)


@dataclass(frozen=True)
class Move:
    """Rename in the ledger: no call is made."""

    address: Address
    old: Address
    verb: str = VERB

    @property
    def identity(self) -> str:
        return f"{self.old} → {self.address}"

    def inputs(self) -> dict[str, Any]:
        return {"moved_from": str(self.old)}

    async def perform(self, tools: Tools) -> Landing:
        return Landing(tools.entry, note=f"it was {self.old}", moved_from=self.old)
