"""Two streams: standard output carries the product, standard error the talk about it."""

import re
import sys
from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def out() -> Console:
    return Console(file=sys.stdout, soft_wrap=True, highlight=False, markup=False, emoji=False)


def err() -> Console:
    return Console(file=sys.stderr, soft_wrap=True, highlight=False, markup=False, emoji=False)


def emit(lines: Iterable[Text | str], console: Console | None = None) -> None:
    """Print lines; control characters, whoever wrote them, show as a mark and do nothing."""
    target = console or out()
    for line in lines:
        text = line if isinstance(line, Text) else Text(line)
        plain = text.plain
        if _CONTROL.search(plain):
            text.plain = _CONTROL.sub("�", plain)
        text.rstrip()
        target.print(text)


def plain(lines: Iterable[Text | str]) -> str:
    """The same lines without colour, as a file or a test wants them."""
    texts = (line.plain if isinstance(line, Text) else line for line in lines)
    return "".join(_CONTROL.sub("�", text).rstrip() + "\n" for text in texts)
