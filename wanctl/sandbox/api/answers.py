"""Answers in the service's two families: native with an envelope, OpenAI-compatible without one."""

import json
import math
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from wanctl.sandbox.bodies import AnyBody, first_problem
from wanctl.sandbox.service import Service

COMPATIBLE = "/compatible-mode/"
_COMPATIBLE_CODES = {  # else none
    "InvalidApiKey": "invalid_api_key",
    "InternalError": "internal_error",
    "ModelNotFound": "model_not_found",
    "Throttling.RateQuota": "limit_requests",
}
MOST_PAGES = 1_000_000


@dataclass
class Fault(Exception):  # noqa: N818 - an answer, not a programming error
    """An error that the service answers with."""

    status: int
    code: str
    message: str
    param: str | None = None  # which the compatible envelope names


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


def events(request: Request, value: Any) -> Response:
    """A stream of server-sent events that has the one of this moment."""
    data = json.dumps({"request_id": request.state.request_id, "output": value}, ensure_ascii=False)
    text = f"id:1\nevent:result\n:HTTP_STATUS/200\ndata:{data}\n\n"
    return Response(text, media_type="text/event-stream")


def fault_answer(request: Request, fault: Fault) -> Response:
    """The error in the envelope of the path's family."""
    if request.url.path.startswith(COMPATIBLE):
        kind = "invalid_request_error" if fault.status < 500 else "server_error"
        code = _COMPATIBLE_CODES.get(fault.code)
        error = {"message": fault.message, "type": kind, "param": fault.param, "code": code}
        return JSONResponse({"error": error}, fault.status)
    body = {"code": fault.code, "message": fault.message, "request_id": request.state.request_id}
    return JSONResponse(body, fault.status)


def bad_request(message: str, param: str | None = None) -> Fault:
    return Fault(400, "InvalidParameter", message, param)


def not_found(message: str = "Not found!") -> Fault:
    return Fault(404, "NotFound", message)


async def json_body(request: Request) -> dict[str, Any]:
    """An object whose numbers and texts can be written down again."""
    try:
        body = json.loads(await request.body(), parse_float=_finite, parse_constant=_finite)
        json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise bad_request(f"Request body format invalid: {error}") from error
    if not isinstance(body, dict):
        raise bad_request("Request body format invalid")
    request.state.keys = tuple(sorted(body))
    return body


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text} is no number")
    return number


def parsed(kind: type[AnyBody], body: dict[str, Any]) -> AnyBody:
    """The body as what it has to be; anything else is a 400 that names the field."""
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        raise bad_request(first_problem(error)) from error


def number_of(request: Request, name: str, default: int, least: int, most: int) -> int:
    """A number of the query, within its bounds."""
    text = request.query_params.get(name, str(default))
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        raise bad_request(f"'{name}' must be a number between {least} and {most}", name)
    return number


def paging(request: Request, *, default: int, most: int) -> tuple[int, int]:
    """page_no and page_size."""
    return number_of(request, "page_no", 1, 1, MOST_PAGES), number_of(request, "page_size", default, 1, most)


def page(rows: list[Any], number: int, size: int) -> dict[str, Any]:
    """The three numbers of a page; the caller adds its rows under the name that the endpoint has for them."""
    return {"page_no": number, "page_size": size, "total": len(rows)}


def cut(rows: list[Any], number: int, size: int) -> list[Any]:
    return rows[(number - 1) * size : number * size]


def host_of(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"
