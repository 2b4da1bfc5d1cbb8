"""Cron expressions and time zones of `windows:`, checked as they are read."""

from datetime import UTC, datetime

from wanctl.base.words import did_you_mean

_FIELDS = 5


def check_cron(expression: str) -> str:
    """Five fields that come to pass at least once; ValueError says what is wrong."""
    from cronsim import CronSim, CronSimError

    if len(expression.split()) != _FIELDS:
        raise ValueError("must be a cron expression of five fields, as in 0 16 * * FRI")
    try:
        next(CronSim(expression, datetime.now(UTC)))
    except CronSimError as error:
        raise ValueError(f"must be a cron expression, as in 0 16 * * FRI ({str(error).lower()})") from None
    except StopIteration:
        raise ValueError("must be a time that comes to pass") from None
    return expression


def check_zone(name: str) -> str:
    """A zone of the time zone database."""
    from zoneinfo import ZoneInfo, available_timezones

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        near = did_you_mean(name, sorted(available_timezones()))
        raise ValueError(f"must be a time zone, as in {near or 'Europe/Berlin'}") from None
    return name
