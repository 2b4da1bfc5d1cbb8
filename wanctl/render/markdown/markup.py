"""Text of others as Markdown that stays text: it makes no link, mention, reference, HTML, cell or fence.

Ordinary words and numbers stay prose; everything else stands in code, where GitHub and GitLab see neither
mentions nor references nor links. Escaping with backslashes or entities would not do: mentions are looked
for in the finished text.
"""

import html
import re
from collections.abc import Iterable

from wanctl.base.words import quoted
from wanctl.render.visible import cut, one_line, visible

LONGEST_CODE = 200
LONGEST_PROSE = 1_200

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019\-][^\W\d_]+)*")
_NUMBER = re.compile(r"[+-]?\d{1,6}(?:[.,]\d{1,6}){0,3}[a-zA-Z%]?|\d{4}-\d\d-\d\d")
_SIGNS = frozenset("→·×=–—…+±%-")
_TOKEN = re.compile(r"([(\"'\u2018\u201c]*)(.*?)([)\"'\u2019\u201d,.;:!?…]*)", re.DOTALL)
_COMMIT = re.compile(r"[0-9a-fA-F]{7,}")


def code(text: str, longest: int = LONGEST_CODE) -> str:
    """The text as a code span whose fence is longer than any run of backticks in it."""
    return _span(one_line(text.strip() or "—", longest))


def _span(shown: str) -> str:
    fence = "`" * (_longest_run(shown) + 1)
    padding = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{padding}{shown}{padding}{fence}"


def prose(text: str, longest: int = LONGEST_PROSE, *, begins: bool = False) -> str:
    """A sentence: words as they are, everything that could be more than a word in code.

    With `begins` it is the first thing on its line, and cannot begin a list there either.
    """
    parts: list[tuple[str, str, str]] = []  # what opens it, the code, what closes it
    for token in cut(visible(" ".join(text.split())), longest).split(" "):
        if _harmless(token, begins=begins and not parts):
            parts.append((token, "", ""))
            continue
        opening, core, closing = _split(token)
        if parts and parts[-1][1] and not parts[-1][2] and not opening:
            parts[-1] = (parts[-1][0], f"{parts[-1][1]} {core}", closing)
        else:
            parts.append((opening, core, closing))
    return " ".join(f"{opening}{_span(core) if core else ''}{closing}" for opening, core, closing in parts)


def _split(token: str) -> tuple[str, str, str]:
    """A token's quotes and stops around its core; all of it where nothing else is in it."""
    found = _TOKEN.fullmatch(token)
    assert found is not None  # noqa: S101 - the pattern takes any text
    return ("", token, "") if not found[2] else (found[1], found[2], found[3])


def _harmless(token: str, *, begins: bool) -> bool:
    """It can be nothing but a word, a number or a sign."""
    opening, core, closing = _split(token)
    if begins and not _WORD.fullmatch(core) and not re.fullmatch(r"\d{1,6}", token):
        return False
    if core in _SIGNS:
        return not opening and not closing
    return all(_plain(part) for part in core.split("–"))  # 101–113


def _plain(part: str) -> bool:
    plain = _WORD.fullmatch(part) or _NUMBER.fullmatch(part)
    return plain is not None and not _COMMIT.fullmatch(part) and part.lower() != "www"


def cell(markdown: str) -> str:
    """Something rendered, as a table cell: parsers disagree about escaped pipes, so there is none."""
    return markdown.replace("|", "│")


def row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(map(cell, cells))} |"


def in_html(text: str, longest: int = LONGEST_CODE) -> str:
    """The text inside an HTML block, in <code>."""
    return f"<code>{html.escape(one_line(text.strip() or '—', longest))}</code>"


def fence(lines: Iterable[str], language: str = "") -> str:
    """A block of code, with a fence that nothing in it closes. The lines are visible text already.

    None begins with a slash: should a fence ever be lost, GitLab would take it for a command.
    """
    content = "\n".join(f"→ {line}" if line.lstrip().startswith("/") else line for line in lines)
    ticks = "`" * max(3, _longest_run(content) + 1)
    return f"{ticks}{language}\n{content}\n{ticks}"


def folded(summary: str, content: str) -> str:
    """A block that opens on a click."""
    return f"<details><summary>{summary}</summary>\n\n{content}\n\n</details>"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def link_target(url: str) -> str:
    """A link's target, between < and >. Only http and https are links here."""
    if not re.match(r"https?://[^\s/]", url):
        raise ValueError(f"{quoted(url)} is no link: it must begin with https://")
    unsafe = re.compile(r"[^A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]")
    return unsafe.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), url)
