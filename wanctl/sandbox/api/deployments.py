"""Deployments: create, list, read, scale, delete. The aigc_config goes in and never comes out."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from wanctl.sandbox.api import lists
from wanctl.sandbox.api.answers import (
    Fault,
    bad_request,
    cut,
    events,
    json_body,
    not_found,
    output,
    page,
    paging,
    parsed,
    service_of,
)
from wanctl.sandbox.api.checkpoints import deployable_models
from wanctl.sandbox.bodies import CreateDeployment, ScaleBody, as_kept
from wanctl.sandbox.faults.setup import Quirks
from wanctl.sandbox.service import ACCOUNT, WORKSPACE, Service
from wanctl.sandbox.state.video_models import VIDEO_MODELS

DELETING = timedelta(minutes=1)
SCALING = timedelta(minutes=2)
REVIEWING = timedelta(minutes=2)


async def create(request: Request) -> Response:
    service = service_of(request)
    asked = parsed(CreateDeployment, await json_body(request))
    _require_capacity(service, asked.capacity)
    if asked.plan.lower() != "lora":
        raise bad_request(f"The model {asked.model_name} does not support plan {asked.plan}")
    with service.store.write():
        record = _put(service, asked)
    return output(request, answer(service, record))


def _put(service: Service, asked: CreateDeployment) -> dict[str, Any]:
    models, now = deployable_models(service, asked.model_name), service.now()
    if asked.model_name not in models:
        raise not_found(f"Model: {asked.model_name} not found!")
    name = f"{asked.model_name}-{asked.suffix}" if asked.suffix else asked.model_name
    if live(service, name):
        raise Fault(409, "Conflict", f"Deployed model {name} already exists, please specify a suffix.")
    record = {
        "deployed_model": name,
        "name": asked.name,
        "model_name": asked.model_name,
        "base_model": models[asked.model_name],
        "plan": asked.plan.lower(),
        "capacity": asked.capacity,
        "aigc_config": as_kept(asked.aigc_config),
        "created": now.isoformat(),
        "modified": now.isoformat(),
        "fails": service.rig.take("next_deployment") is not None,
    }
    service.store.delete("deployment", name)  # one that is gone: the new one takes its place in time, too
    service.store.put("deployment", name, record)
    lists.made(service, "deployment", name)
    return record


def _require_capacity(service: Service, capacity: int) -> None:
    if capacity < 1:
        raise bad_request(f"Invalid capacity ({capacity}), it must be at least 1")
    if capacity > 1 and service.strict and not service.rig.quirks.scalable:
        raise bad_request(f"Invalid capacity ({capacity}), it must be 1 for the plan lora")


def ready_at(record: dict[str, Any]) -> datetime:
    """Five to ten minutes after it was asked for, the same for the same name."""
    if record.get("ready"):
        return datetime.fromisoformat(record["ready"])
    digest = hashlib.sha256(record["deployed_model"].encode()).digest()
    return datetime.fromisoformat(record["created"]) + timedelta(minutes=5, seconds=digest[0] * 300 // 255)


def status_of(record: dict[str, Any], now: datetime) -> str | None:
    """The status at a moment; None once it is gone."""
    if record.get("deleted"):
        return "DELETING" if now < datetime.fromisoformat(record["deleted"]) + DELETING else None
    if record.get("forced"):
        return str(record["forced"])
    if record.get("scaled") and now < datetime.fromisoformat(record["scaled"]) + SCALING:
        return "UPDATING"
    if now < ready_at(record):
        return "PENDING"
    return "FAILED" if record["fails"] else "RUNNING"


def shown_status(record: dict[str, Any], quirks: Quirks, now: datetime) -> str | None:
    """Its status, or the word that nobody documented."""
    unknown = quirks.unknown_status
    status = status_of(record, now)
    reviewed = status == "PENDING" and now >= ready_at(record) - REVIEWING
    return unknown if unknown and reviewed else status


def answer(service: Service, record: dict[str, Any]) -> dict[str, Any]:
    """A deployment as the service tells it."""
    return _told(record, service.rig.quirks, service.now())


def _told(record: dict[str, Any], quirks: Quirks, now: datetime) -> dict[str, Any]:
    config = {"aigc_config": record["aigc_config"]} if quirks.echo_config else {}
    size, status = record["capacity"], shown_status(record, quirks, now)
    ready = size if status == "RUNNING" else 0
    counts = {"base_capacity": 1, "capacity": size, "ready_capacity": ready}
    return {
        **config,
        **(counts if quirks.newer_answers else {}),
        "deployed_model": record["deployed_model"],
        "gmt_create": _stamp(record["created"]),
        "gmt_modified": _stamp(record["modified"]),
        "status": status,
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
    """The deployment of that name, if it is there and its deletion is not over."""
    record = service.store.get("deployment", name)
    return record if record and status_of(record, service.now()) else None


def all_live(service: Service) -> list[dict[str, Any]]:
    return [*reversed(_newest_live(service, service.now()))]


def _newest_live(service: Service, now: datetime) -> list[dict[str, Any]]:
    return [
        one for one in service.newest("deployment").records if not one.get("deleted") or status_of(one, now)
    ]


def _record(request: Request) -> dict[str, Any]:
    record = live(service_of(request), request.path_params["deployed_model"])
    if record is None:
        raise not_found("Not found.")
    return record


async def list_deployments(request: Request) -> Response:
    service = service_of(request)
    number, size = paging(request, default=50, most=200)
    wanted = request.query_params.get("status")
    quirks, now = service.rig.quirks, service.now()
    found = lists.shown(service, "deployment", _newest_live(service, now), lambda one: one)
    if wanted:
        found = [one for one in found if shown_status(one, quirks, now) == wanted]
    numbers, records = lists.turned(service, found, number, size)
    return output(request, {**numbers, "deployments": [_told(one, quirks, now) for one in records]})


async def list_models(request: Request) -> Response:
    """The account's own models and their plans."""
    number, size = paging(request, default=10, most=100)
    models = (
        deployable_models(service_of(request)) if request.query_params.get("model_source") != "base" else {}
    )
    plans: list[Any] = [{"plan": "lora"}] if request.query_params.get("version") == "v1.0" else ["lora"]
    rows = [{"model_name": name, "base_model": base, "plans": plans} for name, base in models.items()]
    return output(request, {**page(rows, number, size), "models": cut(rows, number, size)})


