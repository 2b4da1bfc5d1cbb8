"""The events of an apply, as values, and the watchers that make them of a run.

Times are the account's, which in the sandbox run faster than the wall clock.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from wanctl.address import Address
from wanctl.plan import Action, Plan, Step, When
from wanctl.render.words import spell_took


@dataclass(frozen=True)
class Started:
    """A call is about to be made."""

    at: datetime
    address: Address
    action: Action

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S}  {self.address}  {self.action.value} …"


@dataclass(frozen=True)
class Uploaded:
    """So many bytes of a dataset were sent."""

    address: Address
    sent: int

    def __str__(self) -> str:
        return f"{self.address}  {self.sent:,} bytes sent"


@dataclass(frozen=True)
class Done:
    """A call succeeded; what it made or touched has this id."""

    at: datetime
    address: Address
    action: Action
    remote_id: str | None

    def __str__(self) -> str:
        made = f": {self.remote_id}" if self.remote_id else ""
        return f"{self.at:%H:%M:%S}  {self.address}  {self.action.value} done{made}"


@dataclass(frozen=True)
class Failed:
    """A call failed. The run goes on with what does not come after it."""

    at: datetime
    address: Address
    action: Action
    error: Exception

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S}  {self.address}  {self.action.value} failed: {self.error}"


@dataclass(frozen=True)
class Waiting:
    """The service is at work on these, and the run waits until it looks again."""

    at: datetime
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S}  waiting for {', '.join(str(step.address) for step in self.steps)}"


@dataclass(frozen=True)
class Settled:
    """The service is done with what the run waited for."""

    at: datetime
    step: Step
    lasted: timedelta | None = None  # as far as anybody knows

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S}  {self.step.address}  {spell_took(self.step, self.lasted)}"


@dataclass(frozen=True)
class Missed:
    """The account could not be read now; the run looks again later."""

    at: datetime
    error: Exception

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S}  cannot be read now, looking again later: {self.error}"


Event = Started | Uploaded | Done | Failed | Waiting | Settled | Missed
Listen = Callable[[Event], None]


@dataclass(frozen=True)
class Silent:
    """A watcher that shows nothing."""

    def started(self, at: datetime, step: Step) -> None: ...

    def uploaded(self, address: Address, sent: int) -> None: ...

    def done(self, at: datetime, step: Step, remote_id: str | None) -> None: ...

    def failed(self, at: datetime, step: Step, error: Exception) -> None: ...

    def waiting(self, at: datetime, plan: Plan) -> None: ...

    def settled(self, at: datetime, step: Step, lasted: timedelta | None) -> None: ...

    def missed(self, at: datetime, error: Exception) -> None: ...


@dataclass(frozen=True)
class EventWatcher:
    """A watcher that makes an event of everything it sees."""

    on_event: Listen

    @classmethod
    def called_here(cls, listen: Listen) -> Self:
        """`listen` is called in the event loop that runs here, from whichever thread the run is in."""
        loop = asyncio.get_running_loop()
        return cls(lambda event: _handed_over(loop, listen, event))

    def started(self, at: datetime, step: Step) -> None:
        self.on_event(Started(at, step.address, step.action))

    def uploaded(self, address: Address, sent: int) -> None:
        self.on_event(Uploaded(address, sent))

    def done(self, at: datetime, step: Step, remote_id: str | None) -> None:
        self.on_event(Done(at, step.address, step.action, remote_id))

    def failed(self, at: datetime, step: Step, error: Exception) -> None:
        self.on_event(Failed(at, step.address, step.action, error))

    def waiting(self, at: datetime, plan: Plan) -> None:
        self.on_event(Waiting(at, tuple(step for step in plan.steps if step.when is When.SERVICE)))

    def settled(self, at: datetime, step: Step, lasted: timedelta | None) -> None:
        self.on_event(Settled(at, step, lasted))

    def missed(self, at: datetime, error: Exception) -> None:
        first = error.exceptions[0] if isinstance(error, ExceptionGroup) else error
        self.on_event(Missed(at, first))


def _handed_over(loop: asyncio.AbstractEventLoop, listen: Listen, event: Event) -> None:
    loop.call_soon_threadsafe(listen, event)
