"""Calls that make a video, of a base model or of a deployed one: checked, then a task is there.

A deployment is called as its base model is, and may ignore the caller's prompt.
"""

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from wanctl.sandbox.api.answers import Fault, bad_request, json_body, output, parsed, service_of
from wanctl.sandbox.api.deployments import live, status_of
from wanctl.sandbox.api.video_inputs import InputProblem, receive
from wanctl.sandbox.api.video_rules import refusal, sides
from wanctl.sandbox.bodies import Generate
from wanctl.sandbox.service import Service
from wanctl.sandbox.state.training import TUNABLE
from wanctl.sandbox.state.video_models import VIDEO_MODELS, VideoModel

DURATION, RESOLUTION, SIZE = 5, "720P", "1280*720"
PATH = "/api/v1/services/aigc/{}/video-synthesis"


async def submit(request: Request) -> Response:
    """First and last frame calls on one path, all others on the other."""
    if request.headers.get("x-dashscope-async") != "enable":
        raise Fault(403, "AccessDenied", "current user api does not support synchronous calls.")
    service, asked = service_of(request), parsed(Generate, await json_body(request))
    deployment = _serving(service, asked.model)
    base = deployment["base_model"] if deployment else asked.model
    model = VIDEO_MODELS[base]
    if request.url.path != PATH.format(model.path):
        raise bad_request(f"url error, please check url: {base} is not called here")
    tuned = TUNABLE[base].resolutions if deployment else None
    if refused := refusal(asked, model, tuned):
        raise bad_request(refused)
    resolves = request.headers.get("x-dashscope-ossresourceresolve") == "enable"
    given = await run_in_threadpool(receive, service, asked, resolves_storage=resolves)
    task_id = service.request_id()
    with service.store.write():
        outcome = service.rig.take("next_task")
        task = {
            "task_id": task_id,
            "model": asked.model,
            "mode": model.mode,
            "prompt": asked.input.prompt or "",
            "effective_prompt": _prompt(service, asked, deployment, given.blobs.get("image")),
            "tuned": deployment is not None,
            **_picture(asked, model),
            "duration": asked.parameters.duration or DURATION,
            "sounds": model.sounds,
            "blobs": given.blobs,
            "problem": _problem(given.problem, failed=outcome == "FAILED"),
            "flaw": None if outcome == "FAILED" else outcome,
            "at": service.now().isoformat(),
        }
        service.store.put("task", task_id, task)
    return output(request, {"task_status": "PENDING", "task_id": task_id})


def _picture(asked: Generate, model: VideoModel) -> dict[str, Any]:
    """The level of resolution; and the sides, where they are not those of the first frame."""
    if not model.by_size:
        return {"resolution": asked.parameters.resolution or RESOLUTION, "sides": None}
    found = sides(asked.parameters.size or SIZE) or (1280, 720)
    return {"resolution": f"{min(found)}P", "sides": list(found)}


def _problem(found: InputProblem | None, *, failed: bool) -> dict[str, str] | None:
    """Code and message of a task that will fail, if it will."""
    if found:
        return {"code": found.code, "message": found.message}
    return {"code": "InternalError.Algo", "message": "The video could not be generated."} if failed else None


def _serving(service: Service, model: str) -> dict[str, Any] | None:
    """The deployment that is called, which has to run; None for a base model as it is."""
    record = live(service, model)
    if record is None:
        if model in VIDEO_MODELS:
            return None
        raise Fault(404, "ModelNotFound", f"Model not exist: {model}")
    status = status_of(record, service.now())
    if status != "RUNNING":
        raise bad_request(f"The deployed model {model} is not running: {status}")
    return record


def _prompt(service: Service, asked: Generate, deployment: dict[str, Any] | None, blob: str | None) -> str:
    """The prompt that the video is made with. A deployment may ignore the caller's: then its template is
    filled from the picture, and where that fails its default is taken."""
    config = deployment["aigc_config"] if deployment else {"use_input_prompt": True}
    if config.get("use_input_prompt"):
        return asked.input.prompt or ""
    template, fails = str(config.get("prompt") or ""), service.rig.take("next_filling") is not None
    from wanctl.sandbox.media import vision  # decoders, which most calls do without

    filled = vision.filled(template, service.store.blobs / blob) if blob and not fails else None
    return filled or str(config.get("lora_prompt_default") or "")


ROUTES = [Route(PATH.format(path), submit, methods=["POST"]) for path in ("video-generation", "image2video")]
