"""What a preview looks like without being played: a poster, a strip of frames, how much moves in it, and
where it differs from another. All from the pixels, with bounded work; kept by content, so done once.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image, ImageChops, ImageOps, ImageStat
from pydantic import TypeAdapter

from wanctl.base.files import PUBLIC, replace_file
from wanctl.decoding.pictures import decoded_picture
from wanctl.decoding.pool import DecodingLimits, UndecodableError, decoded
from wanctl.review.collecting import Review
from wanctl.review.store import StoredMedia

FRAMES = 8
_ACROSS = 4  # frames of a strip beside each other
_STRIP_SIDE = 160  # the width of a frame in a strip
_LIMITS = DecodingLimits(seconds=120.0)
_PICTURES = 2  # the strip and the poster
_DRAWN_AT_ONCE = 2
_FACTS = ("width", "height", "seconds", "motion")


@dataclass(frozen=True)
class _Said:
    """What a child tells of a video, beside the pictures."""

    width: int
    height: int
    seconds: float
    motion: float


_SAID: TypeAdapter[_Said | None] = TypeAdapter(_Said | None)


@dataclass(frozen=True)
class Filmstrip:
    """A video as pictures. Shares are of the whole range of brightness, 0 to 1."""

    width: int
    height: int
    seconds: float
    motion: float  # how much a pixel changes from one frame of the strip to the next, in the mean
    strip: Path
    poster: Path


def filmstrip(video: StoredMedia, folder: Path) -> Filmstrip | None:
    """The pictures of a video, made now or before; None where it cannot be decoded."""
    strip, poster, facts = (
        folder / f"{video.digest}{ending}" for ending in ("-strip.jpeg", "-poster.jpeg", ".json")
    )
    try:
        known = json.loads(facts.read_text(encoding="utf-8"))
        if strip.exists() and poster.exists():
            width, height, seconds, motion = (known[key] for key in _FACTS)
            return Filmstrip(width, height, seconds, motion, strip, poster)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    folder.mkdir(parents=True, exist_ok=True)
    try:
        made = decoded(
            "wanctl.review.filming:strip_job",
            [video.path],
            _LIMITS,
            size=video.size,
            frames=FRAMES,
            across=_ACROSS,
        )
        said = made.read_as(_SAID)
    except UndecodableError:
        return None
    if said is None or len(made.blobs) != _PICTURES:
        return None
    for place, content in zip((strip, poster), made.blobs, strict=True):
        replace_file(place, content, mode=PUBLIC)
    replace_file(facts, json.dumps(asdict(said)), mode=PUBLIC)
    return Filmstrip(said.width, said.height, said.seconds, said.motion, strip, poster)


def _mean(difference: Image.Image) -> float:
    """The mean of a picture's pixels, as a share of white."""
    return float(ImageStat.Stat(difference.convert("L")).mean[0]) / 255


@dataclass(frozen=True)
class Difference:
    """Two checkpoints' videos of the same input: how much they differ, and a picture of where."""

    share: float
    heat: Path


def difference(before: Filmstrip, after: Filmstrip, folder: Path) -> Difference | None:
    """Frame by frame over both strips; None where their frames have not the same shape."""
    if not _same_shape(before, after):
        return None
    pairs = zip(frames_of(before), frames_of(after), strict=True)
    found = [ImageChops.difference(a.convert("L"), b.convert("L")) for a, b in pairs]
    heat = found[0]
    for one_ in found[1:]:
        heat = ImageChops.lighter(heat, one_)
    place = folder / f"{_stem(after.strip)}-since-{_stem(before.strip)}.jpeg"
    ImageOps.colorize(heat.point(_amplified), "#0b1020", "#ffdd66", mid="#b03060").save(
        place, "JPEG", quality=80
    )
    return Difference(sum(map(_mean, found)) / len(found), place)


def _amplified(value: int) -> int:
    """Small differences are to be seen: what differs by a quarter of the range is full on."""
    return min(255, value * 4)


def frames_of(film: Filmstrip) -> list[Image.Image]:
    """The frames of a strip, small; where the video had fewer, the last ones are black."""
    strip = decoded_picture(film.strip)
    tall = strip.height // (FRAMES // _ACROSS)
    return [strip.crop(box) for box in _boxes(tall)]


def _same_shape(one: Filmstrip, two: Filmstrip) -> bool:
    return one.width * two.height == two.width * one.height


def _boxes(tall: int) -> Iterator[tuple[int, int, int, int]]:
    """Where the frames of a strip are."""
    for number in range(FRAMES):
        left, top = number % _ACROSS * _STRIP_SIDE, number // _ACROSS * tall
        yield left, top, left + _STRIP_SIDE, top + tall


def _stem(strip: Path) -> str:
    return strip.name.partition("-")[0][:16]


def filmstrips(review: Review, folder: Path) -> dict[str, Filmstrip]:
    """The filmstrip of every video of a review that can be decoded, by its content."""
    videos = {
        each.video.digest: each.video
        for one in review.candidates
        for each in one.showings
        if each.video is not None
    }
    with ThreadPoolExecutor(_DRAWN_AT_ONCE) as pool:
        made = pool.map(lambda video: filmstrip(video, folder), videos.values())
        return {digest: strip for digest, strip in zip(videos, made, strict=True) if strip}
