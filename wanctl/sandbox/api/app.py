"""The ASGI application: the endpoints of all families behind one gate.

Every request passes the gate: it gets an id, the key is asked for, faults are applied, a line is logged. A
fault delays a call, answers something else, or leaves the caller without an answer.
"""

import asyncio
import logging
import os
import socket
import struct
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wanctl.sandbox.api import admin, chat, checkpoints, deployments, files, generation, jobs, storage, tasks
from wanctl.sandbox.api.answers import Fault, fault_answer
from wanctl.sandbox.faults.rules import FaultKind, FaultMoment, FaultRule
from wanctl.sandbox.service import Service
from wanctl.sandbox.state.store import RequestLine

SLOW = 1.0  # seconds, where a rule does not say
STATUS = 503
GATEWAY = {502, 503, 504}
KILLED = 9  # the exit code
BEHIND = "/_sandbox/"  # the stage: neither logged nor disturbed
NONE = 0  # the status of a call that got no answer
OPEN = (BEHIND, "/_oss")  # no key: signed links have their own
_CODES = {
    400: "InvalidParameter",
    401: "InvalidApiKey",
    403: "AccessDenied",
    404: "NotFound",
    409: "Conflict",
    429: "Throttling",
}
_RESET_AT_ONCE = struct.pack("ii", 1, 0)  # linger for no time: the peer sees a reset, not an end
_log = logging.getLogger(__name__)


def make_app(service: Service) -> Starlette:
    """The application for one account."""
    routes = [
        route
        for family in (files, jobs, checkpoints, deployments, generation, tasks, chat, storage, admin)
        for route in family.ROUTES
    ]
    app = Starlette(routes=routes)
    app.state.service = service
    # Nothing of Starlette's stands outside the gate: it would answer what the gate means to leave unanswered.
    app.middleware_stack = Gate(
        ExceptionMiddleware(app.router, {Fault: _on_fault, HTTPException: _on_http}), service
    )
    return app


async def _on_fault(request: Request, error: Exception) -> Response:
    assert isinstance(error, Fault)  # noqa: S101 - registered for it alone
    return fault_answer(request, error)


async def _on_http(request: Request, error: Exception) -> Response:
    """Unknown paths and methods, and broken bodies, in the family's own words."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it alone
    if error.status_code == 404:
        return fault_answer(request, Fault(404, "NotFound", "Not found!"))
    return fault_answer(request, Fault(error.status_code, "InvalidParameter", error.detail))


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
        rules = self._service.faults.of_call(request.method, request.url.path) if disturbed else []
        await asyncio.sleep(0)  # requests of one process take turns, as they do over a wire
        try:
            await disturbed_answer(self._refusal(request) or self._app, rules, request, receive, sending)
        except NoAnswer as left:
            self._note(request, NONE)
            await end(left.kind, receive, send)
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


class NoAnswer(Exception):  # noqa: N818 - what happens, not what went wrong
    """The caller gets no answer; `end` says how it notices."""

    def __init__(self, kind: FaultKind) -> None:
        super().__init__(kind)
        self.kind = kind


async def disturbed_answer(
    app: ASGIApp, rules: list[FaultRule], request: Request, receive: Receive, send: Send
) -> None:
    """The call, with every fault that hits it. Raises NoAnswer."""
    scope = request.scope
    if not rules:
        await app(scope, receive, send)
        return
    fault = rules[-1] if rules[-1].kind is not FaultKind.LATENCY else None
    await asyncio.sleep(_delay(rules, FaultMoment.BEFORE))
    if fault and fault.moment is FaultMoment.BEFORE:
        await _drain(receive)
        await _instead(fault, request)(scope, receive, send)
        return
    given = _Given()
    await app(scope, receive, given.keep)
    await asyncio.sleep(_delay(rules, FaultMoment.AFTER))
    if fault is None:
        await given.send(send)
    elif fault.kind is FaultKind.TRUNCATED:
        await given.cut(len(given.body) // 2).send(send)
    else:
        await _instead(fault, request)(scope, receive, send)


async def _drain(receive: Receive) -> None:
    """Let the caller say all it has to say: broken off before, it notices in ways that depend on chance."""
    while (await receive()).get("more_body"):
        pass


def _delay(rules: list[FaultRule], moment: FaultMoment) -> float:
    late = [rule for rule in rules if rule.kind is FaultKind.LATENCY and rule.moment is moment]
    return sum(SLOW if rule.seconds is None else rule.seconds for rule in late)


def _instead(rule: FaultRule, request: Request) -> Response:
    """The answer in place of the right one."""
    match rule.kind:
        case FaultKind.THROTTLED:
            message = "Requests rate limit exceeded, please try again later."
            return fault_answer(request, Fault(429, "Throttling.RateQuota", message))
        case FaultKind.BUSY:
            message = "Too many fine-tune job in running, please retry later."
            return fault_answer(request, Fault(429, "Throttling", message))
        case FaultKind.QUOTA:
            message = "Only 20 fine-tune job in running or succeeded allowed per user."
            return fault_answer(request, Fault(429, "Throttling", message))
        case FaultKind.STATUS:
            return _error(request, rule.status or STATUS)
        case FaultKind.EMPTY:
            return Response(status_code=200, media_type="application/json")
    raise NoAnswer(rule.kind)


def _error(request: Request, status: int) -> Response:
    """A gateway speaks HTML when the service behind it is away; the service itself speaks JSON."""
    if status in GATEWAY:
        page = f"<html><head><title>{status}</title></head><body>upstream unavailable</body></html>"
        return HTMLResponse(page, status)
    code = _CODES.get(status, "InternalError" if status >= 500 else "InvalidParameter")
    return fault_answer(request, Fault(status, code, "An error was arranged."))


@dataclass
class _Given:
    """An answer that is held back."""

    start: MutableMapping[str, Any] = field(default_factory=dict)
    body: bytes = b""

    async def keep(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        else:
            self.body += message.get("body", b"")

    def cut(self, size: int) -> "_Given":
        """The beginning of it, with the length that it now has."""
        start = {**self.start, "headers": list(self.start["headers"])}
        MutableHeaders(scope=start)["content-length"] = str(size)
        return _Given(start, self.body[:size])

    async def send(self, send: Send) -> None:
        await send(self.start)
        await send({"type": "http.response.body", "body": self.body})


async def end(kind: FaultKind, receive: Receive, send: Send) -> None:
    """Leave the caller alone: over a wire the connection is reset or stays silent; in this process, where
    httpx's ASGI transport is the wire, the exception is raised that httpx has for it."""
    if kind is FaultKind.KILL:
        os._exit(KILLED)
    connection = _connection(send)
    if connection is None:
        import httpx

        if kind is FaultKind.TIMEOUT:
            raise httpx.ReadTimeout("no answer came (an arranged fault)")
        raise httpx.ReadError("the connection was reset (an arranged fault)")
    if kind is FaultKind.TIMEOUT:
        while (await receive())["type"] != "http.disconnect":
            pass
        return
    connection.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_ONCE)
    connection.abort()
    await asyncio.sleep(0)  # in which the server notices, and asks for no answer any more


def _connection(send: Send) -> asyncio.Transport | None:
    """The transport that uvicorn writes to, on any loop: `send` is a method of what holds the connection."""
    found: asyncio.Transport | None = getattr(getattr(send, "__self__", None), "transport", None)
    return found if hasattr(found, "abort") else None
