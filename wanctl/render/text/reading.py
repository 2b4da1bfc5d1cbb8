"""A bar that counts while large datasets are read, on a terminal; nothing where nobody watches."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_PATIENCE = 0.5  # seconds before anything is shown: most datasets are read by then


@contextmanager
def reading_bar() -> Iterator[Callable[[int], None]]:
    """Gives what is to be told how many bytes were done with. The bar is gone afterwards."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import DownloadColumn, Progress, SpinnerColumn, TextColumn, TransferSpeedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("reading the datasets"),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    bar = Progress(*columns, console=Console(file=sys.stderr), transient=True)
    task, began = bar.add_task("", total=None), time.monotonic()

    def tick(count: int) -> None:
        bar.advance(task, count)
        if not bar.live.is_started and time.monotonic() - began > _PATIENCE:
            bar.start()

    try:
        yield tick
    finally:
        bar.stop()
