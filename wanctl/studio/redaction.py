"""Keeps signed URLs and keys out of all that the service says, and out of the HTTP library's log lines.

Imports nothing of the client: the typed objects, the errors and the wire pass every free text through here.
"""

import logging
import re

from wanctl.base.net import filter_http_logs

_WORD = re.compile(r"[^\s'\"]+")
_PARAMETERS = re.compile(r"(?<=[^\s'\"])(?:\?|%3F)(?=[\w.~%-]{1,64}(?:=|%3D))", re.IGNORECASE)
_PASSWORD = re.compile(r"(?<=://)[^\s/@'\"]+@")
_SECRET = re.compile(
    r"((?:signature|access[_-]?key[_-]?(?:id|secret)|security[_-]?token|credential)[\"']?"
    r"(?:\s*(?:=|%3D)\s*|\s*:\s*(?=[\"']?[^\s\"']{16}))[\"']?)[^\s&'\",;]+",
    re.IGNORECASE,
)
_KEY = re.compile(r"(?<![\w-])sk-(?=[\w-]*\d)[\w-]{8,}")
_TELLTALE = re.compile(
    r"[?=@]|%3[DF]|sk-|(?:signature|secret|key_?id|token|credential)[\"']?\s*:", re.IGNORECASE
)


def without_queries(text: str) -> str:
    """The text with the query of every URL in it left out, for that is where signatures are; and no keys."""
    if not _TELLTALE.search(text):
        return text
    text = _WORD.sub(_without_query, text)
    text = _SECRET.sub(r"\1…", _PASSWORD.sub("…@", text))
    return _KEY.sub("sk-…", text)


def _without_query(word: re.Match[str]) -> str:
    """A URL up to its query; what has no scheme counts as one if parameters follow its question mark."""
    text = word[0]
    if "://" in text:
        scheme, rest = text.split("://", 1)
        address, asked, _ = rest.partition("?")
        text = f"{scheme}://{address}?…" if asked else text
    found = _PARAMETERS.search(text)
    return f"{text[: found.start()]}?…" if found else text


class _WithoutQueries(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = without_queries(record.getMessage()), ()
        return True


_FILTER = _WithoutQueries()


def keep_signatures_out_of_logs() -> None:
    """May be called any number of times: a logger takes the same filter once."""
    filter_http_logs(_FILTER)
