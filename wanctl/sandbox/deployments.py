"""Deployments: create, list, read, scale, delete. The aigc_config goes in and never comes out."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

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
from wanctl.sandbox.checkpoints import deployable_models
from wanctl.sandbox.service import ACCOUNT, WORKSPACE, Service

DELETING = timedelta(minutes=1)
SCALING = timedelta(minutes=2)
LONGEST_SUFFIX = 8
CONFIG = {"use_input_prompt": bool, "prompt": str, "lora_prompt_default": str}


async def create(request: Request) -> Response:
    service, body = service_of(request), await json_body(request)
    _check(body)
    models = deployable_models(service)
    if body["model_name"] not in models:
        raise not_found(f"Model: {body['model_name']} not found!")
    suffix = body.get("suffix")
    name = f"{body['model_name']}-{suffix}" if suffix else body["model_name"]
    now = service.now()
    with service.store.write():
        if live(service, name):
            raise Fault(409, "Conflict", f"Deployed model {name} already exists, please specify a suffix.")
        record = {
            "deployed_model": name,
            "model_name": body["model_name"],
            "base_model": models[body["model_name"]],
            "plan": body["plan"],
            "capacity": body["capacity"],
            "aigc_config": body["aigc_config"],
            "created": now.isoformat(),
            "modified": now.isoformat(),
            "fails": service.rig.take("next_deployment") is not None,
        }
        service.store.put("deployment", name, record)
    return output(request, answer(record, now))


def _check(body: dict[str, Any]) -> None:
    for key in ("model_name", "capacity", "plan", "aigc_config"):
        if body.get(key) is None:
            raise bad_request(f"{key} is required")
    capacity = body["capacity"]
    if not isinstance(capacity, int) or isinstance(capacity, bool) or capacity < 1:
        raise bad_request(f"Invalid capacity ({capacity})")
    if body["plan"] != "lora":
        raise bad_request(f"The model {body['model_name']} does not support plan {body['plan']}")
    config = body["aigc_config"]
    for key, kind in CONFIG.items():
        if not isinstance(config, dict) or not isinstance(config.get(key), kind):
            raise bad_request(f"aigc_config.{key} is required")
    if len(str(body.get("suffix") or "")) > LONGEST_SUFFIX:
        raise bad_request(f"suffix must not be longer than {LONGEST_SUFFIX}")


def status_of(record: dict[str, Any], now: datetime) -> str | None:
    """The status at a moment; None once it is gone."""
    if record.get("deleted"):
        return "DELETING" if now < datetime.fromisoformat(record["deleted"]) + DELETING else None
    if record.get("forced"):
        return str(record["forced"])
    if record.get("scaled") and now < datetime.fromisoformat(record["scaled"]) + SCALING:
        return "UPDATING"
    digest = hashlib.sha256(record["deployed_model"].encode()).digest()
    ready = datetime.fromisoformat(record["created"]) + timedelta(minutes=5, seconds=digest[0] * 300 // 255)
    if now < ready:
        return "PENDING"
    return "FAILED" if record["fails"] else "RUNNING"


def answer(record: dict[str, Any], now: datetime) -> dict[str, Any]:
    """A deployment as the service tells it."""
    return {
        "deployed_model": record["deployed_model"],
        "gmt_create": _stamp(record["created"]),
        "gmt_modified": _stamp(record["modified"]),
        "status": status_of(record, now),
        "model_name": record["model_name"],
        "base_model": record["base_model"],
        "workspace_id": WORKSPACE,
        "charge_type": "post_paid",
        "creator": ACCOUNT,
        "modifier": ACCOUNT,
        "plan": record["plan"],
    }


def _stamp(text: str) -> str:
    """Milliseconds where there are any, and no zone."""
    moment = datetime.fromisoformat(text)
    fraction = f".{moment.microsecond // 1000:03}" if moment.microsecond else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}"


def live(service: Service, name: str) -> dict[str, Any] | None:
    """The deployment of that name, if it is there; one whose deletion is over is forgotten."""
    record = service.store.get("deployment", name)
    if record and status_of(record, service.now()) is None:
        service.store.delete("deployment", name)
        return None
    return record


def all_live(service: Service) -> list[dict[str, Any]]:
    now = service.now()
    return [one for one in service.store.all("deployment") if status_of(one, now)]


def _record(request: Request) -> dict[str, Any]:
    record = live(service_of(request), request.path_params["deployed_model"])
    if record is None:
        raise not_found("Not found.")
    return record


async def list_deployments(request: Request) -> Response:
    service = service_of(request)
    number, size = paging(request, default=50, most=200)
    now = service.now()
    rows = [answer(one, now) for one in reversed(all_live(service))]
    wanted = request.query_params.get("status")
    rows = [row for row in rows if wanted in {None, row["status"]}]
    return output(request, {**page(rows, number, size), "deployments": cut(rows, number, size)})


async def list_models(request: Request) -> Response:
    """The account's own models and their plans."""
    number, size = paging(request, default=10, most=100)
    models = (
        deployable_models(service_of(request)) if request.query_params.get("model_source") != "base" else {}
    )
    rows = [{"model_name": name, "base_model": base, "plans": ["lora"]} for name, base in models.items()]
    return output(request, {**page(rows, number, size), "models": cut(rows, number, size)})


