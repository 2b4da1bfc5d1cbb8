"""Fine-tune jobs: create, list, read, cancel, delete, logs."""

from datetime import datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from wanctl.sandbox.answers import (
    Fault,
    bad_request,
    cut,
    json_body,
    not_found,
    output,
    page,
    paging,
    service_of,
)
from wanctl.sandbox.datasets import Facts, read_archive
from wanctl.sandbox.service import ACCOUNT, WORKSPACE, Service
from wanctl.sandbox.training import Course, checkpoint_epochs, log_lines

FIRST_AND_LAST = "wan2.2-kf2v-flash"
MAX_PIXELS = {
    "wan2.7-i2v": 147456,
    "wan2.6-i2v": 36864,
    "wan2.5-i2v-preview": 36864,
    "wan2.2-i2v-flash": 262144,
    FIRST_AND_LAST: 262144,
}
BATCH_SIZE = {"wan2.5-i2v-preview": 2, "wan2.2-i2v-flash": 4, FIRST_AND_LAST: 4}
DEFAULTS: dict[str, Any] = {
    "n_epochs": 400,
    "learning_rate": 2e-5,
    "eval_epochs": 50,
    "split": 0.9,
    "max_split_val_dataset_sample": 5,
    "save_total_limit": 10,
    "lora_rank": 32,
    "lora_alpha": 32,
}
NOT_ECHOED = {"max_pixels", "max_split_val_dataset_sample", "save_total_limit", "lora_rank", "lora_alpha"}
WHOLE = {
    "n_epochs",
    "batch_size",
    "eval_epochs",
    "max_pixels",
    "save_total_limit",
    "max_split_val_dataset_sample",
}
LOG_LINES, MOST_LOG_LINES = 100, 1000


async def create(request: Request) -> Response:
    """Check what the service checks at once; what is wrong with the data is found in training."""
    service, body = service_of(request), await json_body(request)
    model = _checked(service, body)
    parameters = _parameters(model, body.get("hyper_parameters") or {})
    facts = await run_in_threadpool(_read_data, service, body, model)
    now = service.now()
    job_id = f"ft-{now:%Y%m%d%H%M}-{service.name(4, '0123456789abcdef')}"
    with service.store.write():
        _require_quota(service)
        fails = service.rig.take("next_job")
        job = {
            "job_id": job_id,
            "job_name": _name(service, body, job_id),
            "model": model,
            "training_file_ids": body["training_file_ids"],
            "validation_file_ids": body.get("validation_file_ids") or [],
            "hyper_parameters": parameters,
            "declared": sorted(body.get("hyper_parameters") or {}),
            "created": now.isoformat(),
            "fails": (service.rig.take("message") or "training was interrupted") if fails else None,
            **facts,
        }
        service.store.put("job", job_id, job)
    return output(request, job_answer(service, service.courses()[job_id], now))


def _checked(service: Service, body: dict[str, Any]) -> str:
    model = body.get("model")
    if model not in MAX_PIXELS:
        raise bad_request(f"The model {model} does not support fine-tuning" if model else "Missing model")
    if body.get("training_type") != "efficient_sft":
        raise bad_request(f"The model {model} does not support training_type: {body.get('training_type')}")
    training, validation = body.get("training_file_ids"), body.get("validation_file_ids") or []
    if not isinstance(training, list) or not training:
        raise bad_request("Missing training files")
    for identifier in (*training, *validation):
        if not isinstance(identifier, str) or service.store.get("file", identifier) is None:
            raise bad_request(f"File {identifier} not found")
    if "job_name" in body and service.rig.quirks.keep_job_name == "reject":
        raise bad_request("Unknown field: job_name")
    return str(model)


