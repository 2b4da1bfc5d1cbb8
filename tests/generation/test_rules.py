"""Each rule with a request that breaks it and one beside it that does not; all of it before any call."""

import io
import wave
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from wanctl.finding import Severity
from wanctl.generation.inputs import inputs_of
from wanctl.generation.modes import FUNCTIONS, CalledModel, EditFunction, VideoMode, base_model, tuned_model
from wanctl.generation.request import MEDIA_FIELDS, RequestError, VideoRequest, request_of
from wanctl.generation.rules import problems
from wanctl.rules import Room, Rule

T2V, I2V, KF2V, R2V, VACE = (
    "wan2.6-t2v",
    "wan2.6-i2v-flash",
    "wan2.2-kf2v-flash",
    "wan2.6-r2v-flash",
    "wan2.1-vace-plus",
)
URL, CLIP_URL = "https://example.com/a.png", "https://example.com/a.mp4"
GOOD: dict[str, dict[str, Any]] = {
    T2V: {"prompt": "p"},
    I2V: {"prompt": "p", "image": URL},
    KF2V: {"image": URL, "last_image": URL},
    R2V: {"prompt": "character1 waves", "references": (URL,)},
    VACE: {"prompt": "p", "function": "image_reference", "references": (URL,)},
}
EDITING: dict[str, dict[str, Any]] = {
    "image_reference": {"references": (URL, URL, URL)},
    "video_repainting": {"video": CLIP_URL, "control_condition": "depth"},
    "video_edit": {"video": CLIP_URL, "mask_image": URL},
    "video_extension": {"first_clip": CLIP_URL},
    "video_outpainting": {"video": CLIP_URL, "left_scale": 1.5},
}


def png(width: int = 640, height: int = 360, mode: str = "RGB") -> bytes:
    stream = io.BytesIO()
    Image.new(mode, (width, height)).save(stream, "PNG")
    return stream.getvalue()


def gif() -> bytes:
    stream = io.BytesIO()
    Image.new("P", (640, 360)).save(stream, "GIF")
    return stream.getvalue()


def wav(seconds: float, rate: int = 8000) -> bytes:
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(rate)
        file.writeframes(bytes(int(seconds * rate)))
    return stream.getvalue()


def mp4(seconds: float) -> bytes:
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as container:
        track = container.add_stream("libx264", rate=10)
        track.width, track.height, track.pix_fmt = 64, 48, "yuv420p"
        frame = av.VideoFrame.from_image(Image.new("RGB", (64, 48)))  # type: ignore[no-untyped-call]
        for _ in range(int(seconds * 10)):
            container.mux(track.encode(frame))
        container.mux(track.encode())
    return stream.getvalue()


def called(name: str) -> CalledModel:
    found = base_model(name)
    assert found is not None
    return found


def found(model: str | CalledModel, **request: Any) -> list[tuple[str, str]]:
    """The rules that a request breaks, with what they say."""
    who = model if isinstance(model, CalledModel) else called(model)
    asked = request_of({"model": who.name, **request})
    return [(str(one.rule), f"{one.message} | {one.hint}") for one in problems(asked, who, inputs_of(asked))]


@pytest.mark.parametrize("model", GOOD)
def test_what_the_documents_show_is_right(model: str) -> None:
    assert found(model, **GOOD[model]) == []


@pytest.mark.parametrize("function", EDITING)
def test_each_function_of_vace_is_right_with_what_it_needs(function: str) -> None:
    assert found(VACE, prompt="p", function=function, **EDITING[function]) == []


