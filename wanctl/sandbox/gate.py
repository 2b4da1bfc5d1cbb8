"""What every request passes: an id, what is arranged, the key, and a line in the log once it is answered."""

import asyncio
import logging

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wanctl.sandbox import fault_modes as breaking
from wanctl.sandbox.answers import Fault, fault_answer
from wanctl.sandbox.service import Service
from wanctl.sandbox.store import RequestLine

BEHIND = "/_sandbox/"  # the stage: neither logged nor disturbed
NONE = 0  # the status of a call that got no answer
OPEN = (BEHIND, "/_oss")  # no key: signed links have their own

_log = logging.getLogger(__name__)


class Gate:
    """ASGI middleware round all endpoints."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        request.state.request_id = self._service.request_id()
        request.state.keys = ()
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                MutableHeaders(scope=message)["x-request-id"] = request.state.request_id
                self._note(request, message["status"])
            await send(message)

        disturbed = not request.url.path.startswith(BEHIND)
        rules = self._service.faults.befalling(request.method, request.url.path) if disturbed else []
        await asyncio.sleep(0)  # requests of one process take turns, as they do over a wire
        try:
            await breaking.answer(self._refusal(request) or self._app, rules, request, receive, sending)
        except breaking.NoAnswer as left:
            self._note(request, NONE)
            await breaking.end(left.kind, receive, send)
        except ClientDisconnect:
            _log.debug("%s %s: the caller went away", request.method, request.url.path)
        except Exception:
            _log.exception("%s %s", request.method, request.url.path)
            if begun:
                raise
            fault = Fault(500, "InternalError", "An internal error has occurred.")
            await fault_answer(request, fault)(scope, receive, sending)

    def _refusal(self, request: Request) -> ASGIApp | None:
        """The answer to a request that gets no further."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if request.url.path.startswith(OPEN) or (scheme.lower() == "bearer" and key.strip()):
            return None  # any key will do; none is kept
        return fault_answer(request, Fault(401, "InvalidApiKey", "Invalid API-key provided."))

    def _note(self, request: Request, status: int) -> None:
        if request.url.path.startswith(BEHIND):
            return
        line = RequestLine(request.method, request.url.path, request.url.query, status, request.state.keys)
        with self._service.store.write():
            self._service.store.log(line)
