"""Two streams: standard output carries the product, standard error the talk about it.

On a terminal lines are broken between words where they are too long for it, and what follows is indented;
everywhere else a line stays a line, for whoever searches in it.
"""

import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

HANG = 2  # how much further in a line goes on
_STAMP = "12:00:00  "  # what happened stands beside the time
_STAMPED = re.compile(r"\d\d:\d\d:\d\d  ")
_EXCERPT = re.compile(r" *\d* \| ")  # a line of a file, or the carets beneath it


def out() -> Console:
    return Console(file=sys.stdout, soft_wrap=True, highlight=False, markup=False, emoji=False)


def err() -> Console:
    return Console(file=sys.stderr, soft_wrap=True, highlight=False, markup=False, emoji=False)


def columns(console: Console | None = None) -> int | None:
    """How wide the terminal is; None where the output is none."""
    target = console or out()
    return target.width if target.is_terminal else None


def emit(lines: Iterable[Text | str], console: Console | None = None) -> None:
    """Print lines; control characters, whoever wrote them, show as a mark and do nothing."""
    target = console or out()
    room = columns(target)
    for line in lines:
        text = line if isinstance(line, Text) else Text(line)
        plain = text.plain
        if _CONTROL.search(plain):
            text.plain = _CONTROL.sub("�", plain)
        text.rstrip()
        for shown in folded(text, room) if room else (text,):
            target.print(shown)


def folded(text: Text, room: int) -> Iterator[Text]:
    """The text in lines that fit, broken between words; a word that is too long for a line stays whole."""
    for line in text.split("\n", allow_blank=True):
        indent = len(line.plain) - len(line.plain.lstrip())
        hang = " " * min(len(_STAMP) if _STAMPED.match(line.plain) else indent + HANG, room // 2)
        if line.cell_len <= room or _EXCERPT.match(line.plain):
            yield line
            continue
        first, *rest = _broken(line[indent:], room - indent, room - len(hang))
        yield Text.assemble(" " * indent, first)
        yield from (Text.assemble(hang, one) for one in rest)


def _broken(text: Text, first: int, rest: int) -> list[Text]:
    """Lines of words: the first may be wider than those after it."""
    ends: list[int] = []
    start, room = 0, first
    for word in re.finditer(r"\S+\s*", text.plain):
        if cell_len(text.plain[start : word.end()].rstrip()) > room and word.start() > start:
            ends.append(word.start())
            start, room = word.start(), rest
    lines = [*text.divide(ends)]
    for line in lines:
        line.rstrip()
    return lines


def hint_line(hint: str, indent: str = "  ") -> Text:
    """The next thing to do, behind an arrow."""
    return Text.assemble(indent, ("→ ", "cyan"), hint)


def plain(lines: Iterable[Text | str]) -> str:
    """The same lines without colour, as a file or a test wants them."""
    texts = (line.plain if isinstance(line, Text) else line for line in lines)
    return "".join(_CONTROL.sub("�", text).rstrip() + "\n" for text in texts)


_READING_PATIENCE = 0.5  # seconds before anything is shown: most datasets are read by then


@contextmanager
def reading_bar() -> Iterator[Callable[[int], None]]:
    """A bar that counts the bytes read so far, on a terminal; nothing elsewhere. It is gone afterwards."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
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
