"""Chat with a vision model, by the OpenAI-compatible path: captions and scores, the same for the same media.

Tokens are counted, not metered: four characters of text are one, pictures by their size.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from wanctl.sandbox.api.answers import Fault, bad_request, flat, json_body, parsed, service_of
from wanctl.sandbox.bodies import ChatBody, Part

if TYPE_CHECKING:
    from wanctl.sandbox.media.vision import Sight

MODELS = ("qwen", "qvq")  # how the names of those that can see begin
MOST_MEDIA = 256
_CHARACTERS_A_TOKEN = 4
_PIECES = re.compile(r"\S+\s*")


@dataclass(frozen=True)
class ChatAnswer:
    """A caption and what it is billed."""

    text: str
    usage: dict[str, Any]


async def complete(request: Request) -> Response:
    """The caption, in one piece or in several."""
    service, asked = service_of(request), parsed(ChatBody, await json_body(request))
    if not asked.model.startswith(MODELS):
        raise Fault(404, "ModelNotFound", f"The model `{asked.model}` does not exist.", "model")
    answer = await run_in_threadpool(_answer, asked)
    with service.store.write():
        arranged = service.rig.take("next_answer")
    if arranged is not None:
        answer = replace(answer, text=arranged)
    head = {
        "id": f"chatcmpl-{request.state.request_id}",
        "created": int(service.now().timestamp()),
        "model": asked.model,
        "system_fingerprint": None,
    }
    if asked.stream:
        usage = asked.stream_options is not None and asked.stream_options.include_usage
        return StreamingResponse(_chunks(head, answer, usage=usage), media_type="text/event-stream")
    message = {"role": "assistant", "content": answer.text}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    return flat({**head, "object": "chat.completion", "choices": [choice], "usage": answer.usage})


def _answer(asked: ChatBody) -> ChatAnswer:
    from wanctl.sandbox.media.scores import asked_for, scores
    from wanctl.sandbox.media.vision import caption

    parts = [
        part
        for message in asked.messages
        for part in (
            [Part(type="text", text=message.content)] if isinstance(message.content, str) else message.content
        )
    ]
    if sum(part.type != "text" for part in parts) > MOST_MEDIA:
        raise bad_request(f"More than {MOST_MEDIA} images and videos", "messages")
    text = "\n".join(part.text for part in parts if part.type == "text")
    seen = [(part.type, _look(part)) for part in parts if part.type != "text"]
    sights = [sight for _, sight in seen]
    names = asked_for(text)
    said = scores(names, sights) if names and sights else caption(text, sights)
    images = sum(sight.tokens for kind, sight in seen if kind == "image_url")
    videos = sum(sight.tokens for kind, sight in seen if kind != "image_url")
    return ChatAnswer(said, _usage(_tokens(text), images, videos, _tokens(said)))


def _look(part: Part) -> "Sight":
    from wanctl.sandbox.media import vision

    try:
        match part:
            case Part(type="image_url", image_url=link) if link:
                return vision.picture(link.url)
            case Part(type="video_url", video_url=link) if link:
                return vision.clip(link.url)
            case Part(type="video", video=urls) if urls:
                return vision.frames(urls)
    except vision.UnreadableMediaError as error:
        raise bad_request(str(error)) from error
    raise bad_request(f"A part of the type {part.type} needs the field {part.type}", "messages")


def _tokens(text: str) -> int:
    return math.ceil(len(text) / _CHARACTERS_A_TOKEN)


def _usage(text: int, images: int, videos: int, said: int) -> dict[str, Any]:
    details = {"text_tokens": text, "image_tokens": images, "video_tokens": videos}
    prompt = sum(details.values())
    return {
        "prompt_tokens": prompt,
        "completion_tokens": said,
        "total_tokens": prompt + said,
        "prompt_tokens_details": {name: count for name, count in details.items() if count},
        "completion_tokens_details": {"text_tokens": said},
    }


def _chunks(head: dict[str, Any], answer: ChatAnswer, *, usage: bool) -> Iterator[str]:
    """Server-sent events: the role, the words, the end, what it cost, done."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": piece} for piece in _PIECES.findall(answer.text)]
    chunk = {**head, "object": "chat.completion.chunk"}
    for delta in deltas:
        yield _event({**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    yield _event({**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    if usage:
        yield _event({**chunk, "choices": [], "usage": answer.usage})
    yield "data: [DONE]\n\n"


def _event(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"


ROUTES = [Route("/compatible-mode/v1/chat/completions", complete, methods=["POST"])]
