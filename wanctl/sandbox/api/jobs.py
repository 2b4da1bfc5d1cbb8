"""Fine-tune jobs: create, list, read, cancel, delete, logs. The data is looked at only in training."""

from datetime import datetime, timedelta
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from wanctl.sandbox.api import lists
from wanctl.sandbox.api.answers import (
    Fault,
    events,
    json_body,
    not_found,
    number_of,
    output,
    paging,
    parsed,
    service_of,
)
from wanctl.sandbox.api.inputs import (
    check_request,
    file_ids,
    read_data,
    trained_parameters,
    training_sources,
    validation_sources,
)
from wanctl.sandbox.bodies import CreateJob, as_kept
from wanctl.sandbox.faults.setup import Quirks
from wanctl.sandbox.service import ACCOUNT, HEX, WORKSPACE, Service
from wanctl.sandbox.state.training import Course, checkpoint_epochs, log_lines

NOT_ECHOED = {"max_pixels", "max_split_val_dataset_sample", "save_total_limit", "lora_rank", "lora_alpha"}
LOG_LINES, MOST_LOG_LINES, MOST_OFFSET = 100, 1000, 1_000_000
REVIEWING = timedelta(minutes=10)
ENDED = {"SUCCEEDED", "FAILED", "CANCELED"}


async def create(request: Request) -> Response:
    """Check what the service checks at once; what is wrong with the data is found in training."""
    service = service_of(request)
    asked = parsed(CreateJob, await json_body(request))
    check_request(service, asked)
    inputs = await run_in_threadpool(read_data, service, asked)
    with service.store.write():
        job = _put(service, asked, inputs)
        course = service.courses()[job["job_id"]]
    return output(request, job_answer(service, course, course.created))


def _put(service: Service, asked: CreateJob, inputs: dict[str, Any]) -> dict[str, Any]:
    now = service.now()
    _require_quota(service)
    job_id = _fresh_id(service, now)
    fails = service.rig.take("next_job")
    job = {
        "job_id": job_id,
        "job_name": (service.rig.quirks.keep_job_name and asked.job_name) or job_id,
        "model": asked.model,
        "training_file_ids": file_ids(training_sources(asked)),
        "validation_file_ids": file_ids(validation_sources(asked)),
        "training_datasets": [one.told() for one in training_sources(asked)],
        "validation_datasets": [one.told() for one in validation_sources(asked)],
        "hyper_parameters": trained_parameters(asked),
        "declared": sorted(as_kept(asked.hyper_parameters) if asked.hyper_parameters else {}),
        "created": now.isoformat(),
        "trains_at_once": service.trains_at_once,
        "fails": (service.rig.take("message") or "training was interrupted") if fails else None,
        **inputs,
    }
    service.store.put("job", job_id, job)
    lists.made(service, "job", job_id)
    return job


def _fresh_id(service: Service, now: datetime) -> str:
    """Four characters are soon used up within one minute of a clock that stands still."""
    while True:
        job_id = f"ft-{now:%Y%m%d%H%M}-{service.name(4, HEX)}"
        if service.store.get("job", job_id) is None:
            return job_id


def _require_quota(service: Service) -> None:
    """Jobs in training or succeeded count, and waiting never frees a place."""
    quota, now = service.rig.quirks.job_quota, service.now()
    counted = [one for one in known_jobs(service).values() if one.status(now) not in {"FAILED", "CANCELED"}]
    if len(counted) >= quota:
        raise Fault(
            429, "Throttling", f"Only {quota} fine-tune job in running or succeeded allowed per user."
        )


def job_answer(service: Service, course: Course, now: datetime) -> dict[str, Any]:
    """A job as the service tells it: a part of what it was given."""
    job, quirks = course.job, service.rig.quirks
    status = shown_status(course, quirks, now)
    echoed = quirks.echo_file_ids
    answer = {
        "job_id": job["job_id"],
        "job_name": job["job_name"],
        "status": status,
        "finetuned_output": finetuned_output(job),
        "model": job["model"],
        "base_model": job["model"],
        "training_file_ids": job["training_file_ids"] if echoed else [],
        "validation_file_ids": job["validation_file_ids"] if echoed else [],
        "hyper_parameters": _echo(job, quirks),
        "training_type": "efficient_sft",
        "create_time": f"{course.created:%Y-%m-%d %H:%M:%S}",
        "workspace_id": WORKSPACE,
        "user_identity": ACCOUNT,
        "modifier": ACCOUNT,
        "creator": ACCOUNT,
        "group": "llm",
        "max_output_cnt": job["hyper_parameters"]["save_total_limit"],
    }
    if quirks.newer_answers:
        answer = _as_newer_pages_tell_it(answer, job, status)
    if status in ENDED:
        answer["end_time"] = f"{course.ended:%Y-%m-%d %H:%M:%S}"
    if (usage := course.usage(now)) is not None:
        answer["usage"] = usage
    if status == "SUCCEEDED":
        answer["output_cnt"] = answer["max_output_cnt"] = len(checkpoint_epochs(job["hyper_parameters"]))
    if status == "FAILED":
        answer |= {"code": "InvalidDataset" if job["problem"] else "TrainingFailed"}
        answer |= {"message": job["problem"] or job["fails"]}
    return answer


