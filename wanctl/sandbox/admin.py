"""The way behind the stage: what the account holds, its clock, and what is arranged."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wanctl.sandbox.answers import bad_request, json_body, service_of
from wanctl.sandbox.deployments import all_live, force_status, status_of
from wanctl.sandbox.rigging import RiggingError
from wanctl.sandbox.service import Service


def summarize(service: Service) -> dict[str, Any]:
    """Everything, with what the service itself would not tell: capacities and configs."""
    now = service.now()
    jobs = [
        {
            "id": course.job["job_id"],
            "status": course.status(now),
            "model": course.job["model"],
            "progress": round(course.fraction(now), 3),
            "name": course.job["job_name"],
        }
        for course in service.courses().values()
    ]
    deployments = [
        {
            "id": one["deployed_model"],
            "status": status_of(one, now),
            "capacity": one["capacity"],
            "aigc_config": one["aigc_config"],
        }
        for one in all_live(service)
    ]
    files = [{key: one[key] for key in ("id", "filename", "bytes")} for one in service.store.all("file")]
    tasks = [{"id": one["task_id"], "model": one["model"]} for one in service.store.all("task")]
    return {
        "now": now.isoformat(timespec="seconds"),
        "speed": service.clock.speed,
        "files": files,
        "jobs": jobs,
        "deployments": deployments,
        "tasks": tasks,
    }


async def status(request: Request) -> Response:
    return JSONResponse(summarize(service_of(request)))


async def advance(request: Request) -> Response:
    service, body = service_of(request), await json_body(request)
    seconds = body.get("seconds")
    if not isinstance(seconds, int | float) or seconds < 0:
        raise bad_request("seconds must be a number, and not negative")
    with service.store.write():
        service.clock.advance(timedelta(seconds=seconds))
    return JSONResponse({"now": service.now().isoformat(timespec="seconds")})


async def reset(request: Request) -> Response:
    service = service_of(request)
    with service.store.write():
        service.store.clear()
    return JSONResponse({"reset": True})


async def requests(request: Request) -> Response:
    return JSONResponse([asdict(line) for line in service_of(request).store.requests()])


async def rig(request: Request) -> Response:
    """Outcomes, outages and quirks; and the status of one deployment."""
    service, body = service_of(request), await json_body(request)
    with service.store.write():
        if "deployment" in body:
            force_status(service, str(body["deployment"]), body.get("status"))
            return JSONResponse({"arranged": True})
        try:
            service.rig.arrange(body)
        except (RiggingError, TypeError) as error:
            raise bad_request(str(error)) from error
    return JSONResponse({"arranged": True})


ROUTES = [
    Route("/_sandbox/status", status, methods=["GET"]),
    Route("/_sandbox/advance", advance, methods=["POST"]),
    Route("/_sandbox/reset", reset, methods=["POST"]),
    Route("/_sandbox/requests", requests, methods=["GET"]),
    Route("/_sandbox/rig", rig, methods=["POST"]),
]
