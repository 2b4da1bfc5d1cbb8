"""The door to Model Studio: `async with Studio(endpoint, key) as studio: await studio.jobs.list()`.

Reads return objects; calls that change something return an `Answer` with the request id beside the
object. What goes wrong is in `errors.py`, what may be repeated in `wire.py`.
"""

import asyncio
import copy
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from wanctl.studio.calls import Chat, Checkpoints, Deployments, Jobs
from wanctl.studio.credentials import Key
from wanctl.studio.download import LONGEST_DOWNLOAD, Downloads
from wanctl.studio.files import Files
from wanctl.studio.pace import Monotonic, Pace, Sleep
from wanctl.studio.regions import Endpoint
from wanctl.studio.tasks import Tasks
from wanctl.studio.temporary import TemporaryUploads
from wanctl.studio.wire import CallListener, Permission, StudioConnection, always_allowed, no_listener


class Studio:
    """One account in one region. Transport, sleep and clock may be given, for the sandbox and tests."""

    def __init__(
        self,
        endpoint: Endpoint,
        key: Key,
        *,
        workspace: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Sleep = asyncio.sleep,
        monotonic: Monotonic = time.monotonic,
        user_agent: str = "wanctl",
        on_call: CallListener = no_listener,
        permission: Permission = always_allowed,
    ) -> None:
        self._transport, self._user_agent = transport, user_agent
        self._open(
            StudioConnection(
                endpoint,
                key,
                workspace=workspace,
                transport=transport,
                pace=Pace(monotonic, sleep),
                user_agent=user_agent,
                on_call=on_call,
                permission=permission,
            )
        )

    def _open(self, wire: StudioConnection) -> None:
        self._wire = wire
        self._downloads = Downloads(wire.endpoint, self._transport, wire.pace, self._user_agent)
        self.files = Files(wire)
        self.jobs = Jobs(wire)
        self.checkpoints = Checkpoints(wire)
        self.deployments = Deployments(wire)
        self.chat = Chat(wire)
        self.tasks = Tasks(wire)
        self.temporary = TemporaryUploads(wire, self._transport, wire.pace, self._user_agent)

    def shared_with(
        self, owner: str, on_call: CallListener = no_listener, permission: Permission = always_allowed
    ) -> "Studio":
        """The same account for one of several projects: they share connections, pace and retries."""
        shared = copy.copy(self)
        shared._open(self._wire.shared_with(owner, on_call, permission))  # noqa: SLF001 - its own copy
        return shared

    @property
    def endpoint(self) -> Endpoint:
        return self._wire.endpoint

    def change_no_more(self) -> None:
        """From now on only reads are sent; a changing call that still waits for its turn raises Withheld."""
        self._wire.change_no_more()

    async def download(
        self, url: str, destination: Path, *, max_bytes: int, within: float = LONGEST_DOWNLOAD
    ) -> int:
        """Fetch a signed link, such as a preview's, to a file. The key never goes along."""
        return await self._downloads.fetch(url, destination, max_bytes=max_bytes, within=within)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._wire.close()
        await self._downloads.close()
        await self.temporary.close()
