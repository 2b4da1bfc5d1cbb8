"""Whether something may be applied now, by the `windows:` of wanctl.yaml. Pure: the time is passed in.

A window begins when its cron expression comes to pass on the clock of its zone, and lasts as a stopwatch
tells it. On the day when clocks go forward, a time that does not exist is taken as the next one that does;
on the day when they go back, a time that comes twice counts once, and every hour counts each time: so
Debian's cron does it, and cronsim after it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from wanctl.language.settings import Window

LOOKED_AHEAD = 100  # beginnings and ends: more would be a window that hardly ever changes anything


@dataclass(frozen=True)
class Verdict:
    """May something be applied, and why not."""

    open: bool
    why: str = ""


def judge(windows: Sequence[Window], now: datetime) -> Verdict:
    """Deny wins; with allows, only inside one of them; with denies alone, everywhere else."""
    denying = next((one for one in windows if one.deny and holds(one, now)), None)
    if denying:
        return Verdict(False, f"a window of {_spell(denying)} denies it")
    allowing = [one for one in windows if one.allow]
    if allowing and not any(holds(one, now) for one in allowing):
        return Verdict(False, f"it is allowed in a window of {' or '.join(map(_spell, allowing))} only")
    return Verdict(True)


def next_change(windows: Sequence[Window], now: datetime) -> datetime | None:
    """When the verdict will be another one; None where that is not in sight."""
    is_open = judge(windows, now).open
    return next((at for at in _edges(windows, now) if judge(windows, at).open is not is_open), None)


def holds(window: Window, now: datetime) -> bool:
    """The window began less than its duration ago."""
    begun = next(_beginnings(window, now - timedelta(seconds=window.duration)), None)
    return begun is not None and begun <= now


def _spell(window: Window) -> str:
    hours, minutes = divmod(round(window.duration / 60), 60)
    lasting = " ".join(
        part for part in (f"{hours} h" if hours else "", f"{minutes} min" if minutes else "") if part
    )
    return f'"{window.allow or window.deny}" for {lasting or "seconds"} in {window.timezone}'


def _edges(windows: Sequence[Window], now: datetime) -> Iterator[datetime]:
    """When a window begins or ends, in order, as far as it is worth looking."""
    at = now
    for _ in range(LOOKED_AHEAD):
        ahead = [edge for window in windows for edge in _next_edges(window, at)]
        if not ahead:
            return
        at = min(ahead)
        yield at


def _next_edges(window: Window, after: datetime) -> Iterator[datetime]:
    """The next beginning, and the next end, of one window."""
    lasting = timedelta(seconds=window.duration)
    if begins := next(_beginnings(window, after), None):
        yield begins
    if begun := next(_beginnings(window, after - lasting), None):
        yield begun + lasting


def _beginnings(window: Window, after: datetime) -> Iterator[datetime]:
    """Strictly after a moment, in UTC. A local time that comes twice may be found again: it is left out."""
    from zoneinfo import ZoneInfo

    from cronsim import CronSim

    after = after.astimezone(UTC)
    for found in CronSim(window.allow or window.deny or "", after.astimezone(ZoneInfo(window.timezone))):
        begins = found.astimezone(UTC)
        if begins > after:
            yield begins
