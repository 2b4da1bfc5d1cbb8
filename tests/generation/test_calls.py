"""Who is called, how, and what of a request goes where; from Python, and when it is interrupted."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import wanctl
from tests.clients.conftest import KEY, ServedSandbox, archive, served
from tests.generation.conftest import HEAD, MODEL, VideoStage
from tests.harness import Harness, deployment
from wanctl.generation.body import VideoCall, call_of
from wanctl.generation.inputs import inputs_of
from wanctl.generation.modes import base_model
from wanctl.generation.request import request_of
from wanctl.generation.result import GenerationProgress
from wanctl.project.provider import WallClock

__all__ = ["archive", "served"]
URL, CLIP = "https://example.com/a.png", "https://example.com/a.mp4"


def call(model: str, **request: Any) -> VideoCall:
    asked, called = request_of({"model": model, **request}), base_model(model)
    assert called is not None
    return call_of(asked, called, inputs_of(asked))


BODIES: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("wan2.6-t2v", {"prompt": "p", "audio": CLIP}, "video-generation", {"prompt": "p", "audio_url": CLIP}),
    (MODEL, {"prompt": "p", "image": URL}, "video-generation", {"prompt": "p", "img_url": URL}),
    (
        "wan2.7-i2v",
        {"image": URL, "last_image": URL},
        "video-generation",
        {"media": [{"type": "first_frame", "url": URL}, {"type": "last_frame", "url": URL}]},
    ),
    (
        "wan2.2-kf2v-flash",
        {"image": URL, "last_image": CLIP},
        "image2video",
        {"first_frame_url": URL, "last_frame_url": CLIP},
    ),
    (
        "wan2.6-r2v",
        {"prompt": "p", "references": (URL, CLIP), "negative_prompt": "n"},
        "video-generation",
        {"prompt": "p", "negative_prompt": "n", "reference_urls": [URL, CLIP]},
    ),
    (
        "wan2.1-vace-plus",
        {"prompt": "p", "function": "video_edit", "video": CLIP, "mask_image": URL, "mask_frame": 3},
        "video-generation",
        {
            "prompt": "p",
            "function": "video_edit",
            "video_url": CLIP,
            "mask_image_url": URL,
            "mask_frame_id": 3,
        },
    ),
    (
        "wan2.1-vace-plus",
        {"prompt": "p", "function": "video_extension", "first_clip": CLIP},
        "video-generation",
        {"prompt": "p", "function": "video_extension", "first_clip_url": CLIP},
    ),
    (
        "wan2.1-vace-plus",
        {"prompt": "p", "function": "image_reference", "references": (URL,)},
        "video-generation",
        {"prompt": "p", "function": "image_reference", "ref_images_url": [URL]},
    ),
]


@pytest.mark.parametrize(("model", "request_", "path", "expected"), BODIES)
def test_each_mode_has_its_path_and_its_fields(
    model: str, request_: dict[str, Any], path: str, expected: dict[str, Any]
) -> None:
    made = call(model, **request_)
    assert made.path == f"/services/aigc/{path}/video-synthesis"
    assert made.filled({})["input"] == expected


def test_parameters_go_by_the_services_names_and_only_if_said() -> None:
    assert call("wan2.6-t2v", prompt="p").body["parameters"] == {}
    said = {"duration": 5.0, "size": "1280*720", "seed": 0, "shots": "multi", "watermark": False, "fps": 24}
    found = call("wan2.6-t2v", prompt="p", **said, parameters={"audio": True}).body["parameters"]
    assert found == {
        "duration": 5,
        "size": "1280*720",
        "seed": 0,
        "shot_type": "multi",
        "prompt_extend": True,
        "watermark": False,
        "fps": 24,
        "audio": True,
    }


def test_requests_may_use_the_names_of_others() -> None:
    """As programs know them that call the service, or another client, today."""
    for name in ("reference_image", "img_url", "image"):
        assert request_of({name: URL, "prompt": "p"}).image == URL
    assert request_of({"prompt": "p", "reference_image": URL}).model == MODEL


def test_what_is_shown_has_no_signature_and_no_bytes() -> None:
    request = request_of({"prompt": "p", "image": f"{URL}?Signature=secret&Expires=1"})
    assert "secret" not in repr(request)
    assert "secret" not in json.dumps(call(MODEL, prompt="p", image=f"{URL}?Signature=secret").shown())
    assert "b'" not in repr(request_of({"image": b"12345"}))


def serving(harness: Harness, **config: Any) -> None:
    """A deployment that runs; the mode of its videos is its base model's."""
    one = deployment()
    harness.serve({**one, "aigc_config": {**one["aigc_config"], **config}})
    harness.apply()


