"""A batch of videos on a terminal: what is under way is a table, redrawn in place."""

import sys

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from wanctl.generation.batch import BatchRow, RowResult
from wanctl.generation.result import GenerationProgress
from wanctl.render.text.videos import BatchLines
from wanctl.render.visible import visible


class BatchTable(BatchLines):
    """What is under way is redrawn; what has ended scrolls up."""

    def __init__(self, total: int) -> None:
        super().__init__(total)
        self._now: dict[int, tuple[str, str, float]] = {}
        self._live = Live(
            console=Console(file=sys.stderr), refresh_per_second=4, transient=True, get_renderable=self._draw
        )

    def __enter__(self) -> "BatchTable":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def heard(self, row: BatchRow, seen: GenerationProgress) -> None:
        self._now[row.number] = (row.name, seen.state, seen.seconds)

    def done(self, result: RowResult) -> None:
        self._now.pop(result.row.number, None)
        super().done(result)

    def tell(self, line: str) -> None:
        self._live.console.print(Text(visible(line)))

    def _draw(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for name, state, seconds in self._now.values():
            table.add_row(Text(visible(name), "bold"), visible(state), f"{seconds:.0f} s" if seconds else "")
        return table
