"""The openai client asks for captions, as the guide's section on writing prompts with a model shows it."""

import base64
import io
from pathlib import Path
from typing import Any

import openai
import pytest
from PIL import Image

from tests.clients.conftest import KEY, ServedSandbox
from tests.datasets import small_dataset

# the guide's own instruction, which has no line breaks in it
GUIDE = (
    "Please carefully analyze the video and generate a detailed video description according to the following "
    "fixed sentence structure.Sentence template: The video begins showing [subject description]. The "
    "background is [background description]. Then the s86b5p melting effect begins, [detailed motion "
    "description].Requirements:1.[Subject description]: Describe in detail the person or object."
    "4.All content must be naturally integrated. Do not retain the '[ ]' symbols."
)


@pytest.fixture
def client(served: ServedSandbox) -> openai.OpenAI:
    return openai.OpenAI(api_key=KEY, base_url=f"{served.url}/compatible-mode/v1", max_retries=0)


def still(colour: tuple[int, int, int], size: tuple[int, int] = (64, 36)) -> dict[str, Any]:
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, "PNG")
    return {"type": "image_url", "image_url": {"url": data_url("image/png", stream.getvalue())}}


def data_url(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def ask(client: openai.OpenAI, *parts: Any, text: str = "Describe it.", **more: Any) -> Any:
    content = [*parts, {"type": "text", "text": text}]
    messages: Any = [{"role": "user", "content": content}]
    return client.chat.completions.create(**{"model": "qwen3-vl-plus", "messages": messages, **more})


def said(answer: Any) -> str:
    return str(answer.choices[0].message.content)


def test_the_guides_template_is_filled_for_a_clip(client: openai.OpenAI, tmp_path: Path) -> None:
    clip = (small_dataset(tmp_path / "train", clips=1) / "clip_0.mp4").read_bytes()
    part = {"type": "video_url", "video_url": {"url": data_url("video/mp4", clip)}}
    answer = ask(client, part, text=GUIDE)
    assert said(answer) == (
        "The video begins showing a still of something teal, wide, 64 by 36 pixels. The background is teal "
        "along the upper edge. Then the s86b5p melting effect begins, the teal slowly comes closer for 2.0 "
        "seconds."
    )
    assert (answer.object, answer.model) == ("chat.completion", "qwen3-vl-plus")
    assert answer.choices[0].finish_reason == "stop"


def test_the_caption_follows_the_picture(client: openai.OpenAI) -> None:
    red, blue = still((210, 30, 30)), still((40, 80, 210), (36, 64))
    assert "something red, wide, 64 by 36" in said(ask(client, red))
    assert "something blue, upright, 36 by 64" in said(ask(client, blue))
    assert said(ask(client, red)) == said(ask(client, red))
    assert said(ask(client, red, blue)) == said(ask(client, red))


@pytest.mark.parametrize(
    ("text", "ending"),
    [
        ("Describe it.", "Then the red slowly comes closer."),
        ('It must include the phrase "Then it rains, and all is wet."', " Then it rains, and all is wet."),
        ("Describe it. Then the s86b5p effect begins, notes fall. Be brief.", " notes fall."),
        ("Output Template:\nA shot. [Environment description]. The end.\nExample:\nA", "A shot. Red along"),
    ],
)
def test_what_is_asked_for_is_said(client: openai.OpenAI, text: str, ending: str) -> None:
    answer = said(ask(client, still((210, 30, 30)), text=text))
    assert answer.startswith(ending) if ending.startswith("A shot") else answer.endswith(ending)
    assert "[" not in answer
    assert "Example" not in answer


def test_frames_addresses_and_plain_text(client: openai.OpenAI) -> None:
    picture = still((210, 30, 30))["image_url"]["url"]
    assert "for 1.5 seconds" in said(ask(client, {"type": "video", "video": [picture] * 3}))
    links = [f"https://example.com/{number}.png" for number in range(8)]
    captions = {said(ask(client, {"type": "image_url", "image_url": {"url": one}})) for one in links}
    assert len(captions) > 3
    messages: Any = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello?"}]
    plain = client.chat.completions.create(model="qwen-vl-max", messages=messages)
    assert said(plain) == "There is no picture to describe."


def test_usage_adds_up(client: openai.OpenAI) -> None:
    small, large = (ask(client, still((9, 9, 9), size)).usage for size in ((64, 32), (640, 320)))
    assert small.total_tokens == small.prompt_tokens + small.completion_tokens
    assert (small.prompt_tokens, large.prompt_tokens) == (3 + 2, 3 + 200)
    assert large.prompt_tokens_details.image_tokens == 200
    clip = {"type": "video", "video": [still((9, 9, 9), (64, 32))["image_url"]["url"]] * 8}
    assert ask(client, clip).usage.prompt_tokens_details.video_tokens == 2 * 4  # a picture a second


def test_streamed_it_is_the_same(client: openai.OpenAI) -> None:
    picture = still((210, 30, 30))
    whole = ask(client, picture)
    chunks = list(ask(client, picture, stream=True, stream_options={"include_usage": True}))
    pieces = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
    assert "".join(piece or "" for piece in pieces) == said(whole)
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage == whole.usage
    assert all(chunk.usage is None for chunk in ask(client, picture, stream=True))


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGVsbG8="}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,!"}},
        {"type": "image_url", "image_url": {"url": "data:text/plain;base64,aGVsbG8="}},
        {"type": "image_url", "image_url": {"url": "file:///etc/passwd"}},
        {"type": "image_url"},
        {"type": "video_url", "video_url": {"url": "data:video/mp4;base64,aGVsbG8="}},
        {"type": "video", "video": []},
        {"type": "input_audio", "input_audio": {}},
    ],
)
def test_what_cannot_be_seen_is_a_400(client: openai.OpenAI, part: dict[str, Any]) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, part)
    assert caught.value.type == "invalid_request_error"


def test_a_model_that_is_not_there(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match=r"wan2\.6-i2v") as caught:
        ask(client, model="wan2.6-i2v")
    assert caught.value.code == "model_not_found"
