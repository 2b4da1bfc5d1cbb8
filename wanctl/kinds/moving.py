"""A resource under another name: what `moved_from` or `moved` says takes the ledger's entry along.

Not a matter of the service: what is live keeps the marks of its old name, and is known by their digests.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from wanctl.address import Address
from wanctl.finding import Finding, Severity
from wanctl.kinds.acting import CallResult, Tools
from wanctl.language.resources import Desired, Rename
from wanctl.ledger.record import HistoryLine, Record, Verb
from wanctl.plan import Action, Change, FieldClass, Step, When
from wanctl.rules import Rule

_IT_WAS = "it was "  # in the history, before the name that it had


@dataclass(frozen=True)
class Moves:
    """The renames to be made in the ledger, and the record as it will be afterwards."""

    pending: Mapping[Address, Address]  # new → old
    record: Record
    findings: tuple[Finding, ...]


def moves_of(desired: Desired, record: Record) -> Moves:
    """Every rename that the ledger can follow; of the others a person is told that they do nothing."""
    pending: dict[Address, Address] = {}
    findings: list[Finding] = []
    moved = record
    for new, renames in desired.renames.items():
        recorded = [one for one in renames if _is_recorded(one.old, record)]
        own = _is_recorded(new, record)
        source = recorded[0] if recorded and not own else None
        if source:
            pending[new] = source.old
            moved = moved.renamed(source.old, new)
        behind = [one for one in recorded if one is not source]
        findings += [_left_behind(one, source.old if source else new) for one in behind]
        why = f"the ledger knows {new} under its own name" if own else None
        needed = [one for one in renames if one is source or one.stays]
        last = renames.index(needed[-1]) if needed else -1  # without those before it, it leads nowhere
        findings += [_idle(one, why) for one in renames[last + 1 :] if one not in recorded]
    return Moves(pending, moved, tuple(findings))


def _is_recorded(address: Address, record: Record) -> bool:
    entry, intent = record.entry(address), record.intent(address)
    return bool(entry.current or entry.past or entry.retiring or (intent and intent.verb != Verb.MOVE))


def _left_behind(one: Rename, known: Address) -> Finding:
    """Two records for one resource: one of them is of what left the specs, and a person is to see that."""
    return Finding(
        Severity.WARNING,
        f"{one.spelled} is not done: the ledger knows {known}, too, and both cannot be {one.new}; "
        f"{one.old} is taken for what left the specs",
        one.new,
        hint=f"take the line out; if {one.old} is to stay, bring its document back",
        place=one.place,
        rule=Rule.MOVED_FROM_BOTH,
    )


def _idle(one: Rename, why: str | None) -> Finding:
    return Finding(
        Severity.ADVICE,
        f"{one.spelled} does nothing: {why or f'the ledger knows no {one.old}'}",
        one.new,
        hint="delete the line",
        place=one.place,
        rule=Rule.MOVED_FROM_IDLE,
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
    verb: Verb = Verb.MOVE

    @property
    def identity(self) -> str:
        return f"{self.old} → {self.address}"

    def inputs(self) -> dict[str, Any]:
        return {"moved_from": str(self.old)}

    async def perform(self, tools: Tools) -> CallResult:
        return CallResult(tools.entry, note=f"{_IT_WAS}{self.old}", moved_from=self.old)


def named_before(line: HistoryLine) -> Address | None:
    """What a resource was called before the move that a line of the history tells of."""
    if line.verb != Verb.MOVE or not (line.note or "").startswith(_IT_WAS):
        return None
    return Address.parse((line.note or "").removeprefix(_IT_WAS))
