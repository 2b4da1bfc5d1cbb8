"""The door to Model Studio: `async with Studio(endpoint, key) as studio: await studio.jobs.list()`.

Reads return objects; calls that change something return an `Answer` with the request id beside the
object. What goes wrong is in `errors.py`, what may be repeated in `wire.py`.
"""

import asyncio
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
        pace = Pace(monotonic, sleep)
        self._wire = StudioConnection(
            endpoint,
            key,
            workspace=workspace,
            transport=transport,
            pace=pace,
            user_agent=user_agent,
            on_call=on_call,
            permission=permission,
        )
        self._downloads = Downloads(endpoint, transport, pace, user_agent)
        self.files = Files(self._wire)
        self.jobs = Jobs(self._wire)
        self.checkpoints = Checkpoints(self._wire)
        self.deployments = Deployments(self._wire)
        self.chat = Chat(self._wire)
        self.tasks = Tasks(self._wire)
        self.temporary = TemporaryUploads(self._wire, transport, pace, user_agent)

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
