"""Two streams: standard output carries the product, standard error the talk about it.

On a terminal lines have colours and are broken between words (`terminal.py`); everywhere else a line stays a
line, for whoever searches in it, and nothing that draws on terminals is imported.
"""

import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from wanctl.render.text.line import TextLine

if TYPE_CHECKING:
    from rich.console import Console

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
MARK = "�"  # stands for a control character

_DROPPED = dict.fromkeys(map(ord, "\a\b\v\f\r"))  # as the library for terminals does
_ASKED_FOR = ("FORCE_COLOR", "TTY_COMPATIBLE")  # words of the environment that make a terminal of a file


@dataclass(frozen=True)
class TextStream:
    """Where lines go."""

    file: TextIO

    @property
    def drawn(self) -> bool:
        """It is a terminal, or is to be treated as one."""
        return self.file.isatty() or any(os.environ.get(name) for name in _ASKED_FOR)

    def console(self) -> "Console":
        """The same for what draws on terminals."""
        from rich.console import Console

        return Console(file=self.file, soft_wrap=True, highlight=False, markup=False, emoji=False)


def out() -> TextStream:
    return TextStream(sys.stdout)


def err() -> TextStream:
    return TextStream(sys.stderr)


def columns(stream: "TextStream | Console | None" = None) -> int | None:
    """How wide the terminal is; None where the output is none."""
    target = _drawing(stream or out())
    return target.width if target and target.is_terminal else None


def emit(lines: Iterable[TextLine | str], stream: "TextStream | Console | None" = None) -> None:
    """Print lines; control characters, whoever wrote them, show as a mark and do nothing."""
    target = stream or out()
    drawing = _drawing(target)
    if drawing:
        from wanctl.render.text.terminal import draw

        room = columns(drawing)
        for line in lines:
            draw(line, drawing, room)
        return
    for line in lines:
        target.file.write(_words(line).expandtabs())  # as a terminal has it
        target.file.flush()  # the other stream may go to the same place


def _drawing(stream: "TextStream | Console") -> "Console | None":
    if isinstance(stream, TextStream):
        return stream.console() if stream.drawn else None
    return stream


def _words(line: TextLine | str) -> str:
    text = (line.plain if isinstance(line, TextLine) else line).translate(_DROPPED)
    return CONTROL.sub(MARK, text).rstrip() + "\n"


def hint_line(hint: str, indent: str = "  ") -> TextLine:
    """The next thing to do, behind an arrow."""
    return TextLine.assemble(indent, ("→ ", "cyan"), hint)


def plain(lines: Iterable[TextLine | str]) -> str:
    """The same lines without colour, as a file or a test wants them."""
    return "".join(map(_words, lines))


_READING_PATIENCE = 0.5  # seconds before anything is shown: most datasets are read by then


@contextmanager
def reading_bar() -> Iterator[Callable[[int], None]]:
    """A bar that counts the bytes read so far, on a terminal; nothing elsewhere. It is gone afterwards."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import DownloadColumn, Progress, SpinnerColumn, TextColumn, TransferSpeedColumn

    parts = (SpinnerColumn(), TextColumn("reading the datasets"), DownloadColumn(), TransferSpeedColumn())
    bar = Progress(*parts, console=Console(file=sys.stderr), transient=True)
    task, began = bar.add_task("", total=None), time.monotonic()

    def tick(count: int) -> None:
        bar.advance(task, count)
        if not bar.live.is_started and time.monotonic() - began > _READING_PATIENCE:
            bar.start()

    try:
        yield tick
    finally:
        bar.stop()
