"""Calls that make videos, in all five modes: what is answered, what is refused, and what comes out."""

import base64
import io
import wave
from collections.abc import Mapping
from typing import Any

import av
import httpx
import pytest
from PIL import Image

from tests.sandbox.conftest import Account
from tests.sandbox.test_storage import frames, inline, middling, png, unlike

PATH = "/api/v1/services/aigc/{}/video-synthesis"
ASYNC = {"X-DashScope-Async": "enable"}
URL, CLIP = "https://example.com/a.png", "https://example.com/a.mp4"
T2V, I2V, KF2V, R2V, VACE = "wan2.6-t2v", "wan2.6-i2v", "wan2.2-kf2v-flash", "wan2.6-r2v", "wan2.1-vace-plus"
INPUTS: dict[str, dict[str, Any]] = {
    T2V: {"prompt": "p"},
    I2V: {"prompt": "p", "img_url": URL},
    KF2V: {"first_frame_url": URL, "last_frame_url": URL},
    R2V: {"prompt": "character1 waves", "reference_urls": [URL, CLIP]},
    VACE: {"prompt": "p", "function": "image_reference", "ref_images_url": [URL]},
}
FUNCTIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "image_reference": ({"ref_images_url": [URL, URL]}, {"size": "832*1088"}),
    "video_repainting": ({"video_url": CLIP}, {"control_condition": "depth"}),
    "video_edit": ({"video_url": CLIP, "mask_image_url": URL}, {"mask_type": "tracking"}),
    "video_extension": ({"first_clip_url": CLIP}, {}),
    "video_outpainting": ({"video_url": CLIP}, {"left_scale": 1.5}),
}


