"""HTTP while watching: probes, metrics, the page, and the door for webhooks. It shows the board, and rings.

Nothing here changes anything but by a webhook that knows the secret, and that only brings a round forward.
"""

import socket
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from wanctl.base.net import is_loopback
from wanctl.watch.connections import HurriedProtocol
from wanctl.watch.metrics import CONTENT_TYPE, Metrics
from wanctl.watch.page import policy, watch_html
from wanctl.watch.signatures import TooLarge, genuine
from wanctl.watch.status import LoopStatus

_Endpoint = Callable[[Request], Awaitable[Response]]
STOPPED_WITHIN = 5  # seconds
SECRET = "WANCTL_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True)
class StatusEndpoints:
    """What the server shows, and what it rings; its methods are the endpoints."""

    loop_status: Callable[[], LoopStatus]
    metrics: Metrics
    now: Callable[[], datetime]
    ring: Callable[[], None]
    secret: str | None
    local: bool = False  # who looks sits at this machine, and calls it by one of its names

    def application(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/", self._at_home(self.page)),
                Route("/healthz", self.health),
                Route("/readyz", self.ready),
                Route("/metrics", self._at_home(self.scraped)),
                Route("/status.json", self._at_home(self.status)),
                Route("/hook", self.hook, methods=["POST"]),
            ]
        )

    def _at_home(self, show: _Endpoint) -> _Endpoint:
        """What only this machine may see is not shown under a stranger's name, which a browser may have been
        led to believe is ours. A proxy that passes on the hook alone may keep its own name."""

        async def shown(request: Request) -> Response:
            if self.local and not is_loopback(request.url.hostname):
                return _said("this page goes by the name localhost or 127.0.0.1", 421)
            return await show(request)

        return shown

    async def health(self, _: Request) -> Response:
        return PlainTextResponse("ok\n", headers=_HEADERS)

    async def ready(self, _: Request) -> Response:
        loop_status = self.loop_status()
        if loop_status.ready(self.now()):
            return PlainTextResponse("ok\n", headers=_HEADERS)
        reason = "the last round failed" if loop_status.errors else "no round has made a plan lately"
        return _said(f"not ready: {reason}", 503)

    async def scraped(self, _: Request) -> Response:
        return Response(self.metrics.text(), headers={**_HEADERS, "Content-Type": CONTENT_TYPE})

    async def status(self, _: Request) -> Response:
        return JSONResponse(self.loop_status().as_json(self.now()), headers=_HEADERS)

    async def page(self, _: Request) -> Response:
        text = watch_html(self.loop_status(), self.now())
        return HTMLResponse(text, headers={**_HEADERS, "Content-Security-Policy": policy()})

    async def hook(self, request: Request) -> Response:
        """A webhook that knows the secret brings the next round forward; what it says is not read."""
        if not self.secret:
            return _said(f"no webhooks are taken: {SECRET} is not set", 403)
        try:
            if not await genuine(self.secret, request.headers, request.stream()):
                return _said("the signature is missing or wrong", 401)
        except TooLarge:
            return _said("too large", 413)
        except ClientDisconnect:
            return _said("broken off", 400)
        self.ring()
        return _said("a round follows", 202)


def _said(sentence: str, status: int) -> Response:
    return PlainTextResponse(f"{sentence}\n", status, headers=_HEADERS)


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
