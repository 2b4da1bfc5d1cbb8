"""The ASGI application: the endpoints of all families behind one gate."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response

from wanctl.sandbox.api import admin, chat, checkpoints, deployments, files, generation, jobs, storage
from wanctl.sandbox.api.answers import Fault, fault_answer
from wanctl.sandbox.api.gate import Gate
from wanctl.sandbox.service import Service


def make_app(service: Service) -> Starlette:
    """The application for one account."""
    routes = [
        route
        for family in (files, jobs, checkpoints, deployments, generation, chat, storage, admin)
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
