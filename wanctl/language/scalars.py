"""The scalars of wanctl.yaml: durations, amounts, cron expressions, addresses. ValueError says the form."""

import re
from datetime import UTC, datetime
from math import inf
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Strict

from wanctl.address import Kind
from wanctl.base.values import String
from wanctl.base.words import did_you_mean
from wanctl.language.fields import check_name
from wanctl.ledger.location import parse_location

_CRON_FIELDS = 5


def _check_url(url: str) -> str:
    if not re.match(r"https?://[^/\s]", url):
        raise ValueError("must be a URL, as in https://dashscope-intl.aliyuncs.com")
    return url


def _check_ledger(ledger: str) -> str:
    parse_location(ledger)
    return ledger


def _check_scalar(value: Any) -> Any:
    if not isinstance(value, str | int | float | bool):
        raise ValueError("must be text, a number, or true or false")  # noqa: TRY004 - pydantic turns ValueError into a finding
    return value


def _check_speed(value: Any) -> Any:
    if value == "instant" or (
        isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < inf
    ):
        return value
    raise ValueError("must be a number above 0, or instant")


def _check_url_env(name: str) -> str:
    if not re.fullmatch(r"WANCTL_NOTIFY_[A-Z0-9_]+", name):
        raise ValueError("must be an environment variable whose name begins with WANCTL_NOTIFY_")
    return name


def _check_address(text: str) -> str:
    kind, slash, name = text.partition("/")
    if not slash:
        raise ValueError("must be Kind/name, as in FineTune/money-rain")
    if kind not in list(Kind):
        near = did_you_mean(kind, list(Kind))
        hint = f"did you mean {near}/{name}?" if near else f"the kinds are {', '.join(Kind)}"
        raise ValueError(f"names no kind that there is: {hint}")
    try:
        check_name(name)
    except ValueError as error:
        raise ValueError(f"has a name that nothing can have: it {error}") from None
    return text


def _check_start(start: datetime | None) -> datetime | None:
    return start.replace(tzinfo=UTC) if start and start.tzinfo is None else start


def _check_cron(expression: str) -> str:
    """Five fields that come to pass at least once; ValueError says what is wrong."""
    from cronsim import CronSim, CronSimError

    if len(expression.split()) != _CRON_FIELDS:
        raise ValueError("must be a cron expression of five fields, as in 0 16 * * FRI")
    try:
        next(CronSim(expression, datetime.now(UTC)))
    except CronSimError as error:
        raise ValueError(f"must be a cron expression, as in 0 16 * * FRI ({str(error).lower()})") from None
    except StopIteration:
        raise ValueError("must be a time that comes to pass") from None
    return expression


def _check_zone(name: str) -> str:
    """A zone of the time zone database."""
    from zoneinfo import ZoneInfo, available_timezones

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        near = did_you_mean(name, sorted(available_timezones()))
        raise ValueError(f"must be a time zone, as in {near or 'Europe/Berlin'}") from None
    return name


Cron = Annotated[str, Strict(), AfterValidator(_check_cron)]
Zone = Annotated[str, Strict(), AfterValidator(_check_zone)]
EnvironmentName = Annotated[str, Strict(), AfterValidator(_check_url_env)]
Scalar = str | int | float | bool
Var = Annotated[Scalar, BeforeValidator(_check_scalar)]
Speed = Annotated[float | Literal["instant"], BeforeValidator(_check_speed)]
Url = Annotated[String, AfterValidator(_check_url)]
LedgerPlace = Annotated[String, AfterValidator(_check_ledger)]
Start = Annotated[datetime | None, AfterValidator(_check_start)]
AddressText = Annotated[str, Strict(), AfterValidator(_check_address)]
