"""Values of the YAML files that people write, wherever such a file is read: strict, with errors in words."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict
from pydantic.annotated_handlers import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue, WithJsonSchema
from pydantic_core import CoreSchema

LARGEST = 10**12  # of whole numbers: beyond all that is meant, and still small enough to calculate with
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_MONEY = re.compile(r"(?P<amount>\d{1,12}(?:\.\d{1,12})?)\s*(?P<currency>[A-Z]{3})")
_DURATION = re.compile(
    r"(?:(?P<d>\d{1,5})d)?(?:(?P<h>\d{1,6})h)?(?:(?P<m>\d{1,6})m)?"
    r"(?:(?P<s>\d{1,9}(?:\.\d{1,3})?)s)?(?:(?P<ms>\d{1,6})ms)?"
)
DURATION_PATTERN = r"^(\d+d)?(\d+h)?(\d+m)?(\d+(\.\d+)?s)?(\d+ms)?$"
MONEY_PATTERN = r"^\d+(\.\d+)?\s*[A-Z]{3}$"


class Model(BaseModel):
    """The base of all models: frozen, and an unknown key is an error. Each is built when it is first used: a
    model that is a field's default is constructed, for it would be built with its module."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class FromFile:
    """Marks a text that may come from a file: {file: path}. Resolved before the model sees it."""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        file = {
            "type": "object",
            "properties": {"file": {"type": "string", "description": "A UTF-8 file, relative to this one."}},
            "required": ["file"],
            "additionalProperties": False,
        }
        return {"anyOf": [handler(core), file]}


@dataclass(frozen=True)
class Money:
    """An amount with its currency; amounts of different currencies are never added."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


def parse_money(text: Any) -> Money:
    """An amount from 60 USD; ValueError says the form."""
    if isinstance(text, Money):
        return text
    match = _MONEY.fullmatch(text.strip()) if isinstance(text, str) else None
    if not match:
        raise ValueError('must be an amount with its currency, as in "60 USD"')
    return Money(Decimal(match["amount"]), match["currency"])


def parse_duration(text: object, *, none: bool = False) -> float:
    """Seconds from 30s, 2m, 1h30m, 2d or 500ms, and from 0s where `none` may be; ValueError says the form."""
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if not match or not text:
        raise ValueError("must be a duration, as in 30s, 2m or 1h30m")
    hours = int(match["d"] or 0) * 24 + int(match["h"] or 0)
    seconds = hours * 3600 + int(match["m"] or 0) * 60 + float(match["s"] or 0) + int(match["ms"] or 0) / 1000
    if seconds <= 0 and not none:
        raise ValueError("must be longer than nothing")
    return seconds


def _duration(value: Any) -> float:
    return value if isinstance(value, float) else parse_duration(value)


def _span(value: Any) -> float:
    return parse_duration(value, none=True)


def _spell_number(value: Any) -> Any:
    """2e-5 is text to YAML 1.1, which wants a dot in it; people mean the number."""
    return float(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value


def _check_size(value: int) -> int:
    if value > LARGEST:
        raise ValueError(f"must be at most {LARGEST:,}")
    return value


def _check_identifier(value: str) -> str:
    if not _IDENTIFIER.fullmatch(value) or ".." in value:
        raise ValueError("must be an identifier of the service: letters, digits and . _ : -")
    return value


String = Annotated[str, Strict(), Field(min_length=1)]
Identifier = Annotated[str, Strict(), AfterValidator(_check_identifier)]
Flag = Annotated[bool, Strict()]
Whole = Annotated[int, Strict()]
Positive = Annotated[int, Strict(), Field(ge=1), AfterValidator(_check_size)]
Number = Annotated[float, BeforeValidator(_spell_number), Strict(), Field(allow_inf_nan=False)]
_DURATION_SCHEMA = WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN})
Duration = Annotated[float, BeforeValidator(_duration), _DURATION_SCHEMA]
Span = Annotated[float, BeforeValidator(_span), _DURATION_SCHEMA]  # a duration that may be 0s
Amount = Annotated[
    Money, BeforeValidator(parse_money), WithJsonSchema({"type": "string", "pattern": MONEY_PATTERN})
]
