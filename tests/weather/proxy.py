"""In front of the sandbox: counts the requests of each command, and has fall on them what was drawn.

A command is known by its key. The server is a process of its own, and outlives every command of a life.
"""

import asyncio
import json
import os
import signal
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.hostile.planting import MARK, SAID
from tests.weather.account import open_account
from tests.weather.falls import FILES, Ending, Fall, dice_of
from tests.weather.odd import made_odd, shifted
from wanctl.sandbox import Sandbox
from wanctl.sandbox.api.app import end
from wanctl.sandbox.faults.rules import FaultKind

KEY = f"sk-{MARK}0of0command0"


def key_of(command: int) -> str:
    return f"{KEY}{command:04}"


@dataclass
class Exposed:
    """A command, with what falls on it and how many of its requests came."""

    number: int
    pid: int
    fall: Fall
    seen: Counter[str] = field(default_factory=Counter)
    ended: bool = False
    held: bool = False
    release: asyncio.Event = field(default_factory=asyncio.Event)

    def matches(self, method: str, path: str) -> bool:
        """Whether this call is the one that ends it."""
        ending = self.fall.ending
        if ending is None or self.ended or ending.method != method or not fnmatchcase(path, ending.path):
            return False
        self.seen["ending"] += 1
        self.ended = self.seen["ending"] == ending.nth
        return self.ended


class Weather:
    """ASGI around the sandbox."""

    def __init__(self, sandbox: Sandbox, seed: int, hours: int) -> None:
        self._sandbox, self._seed, self._hours = sandbox, seed, hours
        self._app: ASGIApp = sandbox.app
        self._commands: dict[str, Exposed] = {}
        self._fallen: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_sandbox/"):
            await self._app(scope, receive, send)
        elif scope["path"].startswith("/_weather/"):
            await self._arrange(scope["path"].rpartition("/")[2], receive, send)
        else:
            await self._called(scope, receive, send)

    async def _arrange(self, what: str, receive: Receive, send: Send) -> None:
        asked = json.loads(await _body(receive) or b"{}")
        told: Any = {}
        if what == "command":
            drawn = asked["fall"]
            ending = Ending(**drawn.pop("ending")) if drawn["ending"] else None
            fall = Fall(**{**drawn, "ending": ending})
            self._commands[key_of(asked["number"])] = Exposed(asked["number"], asked["pid"], fall)
        elif what == "held":
            told = {"held": self._commands[key_of(asked["number"])].held}
        elif what == "release":
            self._commands[key_of(asked["number"])].release.set()
        elif what == "fallen":
            told, self._fallen = self._fallen, []
        await _send(send, 200, [(b"content-type", b"application/json")], json.dumps(told).encode())

    async def _called(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        command = self._commands.get(headers.get(b"authorization", b"").decode().removeprefix("Bearer "))
        if command is None:  # of somebody else, or a signed link
            await self._app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        call = f"{method} {path}"
        command.seen["all"] += 1
        command.seen[call] += 1
        if command.fall.hold == command.seen["all"]:
            self._note(command, call, "held")
            command.held = True
            await command.release.wait()
        uploads = method == "POST" and path == FILES
        if uploads and command.fall.cut == command.seen[call]:
            self._note(command, call, "cut off")
            await receive()
            await end(FaultKind.RESET, receive, send)
            return
        ending = command.fall.ending if command.matches(method, path) else None
        if ending and ending.when == "before" and self._ends(command, ending, call):
            await end(FaultKind.RESET, receive, send)
            return
        answer = _Kept()
        try:
            await self._app(scope, receive, answer.keep)
        except httpx.TransportError:  # the sandbox gives no answer
            await end(FaultKind.RESET, receive, send)
            return
        if method != "GET":  # no two are ever made at the very same moment: stamps tell which was first
            self._sandbox.advance(timedelta(seconds=1))
        if ending and ending.when == "after" and self._ends(command, ending, call):
            await end(FaultKind.RESET, receive, send)
            return
        self._distort(command, call, answer)
        await _send(send, answer.status, self._headers(command, answer), answer.content)

    def _ends(self, command: Exposed, ending: Ending, call: str) -> bool:
        """Send the signals; whether the process is gone by that."""
        for name in ending.signals:
            self._note(command, call, f"{name} {ending.when} the effect")
            os.kill(command.pid, getattr(signal, name))
        return "SIGKILL" in ending.signals

    def _distort(self, command: Exposed, call: str, answer: "_Kept") -> None:
        if not answer.content.startswith((b"{", b"[")):
            return
        body = json.loads(answer.content)
        dice = dice_of(f"{self._seed}/{command.number}/{call}/{command.seen[call]}")
        if self._hours:
            shifted(body, self._hours)
        if dice.random() < command.fall.odd:
            if answer.status >= 400 and isinstance(body, dict):
                body["message"] = f"{body.get('message')} {SAID}"
                self._note(command, call, "secrets in the message of an error")
            elif answer.status < 300 and (done := made_odd(body, dice)):
                self._note(command, call, done)
        answer.content = json.dumps(body).encode()

    def _headers(self, command: Exposed, answer: "_Kept") -> list[tuple[bytes, bytes]]:
        own = {b"content-length", b"date"}
        at = self._sandbox.now() + timedelta(hours=command.fall.date)
        date = format_datetime(at.astimezone(None)).encode()
        return [*(one for one in answer.headers if one[0] not in own), (b"date", date)]

    def _note(self, command: Exposed, call: str, what: str) -> None:
        self._fallen.append(f"{command.number}: {call}: {what}")


@dataclass
class _Kept:
    """An answer that is held back."""

    start: Message = field(default_factory=dict)
    content: bytes = b""

    async def keep(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        else:
            self.content += message.get("body", b"")

    @property
    def status(self) -> int:
        return int(self.start["status"])

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        return list(self.start["headers"])


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _send(send: Send, status: int, headers: list[tuple[bytes, bytes]], content: bytes) -> None:
    scope = {"headers": headers}
    MutableHeaders(scope=scope)["content-length"] = str(len(content))
    await send({"type": "http.response.start", "status": status, "headers": scope["headers"]})
    await send({"type": "http.response.body", "body": content})


@contextmanager
def serving(account: Path, sandbox_seed: int, hours: int) -> Iterator[str]:
    """The address of an account, in a forked process."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(64)
    child = os.fork()
    if child == 0:
        _serve(listening, account, sandbox_seed, hours)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.close()
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _serve(listening: socket.socket, account: Path, sandbox_seed: int, hours: int) -> None:
    try:
        sandbox = open_account(account, sandbox_seed)
        app = Weather(sandbox, sandbox_seed, hours)
        config = uvicorn.Config(app, log_level="critical", date_header=False, lifespan="off", loop="asyncio")
        uvicorn.Server(config).run([listening])
    finally:
        os._exit(0)
