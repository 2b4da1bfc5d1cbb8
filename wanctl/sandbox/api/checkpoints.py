"""Checkpoints: which have previews, what they show, and exporting one."""

import re
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from wanctl.sandbox.api.answers import bad_request, cut, host_of, not_found, output, page, paging, service_of
from wanctl.sandbox.api.jobs import course_of, finetuned_output, known_jobs
from wanctl.sandbox.faults.setup import Quirks
from wanctl.sandbox.service import Service
from wanctl.sandbox.state.training import Course, checkpoint_epochs

QUEUED, REVIEWING, EXPORTING = timedelta(seconds=30), timedelta(minutes=1), timedelta(minutes=3)
KEPT = timedelta(days=15)
_DISPLAY_NAME = re.compile(r"[\w.-]+")


def _epochs(course: Course, now: datetime) -> list[int]:
    """The checkpoints that there are; none before the training is over."""
    return checkpoint_epochs(course.job["hyper_parameters"]) if course.status(now) == "SUCCEEDED" else []


def _previewed(service: Service, course: Course) -> list[int]:
    """The checkpoints that have previews."""
    now = service.now()
    if service.rig.quirks.early_previews and course.status(now) == "RUNNING":
        epochs = checkpoint_epochs(course.job["hyper_parameters"])
        found = [epoch for epoch in epochs if course.made(epoch) <= now]
    else:
        found = _epochs(course, now)
    failed = service.rig.quirks.failed_previews
    made = [epoch for epoch in found if not any(fnmatchcase(_label(epoch), one) for one in failed)]
    return made if course.job["previews"] else []


def _label(epoch: int) -> str:
    return f"checkpoint-{epoch}"


async def validated(request: Request) -> Response:
    """Names only, in the order of their letters."""
    service, course = service_of(request), course_of(request)
    labels = [_label(epoch) for epoch in _previewed(service, course)]
    if service.rig.quirks.labels_as_text:
        labels.sort()
    return output(request, [{"checkpoint": label} for label in labels])


async def details(request: Request) -> Response:
    """Each validation sample with a fresh link to its video."""
    service, course = service_of(request), course_of(request)
    label = request.path_params["checkpoint"]
    if label not in {_label(epoch) for epoch in _previewed(service, course)}:
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
    if not name or not _DISPLAY_NAME.fullmatch(name):
        raise bad_request("model_name is required: letters, digits, _, - and . only")
    if label not in {_label(epoch) for epoch in checkpoint_epochs(course.job["hyper_parameters"])}:
        raise not_found()
    with service.store.write():
        done = _export(service, course, label, name)
    return output(request, done)


def _export(service: Service, course: Course, label: str, name: str) -> bool:
    now, quirks = service.now(), service.rig.quirks
    if course.status(now) != "SUCCEEDED":
        return False
    exports = _exports(service)
    key = f"{course.job['job_id']}/{label}"
    status = _row(course, int(label.rpartition("-")[2]), exports, quirks, now)["status"]
    if status == "UNSUPPORTED":
        return False
    if status == "SUCCEEDED" or (key in exports and status != "FAILED"):
        return True
    taken = {one["name"] for other, one in exports.items() if other != key}
    outcome = service.rig.take("next_export")
    if outcome == "UNSUPPORTED":
        service.store.put(
            "export", key, {"key": key, "name": name, "at": now.isoformat(), "unsupported": True}
        )
        return False
    if outcome == "REFUSED" or (quirks.unique_display_names and name in taken):
        return False
    asked = {"key": key, "name": name, "at": now.isoformat(), "fails": outcome == "FAILED"}
    service.store.put("export", key, asked)
    return True


def _exports(service: Service) -> dict[str, dict[str, Any]]:
    return {one["key"]: one for one in service.store.all("export")}


async def list_checkpoints(request: Request) -> Response:
    """All of them, the last first, and how far their exports are."""
    service, course = service_of(request), course_of(request)
    now, quirks, exports = service.now(), service.rig.quirks, _exports(service)
    epochs = reversed(_epochs(course, now))
    return output(request, [_row(course, epoch, exports, quirks, now) for epoch in epochs])


def _row(
    course: Course, epoch: int, exports: dict[str, dict[str, Any]], quirks: Quirks, now: datetime
) -> dict[str, Any]:
    job, label, made = course.job, _label(epoch), course.made(epoch)
    row = {
        "create_time": f"{made:%Y-%m-%dT%H:%M:%S}",
        "full_name": f"{job['job_id']}-{label}",
        "job_id": job["job_id"],
        "checkpoint": label,
        "expire_time": f"{made + KEPT:%Y-%m-%dT%H:%M:%S}",
    }
    if quirks.newer_answers:
        row |= {
            "full_name": f"{job['job_id']}:{label}",
            "checkpoint_id": f"{job['job_id']}-{epoch}",
            "step": epoch,
        }
    if epoch == job["hyper_parameters"]["n_epochs"] and quirks.export_last:
        name = finetuned_output(job)
        return {**row, "model_name": name, "model_display_name": name, "status": "SUCCEEDED"}
    exported = exports.get(f"{job['job_id']}/{label}")
    if exported and exported.get("unsupported"):
        return {**row, "status": "UNSUPPORTED"}
    spent = now - datetime.fromisoformat(exported["at"]) if exported else timedelta()
    if exported is None or spent < QUEUED:
        return {**row, "status": "PENDING"}
    if spent < EXPORTING:
        unknown = quirks.unknown_status if spent < REVIEWING else None
        return {**row, "status": unknown or "PROCESSING"}
    if exported["fails"]:
        return {**row, "status": "FAILED"}
    model = f"{finetuned_output(job)}-c{epoch}"
    return {**row, "model_name": model, "model_display_name": exported["name"], "status": "SUCCEEDED"}


def deployable_models(service: Service, wanted: str | None = None) -> dict[str, str]:
    """Every model that can be deployed → its base model; or those of the job that one of them is from."""
    now, quirks, exports = service.now(), service.rig.quirks, _exports(service)
    rows = [
        (course.job["model"], _row(course, epoch, exports, quirks, now))
        for course in known_jobs(service).values()
        if wanted is None or wanted.startswith(finetuned_output(course.job))
        for epoch in _epochs(course, now)
    ]
    return {row["model_name"]: base for base, row in rows if row["status"] == "SUCCEEDED"}


_JOB = "/api/v1/fine-tunes/{job_id}"
ROUTES = [
    Route(f"{_JOB}/validation-results", validated, methods=["GET"]),
    Route(f"{_JOB}/validation-details/{{checkpoint}}", details, methods=["GET"]),
    Route(f"{_JOB}/export/{{checkpoint}}", export, methods=["GET"]),
    Route(f"{_JOB}/checkpoints", list_checkpoints, methods=["GET"]),
]
