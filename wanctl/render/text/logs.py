"""The log of a training, for a terminal or a file: its lines as the product, how far it is beside them."""

import sys
from collections.abc import Iterable
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from wanctl.plan import Step, When
from wanctl.render.text.console import TextStream, columns, emit, err
from wanctl.render.text.run import WorthALine
from wanctl.render.words import spell_progress, spell_times, spell_took

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


def spell_training(step: Step) -> str:
    """How far a training is, or what it came to: with its job, in one line."""
    if step.when is not When.SERVICE:
        return f"{step.remote_id} {spell_took(step)}"
    percent = spell_progress(step) if step.progress and step.progress.fraction is not None else ""
    parts = (f"{step.remote_id} {step.reason}", percent, spell_times(step.progress))
    return " · ".join(part for part in parts if part)


class LogDisplay(Protocol):
    """Where a log is shown while it grows."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, lines: Iterable[str], step: Step, at: datetime) -> None:
        """New lines, and how far the training is."""

    def say(self, sentence: str) -> None:
        """A sentence beside the log."""


class PlainLog:
    """For files and pipes: how far it is as a line on the other stream, where that is news."""

    def __init__(self, stream: TextStream) -> None:
        self._stream = stream
        self._news = WorthALine()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def show(self, lines: Iterable[str], step: Step, at: datetime) -> None:
        emit(lines)
        if self._news(at, step):
            emit([spell_training(step)], self._stream)

    def say(self, sentence: str) -> None:
        emit([sentence], self._stream)


class LiveLog:
    """On a terminal: how far it is stays below the lines, drawn in place; its end is a line of its own."""

    def __init__(self, console: "Console") -> None:
        from rich.live import Live
        from rich.spinner import Spinner

        self._console = console
        self._spinner = Spinner("dots")
        self._step: Step | None = None
        self._live = Live(
            console=console,
            refresh_per_second=8,
            transient=True,
            get_renderable=self._draw,
            redirect_stdout=False,
        )
        # two streams on one terminal would write into each other's lines
        self._product = console if sys.stdout.isatty() else None

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, lines: Iterable[str], step: Step, at: datetime) -> None:  # noqa: ARG002 - drawn, not said
        emit(lines, self._product)
        self._step = step
        if step.when is not When.SERVICE:
            self._step = None
            emit([spell_training(step)], self._console)

    def say(self, sentence: str) -> None:
        emit([sentence], self._console)

    def _draw(self) -> "RenderableType":
        from rich.table import Table
        from rich.text import Text

        from wanctl.render.text.live import waiting_cells

        table = Table.grid(padding=(0, 2))
        if self._step:
            table.add_row(self._spinner, Text(self._step.remote_id or "", "bold"), *waiting_cells(self._step))
        return table


def log_display() -> LogDisplay:
    """The one for where the talk goes to."""
    stream = err()
    return PlainLog(stream) if columns(stream) is None else LiveLog(stream.console())
