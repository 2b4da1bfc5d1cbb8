"""The history as text: each call, and which object stood for a resource, when, and made from what."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from wanctl.address import Address
from wanctl.base.words import counted
from wanctl.engine.history import Period, changed_inputs, maker, upstream
from wanctl.ledger.record import HistoryLine, KeptInputs, Record
from wanctl.render.text.line import TextLine
from wanctl.render.visible import one_line
from wanctl.render.words import spell_commit, spell_value

_MOST_CHANGES = 6
_STEP = "  "


def history_lines(lines: Iterable[HistoryLine]) -> Iterator[TextLine]:
    """The newest last, as in a log."""
    for line in lines:
        subject = [f"{line.verb} {line.address}"]
        subject += [part for part in (line.remote_id, line.note) if part]
        by = [part for part in (line.by, spell_commit(line.commit), line.run, line.request_id) if part]
        yield TextLine.assemble(
            (f"{line.at:%Y-%m-%d %H:%M:%S}  ", "dim"),
            (
                line.result.ljust(6),
                {"ok": "green", "failed": "red", "lost": "yellow"}.get(line.result, "cyan"),
            ),
            "  ",
            " · ".join(subject),
            (f"  [{' · '.join(by)}]" if by else "", "dim"),
        )


def standing_lines(address: Address, found: Iterable[Period]) -> Iterator[TextLine]:
    """One after the other, each with what changed from the one before."""
    yield TextLine(str(address), "bold")
    before: Period | None = None
    for one in found:
        yield _head(one)
        if before:
            yield TextLine(f"{_STEP * 3}{_changes(before, one)}", style="dim")
        before = one


def _head(one: Period) -> TextLine:
    until = _moment(one.until) if one.until else "now"
    return TextLine.assemble(
        (f"{_STEP}{_moment(one.since)} – {until.ljust(19)}  ", "dim"),
        one.remote_id,
        f"  {one.line.verb}",
        (_credit(one.line), "dim"),
    )


def _credit(line: HistoryLine | None) -> str:
    """Who, from which commit, in which run."""
    parts = (line.by, spell_commit(line.commit), line.run) if line else ()
    told = " · ".join(part for part in parts if part)
    return f"  [{told}]" if told else ""


def _changes(before: Period, after: Period) -> str:
    if before.kept is None or after.kept is None:
        return "what changed was not kept then"
    paths = changed_inputs(before.kept, after.kept)
    more = f" and {len(paths) - _MOST_CHANGES} more" if len(paths) > _MOST_CHANGES else ""
    return f"changed: {', '.join(paths[:_MOST_CHANGES])}{more}" if paths else "made again from the same"


def origin_lines(record: Record, address: Address, found: Iterable[Period]) -> Iterator[TextLine]:
    """Each in full, with all that it was made from."""
    yield TextLine(str(address), "bold")
    for one in found:
        yield _head(one)
        if one.until and one.ended is None:
            yield TextLine(f"{_STEP * 2}no deletion of it by wanctl is on record", style="yellow")
        if one.kept is None:
            yield TextLine(f"{_STEP * 2}what it was made from was not kept then", style="yellow")
        else:
            yield from _inputs(one.kept)
            yield from _origins(record, one.kept)


def _origins(record: Record, kept: KeptInputs) -> Iterator[TextLine]:
    for origin in upstream(record, kept):
        yield TextLine.assemble(
            _STEP * 2, (origin.address, "bold"), f"  {origin.remote_id}", (_made(record, origin), "dim")
        )
        yield from _inputs(origin)
        yield from _origins(record, origin)


def _made(record: Record, kept: KeptInputs) -> str:
    line = maker(record, kept)
    return f"  {line.verb} {_moment(line.at)}{_credit(line)}" if line else ""


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _inputs(kept: KeptInputs) -> Iterator[TextLine]:
    for path, value in _rows(kept.inputs):
        yield TextLine(f"{_STEP * 4}{path}  {value}", style="dim")


def _rows(inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in inputs.items():
        if key == "samples":
            yield from _samples(value)
        elif key == "seconds" and isinstance(value, list):
            yield key, f"{sum(value):.0f}"
        elif isinstance(value, dict):
            yield from ((f"{key}.{inner}", _whole(one)) for inner, one in value.items())
        elif value not in (None, [], "") and key != "declared":
            yield key, _whole(value)


def _samples(samples: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Clips with their captions, one by one: this is what somebody looks for."""
    yield "samples", counted(len(samples), "sample")
    for one in samples:
        caption = one.get("caption")
        yield f"{_STEP}{one.get('sample')}", _whole(caption) if caption else "its caption's digest only"


def _whole(value: Any) -> str:
    """A text is not cut here: what served is to be read word for word."""
    return f'"{one_line(value)}"' if isinstance(value, str) and " " in value else spell_value(value)
