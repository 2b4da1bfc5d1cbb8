"""Text ↔ Record: what is not a ledger is refused with the reason, what is an older one is brought up to date.

An older format is migrated in memory when it is loaded; the store keeps a copy of the old text before the
first save in the new format. A newer format is never read, so that nothing of it is lost by writing it back.

Since format 2 a checksum over the content stands at its end: a bit that flipped in a name would look like a
change, and replace what serves. How the JSON is spelled, and in which order, does not matter to it.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from wanctl.address import Kind
from wanctl.ledger.errors import LedgerDamagedError, LedgerElsewhereError, LedgerUnreadableError
from wanctl.ledger.record import FORMAT_VERSION, Record

# Format n → the function that makes format n + 1 of a document. A new format adds its line here.
MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {
    1: lambda data: data,  # without a checksum, and else the same
}

_OF_PARTS = {"entries", "intents", "configs", "history"}  # the last members of a record, in this order
_CHECKSUM = "checksum"
_FIRST_WITH_CHECKSUM = 2
_MOVED_TO = "moved_to"
_LONGEST_SHOWN = 80
_REMEDY = "It was left as it is."


def encode_record(record: Record) -> str:
    return Encoder().encode(record)


class Encoder:
    """Writes one record after the other. Each differs from the one before in an entry or two, so the texts
    of the parts are kept: their values never change, and a part that is still the same is not spelled again.
    """

    def __init__(self) -> None:
        self._known: dict[int, _SpelledPart] = {}  # by id, which the part itself keeps from reuse

    def encode(self, record: Record) -> str:
        used: dict[int, _SpelledPart] = {}

        def written(part: BaseModel) -> _SpelledPart:
            known = self._known.get(id(part)) or _spelled(part)
            used[id(part)] = known
            return known

        head = record.model_dump(mode="json", exclude=_OF_PARTS)
        entries = {address: written(entry) for address, entry in record.entries.items()}
        configs = {digest: written(one) for digest, one in record.configs.items()}
        intents, history = [*map(written, record.intents)], [*map(written, record.history)]
        members = [f"{_json(name)}: {_json(value)}" for name, value in head.items()]
        members.append(f'"entries": {_inside("{", _named(entries), "}")}')
        members.append(f'"intents": {_inside("[", (one.text for one in intents), "]")}')
        members.append(f'"configs": {_inside("{", _named(configs), "}")}')
        members.append(f'"history": {_inside("[", (one.text for one in history), "]")}')
        parts = {
            "entries": {address: one.digest for address, one in entries.items()},
            "intents": [one.digest for one in intents],
            "configs": {digest: one.digest for digest, one in configs.items()},
            "history": [one.digest for one in history],
        }
        members.append(f"{_json(_CHECKSUM)}: {_json(_digest({**head, **parts}))}")
        self._known = used
        return "{\n " + ",\n ".join(members) + "\n}\n"


def _named(parts: "dict[str, _SpelledPart]") -> list[str]:
    return [f"{_json(name)}: {one.text}" for name, one in parts.items()]


@dataclass(frozen=True)
class _SpelledPart:
    """An entry, an intent or a line of the history as it stands in the text, and its digest."""

    part: BaseModel
    text: str
    digest: str


def _spelled(part: BaseModel) -> _SpelledPart:
    data = part.model_dump(mode="json")
    text = _json(data).replace("\n", "\n  ")  # no text in it has a bare line break
    return _SpelledPart(part, text, _digest(data))


def _digest(value: Any) -> str:
    spelled = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(spelled.encode()).hexdigest()}"


def checksum(data: dict[str, Any]) -> str:
    """The checksum of a ledger's JSON document, whether it has one or not: of its head, and of the digests of
    its parts, which need not be calculated anew at each save."""
    head = {name: value for name, value in data.items() if name != _CHECKSUM}
    by_name = {name: head[name] for name in ("entries", "configs") if name in head or name == "entries"}
    named = {name: {key: _digest(one) for key, one in parts.items()} for name, parts in by_name.items()}
    listed = {name: [*map(_digest, head[name])] for name in ("intents", "history")}
    return _digest({**head, **named, **listed})


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False)


def _inside(opening: str, members: Iterable[str], closing: str) -> str:
    """Brackets round members that are written already, one level inside the whole."""
    joined = ",\n  ".join(members)
    return f"{opening}\n  {joined}\n {closing}" if joined else opening + closing


def decode_record(text: str, location: str) -> Record:
    """The ledger in this text; anything that is not one is refused with the reason."""
    data = _document(text, location)
    if isinstance(data, dict) and _MOVED_TO in data:
        raise LedgerElsewhereError(
            f"The ledger {location} was moved to {data[_MOVED_TO]}. Write ledger: {data[_MOVED_TO]} "
            "in wanctl.yaml."
        )
    if isinstance(data, dict):
        data = _verified(data, location)
    if is_older(text):
        data = _migrated(data, location)
    version = data.get("format_version") if isinstance(data, dict) else None
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise LedgerUnreadableError(
            f"The ledger {location} has format {version}, written by a newer wanctl. Update wanctl to use it."
        )
    try:
        record = Record.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise LedgerDamagedError(
            f"The ledger {location} is damaged at {where or 'its top'}: {first['msg']}. {_REMEDY}"
        ) from error
    for address in (*record.entries, *(intent.address for intent in record.intents)):
        _check_address(address, location)
    return record


def _check_address(address: str, location: str) -> None:
    kind, _, name = address.partition("/")
    if kind not in set(Kind) or not name or "/" in name or not name.isprintable():
        shown = json.dumps(address[:_LONGEST_SHOWN])
        raise LedgerDamagedError(
            f"The ledger {location} is damaged: it knows of {shown}, and that is no "
            f"address (Kind/name, the kinds are {', '.join(Kind)}). {_REMEDY}"
        )


def is_older(text: str) -> bool:
    """Whether this is a ledger in an older format, of which a copy is due before it is replaced."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return False
    version = data.get("format_version") if isinstance(data, dict) else None
    return type(version) is int and version < FORMAT_VERSION