BROKEN: list[tuple[str, dict[str, Any], str, str]] = [
    # what each mode needs
    (T2V, {"prompt": None}, "generate-input", "write --prompt TEXT"),
    (T2V, {"prompt": "  "}, "generate-input", "needs a prompt"),
    (I2V, {"image": None}, "generate-input", "needs a first frame | write --image FILE"),
    (I2V, {"prompt": None}, "generate-input", "write --prompt TEXT"),
    (KF2V, {"image": None}, "generate-input", "needs a first frame"),
    (KF2V, {"last_image": None}, "generate-input", "write --last-image FILE"),
    (R2V, {"references": ()}, "generate-input", "write --reference FILE"),
    (R2V, {"prompt": None}, "generate-input", "needs a prompt"),
    (VACE, {"function": None}, "generate-input", "write --function NAME"),
    (VACE, {"prompt": None}, "generate-input", "needs a prompt"),
    # what it does not take
    (
        T2V,
        {"image": URL},
        "generate-unused",
        "takes no image | leave it out, or call a model for it: wan2.6-i2v",
    ),
    (I2V, {"last_image": URL}, "generate-unused", "wan2.2-kf2v-flash"),
    (KF2V, {"references": (URL,)}, "generate-unused", "wan2.6-r2v-flash"),
    (I2V, {"function": "video_edit"}, "generate-unused", "wan2.1-vace-plus"),
    # texts
    (T2V, {"prompt": "p" * 1501}, "generate-prompt", "1,501 characters, and wan2.6-t2v takes 1,500"),
    (I2V, {"negative_prompt": "n" * 501}, "generate-prompt", "500 are the most"),
    (KF2V, {"prompt": "p" * 801}, "generate-prompt", "takes 800"),
    (VACE, {"prompt": "p" * 801}, "generate-prompt", "takes 800"),
    # lengths
    (T2V, {"duration": 16}, "generate-duration", "2 to 15 whole seconds, not of 16 | write --duration 15"),
    (I2V, {"duration": 1}, "generate-duration", "write --duration 2"),
    (I2V, {"duration": 2.5}, "generate-duration", "whole seconds, not of 2.5"),
    (KF2V, {"duration": 10}, "generate-duration", "write --duration 5"),
    (R2V, {"duration": 11}, "generate-duration", "write --duration 10"),
    (VACE, {"duration": 6}, "generate-duration", "write --duration 5"),
    # size and resolution
    (T2V, {"resolution": "720P"}, "generate-size", "takes a size and no resolution | write --size 1280*720"),
    (R2V, {"resolution": "720P"}, "generate-size", "takes a size"),
    (T2V, {"size": "1280x720"}, "generate-size", "write width*height, as in 1280*720"),
    (I2V, {"size": "1024*1024"}, "generate-size", "write --resolution 720P or 1080P"),
    (I2V, {"size": "1280*720", "resolution": "720P"}, "generate-size", "never given together"),
    (I2V, {"resolution": "480P"}, "generate-size", "makes 720P and 1080P, not 480P"),
    (KF2V, {"resolution": "4K"}, "generate-size", "not 4K"),
    # numbers, shots, sound
    (T2V, {"seed": -1}, "generate-seed", "0 to 2147483647"),
    (T2V, {"seed": 2**31}, "generate-seed", "not 2147483648"),
    (I2V, {"shots": "multi", "prompt_extend": False}, "generate-shots", "write --prompt-extend"),
    (KF2V, {"shots": "multi"}, "generate-shots", "makes one shot"),
    (KF2V, {"audio": URL}, "generate-audio", "its videos are silent"),
    (VACE, {"audio": URL}, "generate-audio", "its videos are silent"),
    (I2V, {"audio": b"no sound"}, "generate-audio", "no WAV and no MP3"),
    (I2V, {"audio": wav(2.5)}, "generate-audio", "a sound lasts 3 to 30 seconds"),
    (I2V, {"audio": wav(31)}, "generate-audio", "lasts 31.0 s"),
    (I2V, {"audio": wav(20, rate=800_000)}, "generate-audio", "15 MB are the most"),
    # references
    (R2V, {"references": (URL,) * 6}, "generate-references", "5 references at most, and 6"),
    (R2V, {"references": (CLIP_URL,) * 4}, "generate-references", "3 at most may be videos, and 4"),
    (VACE, {"references": (URL,) * 4}, "generate-references", "3 reference images at most"),
    # files
    (I2V, {"image": b"no image at all"}, "generate-media", "is not an image"),
    (I2V, {"image": mp4(1)}, "generate-media", "is not an image"),
    (I2V, {"image": png()[:-60]}, "generate-media", "damaged or cut off"),
    (I2V, {"image": gif()}, "generate-media", "is GIF | save it as JPEG, PNG, BMP or WEBP"),
    (VACE, {"references": (mp4(1),)}, "generate-media", "is not an image"),
]


