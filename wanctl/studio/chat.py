"""A vision model's words: the OpenAI-compatible chat, asked once, answered whole."""

from collections.abc import Sequence
from typing import Any

from wanctl.studio.errors import ServerError
from wanctl.studio.reading import Answer
from wanctl.studio.verdict import CallEffect
from wanctl.studio.wire import StudioConnection, StudioRequest


class Chat:
    """`studio.chat`."""

    def __init__(self, wire: StudioConnection) -> None:
        self._wire = wire

    async def complete(self, model: str, parts: Sequence[dict[str, Any]]) -> Answer[str]:
        """What the model says of these texts, images and clips. Billed by the token, a little."""
        body = {"model": model, "messages": [{"role": "user", "content": list(parts)}]}
        request = StudioRequest(
            "POST", "/chat/completions", CallEffect.REPEATABLE, json=body, compatible=True
        )
        reply = await self._wire.call(request)
        text = _text(reply.body)
        if not text:
            raise ServerError(f"{model} answered without a text", request_id=reply.request_id)
        return Answer(text, reply.request_id)


def _text(body: Any) -> str:
    """The first choice's text, which some models give in parts."""
    choices = body.get("choices") if isinstance(body, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else {}
    message = first.get("message") if isinstance(first, dict) else None
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, list):
        content = "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return content.strip() if isinstance(content, str) else ""
