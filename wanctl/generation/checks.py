"""Checks of a deployment, as its document writes them, and what has to be true of the videos that they make.

Pure: a video is looked at in `seeing`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from wanctl.base.values import Model, Positive, String, Whole
from wanctl.base.words import counted
from wanctl.catalogue.base_models import Catalogue
from wanctl.generation.judge import CheckJudge, OrText
from wanctl.studio.objects import TaskStatus, VideoTask

if TYPE_CHECKING:  # documents have checks, and few of them: what makes a call is imported with the first one
    from wanctl.generation.modes import CalledModel
    from wanctl.generation.request import VideoRequest

MOST_CHECKS = 20
PIXELS = {"480P": 832 * 480, "720P": 1280 * 720, "1080P": 1920 * 1080}
NEAR_SIZE = 0.2  # of the pixels of a level: sides follow the image's shape and are rounded
NEAR_LENGTH = 0.5  # seconds
MOSTLY_BLACK, MOSTLY_STILL = 0.5, 0.8  # of a video's length, in one stretch


class CheckInput(Model):
    """One video of the checks; a path alone is its first frame."""

    image: String = Field(examples=["../checks/face.png"])
    """The first frame, relative to this file."""
    last_image: String | None = Field(default=None, examples=["../checks/face-end.png"])
    """The last frame, for a model that has one."""
    prompt: String | None = Field(default=None, examples=["A man looks into the rain."])
    """The caller's prompt; without it that of all."""

    @model_validator(mode="before")
    @classmethod
    def _spell(cls, value: Any) -> Any:
        return {"image": value} if isinstance(value, str) else value


class VideoChecks(Model):
    """Videos that are made once of each deployed version, which takes over when all of them are right."""

    images: tuple[Annotated[CheckInput, OrText()], ...] = Field(
        min_length=1,
        max_length=MOST_CHECKS,
        examples=[["../checks/face.png", {"image": "../checks/street.png", "prompt": "Rain falls."}]],
    )
    """A video is made of each. They are billed, and the plan says what they cost."""
    prompt: String | None = Field(default=None, examples=["It begins to rain."])
    """The caller's prompt, for those that have none of their own."""
    duration: Positive | None = Field(default=None, examples=[5])
    """Seconds of each video; left out, what the model makes by itself."""
    resolution: Literal["480P", "720P", "1080P"] = "720P"
    """The size of each video."""
    seed: Whole = Field(default=1, ge=0, examples=[7])
    """The same for each version, so that two can be compared."""
    attempt: Positive = 1
    """Raise it to check again what failed. Billed again."""
    judge: CheckJudge | None = Field(default=None, examples=[{"at_least": 7}])
    """Whether a vision model has to find each video good, too. Billed a little."""


@dataclass(frozen=True)
class WantedVideo:
    """One video of the checks: what is asked for, and by which key a ledger knows it."""

    number: int  # among the images of the document
    name: str  # its first frame, as the document writes it
    written: str  # as a person reads it in the plan
    request: "VideoRequest"

    @property
    def key(self) -> str:
        """The same on every machine."""
        return hashlib.sha256(self.written.encode()).hexdigest()[:16]


def wanted_videos(checks: VideoChecks, model: str, files: Mapping[str, Path]) -> tuple[WantedVideo, ...]:
    """The requests of the checks; `files` are the paths to their images, by their place in the document.

    One whose image may not be read is none: nothing outside the project is looked at.
    """
    from wanctl.generation.request import VideoRequest

    found: dict[str, WantedVideo] = {}
    for number, one in enumerate(checks.images):
        image = files.get(f"checks.images[{number}].image")
        last = files.get(f"checks.images[{number}].last_image")
        if image is None or (one.last_image is not None and last is None):
            continue
        request = VideoRequest(
            model=model,
            image=image,
            last_image=last,
            prompt=one.prompt or checks.prompt,
            duration=checks.duration,
            resolution=checks.resolution,
            seed=checks.seed,
        )
        wanted = WantedVideo(number, one.image, _written(one, checks), request)
        found.setdefault(wanted.key, wanted)
    return tuple(found.values())