def _as_newer_pages_tell_it(answer: dict[str, Any], job: dict[str, Any], status: str) -> dict[str, Any]:
    """Files by another field, the model's name only at the end, no name of ours, numbers as text."""
    left_out = {"job_name"} | ({"finetuned_output"} if status != "SUCCEEDED" else set())
    told = {key: value for key, value in answer.items() if key not in left_out}
    datasets = {key: job.get(key, []) for key in ("training_datasets", "validation_datasets")}
    numbers = {key: str(value) for key, value in answer["hyper_parameters"].items()}
    return {
        **told,
        "training_file_ids": [],
        "validation_file_ids": [],
        **datasets,
        "hyper_parameters": numbers,
    }


def shown_status(course: Course, quirks: Quirks, now: datetime) -> str:
    """Its status, or the word that nobody documented."""
    status = course.status(now)
    reviewed = quirks.unknown_status and status == "RUNNING" and now < course.began + REVIEWING
    return str(quirks.unknown_status) if reviewed else status


def _echo(job: dict[str, Any], quirks: Quirks) -> dict[str, Any]:
    """A part of what was sent, unless a quirk says otherwise."""
    echo = {
        key: value
        for key, value in job["hyper_parameters"].items()
        if quirks.echo_all_parameters or (key in job["declared"] and key not in NOT_ECHOED)
    }
    if quirks.numbers_as_text and "learning_rate" in echo:
        echo["learning_rate"] = str(echo["learning_rate"])
    return echo


def finetuned_output(job: dict[str, Any]) -> str:
    return f"{job['model']}-{job['job_id']}"


def course_of(request: Request) -> Course:
    """The job of the path, or NotFound."""
    course = service_of(request).courses().get(request.path_params["job_id"])
    if course is None or course.job.get("deleted"):
        raise not_found()
    return course


def known_jobs(service: Service) -> dict[str, Course]:
    """The jobs that are told of: a deleted one only keeps its place in the line of those that trained."""
    return {key: course for key, course in service.courses().items() if not course.job.get("deleted")}


async def list_jobs(request: Request) -> Response:
    service = service_of(request)
    number, size = paging(request, default=10, most=100)
    now, query = service.now(), request.query_params
    newest_first, quirks = reversed(known_jobs(service).values()), service.rig.quirks
    found = lists.shown(service, "job", newest_first, lambda course: course.job)
    if model := query.get("model"):
        found = [course for course in found if course.job["model"] == model]
    if wanted := query.get("status"):
        found = [course for course in found if shown_status(course, quirks, now) == wanted]
    numbers, courses = lists.turned(service, found, number, size)
    return output(request, {**numbers, "jobs": [job_answer(service, course, now) for course in courses]})


async def read(request: Request) -> Response:
    service = service_of(request)
    return output(request, job_answer(service, course_of(request), service.now()))


async def cancel(request: Request) -> Response:
    service = service_of(request)
    with service.store.write():
        course, now = course_of(request), service.now()
        if course.status(now) in ENDED:
            message = "The fine-tune job can not be canceled because it is succeeded or failed"
            raise Fault(400, "UnsupportedOperation", message)
        if not course.canceled:
            _change(service, course, canceled=now.isoformat())
    return output(request, {"status": "success"})


async def delete(request: Request) -> Response:
    """The record of a job that ended; one in training has to be canceled first."""
    service = service_of(request)
    with service.store.write():
        course = course_of(request)
        ended = course.status(service.now()) in ENDED
        if not ended or service.rig.quirks.keep_ended_jobs:
            why = "succeeded,failed or canceled" if ended else "running"
            message = f"The fine-tune job can not be deleted because it is {why}"
            raise Fault(400, "UnsupportedOperation", message)
        _change(service, course, deleted=True)
    return output(request, {"status": "success"})


def _change(service: Service, course: Course, **changes: Any) -> None:
    service.store.put("job", course.job["job_id"], {**course.job, **changes})


async def stream(request: Request) -> Response:
    """Server-sent events: the job as it is, and, once it has ended, no more."""
    service, course = service_of(request), course_of(request)
    return events(request, job_answer(service, course, service.now()))


async def logs(request: Request) -> Response:
    service, course = service_of(request), course_of(request)
    offset = number_of(request, "offset", 0, 0, MOST_OFFSET)
    count = number_of(request, "line", LOG_LINES, 1, MOST_LOG_LINES)
    lines = log_lines(course, service.now())
    return output(request, {"total": len(lines), "logs": lines[offset : offset + count]})


ROUTES = [
    Route("/api/v1/fine-tunes", create, methods=["POST"]),
    Route("/api/v1/fine-tunes", list_jobs, methods=["GET"]),
    Route("/api/v1/fine-tunes/{job_id}", read, methods=["GET"]),
    Route("/api/v1/fine-tunes/{job_id}", delete, methods=["DELETE"]),
    Route("/api/v1/fine-tunes/{job_id}/cancel", cancel, methods=["POST"]),
    Route("/api/v1/fine-tunes/{job_id}/logs", logs, methods=["GET"]),
    Route("/api/v1/fine-tunes/{job_id}/stream", stream, methods=["GET"]),
]