def submit(
    account: Account,
    model: str,
    given: dict[str, Any],
    parameters: dict[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> httpx.Response:
    path = PATH.format("image2video" if "kf2v" in model else "video-generation")
    body = {"model": model, "input": given, "parameters": parameters or {}}
    return account.http.post(path, json=body, headers={**ASYNC, **(headers or {})})


def ended(account: Account, answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    account.pass_time(minutes=3)
    return dict(account.ask("GET", f"/api/v1/tasks/{answer.json()['output']['task_id']}"))


def video(account: Account, done: dict[str, Any]) -> bytes:
    return account.link(done["output"]["video_url"]).content


def shape(data: bytes) -> tuple[float, int, int, bool]:
    """Seconds, width, height, and whether it sounds."""
    with av.open(io.BytesIO(data), "r") as container:
        stream = container.streams.video[0]
        assert stream.duration is not None
        assert stream.time_base is not None
        seconds = float(stream.duration * stream.time_base)
        return seconds, stream.codec_context.width, stream.codec_context.height, bool(container.streams.audio)


def upload(account: Account, model: str, name: str, data: bytes) -> str:
    policy = account.ask("GET", f"/api/v1/uploads?action=getPolicy&model={model}")["data"]
    key = f"{policy['upload_dir']}/{name}"
    form = {"Signature": policy["signature"], "policy": policy["policy"], "key": key}
    sent = account.http.post(policy["upload_host"], data=form, files={"file": (name, data)})
    assert sent.status_code == 204, sent.text
    return f"oss://{key}"


def clip(seconds: float, colour: str = "blue") -> bytes:
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as container:
        track = container.add_stream("libx264", rate=10)
        track.width, track.height, track.pix_fmt = 160, 96, "yuv420p"
        frame = av.VideoFrame.from_image(Image.new("RGB", (160, 96), colour))  # type: ignore[no-untyped-call]
        for _ in range(int(seconds * 10)):
            container.mux(track.encode(frame))
        container.mux(track.encode())
    return stream.getvalue()


def wav(seconds: float) -> bytes:
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(bytes(int(seconds * 8000)))
    return stream.getvalue()


SHAPES = [
    (T2V, {"size": "720*1280", "duration": 3}, (3, 720, 1280, True)),
    (I2V, {"resolution": "720P", "duration": 2}, (2, 1280, 720, True)),
    (KF2V, {"resolution": "480P"}, (5, 832, 480, False)),
    (R2V, {"size": "960*960", "duration": 2}, (2, 960, 960, True)),
    (VACE, {"duration": 2}, (2, 1280, 720, False)),
]


@pytest.mark.parametrize(("model", "parameters", "expected"), SHAPES)
def test_each_mode_makes_what_was_asked_for(
    account: Account, model: str, parameters: dict[str, Any], expected: tuple[float, int, int, bool]
) -> None:
    done = ended(account, submit(account, model, INPUTS[model], parameters))
    assert done["output"]["task_status"] == "SUCCEEDED"
    assert done["usage"]["duration"] == expected[0]
    seconds, width, height, sounds = shape(video(account, done))
    assert seconds == pytest.approx(expected[0], abs=0.2)
    assert (width, height) == pytest.approx(expected[1:3], abs=16)
    assert sounds is expected[3]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_each_function_of_vace(account: Account, function: str) -> None:
    given, parameters = FUNCTIONS[function]
    asked = {"prompt": "p", "function": function, **given}
    done = ended(account, submit(account, VACE, asked, parameters))
    assert done["output"]["task_status"] == "SUCCEEDED"


REFUSED: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    (T2V, {"prompt": None}, {}, "Field required: input.prompt"),
    (I2V, {"img_url": None}, {}, "Field required: input.img_url"),
    (KF2V, {"first_frame_url": None}, {}, "Field required: input.first_frame_url"),
    (KF2V, {"last_frame_url": None}, {}, "Field required: input.last_frame_url"),
    (R2V, {"prompt": " "}, {}, "Field required: input.prompt"),
    (R2V, {"reference_urls": []}, {}, "Field required: input.reference_urls"),
    (R2V, {"reference_urls": [URL] * 6}, {}, "at most 5 references"),
    (R2V, {"reference_urls": [CLIP] * 4}, {}, "at most 3 videos"),
    (R2V, {"reference_urls": [URL], "reference_video_urls": [CLIP] * 4}, {}, "at most 3 videos"),
    (VACE, {"function": None}, {}, "Field required: input.function"),
    (VACE, {"function": "video_dream"}, {}, "must be one of image_reference"),
    (VACE, {"prompt": None}, {}, "Field required: input.prompt"),
    (VACE, {"ref_images_url": []}, {}, "Field required: input.ref_images_url"),
    (VACE, {"ref_images_url": [URL] * 4}, {}, "at most 3 images"),
    (VACE, {"function": "video_repainting"}, {}, "Field required: input.video_url"),
    (
        VACE,
        {"function": "video_repainting", "video_url": CLIP},
        {},
        "Field required: parameters.control_condition",
    ),
    (VACE, {"function": "video_edit", "video_url": CLIP}, {}, "Field required: input.mask_image_url"),
    (VACE, {"function": "video_extension"}, {}, "Field required: input.first_clip_url"),
    (VACE, {"function": "video_outpainting"}, {}, "Field required: input.video_url"),
    (T2V, {"prompt": "p" * 1501}, {}, "at most 1500 characters"),
    (KF2V, {"prompt": "p" * 801}, {}, "at most 800 characters"),
    (T2V, {"negative_prompt": "n" * 501}, {}, "at most 500 characters"),
    (T2V, {}, {"duration": 16}, "duration must be one of 2, 3"),
    (KF2V, {}, {"duration": 4}, "duration must be one of 5"),
    (R2V, {}, {"duration": 11}, "duration must be one of"),
    (VACE, {}, {"duration": 6}, "duration must be one of 1, 2, 3, 4, 5"),
    (T2V, {}, {"resolution": "720P"}, "use parameters.size"),
    (T2V, {}, {"size": "1280x720"}, "size is invalid"),
    (T2V, {}, {"size": "64*64"}, "size is invalid"),
    (I2V, {}, {"resolution": "720P", "size": "1280*720"}, "can not be used together"),
    (I2V, {}, {"resolution": "4K"}, "resolution must be one of"),
    (T2V, {}, {"seed": -1}, "seed must be between"),
    (T2V, {}, {"shot_type": "multi"}, "together with prompt_extend: true"),
    (T2V, {}, {"shot_type": "multi", "prompt_extend": False}, "together with prompt_extend: true"),
    (T2V, {}, {"shot_type": "many"}, "must be single or multi"),
    (KF2V, {}, {"shot_type": "multi", "prompt_extend": True}, "not supported by this model"),
    (KF2V, {"audio_url": URL}, {}, "audio_url is not supported"),
    (VACE, {"audio_url": URL}, {}, "audio_url is not supported"),
    (I2V, {"img_url": "ftp://example.com/a.png"}, {}, "address of the image is invalid"),
]


@pytest.mark.parametrize(("model", "change", "parameters", "words"), REFUSED)
def test_what_the_documents_refuse(
    account: Account, model: str, change: dict[str, Any], parameters: dict[str, Any], words: str
) -> None:
    given = {key: value for key, value in {**INPUTS[model], **change}.items() if value is not None}
    answer = submit(account, model, given, parameters)
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter"), answer.text
    assert words in answer.json()["message"]
    assert account.sandbox.status()["tasks"] == []


def test_several_shots_with_the_prompt_written_out(account: Account) -> None:
    good = submit(account, T2V, INPUTS[T2V], {"shot_type": "multi", "prompt_extend": True})
    assert good.status_code == 200


def test_a_size_alone_is_let_pass_where_a_resolution_is_meant(account: Account) -> None:
    assert submit(account, I2V, INPUTS[I2V], {"size": "1280*720"}).status_code == 200


def test_a_first_frame_has_its_shape_and_a_last_frame_comes_last(account: Account) -> None:
    tall = io.BytesIO()
    Image.new("RGB", (300, 600), (200, 30, 40)).save(tall, "PNG")
    done = ended(account, submit(account, I2V, {"img_url": inline(tall.getvalue())}, {"duration": 2}))
    _, width, height, _ = shape(video(account, done))
    assert height == pytest.approx(2 * width, rel=0.02)
    both = {"first_frame_url": inline(png((200, 30, 40))), "last_frame_url": inline(png((20, 40, 200)))}
    film = frames(video(account, ended(account, submit(account, KF2V, both))))
    assert middling(film[0]) == pytest.approx([200, 30, 40], abs=40)
    assert middling(film[-1]) == pytest.approx([20, 40, 200], abs=40)


def test_words_alone_give_another_picture_each_time(account: Account) -> None:
    films = [frames(video(account, ended(account, submit(account, T2V, INPUTS[T2V])))) for _ in range(2)]
    assert unlike(films[0][0], films[1][0]) > 5


RESOLVE = {"X-DashScope-OssResourceResolve": "enable"}


def test_clips_of_an_extension_are_looked_into(account: Account) -> None:
    asked = {"prompt": "p", "function": "video_extension"}
    good = upload(account, VACE, "clip.mp4", clip(3))
    done = ended(account, submit(account, VACE, {**asked, "first_clip_url": good}, headers=RESOLVE))
    assert middling(frames(video(account, done))[0])[2] > 120
    for name, data, code in (
        ("long.mp4", clip(4), "InvalidFile.Duration"),
        ("no.mp4", b"no video", "InvalidFile.Format"),
    ):
        url = upload(account, VACE, name, data)
        failed = ended(account, submit(account, VACE, {**asked, "first_clip_url": url}, headers=RESOLVE))
        assert (failed["output"]["task_status"], failed["output"]["code"]) == ("FAILED", code)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (wav(5), None),
        (wav(2), "InvalidFile.Duration"),
        (wav(31), "InvalidFile.Duration"),
        (b"no sound at all", "InvalidFile.Format"),
        (b"ID3" + bytes(15 * 1024 * 1024), "InvalidFile.Size"),
    ],
)
def test_sounds_are_looked_into(account: Account, data: bytes, code: str | None) -> None:
    url = upload(account, T2V, "sound.wav", data)
    done = ended(account, submit(account, T2V, {"prompt": "p", "audio_url": url}, headers=RESOLVE))
    assert done["output"].get("code") == code


