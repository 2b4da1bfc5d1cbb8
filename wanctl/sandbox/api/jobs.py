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
    bad_request,
    json_body,
    not_found,
    number_of,
    output,
    paging,
    parsed,
    service_of,
)
from wanctl.sandbox.bodies import CreateJob, HyperParametersBody, as_kept
from wanctl.sandbox.faults.setup import Quirks
from wanctl.sandbox.service import ACCOUNT, HEX, WORKSPACE, Service
from wanctl.sandbox.state.training import FIRST_AND_LAST, TUNABLE, Course, checkpoint_epochs, log_lines


def _check_request(service: Service, asked: CreateJob) -> None:
    """Raise what is wrong with the request itself. Faults of the data are found in training."""
    if not asked.model:
        raise bad_request("Missing model")
    if asked.model not in TUNABLE:
        raise bad_request(f"The model {asked.model} does not support fine-tuning")
    if asked.training_type != "efficient_sft":
        raise bad_request(f"The model {asked.model} does not support training_type: {asked.training_type}")
    if not asked.training_file_ids:
        raise bad_request("Missing training files")
    for identifier in (*asked.training_file_ids, *(asked.validation_file_ids or ())):
        if service.store.get("file", identifier) is None:
            raise bad_request(f"File {identifier} not found")
    if asked.job_name is not None and service.rig.quirks.keep_job_name == "reject":
        raise bad_request("Unknown field: job_name")


def _trained_parameters(asked: CreateJob) -> dict[str, Any]:
    """Those that are trained with: what was asked for, the base model's, the service's."""
    base = TUNABLE[str(asked.model)]
    given = (asked.hyper_parameters or HyperParametersBody()).model_dump()
    given["batch_size"] = given["batch_size"] or base.batch_size
    given["max_pixels"] = given["max_pixels"] or base.max_pixels
    return given


def _read_data(service: Service, asked: CreateJob) -> dict[str, Any]:
    """The content of the archives: clip lengths to train on, samples to make previews of, or the problem."""
    last_frames = asked.model == FIRST_AND_LAST
    training, validation = (
        [(one, _facts(service, one, training=trains, last_frames=last_frames)) for one in identifiers or ()]
        for identifiers, trains in ((asked.training_file_ids, True), (asked.validation_file_ids, False))
    )
    problem = next((facts["problem"] for _, facts in (*training, *validation) if facts["problem"]), None)
    if problem:
        return {"problem": problem, "seconds": [], "previews": []}
    samples = [(one, sample) for one, facts in training for sample in facts["samples"]]
    shown = [(one, sample) for one, facts in validation for sample in facts["samples"]]
    if not shown:
        held_back = _held_back(len(samples), asked.hyper_parameters or HyperParametersBody())
        samples, shown = samples[: len(samples) - held_back], samples[len(samples) - held_back :]
    return {
        "problem": None,
        "seconds": [sample["seconds"] for _, sample in samples],
        "previews": [
            {
                "file": one,
                "frame": sample["first_frame"],
                "last": sample["last_frame"],
                "prompt": sample["prompt"],
            }
            for one, sample in shown
        ],
    }


def _facts(service: Service, identifier: str, *, training: bool, last_frames: bool) -> dict[str, Any]:
    """An upload is read once for each way of training with it; what was found is kept."""
    from wanctl.sandbox.media.datasets import read_archive  # FFmpeg: only where something is trained

    key = f"{identifier}/{'training' if training else 'validation'}{'/last' if last_frames else ''}"
    known = service.store.get("facts", key)
    if known is None:
        path = service.store.blobs / identifier
        known = read_archive(path, training=training, last_frames=last_frames).as_json()
        with service.store.write():
            service.store.put("facts", key, known)
    return known


def _held_back(samples: int, given: HyperParametersBody) -> int:
    """min(total × (1 - split), the most that may be split off); at least one, so that there is a preview."""
    share = round(samples * (1 - given.split))
    return max(0, min(max(1, share), given.max_split_val_dataset_sample, samples - 1))


NOT_ECHOED = {"max_pixels", "max_split_val_dataset_sample", "save_total_limit", "lora_rank", "lora_alpha"}
LOG_LINES, MOST_LOG_LINES, MOST_OFFSET = 100, 1000, 1_000_000
REVIEWING = timedelta(minutes=10)
ENDED = {"SUCCEEDED", "FAILED", "CANCELED"}


async def create(request: Request) -> Response:
    """Check what the service checks at once; what is wrong with the data is found in training."""
    service = service_of(request)
    asked = parsed(CreateJob, await json_body(request))
    _check_request(service, asked)
    inputs = await run_in_threadpool(_read_data, service, asked)
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
        "training_file_ids": asked.training_file_ids,
        "validation_file_ids": asked.validation_file_ids or [],
        "hyper_parameters": _trained_parameters(asked),
        "declared": sorted(as_kept(asked.hyper_parameters) if asked.hyper_parameters else {}),
        "created": now.isoformat(),
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
    found = [
        course
        for course in lists.shown(service, "job", newest_first, lambda course: course.job)
        if query.get("model") in {None, course.job["model"]}
        and query.get("status") in {None, shown_status(course, quirks, now)}
    ]
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
]