async def list_callable(request: Request) -> Response:
    """Every model that can be called or deployed, by its name."""
    number, size = paging(request, default=10, most=100)
    wanted = request.query_params.get("model")
    own = deployable_models(service_of(request))
    rows = [{"model": name, "source": "base", "provider": "wan"} for name in sorted(VIDEO_MODELS)]
    rows += [{"model": name, "source": "custom", "provider": "wan"} for name in own]
    rows = [row for row in rows if wanted in {None, row["model"]}]
    return output(request, {**page(rows, number, size), "models": cut(rows, number, size)})


async def read(request: Request) -> Response:
    return output(request, answer(service_of(request), _record(request)))


async def stream(request: Request) -> Response:
    """Server-sent events: the deployment as it is."""
    return events(request, answer(service_of(request), _record(request)))


async def scale(request: Request) -> Response:
    service, asked = service_of(request), parsed(ScaleBody, await json_body(request))
    _require_scalable(service, asked.capacity)
    with service.store.write():
        record, now = _record(request), service.now()
        if status_of(record, now) != "RUNNING":
            raise Fault(400, "UnsupportedOperation", "Only a running deployment can be scaled")
        record = _change(service, record, capacity=asked.capacity, scaled=now.isoformat())
    return output(request, answer(service, record))


def _require_scalable(service: Service, capacity: int) -> None:
    """As far as is documented, only deployments of other plans are scaled."""
    if _refused(service, "next_scale") or (service.strict and not service.rig.quirks.scalable):
        raise Fault(400, "UnsupportedOperation", "A deployment of the plan lora can not be scaled")
    _require_capacity(service, capacity)


async def update(request: Request) -> Response:
    """Rate limits, which the sandbox takes and has no use for."""
    service, body = service_of(request), await json_body(request)
    limits = {key: value for key, value in body.items() if key in {"rpm_limit", "tpm_limit"}}
    if not limits:
        raise bad_request("rpm_limit or tpm_limit is required")
    with service.store.write():
        record = _change(service, _record(request), limits=limits)
    return output(request, answer(service, record))


async def delete(request: Request) -> Response:
    """Immediate and irreversible; the name is free once it is not found any more."""
    service, record = service_of(request), _record(request)
    if _refused(service, "next_delete"):
        raise _undeletable(service, record)
    with service.store.write():
        record = _record(request)
        if not record.get("deleted"):
            if not service.rig.quirks.delete_running:
                _require_at_rest(service, record)
            record = _change(service, record, deleted=service.now().isoformat())
    return output(request, answer(service, record))


def _refused(service: Service, arranged: str) -> bool:
    """Whether this once is arranged to be refused; taken outside of what a refusal rolls back."""
    with service.store.write():
        return service.rig.take(arranged) is not None


def _require_at_rest(service: Service, record: dict[str, Any]) -> None:
    if status_of(record, service.now()) not in {"STOPPED", "FAILED"}:
        raise _undeletable(service, record)


def _undeletable(service: Service, record: dict[str, Any]) -> Fault:
    status = str(status_of(record, service.now())).lower()
    message = f"The deployed model can not be deleted because it is {status}"
    return Fault(400, "UnsupportedOperation", message)


def _change(service: Service, record: dict[str, Any], **changes: Any) -> dict[str, Any]:
    changed = {**record, **changes, "modified": service.now().isoformat()}
    service.store.put("deployment", record["deployed_model"], changed)
    return changed


def force_status(service: Service, name: str, status: str | None) -> None:
    """Set the status that a rehearsal arranges: arrears, and their end; RUNNING is up in any case."""
    record = live(service, name)
    if record is None:
        raise not_found(f"no deployment {name}")
    up = {"ready": min(ready_at(record), service.now()).isoformat(), "fails": False, "scaled": None}
    changes = up if status == "RUNNING" else {}
    forced = None if status == "RUNNING" else status
    service.store.put("deployment", name, {**record, **changes, "forced": forced})


_ONE = "/api/v1/deployments/{deployed_model}"
ROUTES = [
    Route("/api/v1/deployments", create, methods=["POST"]),
    Route("/api/v1/deployments", list_deployments, methods=["GET"]),
    Route("/api/v1/deployments/models", list_models, methods=["GET"]),
    Route("/api/v1/models", list_callable, methods=["GET"]),
    Route(_ONE, read, methods=["GET"]),
    Route(f"{_ONE}/stream", stream, methods=["GET"]),
    Route(_ONE, delete, methods=["DELETE"]),
    Route(f"{_ONE}/scale", scale, methods=["PUT"]),
    Route(f"{_ONE}/update", update, methods=["PUT"]),
]
