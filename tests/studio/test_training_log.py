"""A training's log: the place where it goes on, the lines from some time on, the time that is left."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wanctl.studio.objects import Job
from wanctl.studio.training_log import (
    LogClock,
    LogStart,
    stamp_of,
    time_left,
    training_progress,
    training_time,
    unseen,
)

LINES = st.lists(st.text(alphabet="abc", min_size=1, max_size=2), max_size=12)
LOG = (
    "2026-03-18 09:00:00,701 - INFO - data process succeeded, start to fine-tune",
    " Actual number of consumed tokens is 70560 !",
    "2026-03-18 10:30:00,341 - INFO - start to save checkpoint",
    "2026-03-18 10:40:00,341 - INFO - finetune-job succeeded",
)
SINGAPORE = timezone(timedelta(hours=8))
SENT = datetime(2026, 3, 18, 0, 58, tzinfo=UTC)
HOUR = timedelta(hours=1)


def job(status: str = "RUNNING", end: str | None = None) -> Job:
    times = {"create_time": "2026-03-18 08:58:03", "end_time": end}
    return Job.model_validate({"job_id": "ft-1", "status": status, **times})


@given(LINES, LINES)
def test_a_log_that_grew_goes_on_behind_what_was_shown(before: list[str], more: list[str]) -> None:
    assert unseen(before, before + more) == len(before)


@given(
    st.lists(st.integers(), unique=True, min_size=3), st.lists(st.integers(), unique=True), st.integers(0, 9)
)
def test_a_log_written_anew_goes_on_where_it_was(before: list[int], more: list[int], cut: int) -> None:
    shown = [f"a{one}" for one in before]
    new = [f"b{one}" for one in more]
    rewritten = ["a header", *shown[min(cut, len(shown) - 1) :], *new]
    assert rewritten[unseen(shown, rewritten) :] == new


def test_a_log_of_which_nothing_is_left_goes_on_at_the_first_difference() -> None:
    assert unseen(["a", "b", "c"], ["a", "x", "y"]) == 1
    assert unseen(["a", "b"], []) == 0
    assert unseen([], ["a"]) == 0


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("20m", 3),  # the counter's line may be as new as the next one
        ("5m", 1),
        ("2h", 4),
        ("line 3", 2),
        ("LINE 0", 4),
        ("line 99", 0),
        ("2026-03-18T10:30", 3),
        ("2026-03-18 10:30:01", 1),
        ("2026-03-18", 4),
        ("2026-03-19", 0),
        ("10:31", 1),
        ("23:00", 4),  # of the day before: it is no time yet on this one
        ("2026-03-18T02:30:00Z", 3),
        ("2026-03-18T03:30:01+01:00", 1),
    ],
)
def test_since_is_a_span_a_line_or_a_time(text: str, left: int) -> None:
    clock = LogClock.of(job("SUCCEEDED", end="2026-03-18 10:40:00"), SENT, SENT + 99 * HOUR)
    assert len(LOG) - min(LogStart.parse(text).first(LOG, clock), len(LOG)) == left


def test_while_it_trains_a_span_counts_back_from_now() -> None:
    now = SENT + timedelta(hours=2)  # 10:58 by the log
    assert LogStart.parse("20m").first(LOG[:3], LogClock.of(job(), SENT, now)) == 3
    assert LogStart.parse("30m").first(LOG[:3], LogClock.of(job(), SENT, now)) == 1
    assert LogStart.parse("20m").first(LOG[:3], LogClock()) == 1, "nobody knows: before the newest line"


def test_a_log_without_times_is_shown_whole() -> None:
    assert LogStart.parse("5m").first(("a", "b"), LogClock()) == 0


@pytest.mark.parametrize("text", ["yesterday", "20", "2026-13-18", "", "line", "line -1", "25:00", "0s"])
def test_since_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write a span, a line or a time"):
        LogStart.parse(text)


def test_the_clock_of_a_log_is_known_by_when_the_job_was_sent() -> None:
    there = datetime(2026, 3, 18, 9, 58, 3)  # noqa: DTZ001 - the service names no zone
    assert LogClock.of(job(), SENT, SENT + HOUR) == LogClock(there, 8 * HOUR)
    assert LogClock.of(job(), SENT.astimezone(SINGAPORE), SENT + HOUR).ahead == 8 * HOUR
    assert LogClock.of(job(), None, SENT) == LogClock()


def test_the_time_left_follows_from_the_pace() -> None:
    assert time_left(HOUR, 0.25) == 3 * HOUR
    assert time_left(HOUR, 1.0) == timedelta()
    assert time_left(HOUR, None) is None
    assert time_left(HOUR, 0.001) is None, "too early to tell"


def test_the_pace_is_that_of_the_training_proper() -> None:
    """A wait in the queue makes nothing slower."""
    seen = training_progress(["2026-03-18 12:58:03 - INFO - data process succeeded", LOG[1]], 4 * 70560)
    assert seen.fraction == 0.25
    time = training_time(job(), seen, SENT, SENT + 5 * HOUR)  # four in the queue, one trained
    assert (time.elapsed, time.left, time.took) == (5 * HOUR, 3 * HOUR, None)


def test_what_is_over_took_from_its_begin_to_its_end() -> None:
    ended = job("SUCCEEDED", end="2026-03-18 12:12:00")
    known = training_time(ended, training_progress(LOG, None), SENT, SENT + 9 * HOUR)
    assert (known.took, known.queued_too) == (timedelta(hours=3, minutes=12), False)
    without = training_time(ended, None, None, SENT)
    assert (without.took, without.queued_too) == (timedelta(hours=3, minutes=13, seconds=57), True)


def test_times_that_cannot_be_are_not_told() -> None:
    assert training_time(job(), None, None, SENT).elapsed is None, "no call of ours is known"
    assert training_time(job(), None, SENT, SENT - HOUR).elapsed is None, "the clock was set back"
    assert training_time(job("FAILED", end="2026-03-18 07:00:00"), None, SENT, SENT).took is None
    assert training_time(job("FAILED"), None, SENT, SENT).took is None


def test_a_stamp_is_a_time_that_there_is() -> None:
    assert stamp_of(LOG[0]) == datetime(2026, 3, 18, 9, 0)  # noqa: DTZ001 - likewise
    assert stamp_of("[2026-03-18 09:00:01] x") == datetime(2026, 3, 18, 9, 0, 1)  # noqa: DTZ001
    for line in (LOG[1], "2026-02-30 09:00:00 x", "at 2026-03-18 09:00:00", ""):
        assert stamp_of(line) is None
