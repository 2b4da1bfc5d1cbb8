"""The four kinds as a user writes them. explain and the schema show the descriptions and examples here."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator
from pydantic.annotated_handlers import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from wanctl.base.values import LARGEST, Flag, Identifier, Model, Number, Positive, Span, Whole
from wanctl.catalogue.base_models import HyperParameters
from wanctl.dataset.splitting import DrawnPart, Side
from wanctl.dataset.thresholds import ContentThresholds
from wanctl.generation.checks import VideoChecks
from wanctl.generation.judge import HIGHEST_SCORE, Rubric
from wanctl.language.fields import (
    CheckpointName,
    Digest,
    DisplayName,
    Name,
    Patterns,
    Text,
    TrainingDigits,
)
from wanctl.language.source import Source

HOUR = 3600.0
TEMPLATES = ("prompt", "lora_prompt_default")  # of an aigc_config


class State(StrEnum):
    """Whether the resource should be there."""

    PRESENT = "present"
    ABSENT = "absent"


class Strategy(StrEnum):
    """How a deployment that cannot be changed in place makes way for the next one."""

    RECREATE = "recreate"
    BLUE_GREEN = "blue_green"


class TrainingAllowance(StrEnum):
    """Rules of a training that its document may say to let pass."""

    EVAL_EPOCHS = "eval-epochs"
    FEW_STEPS = "few-steps"
    POWER_OF_TWO = "power-of-two"
    RANGE = "range"
    REGION = "region"


class ServingAllowance(StrEnum):
    """Rules of a deployment that its document may say to let pass."""

    CAPACITY = "capacity"


class Superseded(StrEnum):
    """What becomes of a training that still runs when its spec has other inputs."""

    ASK = "ask"
    CANCEL = "cancel"
    KEEP = "keep"


class Resourceful(Model):
    """The fields of every kind."""

    name: Name = Field(examples=["money-rain"])
    """The name within the project and kind; others refer to the resource by it."""
    description: Text | None = None
    """A word for people; the service never sees it."""
    state: State = State.PRESENT
    """absent is the reviewed tombstone: what the document describes is deleted at the service."""
    moved_from: Name | None = Field(default=None, examples=["rain"])
    """The name that it had before: what stood for that stands for this from the next apply on."""


class Dataset(Resourceful):
    """Media with their captions (data.jsonl), known by their content."""

    source: Source = Field(
        examples=[
            "../data/train",
            "train.zip",
            {"file_id": "file-ft-b2416bacc4d742"},
            {"oss": {"bucket": "my-clips", "path": "rain/train"}},
        ]
    )
    """A folder or .zip with data.jsonl, relative to this file; a URL of either (s3://, oss://, https://); or
    what the service has already: {file_id: …} of an upload, or {oss: …} of an unpacked folder that it reads
    in OSS. Such a folder is known by its place: for other clips write another path."""
    exclude: Patterns = Field(default=(), examples=[["raw/", "*.psd"]])
    """What to leave out, as in .gitignore. Dot files and what systems leave behind are left out anyway."""
    digest: Digest | None = Field(default=None, examples=["sha256:" + "0" * 64])
    """What the content has to be; wanctl dataset lock writes it. With it a plan needs no media."""
    target_seconds: Annotated[Number, Field(gt=0)] = Field(default=5.0, examples=[5])
    """How long the videos will be that the fine-tuned model is to make; longer clips are warned of."""
    thresholds: ContentThresholds = ContentThresholds.model_construct()
    """From which number on validate and dataset inspect say something about the content of clips."""


class ValidationSplit(Model):
    """How a validation set is drawn from the training sets, here and not by the service's dice."""

    split: Annotated[Number, Field(gt=0, le=0.5)] = Field(examples=[0.1])
    """The part of the samples that is not trained on and makes the previews."""
    seed: Annotated[Whole, Field(ge=0, le=LARGEST)] = Field(default=0, examples=[7])
    """Another number draws another set, which is another training."""


class DatasetPart(Dataset):
    """One side of a Dataset that FineTunes split in one way. No document says it: it follows from theirs."""

    name: str
    of: str
    side: Side
    drawn: ValidationSplit
    needed: bool = True  # whether one of the FineTunes is to stay

    @property
    def part(self) -> DrawnPart:
        return DrawnPart(self.side, self.drawn.split, self.drawn.seed)


class _ListOrSplit:
    """Reads a mapping as a split and anything else as a list of names."""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(core)
        return {"anyOf": schema.pop("oneOf"), **schema}


def _list_or_split(value: Any) -> str:
    return "<split>" if isinstance(value, dict | ValidationSplit) else "<list>"


Validation = Annotated[
    Annotated[tuple[Name, ...], Tag("<list>")] | Annotated[ValidationSplit, Tag("<split>")],
    Discriminator(_list_or_split),
    _ListOrSplit(),
]


class FineTune(Resourceful):
    """One training job: billed, hours long, never changed. Other inputs are another job."""

    model: Identifier = Field(examples=["wan2.6-i2v"])
    """The base model."""
    training: tuple[Name, ...] = Field(min_length=1, examples=[["train"]])
    """The names of the Datasets to train on."""
    validation: Validation = Field(default=(), examples=[["valid"], {"split": 0.1, "seed": 7}])
    """The names of the Datasets for previews. Or a split: then a part of the training sets is drawn here, the
    same one each time, with no source file in both. Without either the service splits a part off."""
    hyper_parameters: HyperParameters = HyperParameters.model_construct()
    """How the training runs."""
    training_type: Literal["efficient_sft"] = "efficient_sft"
    """LoRA fine-tuning, the only one that the service has for Wan."""
    attempt: Positive = 1
    """Raise it to train again with the same inputs, after a job FAILED or was CANCELED. Billed again."""
    superseded: Superseded = Superseded.ASK
    """What becomes of a job that still trains when these inputs change. ask: the plan says what it has
    cost and may still cost, and waits for a person. cancel: it is ended once the new one stands. keep: it
    goes on."""
    allow: tuple[TrainingAllowance, ...] = Field(default=(), examples=[["eval-epochs"]])
    """Rules of the service's documents to let pass here, if you know better: what is sent may be refused."""

    @property
    def split(self) -> ValidationSplit | None:
        """How its validation set is drawn from its training sets, if it is."""
        return self.validation if isinstance(self.validation, ValidationSplit) else None

    @property
    def training_sets(self) -> tuple[str, ...]:
        """The Datasets that the job trains on; of a split, the parts that are left to train on."""
        return self._sides(Side.TRAINING) if self.split else self.training

    @property
    def validation_sets(self) -> tuple[str, ...]:
        """The Datasets that previews are made of."""
        if isinstance(self.validation, ValidationSplit):
            return self._sides(Side.VALIDATION)
        return self.validation

    def _sides(self, side: Side) -> tuple[str, ...]:
        return tuple(part_name(name, side, self.split) for name in self.training if self.split)


def part_name(dataset: str, side: Side, split: ValidationSplit) -> str:
    """The name of one side of a Dataset; FineTunes that split it in the same way share it."""
    percent = format((Decimal(str(split.split)) * 100).normalize(), "f").replace(".", "_")
    return f"{dataset}-{side}-{percent}-seed-{split.seed}"


class ChoiceEvidence(Model):
    """What a person looked at before the choice; `wanctl choose --reviewed` writes it."""

    gallery: Digest = Field(examples=["sha256:" + "0" * 64])
    """The digest of the gallery: which checkpoint made which video of which input."""
    notes: Text | None = Field(default=None, examples=["Even rain, the face is kept."])
    """What was noted of the chosen checkpoint."""


class ChoiceByJudge(Model):
    """The choice left to a vision model, by the scores of `wanctl review --judge`."""

    by: Literal["judge"]
    """judge: the best checkpoint is taken without a person; the plan says so."""
    at_least: Annotated[Number, Field(ge=0, le=HIGHEST_SCORE)] = Field(examples=[8])
    """The score from 0 to 10 that the best one needs; below it, the plan waits for a person."""


class Checkpoint(Resourceful):
    """The checkpoint of a training that a person chose, exported so that it can be deployed."""

    finetune: Name = Field(examples=["money-rain"])
    """The name of the FineTune."""
    checkpoint: CheckpointName | None = Field(default=None, examples=["checkpoint-160"])
    """The choice. Left out, the plan waits for a person and says how to look and choose."""
    evidence: ChoiceEvidence | None = None
    """What the choice rests on; the plan shows it. The service never sees it."""
    of: TrainingDigits | None = Field(default=None, examples=["3fa9c21b"])
    """The training that the choice was made for, by the first 8 digits that the plan shows. A choice that was
    made for another one, or before anybody could look, waits for a person."""
    unseen: Literal["allow"] | None = None
    """allow: the choice counts for every training, also for one that nobody has looked at."""
    rubric: Rubric = Rubric.model_construct()
    """What previews are judged by, if somebody asks for that."""
    choose: ChoiceByJudge | None = Field(default=None, examples=[{"by": "judge", "at_least": 8}])
    """Who chooses if no checkpoint: is written. Left out, a person."""
    attempt: Positive = 1
    """Raise it to export again after an export failed. Exports are not billed."""


class AigcConfig(Model):
    """How a deployed model comes to its prompt. The service takes it and never gives it back."""

    use_input_prompt: Flag = False
    """true: the caller's prompt is used, not the templates. false: the templates, not the caller's prompt."""
    prompt: Text | None = Field(default=None, examples=[{"file": "prompts/money-rain.txt"}])
    """The template by which the service describes the caller's image."""
    lora_prompt_default: Text | None = Field(
        default=None, examples=["Then the s86b5p money rain effect begins."]
    )
    """The prompt that is used when filling the template fails."""
    unknown: Flag = False
    """true, and nothing else here: what is deployed was given a config that nobody wrote down. It goes on
    serving; nothing is deployed from this document before the config is written."""

    @model_validator(mode="after")
    def _knows_or_not(self) -> Self:
        if self.unknown and self.model_fields_set != {"unknown"}:
            raise ValueError("is said to be unknown, and has more: take unknown out, or all the rest")
        return self

    def sent(self) -> dict[str, Any]:
        """The config as it goes to the service; empty where it is unknown."""
        return {} if self.unknown else self.model_dump(exclude_none=True, exclude={"unknown"})

    def effective(self) -> dict[str, Any]:
        """The part that has an effect: where the caller's prompt is used, the templates have none."""
        return effective_config(self.sent())


def effective_config(sent: Mapping[str, Any]) -> dict[str, Any]:
    """A config as it was sent, without the templates if they have no effect."""
    dead = TEMPLATES if sent.get("use_input_prompt") else ()
    return {key: value for key, value in sent.items() if key not in dead}


class Deployment(Resourceful):
    """A model in service. Exactly one of checkpoint, finetune and model_name says which."""

    checkpoint: Name | None = Field(default=None, examples=["best"])
    """The name of a Checkpoint."""
    finetune: Name | None = Field(default=None, examples=["money-rain"])
    """The name of a FineTune: its final model is deployed."""
    model_name: Identifier | None = Field(default=None, examples=["xxxx-ft-202511111122-xxxx"])
    """A model of the account, by its name at the service; used, never deleted."""
    display_name: DisplayName | None = Field(default=None, examples=["Money rain"])
    """What the console calls it; sent as name with the next deployment. Alone it deploys nothing again."""
    capacity: Positive = 1
    """How many instances serve; 1, as far as is documented."""
    protect: Flag = False
    """true: never deleted, also when this document is gone. Lifting it is a change of its own."""
    strategy: Strategy = Strategy.RECREATE
    """A changed aigc_config needs a new deployment. recreate: delete, then deploy (5–10 minutes of outage).
    blue_green: deploy a second one under another name, wait until it serves, then delete the old."""
    keep_old: Span | None = Field(default=None, examples=["24h"])
    """How long the old one serves beside a new one that was deployed first: time for callers to change the
    name. Left out, 1h with blue_green and 0s with recreate."""
    attempt: Positive = 1
    """Raise it to delete and deploy again, after a deployment FAILED."""
    allow: tuple[ServingAllowance, ...] = Field(default=(), examples=[["capacity"]])
    """Rules of the service's documents to let pass here, if you know better: what is sent may be refused."""
    checks: VideoChecks | None = None
    """Videos that each deployed version has to make before it counts as done, and before an old one goes."""
    aigc_config: AigcConfig
    """How the model comes to its prompt."""

    @property
    def kept_seconds(self) -> float:
        """How long the old one is kept once the new one serves."""
        if self.keep_old is not None:
            return self.keep_old
        return HOUR if self.strategy is Strategy.BLUE_GREEN else 0

    @model_validator(mode="after")
    def _has_one_model(self) -> Self:
        given = [key for key in ("checkpoint", "finetune", "model_name") if getattr(self, key) is not None]
        if len(given) == 1:
            return self
        what = f"has {' and '.join(given)}" if given else "does not say which model it deploys"
        raise ValueError(f"{what}: write exactly one of checkpoint, finetune and model_name")
