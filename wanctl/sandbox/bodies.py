"""The JSON bodies of requests, field by field.

A field whose absence the service answers with a sentence of its own is None here; that sentence is said where
the field is needed.
"""

from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

MOST_EPOCHS, MOST_PIXELS = 100_000, 4096 * 4096
LONGEST_SUFFIX, LONGEST_DISPLAY_NAME = 8, 128


class Body(BaseModel):
    """Numbers are numbers and not text; unknown fields are let pass."""

    model_config = ConfigDict(strict=True)


AnyBody = TypeVar("AnyBody", bound=Body)


def first_problem(error: ValidationError) -> str:
    """The first thing that is wrong, at its path."""
    found = error.errors(include_url=False)[0]
    path = ".".join(str(part) for part in found["loc"])
    said = str(found["msg"]).removeprefix("Value error, ")
    return f"{path}: {said}" if path else said


class HyperParametersBody(Body):
    """With the service's defaults, in the order of its answers; None: the base model says."""

    model_config = ConfigDict(strict=True, extra="allow")

    n_epochs: int = Field(default=400, ge=1, le=MOST_EPOCHS)
    batch_size: int | None = Field(default=None, ge=1)
    learning_rate: float = Field(default=2e-5, gt=0, strict=False, allow_inf_nan=False)
    split: float = Field(default=0.9, gt=0, lt=1, strict=False)
    eval_epochs: int = Field(default=50, ge=1)
    max_pixels: int | None = Field(default=None, ge=1, le=MOST_PIXELS)
    max_split_val_dataset_sample: int = Field(default=5, ge=1)
    save_total_limit: int = Field(default=10, ge=1)
    lora_rank: int = Field(default=32, ge=1)
    lora_alpha: int = Field(default=32, ge=1)


class MountBody(Body):
    """A folder of OSS that holds an unpacked dataset."""

    region: str | None = None
    bucket: str
    file_path: str


class DataSourceBody(Body):
    """A dataset, as newer pages name it; `oss_mount` or `mount_storage` has the folder."""

    data_source_type: Literal["file_id", "oss_mount"] | None = None
    file_id: str | None = None
    mount_storage: MountBody | None = None
    oss_mount: MountBody | None = None

    @model_validator(mode="after")
    def _one_place(self) -> "DataSourceBody":
        if (self.file_id is None) == (self.mount is None):
            raise ValueError("a dataset is a file_id or a folder of OSS")
        return self

    @property
    def mount(self) -> MountBody | None:
        return self.mount_storage or self.oss_mount

    def told(self) -> dict[str, Any]:
        """As a job answers it."""
        if self.mount is None:
            return {"data_source_type": "file_id", "file_id": self.file_id}
        return {"data_source_type": "oss_mount", "mount_storage": as_kept(self.mount)}


class CreateJob(Body):
    model: str | None = None
    training_file_ids: list[str] | None = None
    validation_file_ids: list[str] | None = None
    training_datasets: list[DataSourceBody] | None = None
    validation_datasets: list[DataSourceBody] | None = None
    training_type: str | None = None
    hyper_parameters: HyperParametersBody | None = None
    job_name: str | None = None


class AigcConfigBody(Body):
    model_config = ConfigDict(strict=True, extra="allow")

    use_input_prompt: bool = False
    prompt: str = ""
    lora_prompt_default: str = ""


class CreateDeployment(Body):
    model_name: str
    capacity: int
    plan: str
    aigc_config: AigcConfigBody
    suffix: str | None = Field(default=None, max_length=LONGEST_SUFFIX)
    name: str | None = Field(default=None, max_length=LONGEST_DISPLAY_NAME)  # shown in the console only


class ScaleBody(Body):
    capacity: int


class MediaBody(Body):
    type: str
    url: str


class GenerationInput(Body):
    """Of all modes together; which field has to be there follows from the model."""

    prompt: str | None = None
    negative_prompt: str | None = None
    img_url: str | None = None
    first_frame_url: str | None = None
    last_frame_url: str | None = None
    media: list[MediaBody] = []
    audio_url: str | None = None
    reference_urls: list[str] = []
    reference_video_urls: list[str] = []
    function: str | None = None
    ref_images_url: list[str] = []
    video_url: str | None = None
    mask_image_url: str | None = None
    mask_video_url: str | None = None
    first_clip_url: str | None = None
    last_clip_url: str | None = None


class GenerationParameters(Body):
    size: str | None = None
    resolution: str | None = None
    duration: int | None = None
    seed: int | None = None
    prompt_extend: bool | None = None
    shot_type: str | None = None
    control_condition: str | None = None


class Generate(Body):
    model: str
    input: GenerationInput
    parameters: GenerationParameters = GenerationParameters()


class Link(Body):
    url: str


class Part(Body):
    """One part of a message; which field has to be there follows from the type."""

    type: Literal["text", "image_url", "video_url", "video"]
    text: str = ""
    image_url: Link | None = None
    video_url: Link | None = None
    video: list[str] = []


class ChatMessage(Body):
    role: Literal["system", "user", "assistant"]
    content: str | list[Part]


class StreamOptions(Body):
    include_usage: bool = False


class ChatBody(Body):
    model: str
    messages: list[ChatMessage] = Field(min_length=1)
    stream: bool = False
    stream_options: StreamOptions | None = None


class Advance(Body):
    seconds: float = Field(ge=0, le=366 * 86400, allow_inf_nan=False)


def as_kept(body: Body) -> dict[str, Any]:
    """The body as it came, for the store."""
    return body.model_dump(exclude_unset=True)