async def read(request: Request) -> Response:
    return output(request, answer(_record(request), service_of(request).now()))


async def scale(request: Request) -> Response:
    service, record, body = service_of(request), _record(request), await json_body(request)
    capacity = body.get("capacity")
    if not isinstance(capacity, int) or isinstance(capacity, bool) or capacity < 1:
        raise bad_request(f"Invalid capacity ({capacity})")
    if status_of(record, service.now()) != "RUNNING":
        raise Fault(400, "UnsupportedOperation", "Only a running deployment can be scaled")
    return output(request, _changed(service, record, capacity=capacity, scaled=service.now().isoformat()))


async def update(request: Request) -> Response:
    """Rate limits, which the sandbox takes and has no use for."""
    service, record, body = service_of(request), _record(request), await json_body(request)
    limits = {key: value for key, value in body.items() if key in {"rpm_limit", "tpm_limit"}}
    if not limits:
        raise bad_request("rpm_limit or tpm_limit is required")
    return output(request, _changed(service, record, limits=limits))


async def delete(request: Request) -> Response:
    """Immediate and irreversible; the name is free once it is not found any more."""
    service, record = service_of(request), _record(request)
    if record.get("deleted"):
        return output(request, answer(record, service.now()))
    return output(request, _changed(service, record, deleted=service.now().isoformat()))


def _changed(service: Service, record: dict[str, Any], **changes: Any) -> dict[str, Any]:
    now = service.now()
    changed = {**record, **changes, "modified": now.isoformat()}
    with service.store.write():
        service.store.put("deployment", record["deployed_model"], changed)
    return answer(changed, now)


def force_status(service: Service, name: str, status: str | None) -> None:
    """What a rehearsal arranges: arrears, and their end."""
    record = live(service, name)
    if record is None:
        raise not_found(f"no deployment {name}")
    service.store.put("deployment", name, {**record, "forced": None if status == "RUNNING" else status})


_ONE = "/api/v1/deployments/{deployed_model}"
ROUTES = [
    Route("/api/v1/deployments", create, methods=["POST"]),
    Route("/api/v1/deployments", list_deployments, methods=["GET"]),
    Route("/api/v1/deployments/models", list_models, methods=["GET"]),
    Route(_ONE, read, methods=["GET"]),
    Route(_ONE, delete, methods=["DELETE"]),
    Route(f"{_ONE}/scale", scale, methods=["PUT"]),
    Route(f"{_ONE}/update", update, methods=["PUT"]),
]
