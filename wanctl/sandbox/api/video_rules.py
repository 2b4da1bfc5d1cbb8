"""What the service refuses of a call that makes a video, as its documents say it: each in a sentence."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from wanctl.sandbox.bodies import Generate, GenerationInput
from wanctl.sandbox.state.video_models import (
    ALL_RESOLUTIONS,
    EDIT,
    EXTENSION,
    I2V,
    IMAGE_REFERENCE,
    KF2V,
    OUTPAINTING,
    R2V,
    REPAINTING,
    T2V,
    VACE,
    VideoModel,
)

MOST_NEGATIVE, MOST_SEED = 500, 2_147_483_647
MOST_REFERENCES, MOST_REFERENCE_VIDEOS = 5, 3
_SIZE = re.compile(r"(\d{2,4})\*(\d{2,4})")
_LEAST_PIXELS, _MOST_PIXELS = 480 * 480, 1920 * 1920
_FUNCTIONS = (IMAGE_REFERENCE, REPAINTING, EDIT, EXTENSION, OUTPAINTING)


def refusal(asked: Generate, model: VideoModel, tuned: tuple[str, ...] | None) -> str | None:
    """The first thing that is wrong; `tuned` are the resolutions of a deployment, None of a base model."""
    checks = (
        _missing(asked.input, model, needs_all=tuned is None),
        _texts(asked.input, model),
        _lengths(asked, model),
        _picture(asked, model, tuned or ALL_RESOLUTIONS),
        _shots(asked, model),
        _sound(asked.input, model),
    )
    return next((sentence for found in checks for sentence in found), None)


def _missing(given: GenerationInput, model: VideoModel, *, needs_all: bool) -> Iterator[str]:
    if model.mode in {T2V, R2V, VACE} and not (given.prompt or "").strip():
        yield "Field required: input.prompt"
    if model.mode == I2V and not first_frame(given):
        yield "Field required: input.img_url"
    if model.mode == KF2V and not given.first_frame_url:
        yield "Field required: input.first_frame_url"
    if model.mode == KF2V and needs_all and not given.last_frame_url:
        yield "Field required: input.last_frame_url"
    if model.mode == R2V:
        yield from _references(given)
    if model.mode == VACE:
        yield from _function(given)


def first_frame(given: GenerationInput) -> str | None:
    return given.img_url or next((one.url for one in given.media if one.type == "first_frame"), None)


def _references(given: GenerationInput) -> Iterator[str]:
    named = [*given.reference_urls, *given.reference_video_urls]
    videos = len(given.reference_video_urls) + sum(is_video(one) for one in given.reference_urls)
    if not named:
        yield "Field required: input.reference_urls"
    if len(named) > MOST_REFERENCES:
        yield f"input.reference_urls: at most {MOST_REFERENCES} references are supported"
    if videos > MOST_REFERENCE_VIDEOS:
        yield f"input.reference_urls: at most {MOST_REFERENCE_VIDEOS} videos are supported"


def is_video(url: str) -> bool:
    return PurePosixPath(urlsplit(url).path).suffix.lower() in {".mp4", ".mov"}


def _function(given: GenerationInput) -> Iterator[str]:
    """What each function of a vace model cannot do without."""
    if given.function is None:
        yield "Field required: input.function"
    elif given.function not in _FUNCTIONS:
        yield f"input.function must be one of {', '.join(_FUNCTIONS)}"
    elif given.function == IMAGE_REFERENCE:
        if not given.ref_images_url:
            yield "Field required: input.ref_images_url"
        if len(given.ref_images_url) > 3:
            yield "input.ref_images_url: at most 3 images are supported"
    elif given.function == EXTENSION:
        ends = (given.first_frame_url, given.last_frame_url, given.first_clip_url, given.last_clip_url)
        if not any(ends):
            yield "Field required: input.first_clip_url"
    elif not given.video_url:
        yield "Field required: input.video_url"
    if given.function == EDIT and not (given.mask_image_url or given.mask_video_url):
        yield "Field required: input.mask_image_url"


def _texts(given: GenerationInput, model: VideoModel) -> Iterator[str]:
    if len(given.prompt or "") > model.longest_prompt:
        yield f"input.prompt: at most {model.longest_prompt} characters are supported"
    if len(given.negative_prompt or "") > MOST_NEGATIVE:
        yield f"input.negative_prompt: at most {MOST_NEGATIVE} characters are supported"


def _lengths(asked: Generate, model: VideoModel) -> Iterator[str]:
    seconds, seed = asked.parameters.duration, asked.parameters.seed
    if seconds is not None and seconds not in model.seconds:
        yield f"parameters.duration must be one of {', '.join(map(str, model.seconds))}"
    if seed is not None and not 0 <= seed <= MOST_SEED:
        yield f"parameters.seed must be between 0 and {MOST_SEED}"


def _picture(asked: Generate, model: VideoModel, allowed: tuple[str, ...]) -> Iterator[str]:
    """A size beside a resolution is refused; one that a mode does not take alone is let pass."""
    size, resolution = asked.parameters.size, asked.parameters.resolution
    if size is not None and resolution is not None:
        yield "parameters.size and parameters.resolution can not be used together"
    if resolution is not None and model.by_size:
        yield "parameters.resolution is not supported by this model, use parameters.size"
    elif resolution is not None and resolution not in allowed:
        yield f"parameters.resolution must be one of {', '.join(allowed)}"
    if size is not None and sides(size) is None:
        yield f"parameters.size is invalid: {size}"
    if asked.input.function == REPAINTING and model.mode == VACE and not asked.parameters.control_condition:
        yield "Field required: parameters.control_condition"


def sides(size: str) -> tuple[int, int] | None:
    """Width and height, if they make a picture that is made."""
    found = _SIZE.fullmatch(size)
    if found is None:
        return None
    width, height = map(int, found.groups())
    return (width, height) if _LEAST_PIXELS <= width * height <= _MOST_PIXELS else None


def _shots(asked: Generate, model: VideoModel) -> Iterator[str]:
    kind = asked.parameters.shot_type
    if kind is None:
        return
    if kind not in {"single", "multi"}:
        yield "parameters.shot_type must be single or multi"
    elif kind == "multi" and not model.takes_shots:
        yield "parameters.shot_type: multi is not supported by this model"
    elif kind == "multi" and asked.parameters.prompt_extend is not True:
        yield "parameters.shot_type: multi must be used together with prompt_extend: true"


def _sound(given: GenerationInput, model: VideoModel) -> Iterator[str]:
    if given.audio_url and not model.takes_sound:
        yield "input.audio_url is not supported by this model"
