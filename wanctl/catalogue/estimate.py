"""What a step of a plan costs; and a training before it runs, purely by clips, hyper-parameters and price.

tokens = Σ min(cap, round(seconds)) × max_pixels / 1024 × n_epochs. Two things about it are not documented,
so the result is a range: how halves are rounded (the documents show both 6.5 → 7 and 11.5 → 11), and
whether the clips that are split off for previews are billed.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from wanctl.catalogue.base_models import Catalogue, Price

PIXELS_PER_TOKEN = 1024  # for each second and epoch


@dataclass(frozen=True)
class Cost:
    """The cost of a training: a range before it runs, the billed figure after; or of the videos of checks
    and the verdicts on them. None means unknown."""

    tokens: tuple[int, int] | None
    amount: tuple[Decimal, Decimal] | None
    currency: str | None
    basis: str
    billed_tokens: int | None = None
    billed_amount: Decimal | None = None
    videos: int | None = None  # of checks: so many are still to be asked for
    verdicts: int | None = None  # of checks: so many are still to be judged

    @property
    def of_checks(self) -> bool:
        return self.videos is not None or self.verdicts is not None

    def as_json(self) -> dict[str, Any]:
        return {
            "tokens": list(self.tokens) if self.tokens else None,
            "amount": [str(amount) for amount in self.amount] if self.amount else None,
            "currency": self.currency,
            "basis": self.basis,
            "billed_tokens": self.billed_tokens,
            "billed_amount": None if self.billed_amount is None else str(self.billed_amount),
            **({} if self.videos is None else {"videos": self.videos}),
            **({} if self.verdicts is None else {"verdicts": self.verdicts}),
        }


@dataclass(frozen=True)
class TrainingEstimate:
    """Least and most; None is unknown, and never means nothing."""

    tokens: tuple[int, int] | None
    amount: tuple[Decimal, Decimal] | None
    currency: str | None
    basis: str
    price: Price | None = None

    def amount_of(self, tokens: int) -> Decimal | None:
        """The cost of so many tokens."""
        return _cost(tokens, self.price) if self.price else None


def estimate_training(
    catalogue: Catalogue,
    model: str,
    parameters: Mapping[str, Any],
    seconds: Sequence[float] | None,
    *,
    validation_given: bool,
) -> TrainingEstimate:
    """The estimate for the clips' lengths; `parameters` are complete, as they are sent."""
    price = catalogue.price(model)
    base = catalogue.base_model(model)
    tokens = None
    if seconds and base and base.billed_seconds:
        held_back = 0 if validation_given else _split_off(len(seconds), parameters)
        tokens = _tokens(seconds, base.billed_seconds, held_back, parameters)
    amount = (_cost(tokens[0], price), _cost(tokens[1], price)) if tokens and price else None
    currency = price.per_1k_tokens.currency if price else None
    return TrainingEstimate(tokens, amount, currency, _basis(price, catalogue, model), price)


def _tokens(
    seconds: Sequence[float], cap: int, held_back: int, parameters: Mapping[str, Any]
) -> tuple[int, int] | None:
    pixels, epochs = parameters.get("max_pixels"), parameters.get("n_epochs")
    if not isinstance(pixels, int) or not isinstance(epochs, int):
        return None
    if not all(math.isfinite(clip) and clip >= 0 for clip in seconds):
        return None
    least = sorted(min(cap, math.floor(clip)) for clip in seconds)
    most = (min(cap, max(1, math.floor(clip + 0.5))) for clip in seconds)
    per_second = Fraction(pixels, PIXELS_PER_TOKEN) * epochs
    trained = least[: len(least) - held_back]  # which clips are held back is not known: at best the longest
    return math.floor(sum(trained) * per_second), math.ceil(sum(most) * per_second)


def _split_off(samples: int, parameters: Mapping[str, Any]) -> int:
    """At most so many samples make the validation part: min(total × (1 - split), limit), rounded up."""
    split = parameters.get("split")
    limits: Iterable[Any] = (parameters.get("max_split_val_dataset_sample"), samples - 1)
    if split is None:
        return 0
    share = math.ceil(samples * (1 - Fraction(str(split))))
    return max(0, min([share, *(limit for limit in limits if isinstance(limit, int))]))


def _cost(tokens: int, price: Price) -> Decimal:
    return Decimal(tokens) / 1000 * price.per_1k_tokens.amount


def _basis(price: Price | None, catalogue: Catalogue, model: str) -> str:
    if price:
        return str(price)
    if catalogue.base_model(model) is None:
        return f"{model} is not in the catalogue: its price is unknown; write it under prices in wanctl.yaml"
    return f"the price of {model} in {catalogue.region} is unknown; write it under prices in wanctl.yaml"
