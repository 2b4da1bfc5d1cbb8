"""The time of the account. The engine never asks the machine for it: it is passed in."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The wall clock, or the sandbox's."""

    def now(self) -> datetime: ...

    async def sleep(self, seconds: float) -> None: ...
