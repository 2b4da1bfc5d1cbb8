"""When something may be applied: deny wins, allows bound, and clocks that change lose or double no window."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wanctl.engine.windows import holds, judge, next_change
from wanctl.language.settings import Window

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
CRONS = st.sampled_from(
    [
        "0 9 * * MON-FRI",
        "30 2 * * *",
        "0 2,3 * * *",
        "*/20 * * * *",
        "15 * * * SUN",
        "0 0 1 * *",
        "0 22 * 3,10 *",
    ]
)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(  # noqa: DTZ001 - made aware here
    lambda one: one.replace(tzinfo=UTC, microsecond=0)
)
# Around the nights when clocks change, in all of those zones.
NIGHTS = st.builds(
    lambda day, minutes: datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(minutes=minutes),
    st.sampled_from(["2026-03-08", "2026-03-29", "2026-04-05", "2026-10-04", "2026-10-25", "2026-11-01"]),
    st.integers(-1440, 2880),
)
DURATIONS = st.sampled_from(["10m", "1h", "4h", "64h"])


def window(kind: str, cron: str, duration: str, zone: str = "UTC") -> Window:
    return Window.model_validate({kind: cron, "duration": duration, "timezone": zone})


WINDOWS = st.builds(window, st.sampled_from(["allow", "deny"]), CRONS, DURATIONS, ZONES)


def at(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).astimezone(UTC)


def test_without_windows_everything_is_open() -> None:
    assert judge((), at("2026-03-18 12:00")).open


def test_a_deny_closes_from_its_beginning_to_just_before_its_end() -> None:
    friday = (window("deny", "0 16 * * FRI", "64h", "Europe/Berlin"),)
    assert judge(friday, at("2026-03-20 15:59:59")).open
    closed = judge(friday, at("2026-03-20 16:00"))
    assert not closed.open
    assert '"0 16 * * FRI"' in closed.why
    assert next_change(friday, at("2026-03-20 16:00")) == at("2026-03-23 08:00")
    assert not judge(friday, at("2026-03-23 07:59:59")).open
    assert judge(friday, at("2026-03-23 08:00")).open


def test_allows_bound_and_deny_wins() -> None:
    both = (window("allow", "0 9 * * MON-FRI", "8h"), window("deny", "0 12 * * *", "1h"))
    noon = datetime(2026, 3, 18, 12, 30, tzinfo=UTC)
    assert judge(both, noon.replace(hour=10)).open
    assert next_change(both, noon.replace(hour=10)) == noon.replace(minute=0)
    assert not judge(both, noon).open
    assert next_change(both, noon) == noon.replace(hour=13, minute=0)
    assert not judge(both, noon.replace(hour=18)).open
    assert not judge(both, noon.replace(day=21)).open  # a Saturday
    assert next_change(both, noon.replace(day=21)) == datetime(2026, 3, 23, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "inside"),
    [
        ("2026-03-29 01:59", False),
        ("2026-03-29 03:00", True),  # 02:30 does not exist: the next time that does
        ("2026-03-29 03:59", True),
        ("2026-03-29 04:00", False),
    ],
)
def test_a_beginning_that_the_clock_leaps_over(moment: str, inside: bool) -> None:
    assert holds(window("deny", "30 2 * * *", "1h", "Europe/Berlin"), at(moment)) is inside


@pytest.mark.parametrize(
    ("moment", "fold", "inside"),
    [
        ("2026-10-25 02:29", 0, False),
        ("2026-10-25 02:30", 0, True),
        ("2026-10-25 02:29", 1, True),
        ("2026-10-25 02:30", 1, False),  # the second 02:30: the window is over, and does not begin again
        ("2026-10-25 02:45", 1, False),
        ("2026-10-25 03:15", 0, False),  # an hour ago it was 02:15, for the second time
    ],
)
def test_a_beginning_that_comes_twice_counts_once(moment: str, fold: int, inside: bool) -> None:
    assert holds(window("deny", "30 2 * * *", "1h", "Europe/Berlin"), at(moment, fold=fold)) is inside


def test_it_lasts_as_a_stopwatch_tells_it() -> None:
    night = window("deny", "0 0 * * *", "4h", "Europe/Berlin")
    assert holds(night, at("2026-03-29 04:59"))  # an hour was left out
    assert not holds(night, at("2026-03-29 05:00"))
    assert holds(night, at("2026-10-25 02:59", fold=1))  # an hour came twice
    assert not holds(night, at("2026-10-25 03:00"))


@given(st.lists(WINDOWS, max_size=3), MOMENTS | NIGHTS)
def test_it_changes_when_it_says_and_not_before(windows: list[Window], now: datetime) -> None:
    before, until = judge(windows, now).open, next_change(windows, now)
    if until is None:
        return
    assert until > now
    assert judge(windows, until).open is not before
    assert judge(windows, until - timedelta(seconds=1)).open is before
    assert judge(windows, now + (until - now) / 2).open is before


@given(st.lists(WINDOWS, max_size=3), WINDOWS, MOMENTS | NIGHTS)
def test_one_more_deny_opens_nothing(windows: list[Window], more: Window, now: datetime) -> None:
    if more.deny and not judge(windows, now).open:
        assert not judge([*windows, more], now).open


@given(CRONS, DURATIONS, ZONES, MOMENTS | NIGHTS)
def test_allow_and_deny_are_opposites(cron: str, duration: str, zone: str, now: datetime) -> None:
    allow, deny = (window(kind, cron, duration, zone) for kind in ("allow", "deny"))
    assert judge([allow], now).open is not judge([deny], now).open
