"""A run on a terminal: what is in flight is a table that is drawn again in place."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from wanctl.address import Address
from wanctl.base.words import spell_bytes
from wanctl.plan import Action, Plan, Step, When
from wanctl.render.text.run import TimedLines
from wanctl.render.words import spell_progress, spell_times


def waiting_cells(step: Step) -> tuple[RenderableType, ...]:
    """How far a step is that the service is at work on: a bar, words, times, and what it is about."""
    fraction = step.progress.fraction if step.progress else None
    bar = ProgressBar(total=1.0, completed=fraction or 0.0, width=24, pulse=fraction is None)
    reason = step.reason.removeprefix(f"{step.remote_id} is ")
    about = " · ".join(part for part in (spell_times(step.progress), reason) if part)
    return bar, spell_progress(step), Text(about, "dim")


class LiveDisplay:
    """A table of what is in flight, redrawn in place; what is finished scrolls up as timed lines."""

    def __init__(self, console: Console) -> None:
        self._lines = TimedLines(console)
        self._plan: Plan | None = None
        self._sent: dict[Address, int] = {}
        self._sizes: dict[Address, int | None] = {}
        self._spinner = Spinner("dots")
        self._at: datetime | None = None
        self._live = Live(
            console=console,
            refresh_per_second=8,
            transient=True,
            get_renderable=self._draw,
            redirect_stdout=sys.stdout.isatty(),  # what goes to a file stays out of it
        )

    def __enter__(self) -> "LiveDisplay":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The terminal belongs to a question meanwhile."""
        self._live.stop()
        try:
            yield
        finally:
            self._live.start()

    def started(self, at: datetime, step: Step) -> None:
        self._lines.started(at, step)
        if step.action is Action.UPLOAD:
            self._sent[step.address] = 0
            self._sizes[step.address] = getattr(step.effect, "size", None)

    def uploaded(self, address: Address, sent: int) -> None:
        self._sent[address] = sent

    def done(self, at: datetime, step: Step, remote_id: str | None) -> None:
        self._sent.pop(step.address, None)
        self._lines.done(at, step, remote_id)

    def failed(self, at: datetime, step: Step, error: Exception) -> None:
        self._sent.pop(step.address, None)
        self._lines.failed(at, step, error)

    def waiting(self, at: datetime, plan: Plan) -> None:
        self._plan, self._at = plan, at

    def settled(self, at: datetime, step: Step, lasted: timedelta | None) -> None:
        self._lines.settled(at, step, lasted)

    def missed(self, at: datetime, error: Exception) -> None:
        self._lines.missed(at, error)

    def _draw(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        for address, sent in self._sent.items():
            size = self._sizes.get(address)
            so_far = (
                f"{spell_bytes(sent)}{f' of {spell_bytes(size)}' if size else ''} sent" if sent else "packing"
            )
            bar = ProgressBar(total=size or 1, completed=sent, width=24, pulse=not (sent and size))
            table.add_row(self._spinner, Text(str(address), "bold"), bar, so_far)
        for step in self._plan.steps if self._plan else ():
            if step.when is not When.SERVICE:
                continue
            table.add_row(self._spinner, Text(str(step.address), "bold"), *waiting_cells(step))
        clock = Text(f"account time {self._at:%Y-%m-%d %H:%M:%S}", "dim") if self._at else Text()
        return Group(table, clock) if table.row_count else Group()
