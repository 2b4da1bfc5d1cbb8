"""An embedded Model Studio: no key, no network, no bill. It imports nothing of wanctl.

    sandbox = Sandbox.open(Path(".wanctl/sandbox"), speed=600)
    transport = httpx.ASGITransport(app=sandbox.app)

State is in SQLite, so it lasts across commands; statuses follow from timestamps and the sandbox's clock,
so nothing runs in the background.
"""

from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from wanctl.sandbox.state.store import DEFAULT_SPEED, RequestLine, SandboxClock, Store

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from wanctl.sandbox.service import Service

__all__ = ["RequestLine", "Sandbox"]


class Sandbox:
    """One account in one folder."""

    def __init__(self, store: Store, clock: SandboxClock) -> None:
        self._store = store
        self._clock = clock

    @classmethod
    def open(
        cls,
        state_dir: Path,
        *,
        speed: float | Literal["instant"] | None = None,
        seed: int | None = None,
        start: datetime | None = None,
        strict: bool | None = None,
        trains_at_once: int | None = None,
    ) -> "Sandbox":
        """Open or make the account. What it was made with stays, but for speed, strictness and the last one.

        speed: sandbox seconds for a real one, or "instant": the clock moves only when it is advanced.
        seed: every id follows from it; start: the clock's first moment. With both, runs are alike.
        strict: whether it refuses what the documents refuse, also where they only demand something.
        trains_at_once: how many jobs train side by side, of those that are created from now on.
        """
        if trains_at_once is not None and trains_at_once < 1:
            raise ValueError(f"trains_at_once is at least 1, not {trains_at_once}")
        state_dir.mkdir(parents=True, exist_ok=True)
        store = Store(state_dir)
        clock = SandboxClock(store)
        with store.write():
            if store.meta("made") is None:
                store.set_meta("made", "1")
                store.set_meta("seed", "" if seed is None else str(seed))
                clock.begin(start, DEFAULT_SPEED if speed is None else speed)
            elif speed is not None and speed != clock.speed:
                clock.change_speed(speed)
            if strict is not None and (store.meta("strict") != "no") is not strict:
                store.set_meta("strict", "yes" if strict else "no")
            if trains_at_once is not None and store.meta("trains_at_once") != str(trains_at_once):
                store.set_meta("trains_at_once", str(trains_at_once))
        return cls(store, clock)

    @cached_property
    def _service(self) -> "Service":
        from wanctl.sandbox.service import Service

        return Service(self._store, self._clock)

    @cached_property
    def app(self) -> "Starlette":
        """The ASGI application."""
        from wanctl.sandbox.api.app import make_app

        return make_app(self._service)

    @property
    def speed(self) -> float | Literal["instant"]:
        return self._clock.speed

    def now(self) -> datetime:
        """The account's time, in the zone of the service's stamps."""
        return self._clock.now()

    def advance(self, span: timedelta) -> None:
        """Move the clock."""
        with self._store.write():
            self._clock.advance(span)

    def status(self) -> dict[str, Any]:
        """The objects of the account, and how far each is."""
        from wanctl.sandbox.api.admin import summarize

        return summarize(self._service)

    def requests(self) -> list[RequestLine]:
        """Every request that was answered, in order."""
        return self._store.requests()

    def faults(self) -> list[dict[str, Any]]:
        """The rules of faults, how many calls came by each, and how often it fired."""
        return [standing.as_json() for standing in self._service.faults.all()]

    def add_fault(self, kind: str, **asked: Any) -> str:
        """A rule of `wanctl.sandbox.faults.rules`; its id. A ValueError says what is wrong with it."""
        return self._service.faults.add({"kind": kind, **asked}).id

    def clear_faults(self, identifier: str | None = None) -> int:
        """Take a rule back, or all of them; how many there were."""
        return self._service.faults.clear(identifier)

    def reset(self) -> None:
        """Empty the account; time, speed and seed go on."""
        with self._store.write():
            self._store.clear()

    def close(self) -> None:
        self._store.close()
