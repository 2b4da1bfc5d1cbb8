"""The account as an import sees it, and the documents that are written from it. Pure.

The kinds say what of it can be imported and how its document reads; the engine puts the documents together.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from wanctl.address import Address, Kind
from wanctl.finding import Place
from wanctl.kinds.snapshot import Question, Snapshot
from wanctl.language.fields import LONGEST_NAME
from wanctl.language.resources import DOCUMENTS, Desired, Resource
from wanctl.language.rules.musts import broken_musts
from wanctl.language.writing import Written
from wanctl.ledger.record import Record
from wanctl.plan import Plan

UNREADABLE = "not readable from the service"


@dataclass(frozen=True)
class Inventory:
    """The account, and what of it is in the specs already."""

    desired: Desired
    plan: Plan
    record: Record
    snapshot: Snapshot  # with the answers to what the kinds asked

    def taken(self, kind: Kind, remote_id: str) -> bool:
        known = remote_id in self.names.get(kind, {}) or remote_id in self.claimed
        return known or remote_id in self.snapshot.elsewhere.known

    @cached_property
    def claimed(self) -> Mapping[str, str]:
        """Remote id → the address that the ledger gives it to."""
        return self.record.owners

    @cached_property
    def names(self) -> Mapping[Kind, Mapping[str, str]]:
        """By kind: remote id → the name in the specs."""
        found: dict[Kind, dict[str, str]] = {kind: {} for kind in Kind}
        for step in self.plan.steps:
            if step.remote_id and step.address in self.desired.resources:
                found[step.address.kind][step.remote_id] = step.address.name
        return found

    def in_full(self, read: str, remote_id: str) -> Any | None:
        """The object as it was read by itself, where it was."""
        return self.snapshot.answers.get(Question(read, remote_id))


@dataclass(frozen=True)
class Importable:
    """Something live and new: what a person calls it, and how its document is written."""

    remote_id: str
    write: Callable[["Writing"], object]
    project: str | None = None  # whose it is by its name: what is another project's is imported only by name
    beside: str | None = None  # it was made from that one, and is written right behind it


@dataclass
class Writing:
    """The documents so far, and the names that are given away."""

    inventory: Inventory
    first_of_key: dict[object, Address]  # by what two documents must not share
    documents: list[Written] = field(default_factory=list)
    adoptions: dict[Address, str] = field(default_factory=dict)
    names: dict[Kind, dict[str, str | None]] = field(default_factory=dict)  # None: it could not be written
    _used: set[Address] = field(default_factory=set)
    _numbers: dict[tuple[Kind, str], int] = field(default_factory=dict)  # how many want a name

    def __post_init__(self) -> None:
        self.names = {kind: dict(names) for kind, names in self.inventory.names.items()}
        known = map(Address.parse, self.inventory.record.entries)
        self._used = {*self.inventory.desired.resources, *known}

    def write(
        self,
        address: Address,
        remote_id: str,
        fields: dict[str, Any],
        remarks: tuple[str, ...],
        *,
        adopt: bool = False,
    ) -> None:
        """A document that is sure to be read again; what cannot be is proposed only."""
        try:
            spec = DOCUMENTS[address.kind].model.model_validate({"name": address.name, **fields})
        except ValidationError as error:
            why = "; ".join(str(one["msg"]) for one in error.errors())
            self.propose(address, remote_id, fields, (*remarks, f"cannot be written as specs: {why}"))
            return
        resource, desired = Resource(address, spec, (), Place(""), {}), self.inventory.desired
        if allow := broken_musts(resource, desired.catalogue, desired.settings.known_region):
            fields = {**fields, "allow": allow}  # the service took it, whatever its documents say
        self.names[address.kind][remote_id] = address.name
        self.documents.append(Written(address, fields, remarks))
        if adopt:
            self.adoptions[address] = remote_id

    def propose(
        self, address: Address, remote_id: str, fields: dict[str, Any], remarks: tuple[str, ...]
    ) -> None:
        """A document as a comment, which a person completes."""
        self.names[address.kind][remote_id] = None
        self.documents.append(Written(address, fields, remarks, proposed=True))

    def address(self, kind: Kind, wished: str) -> Address:
        """A valid name, near to what it is called, that nothing of the kind has."""
        plain = re.sub(r"-{2,}", "-", re.sub(r"[^A-Za-z0-9_-]+", "-", wished))
        name = plain.strip("-_")[:LONGEST_NAME].rstrip("-_") or kind.lower()
        number, address = self._numbers.get((kind, name), 1), Address(kind, name)
        while address in self._used:
            number += 1
            address = Address(kind, f"{name[: LONGEST_NAME - len(str(number)) - 1]}-{number}")
        self._numbers[kind, name] = number
        self._used.add(address)
        return address

    def first_like(self, key: object, address: Address) -> Address:
        """Of the documents that nothing tells apart, the one that was there first; this one, if it is new."""
        return self.first_of_key.setdefault(key, address)
