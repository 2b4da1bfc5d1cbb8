"""When the accounts are read for a round of many: once all who take part have read their own ledger."""

import asyncio
import time


class Gathering:
    """Whoever comes later than its patience is told a later moment; the others do not wait for it."""

    def __init__(self, expected: int, patience: float) -> None:
        self._missing = expected
        self._until = time.monotonic() + patience
        self._all_here = asyncio.Event()
        self._moment: float | None = None
        if not expected:
            self._all_here.set()

    def leave(self) -> None:
        """One who came to nothing."""
        self._missing -= 1
        if self._missing <= 0:
            self._all_here.set()

    async def arrive(self) -> float:
        """The moment from which on the lists are to be read: no earlier than what the ledger said."""
        if self._moment is not None:
            return time.monotonic()
        self.leave()
        try:
            async with asyncio.timeout(max(self._until - time.monotonic(), 0)):
                await self._all_here.wait()
        except TimeoutError:
            self._all_here.set()
        if self._moment is None:
            self._moment = time.monotonic()
        return self._moment
