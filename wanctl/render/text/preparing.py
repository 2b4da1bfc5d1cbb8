"""What became of footage, as text: a row for each stretch, and what it comes to."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from wanctl.base.words import spell_time
from wanctl.dataset.preparing.outcome import FileReport, Preparation
from wanctl.dataset.preparing.scenes import Decision, Stretch
from wanctl.render.text.console import hint_line
from wanctl.render.text.line import TextLine

_COLOURS = {Decision.KEPT: "green", Decision.CUT: "cyan", Decision.DROPPED: "yellow"}


def preparation_lines(done: Preparation) -> Iterator[TextLine]:
    """Each file with its stretches, and a summary."""
    for file in done.files:
        yield from _file_lines(file)
    yield TextLine()
    yield TextLine(str(done))


def _file_lines(file: FileReport) -> Iterator[TextLine]:
    yield TextLine.assemble((file.file, "bold"), (_how(file), "dim"))
    for one in file.stretches:
        yield _row(one.stretch, one.clip)
    if file.fault:
        yield TextLine.assemble("  ", ("error: ", "red"), f"it {file.fault}")


def _how(file: FileReport) -> str:
    known = file.known
    size = f"  {known.size[0]}×{known.size[1]}" if known and known.size else ""
    return f"{size}, black bars cut off" if known and known.crop else size


def _row(stretch: Stretch, clip: str | None) -> TextLine:
    span = f"{spell_time(stretch.begin)}–{spell_time(stretch.end)}"
    name = f" → {clip}" if clip else ""
    return TextLine.assemble(
        f"  {span:>17}  {stretch.seconds:5.1f} s  ",
        (stretch.decision.value.ljust(7), _COLOURS[stretch.decision]),
        f"  {stretch.reason}{name}",
    )


def next_lines(done: Preparation, page: Path, trigger: str | None) -> Iterator[TextLine]:
    """What a person does after that."""
    if done.clips:
        word = f" --trigger {trigger}" if trigger else ""
        yield hint_line(f"look through them: {page}")
        yield hint_line(
            f"name {done.folder} as the source of a Dataset, and draft its captions: "
            f"wanctl dataset annotate NAME{word}"
        )


@contextmanager
def work_bar(doing: str) -> Iterator[Callable[[int, int], None]]:
    """A bar over the bytes of the footage, on a terminal; nothing elsewhere. It is gone afterwards."""
    if not sys.stderr.isatty():
        yield lambda _count, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    parts = (TextColumn(doing), BarColumn(), TextColumn("{task.percentage:3.0f} %"), TimeRemainingColumn())
    with Progress(*parts, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task("", total=None)

        def watch(count: int, total: int) -> None:
            bar.update(task, total=total)
            bar.advance(task, count)

        yield watch