@pytest.mark.parametrize(("model", "change", "rule", "words"), BROKEN)
def test_what_breaks_a_rule_is_told_what_to_write(
    model: str, change: dict[str, Any], rule: str, words: str
) -> None:
    broken = found(model, **{**GOOD[model], **change})
    assert [name for name, _ in broken if name != rule] == []
    assert any(words in said for _, said in broken), broken


WITHOUT: list[tuple[str, str, str]] = [
    ("image_reference", "references", "image_reference needs references"),
    ("video_repainting", "video", "write --video FILE"),
    ("video_repainting", "control_condition", "write --control-condition NAME"),
    ("video_edit", "video", "video_edit needs video"),
    ("video_edit", "mask_image", "write --mask-image FILE or --mask-video FILE"),
    ("video_extension", "first_clip", "needs one of image, last_image, first_clip, last_clip"),
    ("video_outpainting", "video", "video_outpainting needs video"),
]


@pytest.mark.parametrize(("function", "missing", "words"), WITHOUT)
def test_what_a_function_lacks_is_told(function: str, missing: str, words: str) -> None:
    broken = found(VACE, prompt="p", function=function, **{**EDITING[function], missing: None})
    assert [rule for rule, _ in broken] == ["generate-input"]
    assert words in broken[0][1]


@pytest.mark.parametrize(
    ("function", "more"),
    [
        ("image_reference", {"video": CLIP_URL}),
        ("video_repainting", {"mask_image": URL}),
        ("video_edit", {"first_clip": CLIP_URL}),
        ("video_extension", {"references": (URL,)}),
        ("video_outpainting", {"image": URL}),
    ],
)
def test_what_a_function_does_not_take_is_told(function: str, more: dict[str, Any]) -> None:
    broken = found(VACE, prompt="p", function=function, **EDITING[function], **more)
    assert [rule for rule, _ in broken] == ["generate-unused"]


@pytest.mark.parametrize(("field", "seconds"), [("first_clip", 3.5), ("last_clip", 4)])
def test_clips_of_an_extension_are_short(field: str, seconds: float) -> None:
    [(rule, said)] = found(VACE, prompt="p", function="video_extension", **{field: mp4(seconds)})
    assert (rule, "3 seconds are the most" in said) == ("generate-clip", True)
    assert found(VACE, prompt="p", function="video_extension", **{field: mp4(3)}) == []


def test_a_video_to_edit_lasts_five_seconds_at_most() -> None:
    [(rule, said)] = found(VACE, prompt="p", function="video_outpainting", video=mp4(6))
    assert (rule, "5 seconds are the most" in said) == ("generate-clip", True)


@pytest.mark.parametrize("model", ["wan2.2-t2v-plus", "wan2.1-t2v-plus", "wan2.7-i2v"])
def test_only_two_generations_take_a_sound(model: str) -> None:
    image = {"image": URL} if "i2v" in model else {}
    assert ("generate-audio" in dict(found(model, prompt="p", audio=wav(5), **image))) is True
    for sounding in ("wan2.5-t2v-preview", "wan2.6-t2v"):
        assert found(sounding, prompt="p", audio=wav(5)) == []


@pytest.mark.parametrize(("model", "longest"), [("wan2.5-t2v-preview", 1500), ("wan2.2-t2v-plus", 800)])
def test_prompts_by_generation(model: str, longest: int) -> None:
    assert found(model, prompt="p" * longest) == []
    assert dict(found(model, prompt="p" * (longest + 1)))


@pytest.mark.parametrize(("model", "good", "bad"), [("wan2.5-t2v-preview", 10, 6), ("wan2.2-t2v-plus", 5, 4)])
def test_lengths_by_generation(model: str, good: int, bad: int) -> None:
    assert found(model, prompt="p", duration=good) == []
    assert [rule for rule, _ in found(model, prompt="p", duration=bad)] == ["generate-duration"]


