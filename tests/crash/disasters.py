"""What may happen to a run, and the hooks that bring it about: set in a forked child, never in the product.

A run is a line of moments: each HTTP call, each replacement of one of the ledger's two files.
"""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any
from unittest import mock

import httpx

from tests.crash import others
from wanctl.ledger.backends.backend import Blob
from wanctl.ledger.backends.file import FileBackend
from wanctl.ledger.backends.git import GitBackend
from wanctl.ledger.backends.kube import KubeBackend
from wanctl.ledger.backends.object import ObjectBackend
from wanctl.sandbox import Sandbox


class Kind(StrEnum):
    """The two sorts of moments."""

    CALL = "call"
    WRITE = "write"


@dataclass(frozen=True)
class Moment:
    """The n-th call, or the n-th write to the ledger, of a run."""

    kind: Kind
    number: int  # from 1
    what: str  # "POST /api/v1/fine-tunes", "ledger", "lease"
    time: int = 1  # of this very call or write in the run

    @property
    def changes_something(self) -> bool:
        return not self.what.startswith("GET ") or "/export/" in self.what


@dataclass(frozen=True)
class Disaster:
    """What happens at a moment."""

    name: str
    fault: dict[str, Any] | None = field(default=None, hash=False)  # for the sandbox; else it is a hook's

    def __str__(self) -> str:
        return self.name


_FAULTS: dict[str, dict[str, Any]] = {
    "killed before the effect": {"kind": "kill", "when": "before"},
    "killed after the effect": {"kind": "kill", "when": "after"},
    "latency before": {"kind": "latency", "when": "before", "seconds": 0.01},
    "latency after": {"kind": "latency", "when": "after", "seconds": 0.01},
    "throttled": {"kind": "throttled"},
    "quota": {"kind": "quota"},
    "500 before": {"kind": "status", "status": 500, "when": "before"},
    "500 after": {"kind": "status", "status": 500, "when": "after"},
    "503 before": {"kind": "status", "when": "before"},
    "503 after": {"kind": "status", "when": "after"},
    "reset before": {"kind": "reset", "when": "before"},
    "reset after": {"kind": "reset", "when": "after"},
    "timeout before": {"kind": "timeout", "when": "before"},
    "timeout after": {"kind": "timeout", "when": "after"},
    "truncated": {"kind": "truncated"},
    "empty before": {"kind": "empty", "when": "before"},
    "empty after": {"kind": "empty", "when": "after"},
}
_DOWN = Disaster("down for good", {"kind": "status", "count": "all"})  # this call, each time from now on
AT_CALLS = (
    Disaster("killed unsent"),
    Disaster("killed once answered"),
    *(Disaster(name, rule) for name, rule in _FAULTS.items()),
    _DOWN,
)
_HALF_WRITTEN = Disaster("killed half written")
_ROBBED_ONLY = Disaster("robbed of the lease")
ROBBED = {
    _ROBBED_ONLY: others.take_over,
    Disaster("robbed and written"): others.take_over_and_write,
}
RACED = Disaster("written by another")
AT_PAPERS = (Disaster("killed unwritten"), _HALF_WRITTEN, Disaster("killed once written"), *ROBBED, RACED)


@dataclass(frozen=True)
class Point:
    """One disaster at one moment."""

    moment: Moment
    disaster: Disaster

    @property
    def kills(self) -> bool:
        return self.disaster.name.startswith("killed")

    def __str__(self) -> str:
        return f"{self.disaster.name} · {self.moment.kind} {self.moment.number} {self.moment.what}"


def points(moments: list[Moment], *, single: bool) -> Iterator[Point]:
    """`single`: the place swaps one object at a time. Then a write has no middle; and between the look at the
    lease and the swap of the ledger, another run is noticed by what it wrote only: without that it called
    nothing."""
    for moment in moments:
        for disaster in AT_CALLS if moment.kind is Kind.CALL else AT_PAPERS:
            if not (moment.kind is Kind.WRITE and _idle(disaster, moment, single=single)):
                yield Point(moment, disaster)


