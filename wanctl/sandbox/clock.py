"""The sandbox's time: a base, a speed, and what was advanced by hand. Kept in the store, so it goes on."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Literal

from wanctl.sandbox.store import Store

ZONE = timezone(timedelta(hours=8))  # what the service's stamps are most likely in
DEFAULT_SPEED = 600.0
Speed = float | Literal["instant"]


class SandboxClock:
    """Sandbox time as a function of real time. With speed `instant` it stands still until it is advanced."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, start: datetime | None, speed: Speed) -> None:
        self._set(start or _real(), speed)

    @property
    def speed(self) -> Speed:
        text = self._store.meta("speed") or str(DEFAULT_SPEED)
        return "instant" if text == "instant" else float(text)

    def now(self) -> datetime:
        base = datetime.fromisoformat(self._store.meta("base") or _real().isoformat())
        speed = self.speed
        if speed == "instant":
            return base.astimezone(ZONE)
        since = datetime.fromisoformat(self._store.meta("real") or _real().isoformat())
        return (base + (_real() - since) * speed).astimezone(ZONE)

    def advance(self, span: timedelta) -> None:
        self._set(self.now() + span, self.speed)

    def change_speed(self, speed: Speed) -> None:
        self._set(self.now(), speed)

    def _set(self, now: datetime, speed: Speed) -> None:
        self._store.set_meta("base", now.isoformat())
        self._store.set_meta("real", _real().isoformat())
        self._store.set_meta("speed", str(speed))


def _real() -> datetime:
    return datetime.now(UTC)
