"""The ledger's record while an apply runs: changes of steps that run side by side are saved together.

A store may be a push over a slow line away, so that a save is made off the event loop, one at a time, and
what is to be saved meanwhile goes into the next one as a whole. Nobody goes on before its own change is
saved: no call is made before its intent is written. Used by `book`.
"""

import asyncio
from collections.abc import Callable

from wanctl.ledger.record import Record

Change = Callable[[Record], Record]


class RecordWriter:
    """Guards one thing: `record` is what the store last saved, and nothing that could not be."""

    def __init__(self, write: Callable[[Record], Record], record: Record) -> None:
        self.record = record
        self._write = write
        self._waiting: list[tuple[Change, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def save(self, change: Change) -> None:
        """Returns once the record is saved with this change; raises what kept it from being saved."""
        saved: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((change, saved))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all())
        await saved

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                together, self._waiting = self._waiting, []
                await self._write_together(together)
        finally:
            self._writer = None

    async def _write_together(self, together: list[tuple[Change, asyncio.Future[None]]]) -> None:
        failure: BaseException | None = None
        try:
            record = self.record
            for change, _ in together:
                record = change(record)
            if record is not self.record:
                self.record = await asyncio.to_thread(self._write, record)
        except BaseException as error:  # noqa: BLE001 - whoever waits for it raises it
            failure = error
        for _, saved in together:
            if saved.done():
                continue  # who waited was canceled
            if failure:
                saved.set_exception(failure)
            else:
                saved.set_result(None)
