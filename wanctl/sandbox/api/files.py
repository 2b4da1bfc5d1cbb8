"""Files, by the OpenAI-compatible path and by the native one: one namespace of ids."""

import base64
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from wanctl.sandbox.api import lists
from wanctl.sandbox.api.answers import Fault, bad_request, flat, host_of, number_of, paging, service_of
from wanctl.sandbox.api.storage import save
from wanctl.sandbox.service import ACCOUNT, HEX, Service
from wanctl.sandbox.state.store import ZONE

LARGEST = 1024**3
MOST_LISTED = 2000
PREFIXES = {"fine-tune": "file-ft-", "file-extract": "file-fe-", "batch": "file-batch-"}


async def upload(request: Request) -> Response:
    """One part `file`, and a purpose."""
    service = service_of(request)
    async with request.form() as form:
        request.state.keys = tuple(sorted(set(form.keys())))
        parts, purpose = form.getlist("file"), str(form.get("purpose") or "")
        if len(parts) != 1 or not isinstance(parts[0], UploadFile):
            raise bad_request("'file' is required, exactly one", "file")
        _require_purpose(purpose)
        record = await _keep(service, parts[0], purpose)
    return flat(_compatible(record, _processed_until(service)))


def _require_purpose(purpose: str) -> None:
    if purpose not in PREFIXES:
        raise bad_request(f"'purpose' must be one of {', '.join(PREFIXES)}", "purpose")


async def _keep(service: Service, part: UploadFile, purpose: str, description: str = "") -> dict[str, Any]:
    """Copy the bytes to disk, piece by piece, and note what they are."""
    if (part.size or 0) > LARGEST:
        raise Fault(400, "BadRequest.TooLarge", "Payload Too Large.")
    identifier = PREFIXES[purpose] + service.name(24, HEX)
    size, md5 = await save(part, service.store.blobs / identifier)
    record = {
        "id": identifier,
        "filename": part.filename or identifier,
        "bytes": size,
        "md5": base64.b64encode(md5).decode(),
        "purpose": purpose,
        "description": description,
        "created": service.now().isoformat(),
    }
    with service.store.write():
        service.store.put("file", identifier, record)
        lists.made(service, "file", identifier)
    return record


def _processed_until(service: Service) -> datetime:
    """Uploads that came until then are processed by now."""
    return service.now() - timedelta(seconds=service.rig.quirks.processing_seconds)


def _compatible(record: dict[str, Any], processed_until: datetime) -> dict[str, Any]:
    created = datetime.fromisoformat(record["created"])
    return {
        "id": record["id"],
        "object": "file",
        "bytes": record["bytes"],
        "filename": record["filename"],
        "purpose": record["purpose"],
        "status": "processed" if created <= processed_until else "processing",
        "created_at": int(created.timestamp()),
    }


async def list_files(request: Request) -> Response:
    """Newest first, by cursor; no first_id or last_id."""
    service, query = service_of(request), request.query_params
    limit = lists.page_size(service, number_of(request, "limit", MOST_LISTED, 1, MOST_LISTED))
    records: Iterator[dict[str, Any]] = _behind(service, _listed(service), query.get("after"))
    if purpose := query.get("purpose"):
        records = (one for one in records if one["purpose"] == purpose)
    if after := query.get("create_after"):
        since = _moment(after)
        records = (one for one in records if _seconds(one) >= since)
    if before := query.get("create_before"):
        until = _moment(before)
        records = (one for one in records if _seconds(one) <= until)
    found, processed = list(islice(records, limit + 1)), _processed_until(service)
    rows = [_compatible(one, processed) for one in found[:limit]]
    return flat({"object": "list", "data": rows, "has_more": len(found) > limit})


def _behind(service: Service, records: list[dict[str, Any]], cursor: str | None) -> Iterator[dict[str, Any]]:
    """The records that a page after the cursor is made of; none behind one that the list does not have."""
    if not cursor:
        return iter(records)
    place = service.newest("file").places.get(cursor, len(records))
    if place >= len(records) or records[place]["id"] != cursor:  # a list that is late, or in another order
        place = next((number for number, one in enumerate(records) if one["id"] == cursor), len(records))
    return islice(records, place + 1, None)


def _listed(service: Service) -> list[dict[str, Any]]:
    return lists.shown(service, "file", service.newest("file").records, lambda one: one)


def _seconds(record: dict[str, Any]) -> int:
    return int(datetime.fromisoformat(record["created"]).timestamp())


