"""A video that is made by a call, as lines: the call, what it costs, how it goes, what came of it."""

import sys
from collections.abc import Iterator, Sequence

from wanctl.base.words import counted
from wanctl.generation.batch import BatchRow, RowResult
from wanctl.generation.result import GenerationProgress, PreparedVideo, VideoResult, spelled
from wanctl.render.text.console import emit, err
from wanctl.render.text.line import TextLine
from wanctl.render.visible import json_text


def start_lines(prepared: PreparedVideo, more: int = 0) -> Iterator[TextLine | str]:
    """Before anything is paid; `more` segments follow, each like the first."""
    call = prepared.call
    for one in prepared.warnings:
        yield TextLine.assemble(("warning: ", "yellow"), f"{spelled(one)} [{one.rule}]")
    yield from (f"note: {note}" for note in call.notes)
    base = f" ({call.called.base})" if call.called.tuned else ""
    picture = call.level or call.body["parameters"].get("size")
    what = ", ".join(part for part in (f"{call.called.mode}", f"{call.seconds} s", picture) if part)
    each = f" each of {more + 1} segments" if more else ""
    yield f"{call.called.name}{base}: {what}{each}; {prepared.cost}; {prepared.to_dict()['expected']}"


def call_lines(prepared: PreparedVideo) -> Iterator[str]:
    """The call that would be made."""
    shown = prepared.to_dict()
    yield f"POST {shown['path']}"
    yield from json_text(shown["body"]).splitlines()


def result_lines(made: VideoResult) -> Iterator[str]:
    facts = [
        f"{made.duration:g} s" if made.duration else "",
        f"{made.width}×{made.height}" if made.width else "",
        f"{made.fps:g} fps" if made.fps else "",
    ]
    said = ", ".join(part for part in facts if part)
    yield f"{'made before, nothing paid' if made.cached else 'made'}: {said}" if said else "made"


class BatchLines:
    """What becomes of a batch, as lines: each row's news, and its end."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._said: dict[int, str] = {}

    def __enter__(self) -> "BatchLines":
        return self

    def __exit__(self, *_: object) -> None: ...

    def heard(self, row: BatchRow, seen: GenerationProgress) -> None:
        if self._said.get(row.number) != seen.state:
            self._said[row.number] = seen.state
            self.tell(f"{row.name}: {seen.state}")

    def done(self, result: RowResult) -> None:
        self._done += 1
        self.tell(f"{self._done} of {self._total}: {row_line(result)}")

    def tell(self, line: str) -> None:
        emit([line], err())


def batch_display(total: int) -> BatchLines:
    """A table on a terminal, lines anywhere else."""
    if not sys.stderr.isatty():
        return BatchLines(total)
    from wanctl.render.text.video_table import BatchTable

    return BatchTable(total)


def row_line(result: RowResult) -> str:
    if result.made is None:
        return f"{result.row.name} failed: {result.error}"
    how = "made before, nothing paid" if result.made.cached else "made"
    return f"{result.row.name} {how}: {result.made.file}"


def batch_start_lines(
    ready: Sequence[tuple[BatchRow, PreparedVideo]], at_once: int
) -> Iterator[TextLine | str]:
    """Before anything is paid: how many, what all of them cost, and what may go wrong with which."""
    for row, prepared in ready:
        for one in prepared.warnings:
            yield TextLine.assemble(("warning: ", "yellow"), f"{row.name}: {spelled(one)} [{one.rule}]")
        yield from (f"note: {row.name}: {note}" for note in prepared.call.notes)
    seconds = sum(prepared.call.seconds for _, prepared in ready)
    yield f"{counted(len(ready), 'video')}, {seconds} s, {at_once} at a time; {total_cost(ready)}"


def total_cost(ready: Sequence[tuple[BatchRow, PreparedVideo]]) -> str:
    """Amounts of one currency are added; one that is unknown makes the whole unknown."""
    amounts = [prepared.cost.amount for _, prepared in ready]
    known = [amount for amount in amounts if amount is not None]
    if len(known) < len(amounts) or len({amount.currency for amount in known}) != 1:
        unknown = sorted({prepared.call.called.base for _, prepared in ready if prepared.cost.amount is None})
        return (
            f"cost unknown: nobody told the price per second of {', '.join(unknown) or 'all in one currency'}"
        )
    return f"{sum(amount.amount for amount in known)} {known[0].currency}"