def moved_notice(location: str) -> str:
    """The notice that a moved ledger leaves behind: it stops whoever has not heard of the move."""
    return json.dumps({_MOVED_TO: location}) + "\n"


def is_moved_notice(text: str) -> bool:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(data, dict) and _MOVED_TO in data


def _document(text: str, location: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise LedgerDamagedError(
            f"The ledger {location} is nested deeper than any ledger is. {_REMEDY}"
        ) from None
    except ValueError as error:
        raise LedgerDamagedError(f"The ledger {location} is not valid JSON ({error}). {_REMEDY}") from error


def _verified(data: dict[str, Any], location: str) -> dict[str, Any]:
    """The document without its checksum, which has to be that of its content."""
    content, noted = {name: value for name, value in data.items() if name != _CHECKSUM}, data.get(_CHECKSUM)
    version = data.get("format_version")
    if noted is None and not (isinstance(version, int) and version == _FIRST_WITH_CHECKSUM):
        return content  # older; or newer, or no ledger at all, which is said by what looks at that
    try:
        fits = noted == checksum(content)
    except (
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
        ValueError,
    ):  # it has no parts, or they are none: said by the record
        return content
    if not fits:
        raise LedgerDamagedError(
            f"The ledger {location} is damaged: its content is not what its checksum says. Something changed "
            f"it that is not wanctl (a disk, a merge, a hand), and what it says is not acted on. {_REMEDY}"
        )
    return content


def _migrated(data: dict[str, Any], location: str) -> dict[str, Any]:
    while (version := data["format_version"]) < FORMAT_VERSION:
        step = MIGRATIONS.get(version)
        if step is None:
            raise LedgerUnreadableError(
                f"The ledger {location} has format {version}, which this wanctl does not read. {_REMEDY}"
            )
        data = {**step(data), "format_version": version + 1}
    return data
