"""Text ↔ Record: what is not a ledger is refused with the reason, what is an older one is brought up to date.

An older format is migrated in memory when it is loaded; the store keeps a copy of the old text before the
first save in the new format. A newer format is never read, so that nothing of it is lost by writing it back.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import BaseModel, ValidationError

from wanctl.address import Kind
from wanctl.ledger.errors import LedgerElsewhereError, LedgerUnreadableError
from wanctl.ledger.record import FORMAT_VERSION, Record

# Format n → the function that makes format n + 1 of a document. A new format adds its line here.
MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}

_OF_PARTS = {"entries", "intents", "history"}  # the last three members of a record, in this order
_MOVED_TO = "moved_to"
_LONGEST_SHOWN = 80
_REMEDY = (
    "It was left as it is. Restore it from git or a backup; or move it away: what is live is then found "
    "again by its names."
)


def encode_record(record: Record) -> str:
    return Encoder().encode(record)


class Encoder:
    """Writes one record after the other. Each differs from the one before in an entry or two, so the texts
    of the parts are kept: their values never change, and a part that is still the same is not spelled again.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[BaseModel, str]] = {}  # by id, which the part itself keeps from reuse

    def encode(self, record: Record) -> str:
        used: dict[int, tuple[BaseModel, str]] = {}

        def text_of(part: BaseModel) -> str:
            known = self._known.get(id(part)) or (part, _spelled(part))
            used[id(part)] = known
            return known[1]

        members = [
            f"{_json(name)}: {_json(value)}"
            for name, value in record.model_dump(mode="json", exclude=_OF_PARTS).items()
        ]
        entries = [f"{_json(address)}: {text_of(entry)}" for address, entry in record.entries.items()]
        members.append(f'"entries": {_inside("{", entries, "}")}')
        members.append(f'"intents": {_inside("[", map(text_of, record.intents), "]")}')
        members.append(f'"history": {_inside("[", map(text_of, record.history), "]")}')
        self._known = used
        return "{\n " + ",\n ".join(members) + "\n}\n"


def _spelled(part: BaseModel) -> str:
    return _json(part.model_dump(mode="json")).replace("\n", "\n  ")  # no text in it has a bare line break


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
        raise LedgerUnreadableError(
            f"The ledger {location} is damaged at {where or 'its top'}: {first['msg']}. {_REMEDY}"
        ) from error
    for address in (*record.entries, *(intent.address for intent in record.intents)):
        _check_address(address, location)
    return record


def _check_address(address: str, location: str) -> None:
    kind, _, name = address.partition("/")
    if kind not in set(Kind) or not name or "/" in name or not name.isprintable():
        shown = json.dumps(address[:_LONGEST_SHOWN])
        raise LedgerUnreadableError(
            f"The ledger {location} is damaged: it knows of {shown}, and that is no "
            f"address (Kind/name, the kinds are {', '.join(Kind)}). {_REMEDY}"
        )


def is_older(text: str) -> bool:
    """Whether this is a ledger in an older format, of which a copy is due before it is replaced."""
    try:
        data = json.loads(text)
    except ValueError:
        return False
    version = data.get("format_version") if isinstance(data, dict) else None
    return type(version) is int and version < FORMAT_VERSION


def moved_notice(location: str) -> str:
    """What stays behind where a ledger was moved away: it stops whoever has not heard of it."""
    return json.dumps({_MOVED_TO: location}) + "\n"


def is_moved_notice(text: str) -> bool:
    try:
        data = json.loads(text)
    except ValueError:
        return False
    return isinstance(data, dict) and _MOVED_TO in data


def _document(text: str, location: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise LedgerUnreadableError(
            f"The ledger {location} is not valid JSON ({error}). {_REMEDY}"
        ) from error


def _migrated(data: dict[str, Any], location: str) -> dict[str, Any]:
    while (version := data["format_version"]) < FORMAT_VERSION:
        step = MIGRATIONS.get(version)
        if step is None:
            raise LedgerUnreadableError(
                f"The ledger {location} has format {version}, which this wanctl does not read. {_REMEDY}"
            )
        data = {**step(data), "format_version": version + 1}
    return data
