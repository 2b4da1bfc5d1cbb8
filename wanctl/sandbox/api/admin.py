"""The way behind the stage: what the account holds, its clock, and what is arranged."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wanctl.sandbox.api.answers import bad_request, json_body, not_found, parsed, service_of
from wanctl.sandbox.api.deployments import all_live, force_status, ready_at, status_of
from wanctl.sandbox.api.jobs import known_jobs
from wanctl.sandbox.api.tasks import RENDERING, task_status
from wanctl.sandbox.bodies import Advance
from wanctl.sandbox.faults.rules import FaultError
from wanctl.sandbox.faults.setup import FaultSetupError
from wanctl.sandbox.service import Service


def summarize(service: Service) -> dict[str, Any]:
    """Everything, with what the service itself would not tell: capacities, configs, prompts."""
    now, store = service.now(), service.store
    kinds = {
        "files": [{key: one[key] for key in ("id", "filename", "bytes")} for one in store.all("file")],
        "jobs": [
            {
                "id": course.job["job_id"],
                "status": course.status(now),
                "model": course.job["model"],
                "progress": round(course.fraction(now), 3),
                "name": course.job["job_name"],
            }
            for course in known_jobs(service).values()
        ],
        "deployments": [
            {
                "id": one["deployed_model"],
                "status": status_of(one, now),
                "progress": _share(one["created"], ready_at(one), now),
                "capacity": one["capacity"],
                "aigc_config": one["aigc_config"],
            }
            for one in all_live(service)
        ],
        "tasks": [
            {
                "id": one["task_id"],
                "status": task_status(one, now),
                "progress": _share(one["at"], datetime.fromisoformat(one["at"]) + RENDERING, now),
                "model": one["model"],
                "prompt": one["effective_prompt"],
            }
            for one in store.all("task")
        ],
    }
    counts = {kind: len(rows) for kind, rows in kinds.items()}
    clock = {"now": now.isoformat(timespec="seconds"), "speed": service.clock.speed}
    return {**clock, "counts": counts, **kinds}


def _share(begun: str, done: datetime, now: datetime) -> float:
    """How far something is that takes from one moment to another."""
    since = datetime.fromisoformat(begun)
    return round(min(1.0, (now - since) / (done - since)), 3) if done > since else 1.0


async def status(request: Request) -> Response:
    return JSONResponse(summarize(service_of(request)))


async def advance(request: Request) -> Response:
    service, asked = service_of(request), parsed(Advance, await json_body(request))
    with service.store.write():
        service.clock.advance(timedelta(seconds=asked.seconds))
    return JSONResponse({"now": service.now().isoformat(timespec="seconds")})


async def reset(request: Request) -> Response:
    service = service_of(request)
    with service.store.write():
        service.store.clear()
    return JSONResponse({"reset": True})


async def requests(request: Request) -> Response:
    return JSONResponse([asdict(line) for line in service_of(request).store.requests()])


async def rig(request: Request) -> Response:
    """Outcomes, an outage and quirks; and the status of one deployment."""
    service, body = service_of(request), await json_body(request)
    with service.store.write():
        try:
            wanted_faults = service.rig.arrange(body)
        except FaultSetupError as error:
            raise bad_request(str(error)) from error
        if wanted_faults.deployment is not None:
            force_status(service, wanted_faults.deployment, wanted_faults.status)
    return JSONResponse({"arranged": True})


async def list_faults(request: Request) -> Response:
    return JSONResponse([standing.as_json() for standing in service_of(request).faults.all()])


async def add_fault(request: Request) -> Response:
    try:
        standing = service_of(request).faults.add(await json_body(request))
    except FaultError as error:
        raise bad_request(str(error)) from error
    return JSONResponse(standing.as_json())


async def clear_faults(request: Request) -> Response:
    """One of them, or all."""
    identifier = request.path_params.get("fault_id")
    cleared = service_of(request).faults.clear(identifier)
    if identifier and not cleared:
        raise not_found(f"no fault {identifier}")
    return JSONResponse({"cleared": cleared})


ROUTES = [
    Route("/_sandbox/status", status, methods=["GET"]),
    Route("/_sandbox/advance", advance, methods=["POST"]),
    Route("/_sandbox/reset", reset, methods=["POST"]),
    Route("/_sandbox/requests", requests, methods=["GET"]),
    Route("/_sandbox/rig", rig, methods=["POST"]),
    Route("/_sandbox/faults", list_faults, methods=["GET"]),
    Route("/_sandbox/faults", add_fault, methods=["POST"]),
    Route("/_sandbox/faults", clear_faults, methods=["DELETE"]),
    Route("/_sandbox/faults/{fault_id}", clear_faults, methods=["DELETE"]),
]
