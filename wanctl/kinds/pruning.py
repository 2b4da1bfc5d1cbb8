"""What a kind sees when an orphan of it is to be deleted by name, and the steps that it answers with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wanctl.address import Address, Kind
from wanctl.kinds.context import Context
from wanctl.plan import Action, Step, When

WHY = "in no spec"


@dataclass(frozen=True)
class OrphanToDelete:
    """An orphan that a person named, or that --all takes."""

    kind: Kind
    remote_id: str
    in_flight: bool = False  # a job that trained when it was named: canceled, and its record kept

    @property
    def address(self) -> Address:
        """Orphans are in no spec, so their ids are their names."""
        return Address(self.kind, self.remote_id)


@dataclass(frozen=True)
class Pruning:
    """The account as one run of the planner sees it."""

    context: Context
    to_delete: Mapping[Address, OrphanToDelete]
    orphans: frozenset[tuple[str, str]]  # kind and id, by the plan of the specs

    def is_orphan(self, one: OrphanToDelete) -> bool:
        return (str(one.kind), one.remote_id) in self.orphans


def gone(one: OrphanToDelete) -> Step:
    return Step(one.address, Action.NOTHING, When.DONE, "deleted", remote_id=one.remote_id)


def kept(one: OrphanToDelete, why: str) -> Step:
    return Step(one.address, Action.DELETE, When.BLOCKED, why, remote_id=one.remote_id)


def no_orphan(one: OrphanToDelete) -> Step:
    return kept(one, "it is not an orphan any more")


def deletion(one: OrphanToDelete, when: When, reason: str, **more: Any) -> Step:
    return Step(one.address, Action.DELETE, when, reason, remote_id=one.remote_id, **more)