def _moment(text: str) -> float:
    """20250306123000, 20251112, 2025-11-12 or 2025-11-12 10:10:10."""
    digits = re.sub(r"\D", "", text)
    try:
        return datetime.strptime(digits.ljust(14, "0"), "%Y%m%d%H%M%S").replace(tzinfo=ZONE).timestamp()
    except ValueError as error:
        raise bad_request(f"{text!r} is not a time") from error


def _compatible_record(request: Request) -> dict[str, Any]:
    identifier = request.path_params["file_id"]
    record = service_of(request).store.get("file", identifier)
    if record is None:
        raise Fault(404, "", f"No such File object: {identifier}")
    return record


async def retrieve(request: Request) -> Response:
    return flat(_compatible(_compatible_record(request), _processed_until(service_of(request))))


async def content(request: Request) -> Response:
    return FileResponse(service_of(request).store.blobs / _compatible_record(request)["id"])


async def delete(request: Request) -> Response:
    record = _compatible_record(request)
    _forget(service_of(request), record["id"])
    return flat({"id": record["id"], "object": "file", "deleted": True})


def _forget(service: Service, identifier: str) -> None:
    with service.store.write():
        service.store.delete("file", identifier)
    (service.store.blobs / identifier).unlink(missing_ok=True)


async def native_upload(request: Request) -> Response:
    """Parts `files`, each with its own outcome."""
    service = service_of(request)
    done, failed = [], []
    async with request.form() as form:
        request.state.keys = tuple(sorted(set(form.keys())))
        parts = [part for part in form.getlist("files") if isinstance(part, UploadFile)]
        if not parts:
            raise bad_request("'files' is required")
        purpose = str(form.get("purpose") or "fine-tune")
        _require_purpose(purpose)
        descriptions = dict(enumerate(str(one) for one in form.getlist("descriptions")))
        for number, part in enumerate(parts):
            try:
                record = await _keep(service, part, purpose, descriptions.get(number, ""))
            except Fault as fault:
                failed.append({"name": part.filename, "code": fault.code, "message": fault.message})
            else:
                done.append({"file_id": record["id"], "name": record["filename"]})
    return _native_answer(request, {"uploaded_files": done, "failed_uploads": failed})


def _native_answer(request: Request, data: dict[str, Any]) -> JSONResponse:
    return flat({"request_id": request.state.request_id, "data": data})


def _native(request: Request, record: dict[str, Any]) -> dict[str, Any]:
    created = datetime.fromisoformat(record["created"])
    return {
        "id": int(record["id"][-8:], 16),
        "file_id": record["id"],
        "name": record["filename"],
        "description": record["description"],
        "size": record["bytes"],
        "md5": record["md5"],
        "purpose": record["purpose"],
        "url": service_of(request).sign(host_of(request), f"files/{record['id']}"),
        "gmt_create": f"{created:%Y-%m-%d %H:%M:%S}",
        "user_id": ACCOUNT,
        "region": "ap-southeast-1",
    }


async def native_list(request: Request) -> Response:
    service, (number, size) = service_of(request), paging(request, default=10, most=100)
    numbers, records = lists.turned(service, _listed(service), number, size)
    return _native_answer(request, {**numbers, "files": [_native(request, one) for one in records]})


def _native_record(request: Request) -> dict[str, Any]:
    record = service_of(request).store.get("file", request.path_params["file_id"])
    if record is None:
        raise bad_request("File not found.")
    return record


async def native_retrieve(request: Request) -> Response:
    return _native_answer(request, _native(request, _native_record(request)))


async def native_delete(request: Request) -> Response:
    _forget(service_of(request), _native_record(request)["id"])
    return flat({"request_id": request.state.request_id})


ROUTES = [
    Route("/compatible-mode/v1/files", upload, methods=["POST"]),
    Route("/compatible-mode/v1/files", list_files, methods=["GET"]),
    Route("/compatible-mode/v1/files/{file_id}", retrieve, methods=["GET"]),
    Route("/compatible-mode/v1/files/{file_id}", delete, methods=["DELETE"]),
    Route("/compatible-mode/v1/files/{file_id}/content", content, methods=["GET"]),
    Route("/api/v1/files", native_upload, methods=["POST"]),
    Route("/api/v1/files", native_list, methods=["GET"]),
    Route("/api/v1/files/{file_id}", native_retrieve, methods=["GET"]),
    Route("/api/v1/files/{file_id}", native_delete, methods=["DELETE"]),
]
