"""The same client for code that is no coroutine, such as a ledger's store: from any thread, also from one
whose own event loop is busy with the caller.

The client lives in a thread of its own, which begins with the first call: connections stay open between
calls, and the time that a call may take is kept as in coroutines. A call that is broken off is canceled.
"""

import asyncio
import os
import threading
import weakref
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from wanctl.kubernetes.access import ClusterAccess
from wanctl.kubernetes.client import KubernetesClient

_Result = TypeVar("_Result")


class BlockingCluster:
    """A cluster to call from plain functions. Guards its thread; each process has its own."""

    def __init__(self, access: Callable[[], ClusterAccess]) -> None:
        self._access = access
        self._starting = threading.Lock()
        self._process = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: KubernetesClient | None = None

    def ask(self, call: Callable[[KubernetesClient], Coroutine[Any, Any, _Result]]) -> _Result:
        """The result of the call, or what it raised."""
        loop, client = self._running()
        asked = asyncio.run_coroutine_threadsafe(call(client), loop)
        try:
            return asked.result()
        except BaseException:
            asked.cancel()
            raise

    def _running(self) -> tuple[asyncio.AbstractEventLoop, KubernetesClient]:
        with self._starting:
            if self._loop is None or self._client is None or self._process != os.getpid():
                client = KubernetesClient(self._access())
                loop = asyncio.new_event_loop()
                thread = threading.Thread(target=loop.run_forever, name="wanctl-kubernetes", daemon=True)
                thread.start()
                weakref.finalize(self, _end, loop, client, os.getpid())
                self._loop, self._client, self._process = loop, client, os.getpid()
            return self._loop, self._client


def _end(loop: asyncio.AbstractEventLoop, client: KubernetesClient, process: int) -> None:
    """Nobody calls any more: the connections are closed, and the thread ends. A child has a mere copy."""
    if process != os.getpid() or loop.is_closed():
        return

    async def close() -> None:
        await client.close()
        loop.stop()

    asyncio.run_coroutine_threadsafe(close(), loop)