def _written(one: CheckInput, checks: VideoChecks) -> str:
    length = f"{checks.duration} s" if checks.duration else None
    prompt = f'"{one.prompt or checks.prompt}"' if one.prompt or checks.prompt else None
    parts = (one.image, one.last_image, length, checks.resolution, f"seed {checks.seed}", prompt)
    return " · ".join(part for part in parts if part)


@dataclass(frozen=True)
class ChecksCost:
    """What so many videos cost; None where nobody told us, which never means nothing."""

    videos: int
    amount: Decimal | None
    currency: str | None
    basis: str


def cost_of_checks(
    videos: int, checks: VideoChecks, called: "CalledModel | None", catalogue: Catalogue
) -> ChecksCost:
    seconds = expected_seconds(checks, called)
    price = catalogue.call_price(called.base, checks.resolution) if called else None
    if price is None or seconds is None:
        of = f" of {called.base}" if called else ""
        return ChecksCost(videos, None, None, f"nobody told the price per second{of} at {checks.resolution}")
    amount = videos * seconds * price.per_second.amount
    return ChecksCost(videos, amount, price.per_second.currency, f"{seconds} s each at {price}")


def expected_seconds(checks: VideoChecks, called: "CalledModel | None") -> int | None:
    """How long each will be, as far as it is written or documented."""
    if checks.duration or called is None:
        return checks.duration
    from wanctl.generation.body import call_of
    from wanctl.generation.request import VideoRequest

    return call_of(VideoRequest(model=called.name, resolution=checks.resolution), called, ()).seconds


@dataclass(frozen=True)
class SeenVideo:
    """A task as it was read, and its video, if that was looked at. None where it cannot be told."""

    task: VideoTask
    unread: str | None = None  # why the video could not be looked at now
    seconds: float | None = None
    width: int | None = None
    height: int | None = None
    black: float = 0.0  # seconds of the longest black stretch
    still: float = 0.0
    broken: str | None = None  # why it is no video that can be played

    @property
    def ended(self) -> bool:
        """Nothing of it will change any more."""
        return self.task.ended and self.unread is None


def faults_of(seen: SeenVideo, resolution: str, seconds: int | None) -> tuple[str, ...]:
    """What is wrong with a video, or why there is none; empty where it is right."""
    task = seen.task
    if task.task_status == TaskStatus.UNKNOWN:
        return ("the service does not know its task any more, and nobody has looked at its video",)
    if not task.succeeded:
        said = ": ".join(part for part in (task.code, task.message) if part)
        return (f"its task {str(task.task_status).lower()}" + (f" ({said})" if said else ""),)
    if not task.video_url:
        return ("its task succeeded without a video",)
    if seen.broken:
        return (f"it {seen.broken}",)
    return tuple(_measured_faults(seen, resolution, seconds))


def _measured_faults(seen: SeenVideo, resolution: str, seconds: int | None) -> list[str]:
    found: list[str] = []
    length = seen.seconds
    if length is None:
        return ["its length cannot be told"]
    if seconds is not None and abs(length - seconds) > NEAR_LENGTH:
        found.append(f"it has {length:g} s instead of {seconds}")
    wanted, pixels = PIXELS[resolution], (seen.width or 0) * (seen.height or 0)
    if abs(pixels - wanted) > NEAR_SIZE * wanted:
        found.append(f"it is {seen.width or '?'}*{seen.height or '?'}, which is not {resolution}")
    if seen.black >= MOSTLY_BLACK * length:
        found.append(f"it is black for {seen.black:g} of its {length:g} s")
    elif seen.still >= MOSTLY_STILL * length:
        found.append(f"nothing moves in it for {seen.still:g} of its {length:g} s")
    return found


def spelled_faults(faulty: Mapping[str, tuple[str, ...]], total: int) -> str:
    """How many are wrong, and each with what is wrong with it."""
    each = "; ".join(f"{name}: {', '.join(faults)}" for name, faults in faulty.items())
    verb = "is" if len(faulty) == 1 else "are"
    return f"{len(faulty)} of {counted(total, 'check video')} {verb} wrong: {each}"
