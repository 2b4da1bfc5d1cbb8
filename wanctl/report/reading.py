"""A line that counts while large datasets are read, on a terminal; silent where nobody watches."""

import sys
import time

from wanctl.report.spelling import spell_bytes

_PATIENCE = 0.5  # seconds before anything is said: most datasets are read by then
_EVERY = 0.1


class ReadingBar:
    """Called with the number of bytes that were done with; the line goes away when the next one is printed."""

    def __init__(self) -> None:
        self._watched = sys.stderr.isatty()
        self._began: float | None = None
        self._told = 0.0
        self._bytes = 0

    def __call__(self, count: int) -> None:
        self._bytes += count
        now = time.monotonic()
        self._began = self._began or now
        if self._watched and now - self._began > _PATIENCE and now - self._told > _EVERY:
            self._told = now
            sys.stderr.write(f"\r\x1b[2Kreading datasets: {spell_bytes(self._bytes)}\r")
            sys.stderr.flush()
