"""The ledger as text: its resources, its moves, its lease."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from wanctl.ledger.lease import Lease
from wanctl.ledger.record import Entry, Record
from wanctl.render.text.line import TextLine
from wanctl.render.words import spell_value


def ledger_lines(record: Record, location: str) -> list[TextLine]:
    """Each resource with its object, what was sent, and what is still to go."""
    lines = [
        TextLine.assemble(
            (location, "bold"), f"  serial {record.serial} · {record.project} at {record.endpoint}"
        ),
        TextLine(),
    ]
    if not record.entries:
        lines.append(TextLine("  Nothing was applied yet."))
    for address in sorted(record.entries):
        lines += _entry(address, record.entries[address])
    for intent in record.intents:
        lines.append(
            TextLine(
                f"  open: {intent.verb} {intent.address}, sent {intent.at:%Y-%m-%d %H:%M:%S}, no answer yet",
                "yellow",
            )
        )
    return lines


def _entry(address: str, entry: Entry) -> Iterator[TextLine]:
    marks = [word for word, on in (("protected", entry.protected), ("adopted", _adopted(entry))) if on]
    remote_id = entry.current.remote_id if entry.current else "—"
    mark = f"  ({', '.join(marks)})" if marks else ""
    yield TextLine.assemble("  ", (address, "bold"), f"  {remote_id}{mark}")
    if entry.current:
        for key, value in entry.current.inputs.items():
            if isinstance(value, dict):
                for inner, one in value.items():
                    yield TextLine(f"      {key}.{inner}  {spell_value(one)}", style="dim")
            elif value not in (None, [], ""):
                yield TextLine(f"      {key}  {_spell_input(value)}", style="dim")
    for word, generations in (("before", entry.past), ("to be deleted", entry.retiring)):
        for one in generations:
            yield TextLine(f"      {word}: {one.remote_id}, since {one.since:%Y-%m-%d %H:%M}", style="dim")
    if entry.disowned:
        yield TextLine(f"      not ours: {', '.join(entry.disowned)}", style="dim")


def _spell_input(value: Any) -> str:
    """A list of records as their number, one of numbers as their sum: samples are too many to read here."""
    if isinstance(value, list) and all(isinstance(one, dict) for one in value):
        return str(len(value))
    if isinstance(value, list) and all(isinstance(one, int | float) for one in value):
        return f"{sum(value):.0f}"
    return spell_value(value)


def _adopted(entry: Entry) -> bool:
    return bool(entry.current and entry.current.adopted)


def move_lines(old: str, new: str, kept: str | None) -> Iterator[str]:
    """Where it went, and what stayed."""
    yield f"The ledger was moved from {old} to {new}."
    if kept:
        yield f"The old one is kept as {kept}; in its place stands where it went."


def lock_lines(location: str, held: Lease | None, now: datetime, *, damaged: bool) -> Iterator[str]:
    """Who holds the ledger, where that run's log is, and for how long."""
    if damaged:
        yield f"The lease on {location} cannot be read: nobody knows who holds it."
    elif held is None:
        yield f"Nobody holds the ledger {location}."
    else:
        yield f"The ledger {location} is held:"
        yield f"  holder   {held.holder}"
        yield f"  run      {held.run or 'not a CI run'}"
        yield f"  since    {held.since:%Y-%m-%d %H:%M:%S %Z}"
        ending = "expired: the next apply takes it over" if held.expired(now) else "unless it is renewed"
        yield f"  expires  {held.expires:%Y-%m-%d %H:%M:%S %Z} ({ending})"
