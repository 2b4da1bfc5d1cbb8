"""Calls of a deployed model: a task is submitted, asked for, gives a video; and uploads for local images."""

import json
from datetime import datetime, timedelta
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wanctl.sandbox.answers import (
    Fault,
    bad_request,
    cut,
    flat,
    host_of,
    json_body,
    not_found,
    output,
    paging,
    service_of,
)
from wanctl.sandbox.deployments import live, status_of
from wanctl.sandbox.jobs import FIRST_AND_LAST, MAX_PIXELS
from wanctl.sandbox.service import Service

QUEUED, RENDERING = timedelta(seconds=10), timedelta(seconds=90)
TASK_LIFE = timedelta(hours=24)
DURATION = 5


async def submit(request: Request) -> Response:
    """First frame calls on one path, first and last frame calls on the other."""
    if request.headers.get("x-dashscope-async") != "enable":
        raise Fault(403, "AccessDenied", "current user api does not support synchronous calls.")
    service, body = service_of(request), await json_body(request)
    base = _base_model(service, str(body.get("model") or ""))
    first_and_last = request.url.path.endswith("/image2video/video-synthesis")
    if first_and_last != (base == FIRST_AND_LAST):
        raise bad_request(f"url error, please check url: {base} is not called here")
    given = body.get("input") or {}
    frame = "first_frame_url" if first_and_last else "img_url"
    if not given.get(frame) and not given.get("media"):
        raise bad_request(f"Field required: input.{frame}")
    task_id = service.request_id()
    task = {
        "task_id": task_id,
        "model": body["model"],
        "prompt": given.get("prompt") or "",
        "resolution": (body.get("parameters") or {}).get("resolution", "720P"),
        "at": service.now().isoformat(),
    }
    with service.store.write():
        service.store.put("task", task_id, task)
    return output(request, {"task_status": "PENDING", "task_id": task_id})


def _base_model(service: Service, model: str) -> str:
    """The base of a deployment that serves, or the model itself if it is a base model."""
    record = live(service, model)
    if record is None:
        if model in MAX_PIXELS:
            return model
        raise Fault(404, "ModelNotFound", f"Model not exist: {model}")
    status = status_of(record, service.now())
    if status != "RUNNING":
        raise bad_request(f"The deployed model {model} is not running: {status}")
    return str(record["base_model"])


def _task_status(task: dict[str, Any], now: datetime) -> str:
    spent = now - datetime.fromisoformat(task["at"])
    if task.get("canceled"):
        return "CANCELED"
    if spent > TASK_LIFE:
        return "UNKNOWN"
    return "PENDING" if spent < QUEUED else "RUNNING" if spent < RENDERING else "SUCCEEDED"


async def read_task(request: Request) -> Response:
    """A task that was never there is UNKNOWN, in a 200."""
    service, task_id = service_of(request), request.path_params["task_id"]
    task, now = service.store.get("task", task_id), service.now()
    status = _task_status(task, now) if task else "UNKNOWN"
    found: dict[str, Any] = {"task_id": task_id, "task_status": status}
    answer: dict[str, Any] = {"request_id": request.state.request_id, "output": found}
    if task and status in {"RUNNING", "SUCCEEDED"}:
        at = datetime.fromisoformat(task["at"])
        found |= {"submit_time": _stamp(at), "scheduled_time": _stamp(at + QUEUED)}
        if status == "SUCCEEDED":
            link = service.sign(host_of(request), f"videos/{task_id}.mp4")
            found |= {"end_time": _stamp(at + RENDERING), "orig_prompt": task["prompt"], "video_url": link}
            size = int(str(task["resolution"]).rstrip("Pp") or 720)
            answer["usage"] = {"duration": DURATION, "video_count": 1, "SR": size}
    return JSONResponse(answer)


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}"


async def cancel_task(request: Request) -> Response:
    service, task_id = service_of(request), request.path_params["task_id"]
    task = service.store.get("task", task_id)
    if task is None or _task_status(task, service.now()) != "PENDING":
        message = "Failed to cancel the task, please confirm if the task is in PENDING status."
        raise Fault(400, "UnsupportedOperation", message)
    with service.store.write():
        service.store.put("task", task_id, {**task, "canceled": True})
    return flat({"request_id": request.state.request_id})


async def list_tasks(request: Request) -> Response:
    """Flat, unlike the rest."""
    service, now = service_of(request), service_of(request).now()
    number, size = paging(request, default=10, most=100)
    rows = [
        {
            "task_id": task["task_id"],
            "status": _task_status(task, now),
            "model_name": task["model"],
            "gmt_create": int(datetime.fromisoformat(task["at"]).timestamp() * 1000),
        }
        for task in reversed(service.store.all("task"))
    ]
    pages = -(-len(rows) // size)
    return flat(
        {
            "request_id": request.state.request_id,
            "total": len(rows),
            "total_page": pages,
            "page_no": number,
            "page_size": size,
            "data": cut(rows, number, size),
        }
    )


async def upload_policy(request: Request) -> Response:
    """What a client needs to post a local image to temporary storage."""
    query = request.query_params
    if query.get("action") != "getPolicy" or not query.get("model"):
        raise bad_request("action=getPolicy and model are required")
    service = service_of(request)
    folder = f"dashscope-instant/{service.name(16)}/{service.now():%Y-%m-%d}/{service.name(8)}"
    policy = {
        "policy": json.dumps({"folder": folder}),
        "signature": service.name(28),
        "upload_dir": folder,
        "upload_host": f"{host_of(request)}/_oss",
        "expire_in_seconds": 300,
        "max_file_size_mb": 100,
        "capacity_limit_mb": 999999999,
        "oss_access_key_id": "sandbox",
        "x_oss_object_acl": "private",
        "x_oss_forbid_overwrite": "true",
    }
    return flat({"request_id": request.state.request_id, "data": policy})


async def form_upload(request: Request) -> Response:
    """The form that the policy is for; `file` is its last part."""
    form = await request.form()
    part, key = form.get("file"), form.get("key")
    if not isinstance(part, UploadFile) or not key or not form.get("policy") or not form.get("Signature"):
        raise not_found("key, policy, Signature and file are required")
    return Response("", int(str(form.get("success_action_status") or "204")))


_SERVICES = "/api/v1/services/aigc"
ROUTES = [
    Route(f"{_SERVICES}/video-generation/video-synthesis", submit, methods=["POST"]),
    Route(f"{_SERVICES}/image2video/video-synthesis", submit, methods=["POST"]),
    Route("/api/v1/tasks", list_tasks, methods=["GET"]),
    Route("/api/v1/tasks/{task_id}", read_task, methods=["GET"]),
    Route("/api/v1/tasks/{task_id}/cancel", cancel_task, methods=["POST"]),
    Route("/api/v1/uploads", upload_policy, methods=["GET"]),
    Route("/_oss", form_upload, methods=["POST"]),
]
