"""Values of the YAML files that people write, wherever such a file is read: strict, with errors in words."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict
from pydantic.json_schema import WithJsonSchema

LARGEST = 10**12  # of whole numbers: beyond all that is meant, and still small enough to calculate with
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_MONEY = re.compile(r"(?P<amount>\d{1,12}(?:\.\d{1,12})?)\s*(?P<currency>[A-Z]{3})")
MONEY_PATTERN = r"^\d+(\.\d+)?\s*[A-Z]{3}$"


class Model(BaseModel):
    """The base of all models: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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


def _spell_number(value: Any) -> Any:
    """2e-5 is text to YAML 1.1, which wants a dot in it; people mean the number."""
    return float(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value


def _check_size(value: int) -> int:
    if value > LARGEST:
        raise ValueError(f"must be at most {LARGEST:,}")
    return value


String = Annotated[str, Strict(), Field(min_length=1)]
Flag = Annotated[bool, Strict()]
Whole = Annotated[int, Strict()]
Positive = Annotated[int, Strict(), Field(ge=1), AfterValidator(_check_size)]
Number = Annotated[float, BeforeValidator(_spell_number), Strict(), Field(allow_inf_nan=False)]
Amount = Annotated[
    Money, BeforeValidator(parse_money), WithJsonSchema({"type": "string", "pattern": MONEY_PATTERN})
]
