"""The object storage beside the service: signed links to previews, videos and uploads, and the form that a
local image is posted with. It knows no keys, only signatures."""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from wanctl.sandbox.api.answers import bad_request, flat, host_of, service_of
from wanctl.sandbox.service import HEX, Service

if TYPE_CHECKING:
    from PIL.Image import Image

POLICY_LIFE, UPLOAD_LIFE = timedelta(seconds=300), timedelta(hours=48)
LARGEST_MB = 100
CHUNK = 1024 * 1024


async def read(request: Request) -> Response:
    """The file that a signed link leads to. It takes no Authorization beside its signature."""
    service, path = service_of(request), request.path_params["path"]
    if "authorization" in request.headers and service.rig.quirks.links_refuse_keys:
        return _refused("InvalidArgument", "Only one auth mechanism allowed.")
    if problem := service.link_problem(path, request.query_params):
        return _refused(problem, "The link is not good, or not any more.")
    return await run_in_threadpool(_stored, service, path)


def _refused(code: str, message: str, status: int = 403) -> Response:
    text = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Response(f'<?xml version="1.0" encoding="UTF-8"?>{text}', status, media_type="application/xml")


def _stored(service: Service, path: str) -> Response:
    match path.split("/"):
        case ["previews", job_id, label, name]:
            return _preview(service, job_id, label, int(name.partition(".")[0]))
        case ["videos", name]:
            return _video(service, name.removesuffix(".mp4"))
        case ["files", name] if (blob := service.store.blobs / name).exists():
            return FileResponse(blob)
        case _:
            return _missing()


def _missing() -> Response:
    return _refused("NoSuchKey", "The specified key does not exist.", 404)


def _preview(service: Service, job_id: str, label: str, order: int) -> Response:
    """A still as it was uploaded, or the video that a checkpoint makes of it."""
    from wanctl.sandbox.media.datasets import read_frame
    from wanctl.sandbox.media.previews import as_jpeg, placeholder, write_preview

    job = service.store.get("job", job_id)
    if job is None or order >= len(job["previews"]):
        return _missing()
    sample = job["previews"][order]

    def frame() -> "Image":
        if sample["file"] is None:  # a mounted folder, which nobody here can see
            return placeholder()
        try:
            return read_frame(
                service.store.blobs / sample["file"], sample["last" if label == "last" else "frame"]
            )
        except OSError:  # the upload was deleted since
            return placeholder()

    if label in {"first", "last"}:
        return Response(as_jpeg(frame()), media_type="image/jpeg")
    strength = int(label.rpartition("-")[2]) / job["hyper_parameters"]["n_epochs"]
    name = f"{job_id}-{label}-{order}.mp4"
    return _cached(service, name, lambda path: write_preview(path, frame(), strength, f"{job_id}/{order}"))


def _video(service: Service, task_id: str) -> Response:
    """What a model makes of what it was given, if that can be had here."""
    from wanctl.sandbox.media.videos import VideoScript, write_video

    task = service.store.get("task", task_id)
    if task is None:
        return _missing()
    blobs = {name: service.store.blobs / blob for name, blob in task.get("blobs", {}).items()}
    first = next((blobs[name] for name in ("image", "reference", "video", "clip") if name in blobs), None)
    sides = task.get("sides")
    script = VideoScript(
        seed=task_id,
        seconds=task["duration"],
        level=task["resolution"],
        sides=(sides[0], sides[1]) if sides else None,
        first=first,
        last=blobs.get("last_image"),
        from_end="clip" in blobs,
        sounds=task.get("sounds", False),
        flaw=task.get("flaw"),
    )
    return _cached(service, f"{task_id}.mp4", lambda path: write_video(path, script))


def _cached(service: Service, name: str, draw: Callable[[Path], None]) -> Response:
    """Drawn when it is first asked for."""
    path = service.store.cache / name
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        draw(path)
    return FileResponse(path, media_type="video/mp4")


async def upload_policy(request: Request) -> Response:
    """The form with which a client posts a local image for one model."""
    query = request.query_params
    if query.get("action") != "getPolicy" or not query.get("model"):
        raise bad_request("action=getPolicy and model are required")
    service = service_of(request)
    now = service.now()
    folder = f"dashscope-instant/{service.name(16, HEX)}/{now:%Y-%m-%d}/{service.name(8, HEX)}"
    policy, signature = json.dumps({"folder": folder}), service.name(28)
    kept = {"signature": signature, "model": query["model"], "until": (now + POLICY_LIFE).isoformat()}
    with service.store.write():
        service.store.put("policy", folder, kept)
    data = {
        "policy": policy,
        "signature": signature,
        "upload_dir": folder,
        "upload_host": f"{host_of(request)}/_oss",
        "expire_in_seconds": int(POLICY_LIFE.total_seconds()),
        "max_file_size_mb": LARGEST_MB,
        "capacity_limit_mb": 999_999_999,
        "oss_access_key_id": "sandbox",
        "x_oss_object_acl": "private",
        "x_oss_forbid_overwrite": "true",
    }
    return flat({"request_id": request.state.request_id, "data": data})


async def form_upload(request: Request) -> Response:
    """The form that the policy is for; `file` is its last part."""
    service = service_of(request)
    async with request.form() as form:
        request.state.keys = tuple(sorted(set(form.keys())))
        part, key = form.get("file"), str(form.get("key") or "")
        policy = service.store.get("policy", key.rpartition("/")[0])
        if not isinstance(part, UploadFile) or policy is None or form.get("Signature") != policy["signature"]:
            return _refused("SignatureDoesNotMatch", "The policy is not one that was given for this key.")
        if refusal := _form_problem(service, policy, part, key):
            return refusal
        blob = f"oss-{hashlib.sha256(key.encode()).hexdigest()[:32]}"
        await save(part, service.store.blobs / blob)
        kept = {"blob": blob, "model": policy["model"], "until": (service.now() + UPLOAD_LIFE).isoformat()}
        with service.store.write():
            service.store.put("image", key, kept)
        return Response("", _success_status(form))


def _form_problem(service: Service, policy: dict[str, Any], part: UploadFile, key: str) -> Response | None:
    if service.now() > datetime.fromisoformat(policy["until"]):
        return _refused("AccessDenied", "Invalid according to Policy: Policy expired.")
    if (part.size or 0) > LARGEST_MB * 1024 * 1024:
        return _refused("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size.", 400)
    if service.store.get("image", key):
        return _refused("FileAlreadyExists", "The object you specified already exists.", 409)
    return None


def _success_status(form: FormData) -> int:
    asked = str(form.get("success_action_status"))
    return int(asked) if asked in {"200", "201", "204"} else 204


async def save(part: UploadFile, path: Path) -> tuple[int, bytes]:
    """Copy an upload to disk piece by piece; its size and MD5."""
    digest, size = hashlib.md5(usedforsecurity=False), 0
    with path.open("wb") as stream:
        while chunk := await part.read(CHUNK):
            await run_in_threadpool(stream.write, chunk)
            digest.update(chunk)
            size += len(chunk)
    return size, digest.digest()


ROUTES = [
    Route("/_oss/{path:path}", read, methods=["GET"]),
    Route("/_oss", form_upload, methods=["POST"]),
    Route("/api/v1/uploads", upload_policy, methods=["GET"]),
]
