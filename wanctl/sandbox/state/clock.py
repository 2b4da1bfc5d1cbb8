"""The sandbox's time: a base, a speed, and what was advanced by hand. Kept in the store, so it goes on."""

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Literal

from wanctl.sandbox.state.store import Store

ZONE = timezone(timedelta(hours=8))  # what the service's stamps are most likely in
DEFAULT_SPEED = 600.0
Speed = float | Literal["instant"]


class SandboxClock:
    """Sandbox time as a function of real time. With speed `instant` it stands still until it is advanced."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, start: datetime | None, speed: Speed) -> None:
        """The first moment; a start without a zone is in the service's."""
        first = start or _real()
        self._set(first if first.tzinfo else first.replace(tzinfo=ZONE), speed)

    @property
    def speed(self) -> Speed:
        return _speed(self._store.meta("speed"))

    def now(self) -> datetime:
        kept = self._store.metas("base", "real", "speed")
        base, speed = datetime.fromisoformat(kept["base"]), _speed(kept["speed"])
        if speed == "instant":
            return base.astimezone(ZONE)
        since = datetime.fromisoformat(kept["real"])
        return (base + (_real() - since) * speed).astimezone(ZONE)

    def advance(self, span: timedelta) -> None:
        self._set(self.now() + span, self.speed)

    def change_speed(self, speed: Speed) -> None:
        self._set(self.now(), speed)

    def _set(self, now: datetime, speed: Speed) -> None:
        if speed != "instant" and not (math.isfinite(speed) and speed > 0):
            raise ValueError(f'speed is "instant" or a number above 0, not {speed}')
        self._store.set_meta("base", now.isoformat())
        self._store.set_meta("real", _real().isoformat())
        self._store.set_meta("speed", str(speed))


def _speed(text: str | None) -> Speed:
    return "instant" if text == "instant" else float(text or DEFAULT_SPEED)


def _real() -> datetime:
    return datetime.now(UTC)
