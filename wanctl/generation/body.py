"""A request as the service wants it: path, JSON, and which local files have to be there before it is sent.

Pure. A local file stands in the JSON as a place that is filled when it is sent, or shown as what it is.
"""

import copy
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wanctl.base.words import spell_bytes
from wanctl.generation.inputs import Input, InputFile
from wanctl.generation.modes import CalledModel, VideoMode
from wanctl.generation.request import VideoRequest, shown_input
from wanctl.generation.rules import level_of

MOST_INLINE = (
    5 * 1024 * 1024
)  # bytes of a local image that goes into the JSON; larger ones are uploaded before
_MOST_INLINE_TUNED = 20 * 1024 * 1024  # of whose deployment nobody says which name an upload is made for

_INPUT_NAMES = {
    "audio": "audio_url",
    "video": "video_url",
    "mask_image": "mask_image_url",
    "mask_video": "mask_video_url",
    "mask_frame": "mask_frame_id",
    "first_clip": "first_clip_url",
    "last_clip": "last_clip_url",
}
_PARAMETERS = (
    "duration",
    "seed",
    "watermark",
    "fps",
    "motion_strength",
    "control_condition",
    "strength",
    "mask_type",
    "expand_ratio",
    "expand_mode",
    "top_scale",
    "bottom_scale",
    "left_scale",
    "right_scale",
)
_MEDIA_TYPES = {"image": "first_frame", "last_image": "last_frame", "audio": "driving_audio"}


@dataclass(frozen=True)
class LocalPlace:
    """Where in the JSON a local file goes."""

    file: InputFile
    inline: bool

    def __str__(self) -> str:
        how = "data: URL" if self.inline else "uploaded before the call"
        return f"<{self.file.shown}, {spell_bytes(self.file.size)}, {how}>"


@dataclass(frozen=True)
class VideoCall:
    """One call that makes a video, ready but for its local files."""

    called: CalledModel
    path: str
    body: Mapping[str, Any] = field(repr=False)
    request: VideoRequest
    notes: tuple[str, ...] = ()

    @property
    def uploads(self) -> tuple[LocalPlace, ...]:
        return tuple(place for place in _places(self.body) if not place.inline)

    @property
    def resolves_storage(self) -> bool:
        """It names something in temporary storage, which the service looks up only when it is told to."""
        return bool(self.uploads) or "oss://" in json.dumps(self.shown())

    def filled(self, addresses: Mapping[str, str]) -> dict[str, Any]:
        """The JSON that is sent; `addresses` are those of the uploads, by the files' digests."""

        def fill(value: Any) -> Any:
            if isinstance(value, LocalPlace):
                return value.file.as_data_url() if value.inline else addresses[value.file.sha256]
            return _through(value, fill)

        return dict(fill(self.body))

    def shown(self) -> dict[str, Any]:
        """The JSON for people: files by their names, links without their signatures."""

        def show(value: Any) -> Any:
            return str(value) if isinstance(value, LocalPlace) else _through(shown_input(value), show)

        return dict(show(self.body))

    def key(self, account: str) -> str:
        """What two calls share that would make the same video, and so are paid once."""

        def identify(value: Any) -> Any:
            return value.file.identity if isinstance(value, LocalPlace) else _through(value, identify)

        whole = [account, self.called.name, self.called.made, self.path, identify(self.body)]
        return hashlib.sha256(json.dumps(whole, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    @property
    def seconds(self) -> int:
        """How long the video will be, as far as it is said or documented."""
        said = self.body["parameters"].get("duration")
        allowed = self.called.durations
        default = 5 if not allowed or 5 in allowed else allowed[0]
        return int(said) if said is not None else default

    @property
    def level(self) -> str:
        """The level of resolution, which the price follows; empty where the size is none."""
        parameters = self.body["parameters"]
        return str(parameters.get("resolution") or level_of(str(parameters.get("size", ""))) or "")


def _through(value: Any, change: Any) -> Any:
    if isinstance(value, dict):
        return {key: change(one) for key, one in value.items()}
    return [change(one) for one in value] if isinstance(value, list | tuple) else value


def _places(value: Any) -> list[LocalPlace]:
    if isinstance(value, LocalPlace):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [place for one in inner for place in _places(one)]


def call_of(request: VideoRequest, called: CalledModel, inputs: tuple[Input, ...]) -> VideoCall:
    """The call of a request that the rules let pass."""
    placed = [(one.field, _placed(one, called)) for one in inputs]
    said: dict[str, Any] = {}
    for name in ("prompt", "negative_prompt"):
        if value := getattr(request, name):
            said[name] = value
    if called.mode is VideoMode.EDITING:
        said |= _editing_input(request, placed)
    elif called.by_media:
        said["media"] = [{"type": _MEDIA_TYPES[name], "url": place} for name, place in placed]
    else:
        said |= _plain_input(called, placed)
    parameters, notes = _parameters(request, called)
    body = {"model": called.name, "input": said, "parameters": parameters}
    return VideoCall(called, called.facts.path, body, request, notes)


def _placed(one: Input, called: CalledModel) -> Any:
    if not isinstance(one, InputFile):
        return one.url
    is_image = one.media is not None and not one.is_video
    most = _MOST_INLINE_TUNED if called.tuned else MOST_INLINE
    return LocalPlace(one, inline=is_image and one.size <= most)


def _plain_input(called: CalledModel, placed: list[tuple[str, Any]]) -> dict[str, Any]:
    frames = {"image": "img_url"}
    if called.mode is VideoMode.BOTH_FRAMES:
        frames = {"image": "first_frame_url", "last_image": "last_frame_url"}
    names = {**_INPUT_NAMES, **frames}
    found: dict[str, Any] = {names[name]: place for name, place in placed if name in names}
    references = [place for name, place in placed if name == "references"]
    return {**found, "reference_urls": references} if references else found


def _editing_input(request: VideoRequest, placed: list[tuple[str, Any]]) -> dict[str, Any]:
    names = {**_INPUT_NAMES, "image": "first_frame_url", "last_image": "last_frame_url"}
    found: dict[str, Any] = {"function": str(request.function)}
    found |= {names[name]: place for name, place in placed if name in names}
    references = [place for name, place in placed if name == "references"]
    if references:
        found["ref_images_url"] = references
    if request.mask_frame is not None:
        found["mask_frame_id"] = request.mask_frame
    return found


def _parameters(request: VideoRequest, called: CalledModel) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Only what was said; but a tuned model's prompt is kept as it is, and its resolution never left open."""
    found = {name: getattr(request, name) for name in _PARAMETERS if getattr(request, name) is not None}
    if "duration" in found:
        found["duration"] = int(found["duration"])
    notes: list[str] = []
    extend = request.prompt_extend
    if extend is None and request.shots == "multi":
        extend = True
        notes.append("prompt_extend: true is sent, which several shots need")
    if extend is None and called.tuned:
        extend = False
    if extend is not None:
        found["prompt_extend"] = extend
    if request.shots:
        found["shot_type"] = request.shots
    found |= _picture(request, called, notes)
    return {**found, **copy.deepcopy(request.parameters)}, tuple(notes)


def _picture(request: VideoRequest, called: CalledModel, notes: list[str]) -> dict[str, str]:
    if called.facts.by_size:
        return {"size": request.size} if request.size else {}
    level = request.resolution or (level_of(request.size) if request.size else None)
    if request.size and level:
        notes.append(f"{called.base} takes a resolution: {level} is sent for size {request.size}")
    if level is None and called.tuned:
        level = "720P"
    return {"resolution": level} if level else {}
