"""A scripted service: answers one after the other, keeps the requests, and a sleep that only takes notes."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

import httpx

from wanctl.studio.client import Studio
from wanctl.studio.credentials import Key
from wanctl.studio.regions import Endpoint

SECRET = "sk-0123456789abcdef"
BASE = "https://dashscope-intl.aliyuncs.com"

_Result = TypeVar("_Result")
Scripted = httpx.Response | Exception


def native(output: Any, **beside: Any) -> httpx.Response:
    return httpx.Response(200, json={"request_id": "req-1", "output": output, **beside})


def native_error(status: int, code: str, message: str, **headers: str) -> httpx.Response:
    body = {"code": code, "message": message, "request_id": "req-1"}
    return httpx.Response(status, json=body, headers=headers)


def job(job_id: str = "ft-1", **fields: Any) -> dict[str, Any]:
    return {"job_id": job_id, "status": "RUNNING", **fields}


class Service:
    """Plays its script; the last line is repeated for ever."""

    def __init__(self, script: Iterable[Scripted] | Callable[[httpx.Request], httpx.Response]) -> None:
        self.requests: list[httpx.Request] = []
        self.slept: list[float] = []
        self._answer = script if callable(script) else None
        self._script = [] if callable(script) else list(script)

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        if self._answer:
            return self._answer(request)
        line = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        if isinstance(line, Exception):
            raise line
        # a response can be read once, so each request gets its own
        made = httpx.Response(line.status_code, content=line.content)
        made.headers.update(line.headers)  # only now: unpacking it is not the service's work
        return made

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def ask(
        self, question: Callable[[Studio], Awaitable[_Result]], workspace: str | None = None, base: str = BASE
    ) -> _Result:
        async def asking() -> _Result:
            transport = httpx.MockTransport(self._handle)
            async with Studio(
                Endpoint.parse(base), Key(SECRET), workspace=workspace, transport=transport, sleep=self._sleep
            ) as studio:
                return await question(studio)

        return asyncio.run(asking())

    @property
    def calls(self) -> list[str]:
        return [f"{one.method} {one.url.raw_path.decode()}" for one in self.requests]

    def body(self, number: int = 0) -> Any:
        return json.loads(self.requests[number].content)


def serve(*script: Scripted) -> Service:
    return Service(script)
