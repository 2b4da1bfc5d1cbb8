"""The official SDK makes videos at the sandbox, in all modes and by both of its trees."""

from pathlib import Path
from typing import Any

import dashscope
import pytest
from dashscope import VideoSynthesis
from PIL import Image

from tests.clients.conftest import KEY, ServedSandbox
from tests.plain_http import http

URL, CLIP = "https://example.com/a.png", "https://example.com/a.mp4"
MODES: dict[str, dict[str, Any]] = {
    "wan2.6-t2v": {"prompt": "p", "size": "1280*720", "duration": 5, "seed": 7},
    "wan2.6-i2v-flash": {"prompt": "p", "img_url": URL, "resolution": "720P", "duration": 5},
    "wan2.2-kf2v-flash": {"first_frame_url": URL, "last_frame_url": URL, "resolution": "480P"},
    "wan2.6-r2v-flash": {"prompt": "character1 waves", "reference_urls": [URL, CLIP], "size": "1280*720"},
}
FUNCTIONS: dict[str, dict[str, Any]] = {
    "image_reference": {"extra_input": {"ref_images_url": [URL]}},
    "video_repainting": {"extra_input": {"video_url": CLIP}, "control_condition": "depth"},
    "video_edit": {"extra_input": {"video_url": CLIP, "mask_image_url": URL}},
    "video_extension": {"extra_input": {"first_clip_url": CLIP}},
    "video_outpainting": {"extra_input": {"video_url": CLIP}, "top_scale": 1.2},
}


@pytest.fixture
def sdk(served: ServedSandbox, monkeypatch: pytest.MonkeyPatch) -> ServedSandbox:
    """Its address is all that is changed."""
    monkeypatch.setattr(dashscope, "base_http_api_url", f"{served.url}/api/v1")
    monkeypatch.setattr(dashscope, "api_key", KEY)
    return served


def finished(sdk: ServedSandbox, task: Any) -> Any:
    assert task.status_code == 200, task
    assert task.output.task_status == "PENDING"
    sdk.pass_time(minutes=3)
    done = VideoSynthesis.wait(task)
    assert done.output.task_status == "SUCCEEDED", done
    return done


def seen(url: str) -> None:
    assert http.get(url, timeout=60).content[4:8] == b"ftyp"


@pytest.mark.parametrize("model", MODES)
def test_each_mode(sdk: ServedSandbox, model: str) -> None:
    call: Any = VideoSynthesis.async_call
    done = finished(sdk, call(model=model, **MODES[model]))
    seen(done.output.video_url)
    assert done.usage.video_count == 1


@pytest.mark.parametrize("function", FUNCTIONS)
def test_each_function_of_vace(sdk: ServedSandbox, function: str) -> None:
    call: Any = VideoSynthesis.async_call
    more = {**FUNCTIONS[function]}
    given = {"function": function, **more.pop("extra_input")}  # its own argument of that name is sent nowhere
    done = finished(sdk, call(model="wan2.1-vace-plus", prompt="p", extra_input=given, **more))
    seen(done.output.video_url)


def test_a_local_image_is_uploaded_by_it(sdk: ServedSandbox, tmp_path: Path) -> None:
    Image.new("RGB", (640, 360), (200, 30, 40)).save(tmp_path / "face.png")
    call: Any = VideoSynthesis.async_call
    finished(sdk, call(model="wan2.6-i2v-flash", prompt="p", img_url=str(tmp_path / "face.png")))


def test_a_task_is_canceled_and_listed(sdk: ServedSandbox) -> None:
    call: Any = VideoSynthesis.async_call
    task = call(model="wan2.6-t2v", prompt="p")
    assert VideoSynthesis.cancel(task).status_code == 200
    assert VideoSynthesis.fetch(task).output.task_status == "CANCELED"
    assert sdk.sandbox.status()["tasks"][0]["status"] == "CANCELED"


def test_what_is_refused_reaches_its_caller(sdk: ServedSandbox) -> None:
    call: Any = VideoSynthesis.async_call
    refused = call(model="wan2.6-t2v", prompt="p", shot_type="multi")
    assert (refused.status_code, refused.code) == (400, "InvalidParameter")
    assert "prompt_extend" in refused.message
    assert sdk.sandbox.status()["tasks"] == []


@pytest.mark.parametrize("model", ["wan2.6-t2v", "wan2.6-i2v-flash", "wan2.7-i2v"])
def test_the_newer_tree(served: ServedSandbox, model: str) -> None:
    client = dashscope.Client(api_key=KEY, base_url=f"{served.url}/api/v1", max_retries=0)
    image = None if "t2v" in model else URL
    job = client.videos.jobs.create(model=model, prompt="p", image_url=image, duration=5)
    served.pass_time(minutes=3)
    done = client.videos.jobs.wait(job)
    assert done.succeeded
    seen(str(done.video_url))


def payload(req: dict[str, Any]) -> dict[str, Any]:
    """The call of the page on wan2.6-i2v-flash, with its defaults."""
    found = {
        "model": "wan2.6-i2v-flash",
        "prompt": req["prompt"],
        "negative_prompt": req.get("negative_prompt"),
        "duration": req.get("duration", 4),
        "fps": req.get("fps", 24),
        "size": req.get("size", "1280*720"),
        "seed": req.get("seed"),
        "motion_strength": req.get("motion_strength"),
        "api_key": KEY,
    }
    if req.get("reference_image"):
        found["img_url"] = req["reference_image"]
    return found


def test_a_normalized_call_as_people_write_it(sdk: ServedSandbox, tmp_path: Path) -> None:
    """With fps, size and motion_strength, which no document of the mode names: they are let pass."""
    Image.new("RGB", (640, 360), (200, 30, 40)).save(tmp_path / "face.png")
    request = {"prompt": "p", "reference_image": str(tmp_path / "face.png"), "motion_strength": 0.5}
    call: Any = VideoSynthesis.async_call
    final = finished(sdk, call(**payload(request)))
    seen(final.output.get("video_url"))
    assert final.usage["duration"] == 4
    # the page reads a list that today's answers do not have
    assert final.output.get("results", [None])[0:1] in ([None], [])
    missing = call(**payload({"prompt": "p"}))
    assert "Field required: input.img_url" in missing.message