@pytest.fixture
def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: VideoStage) -> Harness:
    image = stage.image
    assert image
    root = tmp_path / "served"
    root.mkdir()
    made = Harness.begun(root)
    (root / "face.png").write_bytes((tmp_path / "face.png").read_bytes())
    monkeypatch.chdir(root)
    return made


def test_a_deployment_is_called_as_its_base_model(harness: Harness) -> None:
    serving(harness)
    stage = VideoStage(harness.specs.parent)
    words = ("Deployment/rain", "--image", "face.png", "--prompt", "mine")
    printed, code = stage.generate(*words)
    assert code == 0, printed
    assert "use_input_prompt: false" in printed
    body = stage.records()[0]["request"]
    assert body["parameters"] == {"prompt_extend": False, "resolution": "720P"}
    assert body["model"] == harness.deployed[0]
    by_name = stage.made("--model", harness.deployed[0], *words[1:])
    assert by_name["cached"] is True
    assert len(stage.tasks()) == 1


def test_another_deployment_of_the_same_name_is_another_model(harness: Harness) -> None:
    serving(harness)
    stage = VideoStage(harness.specs.parent)
    words = ("Deployment/rain", "--image", "face.png")
    first = stage.made(*words)
    serving(harness, lora_prompt_default="Then it snows.")
    second = stage.made(*words)
    assert (first["model"], second["cached"]) == (second["model"], False)


def test_who_is_not_there_cannot_be_called(stage: VideoStage) -> None:
    printed, code = stage.generate("--model", "mine", "--image", "face.png")
    assert (code, "[generate-model]" in printed, "write --mode t2v" in printed) == (1, True, True)
    printed, code = stage.generate("Deployment/nobody", "--image", "face.png")
    assert (code, "nobody" in printed) == (1, True)
    printed, code = stage.generate("--model", "mine", "--mode", "i2v", "--image", "face.png", "--prompt", "p")
    assert (code, "there is no such model to call" in printed) == (1, True), printed
    printed, code = stage.generate("--image", "face.png")
    assert (code, "say what is called" in printed) == (1, True)


def test_the_services_words_for_a_missing_field_are_translated(stage: VideoStage) -> None:
    printed, code = stage.generate("--model", "wan2.6-i2v", "--mode", "t2v", "--prompt", "p")
    assert (code, "give --image FILE" in printed, "Field required" in printed) == (1, True, True), printed


def test_a_request_comes_as_json(stage: VideoStage) -> None:
    asked = {"prompt": "p", "duration": 4, "fps": 24, "size": "1280*720", "reference_image": "face.png"}
    (stage.folder / "request.json").write_text(json.dumps({"model": MODEL, **asked}), encoding="utf-8")
    made = stage.made("--request", "request.json")
    assert set(made) >= {"video_url", "duration", "fps", "seed"}
    assert [one["rule"] for one in made["warnings"]] == ["generate-undocumented"]
    assert stage.made("--request", "request.json", "--seed", "7")["seed"] == 7
    for text, words in (
        ("[]", "a JSON object"),
        ("{", "is not JSON"),
        ('{"promt": 1}', "did you mean prompt?"),
    ):
        (stage.folder / "request.json").write_text(text, encoding="utf-8")
        printed, code = stage.generate("--request", "request.json", "--model", MODEL)
        assert (code, words in printed) == (1, True), printed


def test_large_files_are_uploaded_before_the_call(stage: VideoStage) -> None:
    from PIL import Image

    noise = Image.effect_noise((2600, 2600), 90)
    noise.save(stage.folder / "large.png")
    assert (stage.folder / "large.png").stat().st_size > 5 * 1024 * 1024
    words = ("--model", MODEL, "--image", "large.png", "--prompt", "p")
    printed, _ = stage.generate(*words, "--dry-run")
    assert "uploaded before the call" in printed
    assert stage.made(*words)["cached"] is False
    assert stage.calls("GET", "/api/v1/uploads") == stage.calls("POST", "/_oss") == 1


