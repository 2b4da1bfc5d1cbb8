"""HTTP while watching: probes, metrics, the status page, and webhooks.

Only a webhook that is signed with the secret, or shows it, changes anything, and it only brings a round
forward. Connections that come slowly, or in masses, must not take from the loop what it works with: uvicorn
waits for a request that never ends, and takes connections until the process has no file left.
"""

import asyncio
import hmac
import re
import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from wanctl.base.net import LOOPBACK
from wanctl.review.store import MEDIA_NAME
from wanctl.watch.metrics import CONTENT_TYPE, Metrics
from wanctl.watch.page import REVIEWS, policy, watch_html
from wanctl.watch.status import LoopStatus

MOST_CONNECTIONS = 128  # at once; the oldest goes first, so that a probe that takes a moment gets through
REQUEST_PATIENCE = 20.0  # seconds from one answer to the next: forges themselves give up after 10


class HurriedProtocol(H11Protocol):
    """HTTP/1.1 that ends a connection on which nothing comes to an end."""

    deadline: asyncio.TimerHandle | None = None
    opened = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self.opened = self.loop.time()
        others = cast("set[HurriedProtocol]", self.connections)
        if len(others) > MOST_CONNECTIONS:
            oldest = min(others, key=lambda one: one.opened)
            others.discard(oldest)  # at once: it hears of its end later, and a burst would count it again
            oldest.transport.abort()
        self._wait()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.deadline:
            self.deadline.cancel()
        super().connection_lost(exc)

    def _wait(self, *_: Any) -> None:
        if self.deadline:
            self.deadline.cancel()
        self.deadline = self.loop.call_later(REQUEST_PATIENCE, self.transport.abort)


SIGNATURES = ("x-hub-signature-256", "x-hub-signature")  # GitHub, Gitea and others; Bitbucket
LARGEST_BODY = 25 * 1024 * 1024  # what GitHub sends at most


class TooLarge(Exception):  # noqa: N818 - reads as what happened
    """More than any webhook sends."""


async def genuine(secret: str, headers: Mapping[str, str], body: AsyncIterator[bytes]) -> bool:
    """True if the body is signed with the secret, or the secret itself is shown. Nothing of it is kept, and
    without any sign of the secret nothing is read."""
    signed = next((headers[name] for name in SIGNATURES if name in headers), None)
    if signed is None:
        token = headers.get("x-gitlab-token")
        return token is not None and _same(token, secret)
    expected = hmac.new(secret.encode(), digestmod=sha256)
    size = 0
    async for chunk in body:
        size += len(chunk)
        if size > LARGEST_BODY:
            raise TooLarge
        expected.update(chunk)
    return _same(signed, f"sha256={expected.hexdigest()}")


def _same(given: str, expected: str) -> bool:
    """Compared in a time that says nothing of where they differ."""
    return hmac.compare_digest(given.encode("latin-1", "replace"), expected.encode())


_NAMES = "|".join(re.escape(f"[{one}]" if ":" in one else one) for one in LOOPBACK)
_THIS_MACHINE = re.compile(rf"(?:{_NAMES})(?::[0-9]{{1,5}})?", re.IGNORECASE)


def _calls_this_machine(hosts: list[str]) -> bool:
    """The one Host that a request says is a name of this machine, and nothing before or behind it."""
    return len(hosts) == 1 and _THIS_MACHINE.fullmatch(hosts[0]) is not None


