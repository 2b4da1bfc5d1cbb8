"""HTTP in every room: which hosts are this machine, keys that nothing shows, logs that could show them."""

import logging
from typing import NoReturn
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def is_loopback(host: str | None) -> bool:
    return host in LOOPBACK


def on_this_machine(url: str | None) -> bool:
    """The address leads to this very machine."""
    try:
        return is_loopback(urlsplit(url or "").hostname)
    except ValueError:
        return False


# In an HTTP client's mounts: calls to this machine never go through a proxy.
PAST_PROXIES = tuple(f"all://{f'[{host}]' if ':' in host else host}" for host in LOOPBACK)


_SHORTEST_HELD = 8  # characters: a shorter one is a word, as of the sandbox
_HELD: set[str] = set()


def held_secrets() -> tuple[str, ...]:
    """What this process holds, the longest first: no word from elsewhere may repeat it."""
    return tuple(sorted(_HELD, key=lambda one: (-len(one), one)))


class Secret:
    """A value that is never shown: not by print, in a log line, a traceback or a file.

    Only `reveal` gives it, and only the code that sends it calls that.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
        parts = (value, value.rpartition(" ")[2])  # with and without what stands before it, such as Bearer
        _HELD.update(part for part in parts if len(part) >= _SHORTEST_HELD)

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__.lower()} is not written anywhere")


# They write addresses, which may be signed or secret.
HTTP_LOGGERS = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy")


def filter_http_logs(one: logging.Filter) -> None:
    """May be called any number of times: a logger takes the same filter once."""
    for name in HTTP_LOGGERS:
        logging.getLogger(name).addFilter(one)
