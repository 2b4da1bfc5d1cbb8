"""A page on this machine for one person, who writes by it: on loopback, behind a token.

The page's address holds the token, and nothing is shown without it. Something is written for this very page
only: its Host and Origin have to be ours.
"""

import hmac
import json
import secrets
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from wanctl.watch.server import Server

LOOPBACK_HOST = "127.0.0.1"
LOOKED_AT_FOR = 1800.0  # seconds without a request until it ends by itself
LARGEST_REQUEST = 256 * 1024
OWN_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}
Shown = Callable[[Request], Awaitable[Response]]
Taken = Callable[[Any], Awaitable[Response]]


@dataclass(kw_only=True)
class OwnPage:
    """Who may look, who may write, and when it ends."""

    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    host: str = ""  # name and port, as a browser has to say them
    last: float = field(default_factory=time.monotonic)
    ended: threading.Event = field(default_factory=threading.Event)

    def routes(self) -> dict[str, Shown]:
        """What is shown below the token, by its path."""
        raise NotImplementedError

    def takers(self) -> dict[str, Taken]:
        """What takes JSON that the page sends, by its path."""
        raise NotImplementedError

    def application(self) -> Starlette:
        shown = [Route(f"/{{token}}/{path}", self._guarded(one)) for path, one in self.routes().items()]
        taking = [
            Route(f"/{{token}}/{path}", self._guarded(self._own(one)), methods=["POST"])
            for path, one in self.takers().items()
        ]
        made = Starlette(routes=[*shown, *taking])
        made.router.redirect_slashes = False
        return made

    def _guarded(self, show: Shown) -> Shown:
        """Another name for this machine may be another site's; without the token nothing is there."""

        async def guarded(request: Request) -> Response:
            if request.headers.get("host") != self.host:
                return said("this page goes by its own address only", 421)
            if not hmac.compare_digest(request.path_params["token"].encode(), self.token.encode()):
                return said("not found", 404)
            self.last = time.monotonic()
            return await show(request)

        return guarded

    def _own(self, take: Taken) -> Shown:
        """What is sent has to come from this page, as JSON, and be small."""

        async def own(request: Request) -> Response:
            if request.headers.get("origin") != f"http://{self.host}":
                return said("this is taken from the page itself only", 403)
            if request.headers.get("content-type", "").partition(";")[0] != "application/json":
                return said("what was sent is no JSON", 415)
            content = b""
            async for chunk in request.stream():
                content += chunk
                if len(content) > LARGEST_REQUEST:
                    return said("too large", 413)
            try:
                return await take(json.loads(content))
            except (ValueError, KeyError, TypeError, RecursionError):
                return said("what was sent cannot be read", 400)

        return own

    def looked_at(self, patience: float = LOOKED_AT_FOR, look_every: float = 0.2) -> bool:
        """Wait until it has ended (True), or nothing was asked for so long."""
        while not self.ended.wait(look_every):
            if time.monotonic() - self.last > patience:
                return False
        return True


def said(sentence: str, status: int) -> Response:
    return PlainTextResponse(f"{sentence}\n", status, headers=OWN_HEADERS)


def served(page: OwnPage, port: int = 0) -> tuple[Server, str]:
    """The page on a port of this machine that nobody has, and its address."""
    server = Server(page.application(), LOOPBACK_HOST, port)
    page.host = server.url.removeprefix("http://")
    server.start()
    return server, f"{server.url}/{page.token}/"
