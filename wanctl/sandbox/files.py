"""Files, by the OpenAI-compatible path and by the native one: one namespace of ids."""

import base64
import hashlib
import re
from datetime import datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from wanctl.sandbox.answers import Fault, bad_request, cut, flat, paging, service_of
from wanctl.sandbox.clock import ZONE
from wanctl.sandbox.service import ACCOUNT, Service

LARGEST = 1024**3
MOST_LISTED = 2000
CHUNK = 1024 * 1024
PREFIXES = {"fine-tune": "file-ft-", "file-extract": "file-fe-", "batch": "file-batch-"}


async def upload(request: Request) -> Response:
    """One part `file`, and a purpose."""
    form = await request.form()
    request.state.keys = tuple(sorted(set(form.keys())))
    parts, purpose = form.getlist("file"), form.get("purpose")
    if len(parts) != 1 or not isinstance(parts[0], UploadFile):
        raise bad_request("'file' is required, exactly one")
    if purpose not in PREFIXES:
        raise bad_request(f"'purpose' must be one of {', '.join(PREFIXES)}")
    return flat(_compatible(await _keep(service_of(request), parts[0], str(purpose))))


async def _keep(service: Service, part: UploadFile, purpose: str, description: str = "") -> dict[str, Any]:
    """Copy the bytes to disk, piece by piece, and note what they are."""
    if (part.size or 0) > LARGEST:
        raise Fault(400, "BadRequest.TooLarge", "Payload Too Large.")
    identifier = PREFIXES[purpose] + service.name(24, "0123456789abcdef")
    blob = service.store.blobs / identifier
    digest, size = hashlib.md5(usedforsecurity=False), 0
    with blob.open("wb") as stream:
        while chunk := await part.read(CHUNK):
            await run_in_threadpool(stream.write, chunk)
            digest.update(chunk)
            size += len(chunk)
    record = {
        "id": identifier,
        "filename": part.filename or identifier,
        "bytes": size,
        "md5": base64.b64encode(digest.digest()).decode(),
        "purpose": purpose,
        "description": description,
        "created": service.now().isoformat(),
    }
    with service.store.write():
        service.store.put("file", identifier, record)
    return record


def _compatible(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": record["id"],
        "object": "file",
        "bytes": record["bytes"],
        "filename": record["filename"],
        "purpose": record["purpose"],
        "status": "processed",
        "created_at": int(datetime.fromisoformat(record["created"]).timestamp()),
    }


async def list_files(request: Request) -> Response:
    """Newest first, by cursor; no first_id or last_id."""
    query = request.query_params
    try:
        limit = int(query.get("limit", str(MOST_LISTED)))
    except ValueError as error:
        raise bad_request("'limit' must be an integer") from error
    if not 1 <= limit <= MOST_LISTED:
        raise bad_request(f"'limit' must be between 1 and {MOST_LISTED}")
    rows = [_compatible(one) for one in reversed(service_of(request).store.all("file"))]
    rows = [row for row in rows if query.get("purpose") in {None, row["purpose"]}]
    if after := query.get("create_after"):
        rows = [row for row in rows if row["created_at"] >= _moment(after)]
    if before := query.get("create_before"):
        rows = [row for row in rows if row["created_at"] <= _moment(before)]
    if cursor := query.get("after"):
        ids = [row["id"] for row in rows]
        rows = rows[ids.index(cursor) + 1 :] if cursor in ids else []
    return flat({"object": "list", "data": rows[:limit], "has_more": len(rows) > limit})


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
    return flat(_compatible(_compatible_record(request)))


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
    form: FormData = await request.form()
    request.state.keys = tuple(sorted(set(form.keys())))
    parts = [part for part in form.getlist("files") if isinstance(part, UploadFile)]
    if not parts:
        raise bad_request("'files' is required")
    purpose = str(form.get("purpose") or "fine-tune")
    if purpose not in PREFIXES:
        raise bad_request(f"'purpose' must be one of {', '.join(PREFIXES)}")
    descriptions = [str(one) for one in form.getlist("descriptions")]
    done, failed = [], []
    for number, part in enumerate(parts):
        described = descriptions[number] if number < len(descriptions) else ""
        try:
            record = await _keep(service_of(request), part, purpose, described)
        except Fault as fault:
            failed.append({"name": part.filename, "code": fault.code, "message": fault.message})
        else:
            done.append({"file_id": record["id"], "name": record["filename"]})
    return _native_answer(request, {"uploaded_files": done, "failed_uploads": failed})


def _native_answer(request: Request, data: dict[str, Any]) -> JSONResponse:
    return flat({"request_id": request.state.request_id, "data": data})


def _native(record: dict[str, Any], number: int) -> dict[str, Any]:
    created = datetime.fromisoformat(record["created"])
    return {
        "id": number,
        "file_id": record["id"],
        "name": record["filename"],
        "description": record["description"],
        "size": record["bytes"],
        "md5": record["md5"],
        "purpose": record["purpose"],
        "gmt_create": f"{created:%Y-%m-%d %H:%M:%S}",
        "user_id": ACCOUNT,
        "region": "ap-southeast-1",
    }


async def native_list(request: Request) -> Response:
    number, size = paging(request, default=10, most=100)
    rows = [_native(one, order) for order, one in enumerate(service_of(request).store.all("file"), start=1)]
    rows.reverse()
    data = {"total": len(rows), "page_no": number, "page_size": size, "files": cut(rows, number, size)}
    return _native_answer(request, data)


def _native_record(request: Request) -> dict[str, Any]:
    record = service_of(request).store.get("file", request.path_params["file_id"])
    if record is None:
        raise bad_request("File not found.")
    return record


async def native_retrieve(request: Request) -> Response:
    return _native_answer(request, _native(_native_record(request), 1))


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
