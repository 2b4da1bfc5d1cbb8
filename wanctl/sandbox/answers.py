"""Answers in the service's two families: native with an envelope, OpenAI-compatible without one."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from wanctl.sandbox.service import Service

COMPATIBLE = "/compatible-mode/"


@dataclass
class Fault(Exception):  # noqa: N818 - an answer, not a programming error
    """An error that the service answers with."""

    status: int
    code: str
    message: str


def service_of(request: Request) -> Service:
    found = request.app.state.service
    assert isinstance(found, Service)  # noqa: S101 - make_app put it there
    return found


def output(request: Request, value: Any) -> JSONResponse:
    """A native success."""
    request_id = request.state.request_id
    return JSONResponse({"request_id": request_id, "output": value})


def flat(value: dict[str, Any]) -> JSONResponse:
    """A compatible success, or a native one that has no output."""
    return JSONResponse(value)


def fault_answer(request: Request, fault: Fault) -> Response:
    """The error in the envelope of the path's family."""
    if request.url.path.startswith(COMPATIBLE):
        kind = "invalid_request_error" if fault.status < 500 else "server_error"
        error = {"message": fault.message, "type": kind, "param": None, "code": fault.code or None}
        return JSONResponse({"error": error}, fault.status)
    body = {"code": fault.code, "message": fault.message, "request_id": request.state.request_id}
    return JSONResponse(body, fault.status)


def gateway_answer(status: int) -> Response:
    """What a gateway says when the service behind it is away."""
    return HTMLResponse(
        f"<html><head><title>{status}</title></head><body>upstream unavailable</body></html>", status
    )


def bad_request(message: str) -> Fault:
    return Fault(400, "InvalidParameter", message)


def not_found(message: str = "Not found!") -> Fault:
    return Fault(404, "NotFound", message)


async def json_body(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError as error:
        raise bad_request(f"Request body format invalid: {error}") from error
    if not isinstance(body, dict):
        raise bad_request("Request body format invalid")
    request.state.keys = tuple(sorted(body))
    return body


def paging(request: Request, *, default: int, most: int) -> tuple[int, int]:
    """page_no and page_size, checked."""
    try:
        number = int(request.query_params.get("page_no", "1"))
        size = int(request.query_params.get("page_size", str(default)))
    except ValueError as error:
        raise bad_request("page_no and page_size must be integers") from error
    if number < 1 or not 1 <= size <= most:
        raise bad_request(f"page_no must be at least 1 and page_size between 1 and {most}")
    return number, size


def page(rows: list[Any], number: int, size: int) -> dict[str, Any]:
    """The three numbers of a page; the caller adds its rows under the name that the endpoint has for them."""
    return {"page_no": number, "page_size": size, "total": len(rows)}


def cut(rows: list[Any], number: int, size: int) -> list[Any]:
    return rows[(number - 1) * size : number * size]


def host_of(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"
