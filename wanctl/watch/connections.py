"""Connections to the page that come slowly, or in masses, must not take from the loop what it works with.

uvicorn waits for a request that never ends, and takes connections until the process has no file left.
"""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

MOST = 128  # at once; the oldest goes first, so that a probe that takes a moment gets through
PATIENCE = 20.0  # seconds from one answer to the next: forges themselves give up after 10


class HurriedProtocol(H11Protocol):
    """HTTP/1.1 that ends a connection on which nothing comes to an end."""

    deadline: asyncio.TimerHandle | None = None
    opened = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self.opened = self.loop.time()
        others = cast("set[HurriedProtocol]", self.connections)
        if len(others) > MOST:
            min(others, key=lambda one: one.opened).transport.abort()
        self._wait()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.deadline:
            self.deadline.cancel()
        super().connection_lost(exc)

    def _wait(self, *_: Any) -> None:
        if self.deadline:
            self.deadline.cancel()
        self.deadline = self.loop.call_later(PATIENCE, self.transport.abort)
