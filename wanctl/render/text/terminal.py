"""Lines on a terminal: with their colours, and broken between words where they are too long for it."""

import re
from collections.abc import Iterator

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from wanctl.render.text.console import CONTROL, MARK
from wanctl.render.text.line import TextLine

HANG = 2  # how much further in a line goes on
_STAMP = "12:00:00  "  # what happened stands beside the time
_STAMPED = re.compile(r"\d\d:\d\d:\d\d  ")
_EXCERPT = re.compile(r" *\d* \| ")  # a line of a file, or the carets beneath it


def draw(line: TextLine | str, console: Console, room: int | None) -> None:
    """One line on a terminal of so many columns."""
    text = styled(line)
    if CONTROL.search(text.plain):
        text.plain = CONTROL.sub(MARK, text.plain)
    text.rstrip()
    for shown in folded(text, room) if room else (text,):
        console.print(shown)


def styled(line: TextLine | str) -> Text:
    """The line as the library for terminals has it."""
    return Text.assemble(*line.parts) if isinstance(line, TextLine) else Text(line)


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
