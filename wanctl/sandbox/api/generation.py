"""Calls of a deployed model: a task is submitted, asked for, and gives a video.

Its first frame comes inline or from temporary storage; another address is left alone, as nothing is fetched.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wanctl.sandbox.api.answers import (
    Fault,
    bad_request,
    cut,
    flat,
    host_of,
    json_body,
    output,
    paging,
    parsed,
    service_of,
)
from wanctl.sandbox.api.deployments import live, status_of
from wanctl.sandbox.bodies import Generate
from wanctl.sandbox.service import Service
from wanctl.sandbox.state.store import ZONE
from wanctl.sandbox.state.training import ALL_RESOLUTIONS, CALLABLE, FIRST_AND_LAST, TUNABLE

LARGEST = 20 * 1024 * 1024
FORMATS = {"BMP", "JPEG", "PNG", "WEBP"}


@dataclass(frozen=True)
class Frame:
    """The name of its bytes in the store, if they can be had; why the task will fail, if it will."""

    blob: str | None = None
    problem: str | None = None


def receive_frame(service: Service, url: str, model: str, *, resolves_storage: bool) -> Frame:
    """Keep what was given inline; find what was uploaded."""
    if url.startswith("data:"):
        return _inline(service, url)
    if url.startswith("oss://"):
        if not resolves_storage:
            raise bad_request("An oss:// address needs the header X-DashScope-OssResourceResolve: enable")
        return _uploaded(service, url.removeprefix("oss://"), model)
    if url.startswith(("http://", "https://")):
        return Frame()
    raise bad_request(f"The image address is invalid: {url[:60]}")


def _inline(service: Service, url: str) -> Frame:
    head, _, text = url.partition(",")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return Frame(problem="The base64 of the image is broken.")
    if not head.startswith("data:image/") or not head.endswith(";base64"):
        return Frame(problem="The image has to be given as data:image/…;base64,…")
    if len(data) > LARGEST:
        return Frame(problem="The image is larger than 20 MB.")
    blob = f"frame-{hashlib.sha256(data).hexdigest()[:32]}"
    (service.store.blobs / blob).write_bytes(data)
    return _looked_at(service, blob)


def _uploaded(service: Service, key: str, model: str) -> Frame:
    """An upload serves the model that it was made for, for two days."""
    image = service.store.get("image", key)
    if image is None or service.now() > datetime.fromisoformat(image["until"]):
        return Frame(problem="The image is not in temporary storage, or not any more.")
    if image["model"] != model:
        return Frame(problem=f"The image was uploaded for {image['model']}.")
    return _looked_at(service, image["blob"])


def _looked_at(service: Service, blob: str) -> Frame:
    from PIL import Image

    try:
        with Image.open(service.store.blobs / blob) as image:
            if image.format not in FORMATS:
                return Frame(problem=f"The image is {image.format}.")
            image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return Frame(problem="The image cannot be read.")
    return Frame(blob)


QUEUED, RENDERING = timedelta(seconds=10), timedelta(seconds=90)
TASK_LIFE = timedelta(hours=24)
DURATION, RESOLUTION = 5, "720P"
IMAGE_FIELD = {True: "first_frame_url", False: "img_url"}


async def submit(request: Request) -> Response:
    """First frame calls on one path, first and last frame calls on the other."""
    if request.headers.get("x-dashscope-async") != "enable":
        raise Fault(403, "AccessDenied", "current user api does not support synchronous calls.")
    service, asked = service_of(request), parsed(Generate, await json_body(request))
    deployment = _serving(service, asked.model)
    base = deployment["base_model"] if deployment else asked.model
    first_and_last = request.url.path.endswith("/image2video/video-synthesis")
    if first_and_last != (base == FIRST_AND_LAST):
        raise bad_request(f"url error, please check url: {base} is not called here")
    _require_resolution(asked.parameters.resolution, base if deployment else None)
    resolves = request.headers.get("x-dashscope-ossresourceresolve") == "enable"
    frame = await run_in_threadpool(
        receive_frame, service, _image_of(asked, first_and_last), asked.model, resolves_storage=resolves
    )
    task_id = service.request_id()
    with service.store.write():
        failed = service.rig.take("next_task")
        task = {
            "task_id": task_id,
            "model": asked.model,
            "prompt": asked.input.prompt or "",
            "effective_prompt": _prompt(asked, deployment),
            "resolution": asked.parameters.resolution or RESOLUTION,
            "duration": asked.parameters.duration or DURATION,
            "frame": frame.blob,
            "problem": _problem(frame.problem, failed=failed is not None),
            "at": service.now().isoformat(),
        }
        service.store.put("task", task_id, task)
    return output(request, {"task_status": "PENDING", "task_id": task_id})


def _problem(frame: str | None, *, failed: bool) -> dict[str, str] | None:
    """Code and message of a task that will fail, if it will."""
    if frame:
        return {"code": "InvalidImage.FileFormat", "message": frame}
    return {"code": "InternalError.Algo", "message": "The video could not be generated."} if failed else None


def _serving(service: Service, model: str) -> dict[str, Any] | None:
    """The deployment that is called, which has to run; None for a base model as it is."""
    record = live(service, model)
    if record is None:
        if model in CALLABLE:
            return None
        raise Fault(404, "ModelNotFound", f"Model not exist: {model}")
    status = status_of(record, service.now())
    if status != "RUNNING":
        raise bad_request(f"The deployed model {model} is not running: {status}")
    return record


def _require_resolution(resolution: str | None, tuned: str | None) -> None:
    allowed = TUNABLE[tuned].resolutions if tuned else ALL_RESOLUTIONS
    if resolution is not None and resolution not in allowed:
        raise bad_request(f"resolution must be one of {', '.join(allowed)}")


def _image_of(asked: Generate, first_and_last: bool) -> str:
    first = next((media.url for media in asked.input.media if media.type == "first_frame"), None)
    url = asked.input.first_frame_url if first_and_last else asked.input.img_url or first
    if not url:
        raise bad_request(f"Field required: input.{IMAGE_FIELD[first_and_last]}")
    return url


def _prompt(asked: Generate, deployment: dict[str, Any] | None) -> str:
    """The prompt that the video is made with: a deployment may ignore the caller's."""
    config = deployment["aigc_config"] if deployment else None
    if config is None or config["use_input_prompt"]:
        return asked.input.prompt or ""
    return str(config["lora_prompt_default"])


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


_SERVICES = "/api/v1/services/aigc"
ROUTES = [
    Route(f"{_SERVICES}/video-generation/video-synthesis", submit, methods=["POST"]),
    Route(f"{_SERVICES}/image2video/video-synthesis", submit, methods=["POST"]),
    Route("/api/v1/tasks", list_tasks, methods=["GET"]),
    Route("/api/v1/tasks/{task_id}", read_task, methods=["GET"]),
    Route("/api/v1/tasks/{task_id}/cancel", cancel_task, methods=["POST"]),
]
