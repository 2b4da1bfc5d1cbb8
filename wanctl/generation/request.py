"""A request for one video, as people and programs write it: one form for all modes.

Media are a path, a URL, or bytes. What a request may say for which model is in `modes`.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, ConfigDict, Field, ValidationError

from wanctl.base.errors import WanctlError
from wanctl.base.redaction import without_secrets
from wanctl.base.values import Flag, Model, Number, String, Whole
from wanctl.base.words import did_you_mean
from wanctl.generation.modes import EditFunction, VideoMode

DEFAULT_MODEL = "wan2.6-i2v-flash"

MediaInput = bytes | Path | Annotated[str, Field(min_length=1)]
Side = Annotated[Number, Field(ge=1, le=2)]


class RequestError(WanctlError, ValueError):
    """A request that is none."""


class VideoRequest(Model):
    """What a video is wanted of. Everything but the model may be left out, as far as the mode allows it."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    model: String = DEFAULT_MODEL
    """A base model, the name of a deployed one, or Deployment/NAME of a project."""
    mode: VideoMode | None = None
    """What it is made from, where the model's name does not tell."""
    prompt: str | None = None
    negative_prompt: str | None = None
    image: MediaInput | None = Field(
        default=None, validation_alias=AliasChoices("image", "reference_image", "img_url", "first_frame_url")
    )
    """The first frame."""
    last_image: MediaInput | None = Field(
        default=None, validation_alias=AliasChoices("last_image", "last_frame_url")
    )
    """The last frame."""
    references: tuple[MediaInput, ...] = ()
    """People and things that come in: images, and clips of a person."""
    duration: Number | None = None
    """Seconds."""
    size: String | None = None
    """Width*height in pixels, for t2v and r2v."""
    resolution: String | None = None
    """480P, 720P or 1080P, for i2v and kf2v."""
    seed: Whole | None = None
    audio: MediaInput | None = Field(default=None, validation_alias=AliasChoices("audio", "audio_url"))
    """A sound that the video is made to."""
    shots: Literal["single", "multi"] | None = Field(
        default=None, validation_alias=AliasChoices("shots", "shot_type")
    )
    prompt_extend: Flag | None = None
    """Let the service write the prompt out; left out: not for a tuned model."""
    watermark: Flag | None = None
    fps: Number | None = None
    motion_strength: Number | None = None

    function: EditFunction | None = None
    """What a vace model is to do."""
    video: MediaInput | None = Field(default=None, validation_alias=AliasChoices("video", "video_url"))
    mask_image: MediaInput | None = None
    mask_video: MediaInput | None = None
    mask_frame: Whole | None = None
    mask_type: Literal["tracking", "fixed"] | None = None
    first_clip: MediaInput | None = None
    last_clip: MediaInput | None = None
    control_condition: String | None = None
    strength: Annotated[Number, Field(ge=0, le=1)] | None = None
    expand_ratio: Annotated[Number, Field(ge=0, le=1)] | None = None
    expand_mode: Literal["hull", "bbox", "original"] | None = None
    top_scale: Side | None = None
    bottom_scale: Side | None = None
    left_scale: Side | None = None
    right_scale: Side | None = None

    parameters: dict[str, Any] = Field(default={})
    """More parameters, by the service's own names; they are sent as they are."""

    @property
    def given(self) -> tuple[str, ...]:
        """The names of what it says, in the order of the fields."""
        return tuple(name for name in type(self).model_fields if getattr(self, name) not in (None, (), {}))

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name in self.given:
            yield name, shown_input(getattr(self, name))


MEDIA_FIELDS = (
    "image",
    "last_image",
    "references",
    "audio",
    "video",
    "mask_image",
    "mask_video",
    "first_clip",
    "last_clip",
)


def shown_input(value: Any) -> Any:
    """A value that may stand in a record or on a screen: no signature, no bytes."""
    if isinstance(value, tuple):
        return [shown_input(one) for one in value]
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, str) and value.startswith("data:"):
        return f"{value.partition(',')[0]},…"
    return without_secrets(value) if isinstance(value, str) and "://" in value else value


def request_of(given: "VideoRequest | Mapping[str, Any]") -> VideoRequest:
    """The request that a mapping says; RequestError names every key that is wrong."""
    if isinstance(given, VideoRequest):
        return given
    said = {key: value for key, value in given.items() if value is not None}
    try:
        return VideoRequest.model_validate(said)
    except ValidationError as error:
        raise RequestError("; ".join(_complaints(error))) from None


def _complaints(error: ValidationError) -> Iterator[str]:
    known = list(VideoRequest.model_fields)
    for one in error.errors(include_url=False):
        field = ".".join(str(part) for part in one["loc"][:1])
        if one["type"] == "extra_forbidden":
            near = did_you_mean(field, known)
            yield f"a request has no {field}" + (f", did you mean {near}?" if near else "")
        else:
            yield f"{field}: {str(one['msg']).removeprefix('Value error, ')}"