def _idle(disaster: Disaster, moment: Moment, *, single: bool) -> bool:
    """Nothing follows from it at this write."""
    if disaster is _HALF_WRITTEN:
        return single or "given back" in moment.what
    if disaster in ROBBED:
        return moment.what != Blob.RECORD or (single and disaster is _ROBBED_ONLY)
    return False


class Hooks:
    """Counts the moments of this process's one run, and brings about what is meant at the point."""

    def __init__(self, folder: Path, point: Point | None = None) -> None:
        self.moments: list[Moment] = []
        self._folder = folder
        self._point = point
        self._others = False  # it is another run that writes just now

    def arrange(self, sandbox: Sandbox) -> None:
        """Faults are counted by the sandbox itself."""
        sandbox.clear_faults()
        if self._point and self._point.disaster.fault:
            moment = self._point.moment
            nth: dict[str, Any] = {"nth": moment.number}
            if self._point.disaster is _DOWN:
                method, path = moment.what.split(" ")
                nth = {"nth": moment.time, "method": method, "path": path}
            sandbox.add_fault(**nth, **self._point.disaster.fault)

    def install(self) -> None:
        hooks, fsync, push = self, os.fsync, GitBackend._push

        class Transport(httpx.ASGITransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                moment = hooks.meet(Kind.CALL, f"{request.method} {request.url.path}")
                hooks.die("killed unsent", moment)
                response = await super().handle_async_request(request)
                await response.aread()
                hooks.die("killed once answered", moment)
                return response

        def flushed(handle: int) -> None:
            fsync(handle)
            hooks.die("killed half written", hooks.moments[-1])

        def pushed(backend: Any, expected: Any, commit: str) -> None:
            hooks.die("killed half written", hooks.moments[-1])
            push(backend, expected, commit)

        mock.patch("wanctl.project.provider.httpx.ASGITransport", Transport).start()
        for backend in (FileBackend, GitBackend, ObjectBackend, KubeBackend):
            mock.patch.object(backend, "replace", self._watched(backend.replace)).start()
        mock.patch("wanctl.base.files.os.fsync", flushed).start()
        mock.patch("wanctl.ledger.backends.git.GitBackend._push", pushed).start()

    def _watched(self, replace: Callable[..., None]) -> Callable[..., None]:
        """Each write to the ledger, in whatever store."""
        hooks = self

        def replaced(backend: Any, seen: Any, blob: Any, text: str | None, why: str) -> None:
            if hooks._others:
                replace(backend, seen, blob, text, why)
                return
            moment = hooks.meet(Kind.WRITE, f"{blob}{'' if text else ' given back'}")
            hooks.die("killed unwritten", moment)
            hooks.meddle(moment, blob)
            replace(backend, seen, blob, text, why)
            hooks.die("killed once written", moment)

        return replaced

    def meddle(self, moment: Moment, blob: Blob) -> None:
        """Another run comes in between."""
        meant = self._point if self._point and self._point.moment == moment else None
        meddler = {**ROBBED, RACED: others.write}.get(meant.disaster) if meant else None
        if meddler:
            self._others = True
            meddler(self._folder, blob)
            self._others = False

    def meet(self, kind: Kind, what: str) -> Moment:
        number = 1 + sum(moment.kind is kind for moment in self.moments)
        time = 1 + sum((moment.kind, moment.what) == (kind, what) for moment in self.moments)
        moment = Moment(kind, number, what, time)
        self.moments.append(moment)
        return moment

    def die(self, name: str, moment: Moment) -> None:
        point = self._point
        if point is None or point.disaster.name != name or point.disaster.fault or self._others:
            return
        if (point.moment.kind, point.moment.number) == (moment.kind, moment.number):
            os.kill(os.getpid(), signal.SIGKILL)
