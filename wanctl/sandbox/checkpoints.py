"""Checkpoints: which have previews, what they show, exporting one, and the signed links of it all."""

from datetime import datetime, timedelta
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from wanctl.sandbox.answers import bad_request, cut, host_of, not_found, output, page, paging, service_of
from wanctl.sandbox.datasets import read_frame
from wanctl.sandbox.jobs import course_of, finetuned_output
from wanctl.sandbox.previews import as_jpeg, placeholder, write_preview
from wanctl.sandbox.service import Service
from wanctl.sandbox.training import Course, checkpoint_epochs

QUEUED, EXPORTING = timedelta(seconds=30), timedelta(minutes=3)
KEPT = timedelta(days=15)


def _epochs(course: Course, now: datetime) -> list[int]:
    """The checkpoints that there are; none before the training is over."""
    return checkpoint_epochs(course.job["hyper_parameters"]) if course.status(now) == "SUCCEEDED" else []


def _label(epoch: int) -> str:
    return f"checkpoint-{epoch}"


async def validated(request: Request) -> Response:
    """Names only, in the order of their letters."""
    service, course = service_of(request), course_of(request)
    labels = sorted(_label(epoch) for epoch in _epochs(course, service.now()))
    return output(request, [{"checkpoint": label} for label in labels if course.job["previews"]])


async def details(request: Request) -> Response:
    """Each validation sample with a fresh link to its video."""
    service, course = service_of(request), course_of(request)
    label = request.path_params["checkpoint"]
    if label not in {_label(epoch) for epoch in _epochs(course, service.now())}:
        raise not_found()
    number, size = paging(request, default=10, most=100)
    host, base = host_of(request), f"previews/{course.job['job_id']}"
    rows = []
    for order, sample in enumerate(course.job["previews"]):
        row = {
            "video_path": service.sign(host, f"{base}/{label}/{order}.mp4"),
            "prompt": sample["prompt"],
            "first_frame_path": service.sign(host, f"{base}/first/{order}.jpeg"),
        }
        if sample["last"]:
            row["last_frame_path"] = service.sign(host, f"{base}/last/{order}.jpeg")
        rows.append(row)
    return output(request, {**page(rows, number, size), "list": cut(rows, number, size)})


async def export(request: Request) -> Response:
    """The GET that changes state. false is a refusal, in a 200."""
    service, course = service_of(request), course_of(request)
    label, name = request.path_params["checkpoint"], request.query_params.get("model_name")
    if not name:
        raise bad_request("model_name is required")
    if label not in {_label(epoch) for epoch in checkpoint_epochs(course.job["hyper_parameters"])}:
        raise not_found()
    with service.store.write():
        return output(request, _export(service, course, label, name))


def _export(service: Service, course: Course, label: str, name: str) -> bool:
    now = service.now()
    outcome = service.rig.take("next_export")
    if outcome == "REFUSED" or course.status(now) != "SUCCEEDED":
        return False
    key = f"{course.job['job_id']}/{label}"
    row = _row(service, course, int(label.rpartition("-")[2]), now)
    if row["status"] in {"SUCCEEDED", "PROCESSING"} or (
        service.store.get("export", key) and row["status"] != "FAILED"
    ):
        return True
    if any(one["name"] == name for one in service.store.all("export")):
        return False
    service.store.put(
        "export", key, {"key": key, "name": name, "at": now.isoformat(), "fails": outcome == "FAILED"}
    )
    return True


async def list_checkpoints(request: Request) -> Response:
    service, course = service_of(request), course_of(request)
    now = service.now()
    return output(request, [_row(service, course, epoch, now) for epoch in reversed(_epochs(course, now))])


