"""Keeps secrets out of all words that come from elsewhere: of the service, of a store, of a forge, of git.

By shape: signed links, keys, tokens, credentials under their names. And by value: what this process itself
holds as a `Secret` is cut out of whatever carries it. Typed objects, errors and the wire pass every free text
through here, and log lines of the HTTP library do, too.
"""

import logging
import re
from typing import Any

from wanctl.base.net import filter_http_logs, held_secrets

_WORD = re.compile(r"[^\s'\"]+")
_PARAMETERS = re.compile(r"(?<=[^\s'\"])(?:\?|%3F)(?=[\w.~%-]{1,64}(?:=|%3D))", re.IGNORECASE)
_PASSWORD = re.compile(r"(?<=://)(?!\*\*\*@)[^\s/@'\"]+@")
_NAMES = (
    r"signature|access[_-]?key(?:[_-]?(?:id|secret))?|secret[_-]?(?:access[_-]?)?key|client[_-]?secret|secret|"
    r"security[_-]?token|session[_-]?token|access[_-]?token|refresh[_-]?token|api[_-]?key|credentials?|"
    r"authorization|passw(?:or)?d|private[_-]?key|token"
)
_SECRET = re.compile(
    rf"((?:{_NAMES})\\{{0,4}}[\"']?"
    r"(?:\s{0,4}(?:=|%3D)\s{0,4}\\{0,4}[\"']?|\s{0,4}:\s{0,4}\\{0,4}[\"'](?=[^\s\"']{6})"
    r"|\s{0,4}:\s{0,4}(?=[^\s\"']{12})))(?!bearer\b|basic\b)[^\s&'\",;\\]+",
    re.IGNORECASE,
)
_BEARER = re.compile(r"(\b(?:bearer|basic)\s{1,4})(?=[\w.~+/=-]*[\d._=-])[\w.~+/=-]{8,}", re.IGNORECASE)
_TOKEN = re.compile(
    r"(?<![\w-])(?:"
    r"(?P<key>sk-)(?=[\w-]*\d)[\w-]{8,}"  # of the service
    r"|(?P<jwt>eyJ)[\w-]{5,}\.[\w-]{4,}(?:\.[\w-]*)?"
    r"|(?P<aliyun>LTAI|STS\.)[\w]{10,}"
    r"|(?P<aws>AKIA|ASIA)[A-Z0-9]{12,}"
    r"|(?P<github>gh[opsur]_|github_pat_)\w{16,}"
    r"|(?P<gitlab>gl[a-z]{2,5}-)[\w-]{16,}"
    r"|(?P<slack>xox[a-z]-)[\w-]{10,})"
)
_PEM = re.compile(r"(-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----).*?(?:-----END|\Z)", re.DOTALL)
_TELLTALE = re.compile(
    r"[?=@]|%3[DF]|sk-|eyJ|LTAI|STS\.|A[KS]IA|gh[opsur]_|github_pat|gl[a-z]{2,5}-|xox|bearer|basic|"
    r"PRIVATE KEY|"
    r"(?:signature|secret|key(?:_?id)?|token|credentials?|authorization|passw(?:or)?d)\\{0,4}[\"']?\s{0,4}:",
    re.IGNORECASE,
)


def without_secrets(text: str) -> str:
    """The text without the query of any URL in it, for that is where signatures are; and without keys."""
    text = without_held(text)
    if not _TELLTALE.search(text):
        return text
    text = _WORD.sub(_without_query, text)
    text = _PEM.sub(r"\1…", _PASSWORD.sub("…@", text))
    text = _BEARER.sub(r"\1…", _SECRET.sub(r"\1…", text))
    return _TOKEN.sub(lambda found: f"{found[found.lastgroup or 0]}…", text)


def without_held(text: str) -> str:
    """The text without what this process holds as a secret: for data, which else has to stay as it is."""
    for value in held_secrets():
        if value in text:
            text = text.replace(value, "…")
    return text


def value_without_held(value: Any) -> Any:
    """The same for a decoded document, with the texts in it."""
    if isinstance(value, str):
        return without_held(value)
    if isinstance(value, dict):
        return {without_held(str(key)): value_without_held(one) for key, one in value.items()}
    return [value_without_held(one) for one in value] if isinstance(value, list) else value


def _without_query(word: re.Match[str]) -> str:
    """A URL up to its query; what has no scheme counts as one if parameters follow its question mark."""
    text = word[0]
    if "://" in text:
        scheme, rest = text.split("://", 1)
        address, asked, _ = rest.partition("?")
        text = f"{scheme}://{address}?…" if asked else text
    found = _PARAMETERS.search(text)
    return f"{text[: found.start()]}?…" if found else text


class _WithoutSecrets(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = without_secrets(record.getMessage()), ()
        return True


_FILTER = _WithoutSecrets()


def keep_signatures_out_of_logs() -> None:
    """May be called any number of times: a logger takes the same filter once."""
    filter_http_logs(_FILTER)
