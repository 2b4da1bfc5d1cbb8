"""One account, shared by the projects of a process: one pace, one pool of connections, one reading."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from wanctl.base.running import first_of
from wanctl.engine.observe import read_lists
from wanctl.kinds.snapshot import Snapshot
from wanctl.language.settings import Provider, Settings
from wanctl.project.host import Host
from wanctl.project.provider import OpenAccount, WallClock, connect, embedded, open_studio, resolve_endpoint
from wanctl.studio.client import Studio
from wanctl.studio.wire import CallListener, Permission, always_allowed, no_listener


class SharedReading:
    """The lists of an account, read for all who wait for them at once. A failure is told to all of them."""

    def __init__(self, read: Callable[[], Awaitable[Snapshot]]) -> None:
        self._read = read
        self._began = float("-inf")
        self._reading: asyncio.Task[Snapshot] | None = None
        self.count = 0  # how often the lists were read

    async def begun_since(self, moment: float) -> Snapshot:
        """A reading that began at this moment of `time.monotonic`, or later."""
        while self._reading is None or self._began < moment:
            if self._reading is not None and not self._reading.done():
                await asyncio.wait([self._reading])  # the next one is for all who came meanwhile
                continue
            self._began = time.monotonic()
            self._reading = asyncio.create_task(self._once())
            self.count += 1
        return await asyncio.shield(self._reading)

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])

    async def _once(self) -> Snapshot:
        try:
            return await self._read()
        except ExceptionGroup as group:
            raise first_of(group) from group


@dataclass(frozen=True)
class _Account:
    studio: Studio
    reading: SharedReading


class Accounts:
    """The accounts that a process has open, in one event loop. A sandbox within a project stays its own."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str, str], _Account] = {}

    @property
    def readings(self) -> tuple[int, ...]:
        """How often the lists of each account were read."""
        return tuple(account.reading.count for account in self._open.values())

    @asynccontextmanager
    async def connect(
        self,
        settings: Settings,
        state: Path,
        host: Host,
        on_call: CallListener = no_listener,
        permission: Permission = always_allowed,
    ) -> AsyncIterator[OpenAccount]:
        """As `provider.connect`, for whoever is one of many."""
        if embedded(settings):
            async with connect(settings, state, host, on_call, permission) as own:
                yield own
            return
        account = self._of(settings, host, on_call)
        studio = account.studio.shared_with(settings.project, on_call, permission)
        async with studio:
            yield OpenAccount(studio, WallClock(), account.reading.begun_since)

    async def close(self) -> None:
        for account in self._open.values():
            await account.reading.close()
            await account.studio.__aexit__(None, None, None)
        self._open.clear()

    def _of(self, settings: Settings, host: Host, on_call: CallListener) -> _Account:
        endpoint = resolve_endpoint(settings, host)
        key = "" if settings.provider is Provider.SANDBOX else host.api_key().reveal()
        name = (endpoint.base_url, settings.workspace or "", key)
        if name not in self._open:
            studio = open_studio(settings, host, on_call)
            reading = SharedReading(lambda: read_lists(studio, WallClock().now))
            self._open[name] = _Account(studio, reading)
        return self._open[name]
