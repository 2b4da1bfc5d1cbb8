"""Values of the service's objects, read leniently: a wrong one is nothing, an unknown one stays as it came.

Annotations for the models in `objects`. Free text loses its signed URLs here, before anybody can show them.
"""

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator

from wanctl.studio.redaction import without_queries


def _number(value: Any) -> int | None:
    """An integer however it is spelled; None for what is not a number."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        pass
    try:
        return int(float(value))
    except (TypeError, ValueError, OverflowError):
        return None


_TIME = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})[T ]+(\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,](\d{1,6}))?")


def _time(value: Any) -> datetime | None:
    """A time as it was given, without a zone: the service names none. None for what is no time."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    match = _TIME.match(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    micros = int((match[7] or "").ljust(6, "0"))
    try:
        return datetime(year, month, day, hour, minute, second, micros)  # noqa: DTZ001 - naive, as given
    except ValueError:
        return None


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int | float) else None


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(str(one) for one in value if one is not None) if isinstance(value, list | tuple) else ()


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _said(value: Any) -> str | None:
    text = _text(value)
    return without_queries(text) if text else text


def _lines(value: Any) -> tuple[str, ...]:
    return tuple(without_queries(line) for line in _texts(value))


def known(statuses: type[StrEnum]) -> BeforeValidator:
    """A status as it is spelled here, whatever its case; one that nobody knows stays as it came."""
    spelled = {status.casefold(): status for status in statuses}

    def status(value: Any) -> str:
        text = without_queries(str(value))
        return spelled.get(text.strip().casefold(), text)

    return BeforeValidator(status)


Text = Annotated[str | None, BeforeValidator(_text)]
Number = Annotated[int | None, BeforeValidator(_number)]
Time = Annotated[datetime | None, BeforeValidator(_time)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]
Said = Annotated[str | None, BeforeValidator(_said)]  # free text: shown to people, so no signed URL is in it
Lines = Annotated[tuple[str, ...], BeforeValidator(_lines)]
Table = Annotated[dict[str, Any], BeforeValidator(_table)]
