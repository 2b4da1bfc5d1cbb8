"""The gallery on this machine for one person, who chooses by a button: on loopback, behind a token.

The page's address holds the token, and nothing is shown without it. A choice is taken from this very page
only: its Host and Origin have to be ours. It ends with the choice, or when nobody looks any more.
"""

import asyncio
import hmac
import json
import re
import secrets
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from wanctl.base.errors import WanctlError
from wanctl.watch.server import Server

LOOPBACK_HOST = "127.0.0.1"
LOOKED_AT_FOR = 1800.0  # seconds without a request until it ends by itself
_AFTER_CHOICE = 1.0  # seconds for the page to show what was written
_LARGEST_CHOICE = 256 * 1024
_MEDIA_NAME = re.compile(r"[0-9a-f-]+(?:-strip|-poster|-since-[0-9a-f]+)?\.[a-z0-9]{3,4}")
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True)
class ChoiceAsked:
    """What the button sends."""

    address: str
    column: int  # of the candidates, as the page has them
    notes: Any


@dataclass(frozen=True)
class ChoiceTaken:
    """What was written, for the page and for the terminal."""

    said: str
    diff: str = ""


@dataclass
class ChoosingPage:
    """The endpoints, and when they end."""

    folder: Path
    index: str
    take: Callable[[ChoiceAsked], ChoiceTaken]
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    host: str = ""  # name and port, as a browser has to say them
    last: float = field(default_factory=time.monotonic)
    taken: ChoiceTaken | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    def application(self) -> Starlette:
        made = Starlette(
            routes=[
                Route("/{token}/", self._guarded(self._page)),
                Route("/{token}/media/{name}", self._guarded(self._media)),
                Route("/{token}/choose", self._guarded(self._choose), methods=["POST"]),
            ]
        )
        made.router.redirect_slashes = False
        return made

    def _guarded(
        self, show: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Another name for this machine may be another site's; without the token nothing is there."""

        async def guarded(request: Request) -> Response:
            if request.headers.get("host") != self.host:
                return _said("this page goes by its own address only", 421)
            if not hmac.compare_digest(request.path_params["token"].encode(), self.token.encode()):
                return _said("not found", 404)
            self.last = time.monotonic()
            return await show(request)

        return guarded

    async def _page(self, _: Request) -> Response:
        return FileResponse(self.folder / self.index, headers=_HEADERS, media_type="text/html")

    async def _media(self, request: Request) -> Response:
        name = request.path_params["name"]
        path = self.folder / "media" / name
        if not _MEDIA_NAME.fullmatch(name) or not await asyncio.to_thread(path.is_file):
            return _said("not found", 404)
        return FileResponse(path, headers=_HEADERS)

    async def _choose(self, request: Request) -> Response:
        if request.headers.get("origin") != f"http://{self.host}":
            return _said("a choice is taken from the page itself only", 403)
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return _said("the choice is no JSON", 415)
        content = b""
        async for chunk in request.stream():
            content += chunk
            if len(content) > _LARGEST_CHOICE:
                return _said("too large", 413)
        try:
            asked = _asked(json.loads(content))
        except (ValueError, KeyError, TypeError):
            return _said("the choice cannot be read", 400)
        try:
            taken = await run_in_threadpool(self.take, asked)
        except (WanctlError, OSError) as error:
            return JSONResponse({"said": f"Nothing was chosen: {error}"}, 409, headers=_HEADERS)
        self.taken = taken
        threading.Timer(_AFTER_CHOICE, self.ended.set).start()
        return JSONResponse({"said": taken.said, "diff": taken.diff}, headers=_HEADERS)

    def wait(self, patience: float = LOOKED_AT_FOR, look_every: float = 0.2) -> ChoiceTaken | None:
        """Until a choice is taken, or nothing was asked for so long."""
        while not self.ended.wait(look_every):
            if time.monotonic() - self.last > patience:
                break
        return self.taken


def _asked(body: Any) -> ChoiceAsked:
    address, column = body["address"], body["column"]
    if not isinstance(address, str) or not isinstance(column, int) or isinstance(column, bool) or column < 0:
        raise ValueError("not a choice")
    return ChoiceAsked(address, column, body.get("notes"))


def _said(sentence: str, status: int) -> Response:
    return PlainTextResponse(f"{sentence}\n", status, headers=_HEADERS)


def served(page: ChoosingPage, port: int = 0) -> tuple[Server, str]:
    """The page on a port of this machine that nobody has, and its address."""
    server = Server(page.application(), LOOPBACK_HOST, port)
    page.host = server.url.removeprefix("http://")
    server.start()
    return server, f"{server.url}/{page.token}/"
