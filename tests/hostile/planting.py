"""A sandbox that plants marked secrets in every field of its answers, served as a process of its own.

    python -m tests.hostile.planting STATE PORT_FILE

Each text for people gets all of the planted ones behind it, each object fields that nobody knows, each link a
credential more; the lists have rows of strangers, and some calls are refused with all of it in the reason.
"""

import json
import sys
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wanctl.sandbox import Sandbox

MARK = "PLANTED"
KEY = f"sk-{MARK}0the0key0of0this0process1"
FORGE_TOKEN = f"ghp_{MARK}0123456789abcdefghij"
PLANTS = (
    f"accessKeySecret={MARK}01",
    f"securityToken: '{MARK}0000002'",
    f'{{"signature": "{MARK}0000003", \\"accessKeyId\\": \\"{MARK}0000004\\"}}',
    f"Authorization: Bearer {MARK}0000005",
    f"eyJhbGciOiJIUzI1NiJ9.{MARK}.{MARK}",
    f"https://bucket.oss/x.zip?Expires=1&Signature={MARK}06",
    f"//bucket.oss/x.zip?x-oss-security-token={MARK}07",
    f"https://user:{MARK}@host/x",
    f"STS.{MARK}0123456789",
    FORGE_TOKEN,
    KEY,
    f"api_key={KEY}",
)
SAID = " ".join(PLANTS)
_WORDS = frozenset(
    {"message", "prompt", "orig_prompt", "actual_prompt", "content", "details", "status_details"}
)
_LINKS = frozenset({"video_path", "first_frame_path", "last_frame_path", "video_url", "url"})
_STRANGER = {"create_time": "2026-03-01 09:00:00", "gmt_create": "2026-03-01 09:00:00", "model": "wan2.6-i2v"}


def planted(value: Any, key: str = "") -> Any:
    """A decoded answer with everything planted in it."""
    if isinstance(value, dict):
        more = {"note_of_nobody": SAID, "accessKeySecret": f"{MARK}-in-a-field", KEY: KEY}
        return {**{name: planted(one, name) for name, one in value.items()}, **more}
    if isinstance(value, list):
        rows = [planted(one, key) for one in value]
        if key == "jobs":
            rows.append(
                {"job_id": "ft-stranger", "job_name": SAID, "status": "FAILED", "message": SAID} | _STRANGER
            )
        if key == "deployments":
            rows.append(
                {"deployed_model": "stranger", "model_name": "x", "status": f"ODD {SAID}"} | _STRANGER
            )
        return [*rows, f"said: {SAID}"] if key == "logs" else rows
    if isinstance(value, str) and key in _LINKS:
        return f"{value}&securityToken={MARK}08"
    return f"{value} {SAID}" if isinstance(value, str) and (key in _WORDS or key == "request_id") else value


class Planting:
    """ASGI around the sandbox."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._refused: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        call = f"{scope['method']} {scope['path']}"
        if scope["method"] == "POST" and call not in self._refused and "/_sandbox" not in call:
            self._refused.add(call)  # each is refused once
            body = {"code": f"InvalidParameter {SAID}", "message": SAID, "request_id": f"r {SAID}"}
            await _answer(send, 400, [], json.dumps(body).encode())
            return
        start: Message = {}
        parts: list[bytes] = []

        async def changed(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            parts.append(message.get("body", b""))
            if message.get("more_body"):
                return
            content = b"".join(parts)
            if content.startswith((b"{", b"[")):
                content = json.dumps(planted(json.loads(content))).encode()
            kept = [one for one in start["headers"] if one[0] not in {b"content-length", b"x-request-id"}]
            await _answer(send, start["status"], kept, content)

        await self._app(scope, receive, changed)


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]], content: bytes) -> None:
    more = [(b"x-request-id", f"r {SAID}".encode()), (b"x-credential", SAID.encode())]
    length = [(b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *more, *length]})
    await send({"type": "http.response.body", "body": content})


def main(state: str, port_file: str) -> None:
    sandbox = Sandbox.open(Path(state), speed=50_000, seed=1, strict=False)
    server = uvicorn.Server(uvicorn.Config(Planting(sandbox.app), port=0, log_level="error"))
    config = server.config
    socket = config.bind_socket()
    Path(port_file).write_text(str(socket.getsockname()[1]), encoding="ascii")
    server.run([socket])


if __name__ == "__main__":
    main(*sys.argv[1:])