def test_an_inline_sound_is_looked_into_as_well(account: Account) -> None:
    url = "data:audio/wav;base64," + base64.b64encode(wav(2)).decode()
    done = ended(account, submit(account, T2V, {"prompt": "p", "audio_url": url}))
    assert done["output"]["code"] == "InvalidFile.Duration"


def test_who_calls_the_wrong_path_or_model_is_told(account: Account) -> None:
    body = {"model": KF2V, "input": INPUTS[KF2V]}
    wrong = account.http.post(PATH.format("video-generation"), json=body, headers=ASYNC)
    assert (wrong.status_code, "url error" in wrong.json()["message"]) == (400, True)
    unknown = submit(account, "wan9.9-t2v", {"prompt": "p"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "ModelNotFound")


def test_a_deployment_does_without_prompt_and_last_frame(account: Account) -> None:
    model = account.deployed(f"wan2.6-i2v-{account.trained()}")
    done = ended(account, submit(account, model, {"img_url": URL}))
    assert done["output"]["task_status"] == "SUCCEEDED"
    refused = submit(account, model, {"img_url": URL}, {"resolution": "480P"})
    assert "720P, 1080P" in refused.json()["message"]


TEMPLATE = (
    "Describe the picture as the beginning of a video.\n"
    "Template:\nThe video begins with [subject]. The background is [place or background]. Then it rains.\n"
    "Example:\nThe video begins with a cat. The background is a wall. Then it rains."
)


def called(account: Account, config: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The task of a deployment with this config, once it ended."""
    account.rig(quirks={"newer_answers": True})
    model = account.deployed(f"wan2.6-i2v-{account.trained()}", aigc_config=config)
    body = {"model": model, "input": given}
    answer = account.http.post(PATH.format("video-generation"), json=body, headers=ASYNC)
    return ended(account, answer)


def test_the_template_is_filled_from_the_picture_and_shown(account: Account) -> None:
    config = {"prompt": TEMPLATE, "lora_prompt_default": "Then it rains."}
    task = called(account, config, {"img_url": inline(png((50, 90, 200))), "prompt": "mine"})
    filled = (
        "The video begins with a still of something blue, wide, 320 by 240 pixels. "
        "The background is blue along the upper edge. Then it rains."
    )
    assert (task["output"]["orig_prompt"], task["output"]["actual_prompt"]) == ("mine", filled)
    assert account.sandbox.status()["tasks"][0]["prompt"] == filled


@pytest.mark.parametrize("rigged", [True, False], ids=["arranged", "what is not looked at"])
def test_where_filling_fails_the_default_is_taken(account: Account, rigged: bool) -> None:
    if rigged:
        account.rig(next_filling="FAILED")
    config = {"use_input_prompt": False, "prompt": TEMPLATE, "lora_prompt_default": "Then it rains."}
    task = called(account, config, {"img_url": inline(png((50, 90, 200))) if rigged else URL})
    assert task["output"]["actual_prompt"] == "Then it rains."


@pytest.mark.parametrize(
    ("config", "shown"), [({}, ""), ({"use_input_prompt": True}, "mine"), ({"prompt": "Describe it."}, "")]
)
def test_what_is_left_out_of_a_config_makes_no_fault_of_a_call(
    account: Account, config: dict[str, Any], shown: str
) -> None:
    task = called(account, config, {"img_url": URL, "prompt": "mine"})
    assert task["output"]["task_status"] == "SUCCEEDED"
    assert task["output"]["actual_prompt"] == shown