def test_an_image_of_an_odd_size_or_transparent_is_a_warning() -> None:
    asked = request_of({"prompt": "p", "image": png(100, 100, "RGBA")})
    seen = problems(asked, called(I2V), inputs_of(asked))
    assert {one.severity for one in seen} == {Severity.WARNING}
    assert len(seen) == 2


def test_a_large_image_is_refused_by_generation(tmp_path: Path) -> None:
    image = tmp_path / "large.bmp"
    Image.new("RGB", (2000, 2000)).save(image)  # 12 MB
    assert found("wan2.6-i2v", prompt="p", image=image) == []
    [(rule, said)] = found("wan2.2-i2v-flash", prompt="p", image=image)
    assert (rule, "10 MB are the most" in said) == ("generate-media", True)


def deployment(base: str = "wan2.6-i2v", *, uses_prompt: bool | None = False) -> CalledModel:
    made = tuned_model("mine", base, None, uses_prompt=uses_prompt, made="2026-03-18")
    assert made is not None
    return made


def test_a_deployment_that_ignores_prompts_says_so() -> None:
    [(rule, said)] = found(deployment(), prompt="mine", image=URL)
    assert rule == "generate-prompt-ignored"
    assert "use_input_prompt: false" in said
    for other in (deployment(uses_prompt=True), deployment(uses_prompt=None)):
        assert found(other, prompt="mine", image=URL) == []
    assert found(deployment(), image=URL) == []


def test_a_tuned_model_makes_less_and_needs_less() -> None:
    assert found(deployment("wan2.2-kf2v-flash"), image=URL) == []
    assert dict(found(deployment("wan2.5-i2v-preview"), image=URL, resolution="1080P"))
    assert found("wan2.5-i2v-preview", image=URL, prompt="p", resolution="1080P") == []
    assert "generate-undocumented" in dict(found(deployment(), image=URL, prompt_extend=True))
    assert "generate-shots" in dict(found(deployment(), image=URL, shots="multi"))


def test_what_is_not_documented_is_sent_and_said() -> None:
    said = found(I2V, **GOOD[I2V], fps=24, motion_strength=0.5)
    assert [rule for rule, _ in said] == ["generate-undocumented"] * 2


def test_every_rule_of_generation_is_tried_here() -> None:
    here = Path(__file__).parent
    files = (here / "test_rules.py", here / "test_calls.py", here.parent / "engine" / "test_checks.py")
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    assert [one for one in Rule if one.room is Room.GENERATION and f"{one}" not in text] == []


def test_everything_that_is_wrong_is_told_at_once() -> None:
    said = found(I2V, prompt="p" * 2000, duration=99, seed=-1, resolution="480P")
    assert len({rule for rule, _ in said}) == 5


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"promt": "p"}, "did you mean prompt?"),
        ({"prompt": 7}, "prompt:"),
        ({"mode": "v2v"}, "mode:"),
        ({"top_scale": 3}, "top_scale:"),
        ({"image": "nowhere.png"}, "is not there"),
        ({"image": "data:image/png;base64,!"}, "no base64"),
    ],
)
def test_a_request_that_is_none_is_an_error(given: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestError, match=words.replace("?", r"\?")):
        inputs_of(request_of(given))


def test_the_tables_are_whole() -> None:
    assert set(FUNCTIONS) == set(EditFunction)
    fields = set(VideoRequest.model_fields)
    for facts in FUNCTIONS.values():
        assert {*facts.needs, *facts.takes, *facts.one_of} <= fields
    assert set(MEDIA_FIELDS) <= fields


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("wan2.6-t2v", VideoMode.TEXT),
        ("wan2.2-kf2v-flash", VideoMode.BOTH_FRAMES),
        ("wanx2.1-vace-plus", VideoMode.EDITING),
    ],
)
def test_a_name_tells_the_mode(name: str, mode: VideoMode) -> None:
    assert called(name).mode is mode