def _row(service: Service, course: Course, epoch: int, now: datetime) -> dict[str, Any]:
    job, label = course.job, _label(epoch)
    epochs = job["hyper_parameters"]["n_epochs"]
    made = course.began + (course.trained - course.began) * (epoch / epochs)
    row = {
        "create_time": f"{made:%Y-%m-%dT%H:%M:%S}",
        "full_name": f"{job['job_id']}-{label}",
        "job_id": job["job_id"],
        "checkpoint": label,
        "expire_time": f"{made + KEPT:%Y-%m-%dT%H:%M:%S}",
    }
    if epoch == epochs:  # the service exports the last one by itself
        name = finetuned_output(job)
        return {**row, "model_name": name, "model_display_name": name, "status": "SUCCEEDED"}
    exported = service.store.get("export", f"{job['job_id']}/{label}")
    if exported is None:
        return {**row, "status": "PENDING"}
    spent = now - datetime.fromisoformat(exported["at"])
    if spent < QUEUED:
        return {**row, "status": "PENDING"}
    if spent < EXPORTING:
        return {**row, "status": "PROCESSING"}
    if exported["fails"]:
        return {**row, "status": "FAILED"}
    model = f"{finetuned_output(job)}-c{epoch}"
    return {**row, "model_name": model, "model_display_name": exported["name"], "status": "SUCCEEDED"}


def deployable_models(service: Service) -> dict[str, str]:
    """Every model that can be deployed → its base model."""
    now, found = service.now(), {}
    for course in service.courses().values():
        for epoch in _epochs(course, now):
            row = _row(service, course, epoch, now)
            if row["status"] == "SUCCEEDED":
                found[row["model_name"]] = course.job["model"]
    return found


async def stored(request: Request) -> Response:
    """What a signed link leads to. Like object storage it takes no Authorization beside the signature."""
    service, path = service_of(request), request.path_params["path"]
    problem = "InvalidArgument" if "authorization" in request.headers else None
    problem = problem or service.link_problem(path, request.query_params)
    if problem:
        text = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{problem}</Code></Error>'
        return Response(text, 403, media_type="application/xml")
    return await run_in_threadpool(_stored, service, path)


def _stored(service: Service, path: str) -> Response:
    match path.split("/"):
        case ["previews", job_id, label, name]:
            return _preview(service, job_id, label, name)
        case ["videos", name]:
            return _video(service, name.removesuffix(".mp4"))
        case _:
            return Response("", 404)


def _preview(service: Service, job_id: str, label: str, name: str) -> Response:
    job = service.store.get("job", job_id)
    stem = name.partition(".")[0]
    if job is None or not stem.isdigit() or int(stem) >= len(job["previews"]):
        return Response("", 404)
    sample = job["previews"][int(stem)]
    try:
        frame = read_frame(
            service.store.blobs / sample["file"], sample["last" if label == "last" else "frame"]
        )
    except (OSError, KeyError):
        frame = placeholder()
    if label in {"first", "last"}:
        return Response(as_jpeg(frame), media_type="image/jpeg")
    path = service.store.cache / f"{job_id}-{label}-{stem}.mp4"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        strength = int(label.rpartition("-")[2]) / job["hyper_parameters"]["n_epochs"]
        write_preview(path, frame, strength, f"{job_id}/{stem}")
    return FileResponse(path, media_type="video/mp4")


def _video(service: Service, task_id: str) -> Response:
    if service.store.get("task", task_id) is None:
        return Response("", 404)
    path = service.store.cache / f"{task_id}.mp4"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        write_preview(path, placeholder(), 1.0, task_id)
    return FileResponse(path, media_type="video/mp4")


_JOB = "/api/v1/fine-tunes/{job_id}"
ROUTES = [
    Route(f"{_JOB}/validation-results", validated, methods=["GET"]),
    Route(f"{_JOB}/validation-details/{{checkpoint}}", details, methods=["GET"]),
    Route(f"{_JOB}/export/{{checkpoint}}", export, methods=["GET"]),
    Route(f"{_JOB}/checkpoints", list_checkpoints, methods=["GET"]),
    Route("/_oss/{path:path}", stored, methods=["GET"]),
]