def test_the_folder_follows_the_environment(stage: VideoStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTPUT_DIR", "made")
    assert stage.made(*stage.image)["file"].startswith("made/ai-video-wan-video/videos/")
    assert stage.made(*stage.image, "--to", "here")["file"].startswith("here/")


# From Python


def test_from_python_with_a_project(stage: VideoStage) -> None:
    project = wanctl.open("specs")
    heard: list[GenerationProgress] = []
    request = wanctl.VideoRequest(prompt="p", image=(stage.folder / "face.png").read_bytes())
    made = wanctl.generate(request, project, on_progress=heard.append)
    assert made.file.exists()
    assert heard[0].state == "PENDING"
    assert wanctl.generate({"prompt": "p", "reference_image": "face.png"}, project).cached
    with pytest.raises(wanctl.Error, match="write --image FILE"):
        wanctl.generate({"prompt": "p"}, project)
    assert "Signature" not in repr(made)


@pytest.mark.usefixtures("stage")
def test_from_python_in_a_loop() -> None:
    async def work() -> bool:
        project = wanctl.open("specs")
        return (await wanctl.agenerate({"prompt": "p", "image": "face.png"}, project)).cached

    assert asyncio.run(work()) is False
    assert asyncio.run(work()) is True


@pytest.mark.usefixtures("stage")
def test_from_python_without_a_project(served: ServedSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of this sandbox stands still, so who waits has to move it."""

    async def sleep(_: WallClock, seconds: float) -> None:
        served.pass_time(seconds=seconds)

    monkeypatch.setattr(WallClock, "sleep", sleep)
    made = wanctl.generate({"prompt": "p", "image": "face.png"}, key=KEY, base_url=served.url, to="there")
    assert made.file.parent == Path("there")
    assert made.video_url.startswith(f"{served.url}/_oss/videos/")


# Ctrl-C


def interrupted(stage: VideoStage, speed: float, sign: str) -> str:
    """The command in a process of its own, which gets a Ctrl-C once it has said this."""
    head = {**HEAD, "sandbox": {**HEAD["sandbox"], "speed": speed}}
    (stage.folder / "specs" / "wanctl.yaml").write_text(yaml.safe_dump(head), encoding="utf-8")
    command = [sys.executable, "-m", "wanctl", "generate", *stage.image]
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=stage.folder
    )
    said = ""
    assert running.stdout is not None
    for line in running.stdout:
        said += line
        if sign in line:
            running.send_signal(signal.SIGINT)
            break
    said += running.stdout.read()
    assert running.wait(60) == 130, said
    return said


def test_ctrl_c_cancels_what_has_not_begun(stage: VideoStage) -> None:
    said = interrupted(stage, 1, "PENDING")
    assert "canceled before it began; nothing is billed" in said
    assert [one["status"] for one in stage.tasks()] == ["CANCELED"]
    assert stage.records()[0]["state"] == "canceled"


def test_ctrl_c_leaves_what_runs_and_says_how_to_fetch_it(stage: VideoStage) -> None:
    said = interrupted(stage, 20, "RUNNING")
    [task] = stage.tasks()
    assert f"wanctl generate --task {task['id']}" in said
    assert stage.made(*stage.image)["task_id"] == task["id"]
    assert len(stage.tasks()) == 1


def test_two_runs_at_once_pay_once(stage: VideoStage) -> None:
    head = {**HEAD, "sandbox": {**HEAD["sandbox"], "speed": 60}}
    (stage.folder / "specs" / "wanctl.yaml").write_text(yaml.safe_dump(head), encoding="utf-8")
    command = [sys.executable, "-m", "wanctl", "generate", *stage.image, "--format", "json"]
    both = [
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=stage.folder
        )
        for _ in range(2)
    ]
    made = [json.loads(one.communicate(timeout=120)[0]) for one in both]
    assert made[0]["task_id"] == made[1]["task_id"]
    assert sorted(one["cached"] for one in made) == [False, True]
    assert len(stage.tasks()) == 1
