"""Which object stood for a resource at a time, and what it was made from: kept with each line of the history,
and found again by it. Pure.

What is kept is known by its digest, so that lines about one object share it; what an object was made from is
found among the records of what its document refers to, at the time of the call.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from wanctl.address import Address
from wanctl.kinds.moving import named_before
from wanctl.kinds.registry import kind_of
from wanctl.ledger.record import CHECKING, Generation, HistoryLine, KeptInputs, Record, Verb

# What puts no object in a resource's place.
_BESIDE = frozenset({Verb.DELETE, Verb.CANCEL, Verb.WITHDRAW, Verb.RECORD, Verb.DISOWN, *CHECKING})


@dataclass(frozen=True)
class InputsKept:
    """The inputs of an object, and of all that it was made from, by their digests."""

    digest: str
    configs: Mapping[str, KeptInputs]


def inputs_kept_of(
    address: Address,
    made: Generation,
    records: tuple[Record, ...],
    references: Mapping[Address, tuple[Address, ...]],
) -> InputsKept:
    """What is to be kept of this object. Upstream is what both records agree on; nothing is guessed. What
    another environment made stands in the ledger of that one, which comes last."""
    configs: dict[str, KeptInputs] = {}
    digests: list[str] = []
    for upstream in references.get(address, ()):
        generations = (one for record in records for one in record.entry(upstream).generations)
        origin = next((one for one in generations if kind_of(address).comes_from(made, one)), None)
        if origin:
            kept = inputs_kept_of(upstream, origin, records, references)
            configs |= kept.configs
            digests.append(kept.digest)
    own = KeptInputs(
        address=str(address),
        remote_id=made.remote_id or None,
        identity=made.identity,
        inputs=made.inputs,
        made_from=tuple(digests),
    )
    return InputsKept(own.digest, {**configs, own.digest: own})


@dataclass(frozen=True)
class Period:
    """An object that stood for a resource, from the call that made it, changed it or found it."""

    line: HistoryLine
    remote_id: str
    kept: KeptInputs | None  # None: the line is older than the keeping of inputs, and nothing else knows them
    until: datetime | None = None  # None: it still does, as far as wanctl did
    ended: HistoryLine | None = None

    @property
    def since(self) -> datetime:
        return self.line.at

    def within(self, first: datetime, last: datetime) -> bool:
        """It stood at some moment of that time."""
        return self.since <= last and (self.until is None or self.until > first)


def known_addresses(record: Record) -> dict[Address, None]:
    """What the history can tell of, the oldest first."""
    lines = (line.address for line in record.history if _begins(line))
    return dict.fromkeys(Address.parse(one) for one in (*lines, *record.entries) if "/" in one)


def standings(record: Record, address: Address) -> tuple[Period, ...]:
    """Each object that stood for the resource, under this name and those before it, the oldest first."""
    found: list[Period] = []
    for line in _lines_of(record, address):
        kept = _kept(record, line)
        remote_id = line.remote_id or (kept.remote_id if kept else None)
        known = bool(found) and found[-1].remote_id == remote_id and _same(found[-1].kept, kept)
        if remote_id and not (known and _only_told(line)):
            found.append(Period(line, remote_id, kept))
    beside = frozenset(one.remote_id for one in record.entry(address).retiring)
    return tuple(_with_ends(found, _deletions(record), beside))


def _with_ends(
    found: list[Period], gone: Collection[HistoryLine], beside: Collection[str]
) -> Iterator[Period]:
    """Until the next call about the same object, or its deletion; where there is neither, until another took
    its place: then it went without wanctl. What is kept beside the next one has no end yet."""
    for number, one in enumerate(found):
        later = found[number + 1 :]
        again = next((other for other in later if other.remote_id == one.remote_id), None)
        ended = next(
            (line for line in gone if line.remote_id == one.remote_id and line.at >= one.since), None
        )
        if ended and (again is None or ended.at <= again.since):
            yield replace(one, until=ended.at, ended=ended)
        elif again:
            yield replace(one, until=again.since)
        else:
            yield replace(one, until=later[0].since if later and one.remote_id not in beside else None)


def upstream(record: Record, kept: KeptInputs) -> tuple[KeptInputs, ...]:
    """What an object was made from, one step up."""
    return tuple(record.configs[digest] for digest in kept.made_from if digest in record.configs)


def maker(record: Record, kept: KeptInputs) -> HistoryLine | None:
    """The line by which the object first came into the ledger: who made it, from which commit."""
    return next((line for line in record.history if _begins(line) and line.remote_id == kept.remote_id), None)


def changed_inputs(before: KeptInputs | None, after: KeptInputs | None) -> tuple[str, ...]:
    """The paths of the inputs that differ between two objects of one resource."""
    old, new = _flat(before.inputs if before else {}), _flat(after.inputs if after else {})
    return tuple(path for path in dict.fromkeys((*new, *old)) if old.get(path) != new.get(path))


def _flat(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {
        path: value
        for key, held in inputs.items()
        for path, value in (
            {f"{key}.{inner}": one for inner, one in held.items()} if isinstance(held, dict) else {key: held}
        ).items()
    }


def _begins(line: HistoryLine) -> bool:
    told = line.result in {"ok", "found"} or (line.result == "noted" and line.verb == Verb.ADOPT)
    return told and line.verb not in _BESIDE and "/" in line.address


def _lines_of(record: Record, address: Address) -> Iterable[HistoryLine]:
    """What put an object in its place; before it was moved, in that of its former name."""
    name, found = str(address), []
    for line in reversed(record.history):
        if line.address == name and _begins(line):
            found.append(line)
            former = named_before(line)
            name = str(former) if former else name
    return reversed(found)


def _kept(record: Record, line: HistoryLine) -> KeptInputs | None:
    """Of a line that is older than the keeping, what the ledger still has of that object."""
    if line.config:
        return record.configs.get(line.config)
    entry = record.entry(line.address)
    objects = (*entry.generations, *entry.retiring)
    made = next((one for one in objects if one.remote_id == line.remote_id), None)
    return (
        KeptInputs(address=line.address, remote_id=made.remote_id, identity=made.identity, inputs=made.inputs)
        if made
        else None
    )


def _same(one: KeptInputs | None, other: KeptInputs | None) -> bool:
    if one is None or other is None:
        return False
    return (one.identity, one.inputs) == (other.identity, other.inputs)


def _only_told(line: HistoryLine) -> bool:
    """A new name, a word of a person, or the answer to a lost call: it makes no other object."""
    return line.result != "ok" or line.verb == Verb.MOVE


def _deletions(record: Record) -> list[HistoryLine]:
    kept = {one for entry in record.entries.values() for one in entry.undeletable}
    return [
        line
        for line in record.history
        if line.verb == Verb.DELETE and line.result in {"ok", "found"} and line.remote_id not in kept
    ]
