"""The ASGI application: the endpoints of all families behind one gate that checks, arranges and logs."""

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import Response

from wanctl.sandbox import admin, checkpoints, deployments, files, generation, jobs
from wanctl.sandbox.answers import Fault, fault_answer, gateway_answer, service_of
from wanctl.sandbox.service import Service
from wanctl.sandbox.store import RequestLine

OPEN = ("/_sandbox/", "/_oss")  # behind the stage, and signed links


def make_app(service: Service) -> Starlette:
    """The application for one account."""
    routes = [
        route
        for family in (files, jobs, checkpoints, deployments, generation, admin)
        for route in family.ROUTES
    ]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(BaseHTTPMiddleware, dispatch=_gate)],
        exception_handlers={Fault: _on_fault, HTTPException: _on_http},
    )
    app.state.service = service
    return app


async def _gate(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """An id for each request, the key, what is arranged, and a line in the log."""
    service = service_of(request)
    request.state.request_id = service.request_id()
    request.state.keys = ()
    behind = request.url.path.startswith("/_sandbox/")
    with service.store.write():
        outage = None if behind else service.rig.outage()
    if outage:
        response = gateway_answer(outage)
    elif not _has_key(request):
        response = fault_answer(request, Fault(401, "InvalidApiKey", "Invalid API-key provided."))
    else:
        response = await call_next(request)
    response.headers["x-request-id"] = request.state.request_id
    if not behind:
        line = RequestLine(
            request.method, request.url.path, request.url.query, response.status_code, request.state.keys
        )
        with service.store.write():
            service.store.log(line)
    return response


def _has_key(request: Request) -> bool:
    """Any key will do; none is kept."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return request.url.path.startswith(OPEN) or (scheme.lower() == "bearer" and bool(key.strip()))


async def _on_fault(request: Request, error: Exception) -> Response:
    assert isinstance(error, Fault)  # noqa: S101 - registered for it alone
    return fault_answer(request, error)


async def _on_http(request: Request, error: Exception) -> Response:
    """Unknown paths and methods, in the family's own words."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    return fault_answer(
        request, Fault(status, "NotFound" if status == 404 else "InvalidParameter", "Not found!")
    )