_Endpoint = Callable[[Request], Awaitable[Response]]
STOPPED_WITHIN = 5  # seconds
SECRET = "WANCTL_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, kw_only=True)
class Endpoints(ABC):
    """What a loop answers to anybody: probes, metrics, pages, and the hook that rings it."""

    now: Callable[[], datetime]
    ring: Callable[[], None]
    secret: str | None
    local: bool = False  # who looks sits at this machine, and calls it by one of its names

    def application(self) -> Starlette:
        """The ASGI application."""
        return Starlette(routes=self.routes())

    def routes(self) -> list[Route]:
        return [
            Route("/", self._at_home(self.page)),
            Route("/healthz", self.health),
            Route("/readyz", self.ready),
            Route("/metrics", self._at_home(self.scraped)),
            Route("/status.json", self._at_home(self.status)),
            Route("/hook", self.hook, methods=["POST"]),
        ]

    @abstractmethod
    async def page(self, request: Request) -> Response: ...

    @abstractmethod
    async def ready(self, request: Request) -> Response: ...

    @abstractmethod
    async def scraped(self, request: Request) -> Response: ...

    @abstractmethod
    async def status(self, request: Request) -> Response: ...

    def _at_home(self, show: _Endpoint) -> _Endpoint:
        """A page that only this machine may see is not shown under another site's name, which a browser may
        have been led to believe is ours. A proxy that passes on the hook alone may keep its own name."""

        async def shown(request: Request) -> Response:
            if self.local and not _calls_this_machine(request.headers.getlist("host")):
                return said("this page goes by the name localhost or 127.0.0.1", 421)
            return await show(request)

        return shown

    async def health(self, _: Request) -> Response:
        doing = self.doing()
        return PlainTextResponse(f"ok\n{doing}\n" if doing else "ok\n", headers=HEADERS)

    def doing(self) -> str:
        """A line on what the loop does at this moment."""
        return ""

    async def hook(self, request: Request) -> Response:
        """A webhook that knows the secret brings the next round forward; what it says is not read."""
        if not self.secret:
            return said(f"no webhooks are taken: {SECRET} is not set", 403)
        try:
            if not await genuine(self.secret, request.headers, request.stream()):
                return said("the signature is missing or wrong", 401)
        except TooLarge:
            return said("too large", 413)
        except ClientDisconnect:
            return said("broken off", 400)
        self.ring()
        return said("a round follows", 202)


@dataclass(frozen=True, kw_only=True)
class StatusEndpoints(Endpoints):
    """The endpoints of a loop over one project."""

    loop_status: Callable[[], LoopStatus]
    metrics: Metrics
    reviews: Path | None = None  # the folder of the galleries, which are shown to who sits here alone

    def routes(self) -> list[Route]:
        shown = self._at_home(self.gallery)
        names = ("index.html", "media/{media}")
        return [*super().routes(), *(Route(f"/{REVIEWS}/{{name}}/{name}", shown) for name in names)]

    def doing(self) -> str:
        return self.loop_status().at_work(self.now())

    async def ready(self, _: Request) -> Response:
        loop_status = self.loop_status()
        if loop_status.ready(self.now()):
            return PlainTextResponse("ok\n", headers=HEADERS)
        reason = "the last round failed" if loop_status.errors else "no round has made a plan lately"
        return said(f"not ready: {reason}", 503)

    async def scraped(self, _: Request) -> Response:
        return Response(self.metrics.text(), headers={**HEADERS, "Content-Type": CONTENT_TYPE})

    async def status(self, _: Request) -> Response:
        return JSONResponse(self.loop_status().as_json(self.now()), headers=HEADERS)

    async def page(self, _: Request) -> Response:
        shows = self.local and self.reviews is not None
        text = watch_html(self.loop_status(), self.now(), local=shows)
        return HTMLResponse(text, headers={**HEADERS, "Content-Security-Policy": policy()})

    async def gallery(self, request: Request) -> Response:
        """A page of previews, or one of its media, of a training that is on the status page."""
        iteration, name = self.loop_status().iteration, request.path_params["name"]
        media = request.path_params.get("media")
        known = self.local and self.reviews and iteration and name in iteration.galleries.values()
        if not known or not self.reviews or (media is not None and not MEDIA_NAME.fullmatch(media)):
            return said("not found", 404)
        path = self.reviews / name / (Path("media") / media if media else "index.html")
        if not await asyncio.to_thread(path.is_file):
            return said("not found", 404)
        return FileResponse(path, headers=HEADERS)


def said(sentence: str, status: int) -> Response:
    return PlainTextResponse(f"{sentence}\n", status, headers=HEADERS)


class Server:
    """uvicorn in a thread of its own, on a socket that is bound before: a taken port is an error at once."""

    def __init__(self, application: ASGIApp, host: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family)
        config = uvicorn.Config(
            application,
            http=HurriedProtocol,
            ws="none",
            log_level="error",  # or whoever sends nonsense would fill the log
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="http", daemon=True
        )

    @property
    def url(self) -> str:
        host, port = self._socket.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(STOPPED_WITHIN)
        self._socket.close()