def _parameters(model: str, given: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise bad_request("hyper_parameters must be an object")
    base = {"batch_size": BATCH_SIZE.get(model, 1), "max_pixels": MAX_PIXELS[model]}
    parameters = {**DEFAULTS, **base, **given}
    for key in WHOLE:
        if not isinstance(parameters[key], int) or isinstance(parameters[key], bool) or parameters[key] < 1:
            raise bad_request(f"hyper_parameters.{key} must be a positive integer")
    return parameters


def _read_data(service: Service, body: dict[str, Any], model: str) -> dict[str, Any]:
    """What the archives hold: clip lengths to train on, samples to make previews of, or the problem."""
    last_frames = model == FIRST_AND_LAST
    training = _facts(service, body["training_file_ids"], training=True, last_frames=last_frames)
    validation = _facts(
        service, body.get("validation_file_ids") or [], training=False, last_frames=last_frames
    )
    problem = next((facts.problem for _, facts in (*training, *validation) if facts.problem), None)
    if problem:
        return {"problem": problem, "seconds": [], "previews": []}
    samples = [(identifier, sample) for identifier, facts in training for sample in facts.samples]
    shown = [(identifier, sample) for identifier, facts in validation for sample in facts.samples]
    if not shown:
        held_back = _held_back(len(samples), body.get("hyper_parameters") or {})
        samples, shown = samples[: len(samples) - held_back], samples[len(samples) - held_back :]
    return {
        "problem": None,
        "seconds": [sample.seconds or 0.0 for _, sample in samples],
        "previews": [
            {
                "file": identifier,
                "frame": sample.first_frame,
                "last": sample.last_frame,
                "prompt": sample.prompt,
            }
            for identifier, sample in shown
        ],
    }


def _facts(
    service: Service, identifiers: list[str], *, training: bool, last_frames: bool
) -> list[tuple[str, Facts]]:
    return [
        (one, read_archive(service.store.blobs / one, training=training, last_frames=last_frames))
        for one in identifiers
    ]


def _held_back(samples: int, given: dict[str, Any]) -> int:
    """min(total × (1 - split), the most that may be split off); at least one, so that there is a preview."""
    share = round(samples * (1 - float(given.get("split", DEFAULTS["split"]))))
    most = int(given.get("max_split_val_dataset_sample", DEFAULTS["max_split_val_dataset_sample"]))
    return max(0, min(max(1, share), most, samples - 1))


def _require_quota(service: Service) -> None:
    """Jobs in training or succeeded count, and waiting never frees a place."""
    quota, now = service.rig.quirks.job_quota, service.now()
    counted = [one for one in service.courses().values() if one.status(now) not in {"FAILED", "CANCELED"}]
    if len(counted) >= quota:
        raise Fault(
            429, "Throttling", f"Only {quota} fine-tune job in running or succeeded allowed per user."
        )


def _name(service: Service, body: dict[str, Any], job_id: str) -> str:
    return str(body.get("job_name") or job_id) if service.rig.quirks.keep_job_name else job_id


def job_answer(service: Service, course: Course, now: datetime) -> dict[str, Any]:
    """A job as the service tells it: a part of what it was given."""
    job, status = course.job, course.status(now)
    echoed = service.rig.quirks.echo_file_ids
    answer = {
        "job_id": job["job_id"],
        "job_name": job["job_name"],
        "status": status,
        "finetuned_output": finetuned_output(job),
        "model": job["model"],
        "base_model": job["model"],
        "training_file_ids": job["training_file_ids"] if echoed else [],
        "validation_file_ids": job["validation_file_ids"] if echoed else [],
        "hyper_parameters": {
            key: value
            for key, value in job["hyper_parameters"].items()
            if key in job["declared"] and key not in NOT_ECHOED
        },
        "training_type": "efficient_sft",
        "create_time": f"{course.created:%Y-%m-%d %H:%M:%S}",
        "workspace_id": WORKSPACE,
        "user_identity": ACCOUNT,
        "modifier": ACCOUNT,
        "creator": ACCOUNT,
        "group": "llm",
        "max_output_cnt": job["hyper_parameters"]["save_total_limit"],
    }
    if status in {"SUCCEEDED", "FAILED", "CANCELED"}:
        answer["end_time"] = f"{course.ended:%Y-%m-%d %H:%M:%S}"
    if (usage := course.usage(now)) is not None:
        answer["usage"] = usage
    if status == "SUCCEEDED":
        answer["output_cnt"] = answer["max_output_cnt"] = len(checkpoint_epochs(job["hyper_parameters"]))
    if status == "FAILED":
        answer |= {"code": "InvalidDataset" if job["problem"] else "TrainingFailed"}
        answer |= {"message": job["problem"] or job["fails"]}
    return answer


def finetuned_output(job: dict[str, Any]) -> str:
    return f"{job['model']}-{job['job_id']}"


def course_of(request: Request) -> Course:
    """The job of the path, or NotFound."""
    course = service_of(request).courses().get(request.path_params["job_id"])
    if course is None:
        raise not_found()
    return course


async def list_jobs(request: Request) -> Response:
    service = service_of(request)
    number, size = paging(request, default=10, most=100)
    now, query = service.now(), request.query_params
    rows = [job_answer(service, course, now) for course in reversed(list(service.courses().values()))]
    rows = [
        row
        for row in rows
        if query.get("model") in {None, row["model"]} and query.get("status") in {None, row["status"]}
    ]
    return output(request, {**page(rows, number, size), "jobs": cut(rows, number, size)})


async def read(request: Request) -> Response:
    service = service_of(request)
    return output(request, job_answer(service, course_of(request), service.now()))


async def cancel(request: Request) -> Response:
    service, course = service_of(request), course_of(request)
    now = service.now()
    if course.status(now) in {"SUCCEEDED", "FAILED", "CANCELED"}:
        message = "The fine-tune job can not be canceled because it is succeeded or failed"
        raise Fault(400, "UnsupportedOperation", message)
    if not course.canceled:
        with service.store.write():
            service.store.put("job", course.job["job_id"], {**course.job, "canceled": now.isoformat()})
    return output(request, {"status": "success"})


async def delete(request: Request) -> Response:
    """The record of a job that ended; one in training has to be canceled first."""
    service, course = service_of(request), course_of(request)
    if course.status(service.now()) not in {"SUCCEEDED", "FAILED", "CANCELED"}:
        raise Fault(400, "UnsupportedOperation", "The fine-tune job can not be deleted because it is running")
    with service.store.write():
        service.store.delete("job", course.job["job_id"])
    return output(request, {"status": "success"})


async def logs(request: Request) -> Response:
    service, course = service_of(request), course_of(request)
    try:
        offset = int(request.query_params.get("offset", "0"))
        count = int(request.query_params.get("line", str(LOG_LINES)))
    except ValueError as error:
        raise bad_request("offset and line must be integers") from error
    if offset < 0 or not 1 <= count <= MOST_LOG_LINES:
        raise bad_request(f"offset must not be negative and line between 1 and {MOST_LOG_LINES}")
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
