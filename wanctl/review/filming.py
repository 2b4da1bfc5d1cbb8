"""A preview video as pictures: its strip and its poster. In a child process: `pictures` asks for it."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, BinaryIO

from PIL import Image, ImageChops, ImageStat

from wanctl.dataset.frames import frames_at, video_in
from wanctl.decoding.pictures import jpeg_of

_STRIP_SIDE = 160  # the width of a frame in a strip
_POSTER_SIDE = 480
_POSTER_AT = 5  # which frame of the strip is the poster: late enough for the effect to show


def strip_job(
    files: Sequence[BinaryIO], *, size: int, frames: int, across: int
) -> tuple[dict[str, Any] | None, list[bytes]]:
    """What the video is and how much moves in it, with its strip and its poster; None for what is none."""
    media = video_in(files[0], size)
    if media is None or not media.seconds:
        return None, []
    found = frames_at(files[0], [media.seconds * number / frames for number in range(frames)])
    if not found:
        return None, []
    small = [_fitted(one, _STRIP_SIDE) for one in found]
    whole = Image.new("RGB", (across * _STRIP_SIDE, frames // across * small[0].height))
    for number, one in enumerate(small):
        whole.paste(one, (number % across * _STRIP_SIDE, number // across * small[0].height))
    poster = _fitted(found[min(_POSTER_AT, len(found) - 1)], _POSTER_SIDE)
    moved = [_mean(ImageChops.difference(a, b)) for a, b in pairwise(small)]
    width, height = found[0].size
    motion = sum(moved) / len(moved) if moved else 0.0
    said = {"width": width, "height": height, "seconds": media.seconds, "motion": motion}
    return said, [jpeg_of(whole, 88), jpeg_of(poster, 82)]


def _fitted(picture: Image.Image, width: int) -> Image.Image:
    scaled = max(1, round(picture.height * width / picture.width))
    return picture.convert("RGB").resize((width, scaled))


def _mean(difference: Image.Image) -> float:
    """The mean of a picture's pixels, as a share of white."""
    return float(ImageStat.Stat(difference.convert("L")).mean[0]) / 255
