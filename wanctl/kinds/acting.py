"""How an effect is carried out: what it is given and what it leaves behind. The engine calls through it."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from wanctl.address import Address
from wanctl.ledger.record import Entry, Generation
from wanctl.plan import Effect

if TYPE_CHECKING:
    from wanctl.generation.judge import Judge, Score
    from wanctl.studio.client import Studio
    from wanctl.studio.errors import StudioError
    from wanctl.studio.reading import Answer


class Overtaken(Exception):  # noqa: N818 - it is a state of the world, not a fault
    """The account is not any more as the step was planned on; nothing was called, and it is planned again."""


class RefusedForNow(Exception):  # noqa: N818 - the service says so, and it is kept in the ledger
    """The service refused the call, as `error` says; `entry` remembers that, and it is not asked again."""

    def __init__(self, error: "StudioError", entry: Entry) -> None:
        super().__init__(str(error))
        self.error = error
        self.entry = entry


@dataclass(frozen=True)
class CallResult:
    """The result of a call: the ledger's new entry for the address, and the ids to quote."""

    entry: Entry | None
    remote_id: str | None = None
    request_id: str | None = None
    note: str | None = None
    said: str | None = None  # what a person is told of it, where the id says too little
    moved_from: Address | None = None  # the entry is that of another address, which loses it


# the judge, the task of the video, its first frame, the caption → the scores
AskJudge = Callable[["Judge", str, Path, str], Awaitable["Answer[tuple[Score, ...]]"]]


@dataclass(frozen=True)
class Tools:
    """All that an effect works with. The clock is the project's; nothing here is global."""

    studio: "Studio"
    now: Callable[[], datetime]
    archive: Callable[[Address, str], AbstractAsyncContextManager[Path]]  # of that digest
    uploaded: Callable[[Address, int], None]
    entry: Entry  # the ledger's entry of the address, as it stands now
    scored: AskJudge

    def generation(self, remote_id: str, identity: str, inputs: dict[str, Any]) -> Generation:
        return Generation(remote_id=remote_id, identity=identity, inputs=inputs, since=self.now())


@runtime_checkable
class Act(Effect, Protocol):
    """An effect that can be carried out."""

    async def perform(self, tools: Tools) -> CallResult:
        """Make the call, once."""


@dataclass(frozen=True)
class OnRemote:
    """The base of the effects that act on one object which is there already."""

    address: Address
    remote_id: str

    @property
    def identity(self) -> str:
        return self.remote_id

    def inputs(self) -> dict[str, Any]:
        return {"remote_id": self.remote_id}
