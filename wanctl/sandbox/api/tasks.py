"""Tasks that make videos: asked for, canceled, listed. How far one is follows from when it was made."""

from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wanctl.sandbox.api.answers import Fault, bad_request, cut, flat, host_of, paging, service_of
from wanctl.sandbox.state.store import ZONE

QUEUED, RENDERING = timedelta(seconds=10), timedelta(seconds=90)
TASK_LIFE = timedelta(hours=24)


def task_status(task: dict[str, Any], now: datetime) -> str:
    spent = now - datetime.fromisoformat(task["at"])
    if spent > TASK_LIFE:
        return "UNKNOWN"
    if task.get("canceled"):
        return "CANCELED"
    if spent < QUEUED:
        return "PENDING"
    if spent < RENDERING:
        return "RUNNING"
    return "FAILED" if task["problem"] else "SUCCEEDED"


async def read_task(request: Request) -> Response:
    """A task that was never there is UNKNOWN, in a 200."""
    service, task_id = service_of(request), request.path_params["task_id"]
    task = service.store.get("task", task_id)
    status = task_status(task, service.now()) if task else "UNKNOWN"
    found: dict[str, Any] = {"task_id": task_id, "task_status": status}
    answer: dict[str, Any] = {"request_id": request.state.request_id, "output": found}
    if task is None or status in {"UNKNOWN", "PENDING"}:
        return JSONResponse(answer)
    at = datetime.fromisoformat(task["at"])
    found["submit_time"] = _stamp(at)
    if status != "CANCELED":
        found["scheduled_time"] = _stamp(at + QUEUED)
    if status in {"SUCCEEDED", "FAILED"}:
        found["end_time"] = _stamp(at + RENDERING)
    if status == "FAILED":
        found |= task["problem"]
    if status == "SUCCEEDED":
        link = service.sign(host_of(request), f"videos/{task_id}.mp4")
        found |= {"orig_prompt": task["prompt"], "video_url": link}
        if task.get("tuned") and service.rig.quirks.newer_answers:
            found["actual_prompt"] = task["effective_prompt"]
        resolution = int(task["resolution"].removesuffix("P"))
        answer["usage"] = {"duration": task["duration"], "video_count": 1, "SR": resolution}
    return JSONResponse(answer)


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}"


async def cancel_task(request: Request) -> Response:
    service, task_id = service_of(request), request.path_params["task_id"]
    with service.store.write():
        task = service.store.get("task", task_id)
        if task is None or task_status(task, service.now()) != "PENDING":
            message = "Failed to cancel the task, please confirm if the task is in PENDING status."
            raise Fault(400, "UnsupportedOperation", message)
        service.store.put("task", task_id, {**task, "canceled": True})
    return flat({"request_id": request.state.request_id})


async def list_tasks(request: Request) -> Response:
    """Flat, unlike the rest."""
    service, query = service_of(request), request.query_params
    number, size = paging(request, default=10, most=100)
    wanted = {name: query[name] for name in ("task_id", "model_name", "status") if query.get(name)}
    since, until = _moment(query.get("start_time")), _moment(query.get("end_time"))
    now = service.now()
    rows = [
        row
        for row in (_row(task, now) for task in reversed(service.store.all("task")))
        if wanted.items() <= row.items()
        and (since or 0) <= row["start_time"]
        and (until is None or row["start_time"] <= until)
    ]
    return flat(
        {
            "request_id": request.state.request_id,
            "total": len(rows),
            "total_page": -(-len(rows) // size),
            "page_no": number,
            "page_size": size,
            "data": cut(rows, number, size),
        }
    )


def _row(task: dict[str, Any], now: datetime) -> dict[str, Any]:
    at, status = datetime.fromisoformat(task["at"]), task_status(task, now)
    ended = {"end_time": _milliseconds(at + RENDERING)} if status in {"SUCCEEDED", "FAILED"} else {}
    return {
        "task_id": task["task_id"],
        "status": status,
        "model_name": task["model"],
        "start_time": _milliseconds(at),
        **ended,
        "gmt_create": _milliseconds(at),
    }


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _moment(text: str | None) -> int | None:
    """YYYYMMDDhhmmss."""
    if not text:
        return None
    try:
        return _milliseconds(datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=ZONE))
    except ValueError as error:
        raise bad_request(f"{text!r} is not a time") from error


ROUTES = [
    Route("/api/v1/tasks", list_tasks, methods=["GET"]),
    Route("/api/v1/tasks/{task_id}", read_task, methods=["GET"]),
    Route("/api/v1/tasks/{task_id}/cancel", cancel_task, methods=["POST"]),
]
