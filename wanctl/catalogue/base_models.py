"""The base models as they are documented: hyper-parameters, defaults, ranges and prices, each with its date.

The service's defaults and prices move; so this is dated, and a project may override it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from wanctl.base.values import Amount, Model, Money, Number, Positive, String


class FrameMode(StrEnum):
    """The pictures that a model makes a video from."""

    FIRST_FRAME = "first_frame"
    FIRST_AND_LAST_FRAME = "first_and_last_frame"


class HyperParameters(Model):
    """How the training runs. What is left out is taken from the catalogue, and sent and shown explicitly."""

    model_config = ConfigDict(extra="allow", frozen=True, json_schema_extra={"additionalProperties": False})

    n_epochs: Positive | None = Field(default=None, examples=[400])
    """How often the training set is gone through. Steps and price are proportional to it."""
    batch_size: Positive | None = Field(default=None, examples=[1])
    """Samples for each training step."""
    learning_rate: Annotated[Number, Field(gt=0)] | None = Field(default=None, examples=[2e-5])
    """How far the weights move at each step."""
    max_pixels: Positive | None = Field(default=None, examples=[36864])
    """Larger clips (width × height) are shrunk to so many pixels. The price is proportional to it."""
    eval_epochs: Positive | None = Field(default=None, examples=[50])
    """Epochs between two checkpoints with their previews; at least a tenth of n_epochs."""
    split: Annotated[Number, Field(gt=0, lt=1)] | None = Field(default=None, examples=[0.9])
    """The part that is trained on when no validation set is given; the rest makes the previews."""
    max_split_val_dataset_sample: Positive | None = Field(default=None, examples=[5])
    """At most so many samples are split off for previews."""
    save_total_limit: Positive | None = Field(default=None, examples=[10])
    """So many checkpoints are kept, the last ones."""
    lora_rank: Positive | None = Field(default=None, examples=[32])
    """The rank of the LoRA matrices, a power of two: more learns more, slower."""
    lora_alpha: Positive | None = Field(default=None, examples=[32])
    """How strongly the LoRA acts on the base model, a power of two."""

    task_type: String | None = Field(default=None, examples=["i2v"])
    """What a model that can do both learns: i2v from the first frame, kf2v from the first and the last."""

    def declared(self) -> dict[str, Any]:
        """The keys that the user wrote, and no others."""
        return self.model_dump(exclude_unset=True, exclude_none=True)


COMMON = tuple(key for key in HyperParameters.model_fields if key != "task_type")  # of every base model


class ModelParameter(Model):
    """A hyper-parameter that not all base models have."""

    choices: tuple[String | int | float, ...] = ()
    default: String | int | float | None = None
    modes: dict[String, FrameMode] = Field(default={})  # the frames that a choice learns from


class ListedPrice(Model):
    """The price of 1,000 training tokens in some regions."""

    regions: tuple[String, ...] = Field(min_length=1)
    per_1k_tokens: Amount
    listed: date


class ListedCallPrice(Model):
    """The price of a second of video in some regions, by its resolution."""

    regions: tuple[String, ...] = Field(min_length=1)
    per_second: dict[String, Amount] = Field(min_length=1)
    listed: date


class CatalogueModel(Model):
    """A model that can be fine-tuned, as the service documents it."""

    mode: FrameMode = FrameMode.FIRST_FRAME
    defaults: HyperParameters = HyperParameters.model_construct()
    ranges: dict[str, tuple[float, float]] = Field(default={})
    hyper_parameters: dict[String, ModelParameter] = Field(default={})
    billed_seconds: Positive | None = None
    longest_clip: Positive | None = None
    prices: tuple[ListedPrice, ...] = ()
    regions: tuple[String, ...] = ()  # that fine-tune it; empty where no document says so
    calls: tuple[ListedCallPrice, ...] = ()
    call_path: Annotated[str, Field(pattern=r"^/[A-Za-z0-9/_.-]*$")] | None = None
    dated: date | None = None
    source: str = ""

    @property
    def recommended_batch_size(self) -> int | None:
        return self.defaults.batch_size

    def mode_with(self, parameters: Mapping[str, Any]) -> FrameMode:
        """The frames that a training with these hyper-parameters learns from."""
        for key, one in self.hyper_parameters.items():
            if (mode := one.modes.get(str(parameters.get(key)))) is not None:
                return mode
        return self.mode


class CatalogueFile(Model):
    """An edition of this package, or a project's own facts over it."""

    version: Literal[1] = 1
    models: dict[str, CatalogueModel]


@dataclass(frozen=True)
class Price:
    """The price of 1,000 training tokens, and who says so."""

    per_1k_tokens: Money
    source: str

    def __str__(self) -> str:
        return f"{self.per_1k_tokens} per 1k tokens, {self.source}"


@dataclass(frozen=True)
class CallPrice:
    """What a second of video costs, and who says so."""

    per_second: Money
    source: str

    def __str__(self) -> str:
        return f"{self.per_second} per second, {self.source}"


@dataclass(frozen=True)
class Catalogue:
    """The base models, for one region, with the project's own prices."""

    models: Mapping[str, CatalogueModel]
    region: str = "singapore"
    own_prices: Mapping[str, Money] = field(default_factory=dict)
    edition: str = ""  # its date, where it came with wanctl
    own: Mapping[str, Any] = field(default_factory=dict)  # what the project's file lays over it, as it stands

    def base_model(self, model: str) -> CatalogueModel | None:
        return self.models.get(model)

    def complete(self, model: str, declared: Mapping[str, Any]) -> dict[str, Any]:
        """Every hyper-parameter that is sent, declared or the model's default, in a fixed order."""
        base = self.base_model(model)
        own = base.hyper_parameters if base else {}
        usual = {key: one.default for key, one in own.items() if one.default is not None}
        both = {**usual, **(base.defaults.declared() if base else {}), **declared}
        if "eval_epochs" in both and "eval_epochs" not in declared:
            both["eval_epochs"] = _often_enough(both["eval_epochs"], both.get("n_epochs"))
        order = dict.fromkeys((*HyperParameters.model_fields, *sorted(both)))
        return {key: both[key] for key in order if key in both}

    def price(self, model: str) -> Price | None:
        """The project's own price, else the listed one of the region; None if nobody told us."""
        if own := self.own_prices.get(model):
            return Price(own, "from prices in wanctl.yaml")
        base = self.base_model(model)
        for one in base.prices if base else ():
            if self._spelled_region in one.regions:
                return Price(one.per_1k_tokens, f"list of {one.listed}")
        return None

    def call_price(self, model: str, resolution: str) -> CallPrice | None:
        """The price of a second that a call makes; None if nobody told us."""
        base = self.base_model(model)
        for one in base.calls if base else ():
            if self._spelled_region in one.regions and resolution in one.per_second:
                return CallPrice(one.per_second[resolution], f"list of {one.listed}")
        return None

    @property
    def _spelled_region(self) -> str:
        return self.region.strip().lower().replace("_", "-")

    def origin(self, model: str) -> str:
        """Where a default comes from, for the reader of a plan."""
        base = self.base_model(model)
        return f"catalogue of {base.dated}" if base and base.dated else "catalogue"


def _often_enough(usual: int, epochs: Any) -> int:
    """The usual number of epochs between two checkpoints, or the tenth of all that the documents demand."""
    return max(usual, math.ceil(epochs / 10)) if isinstance(epochs, int) else usual
