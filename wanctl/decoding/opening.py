"""The one place where FFmpeg and Pillow open a file that others made: with one demuxer or a few formats, and
without any other file, address or playlist that it may name. Loaded in children, and by nobody else.
"""

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import av
from av.container import InputContainer
from av.stream import Stream
from PIL import Image

from wanctl.decoding.child import TooMuchError

DEMUXERS = frozenset(
    {"mov", "matroska", "avi", "flv", "mpeg", "mpegts", "asf", "mxf"}  # of films
    | {"wav", "mp3"}  # of sounds
)
PICTURES = ("BMP", "JPEG", "PNG", "WEBP")
_PROTOCOLS = "file"
_OPTIONS = {
    "protocol_whitelist": _PROTOCOLS,
    "enable_drefs": "0",  # a mov may name other files
    "use_absolute_path": "0",
}
_MOST_PIXELS = 64_000_000  # of a picture that is decoded whole

# What is too large is refused before it is decoded: Pillow need not warn of it.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


@contextlib.contextmanager
def opened_clip(file: BinaryIO | Path, demuxer: str) -> Iterator[InputContainer]:
    """A film or a sound, ready to be read."""
    if demuxer not in DEMUXERS:
        raise TooMuchError("is of a kind that is not opened")
    place = file if not isinstance(file, Path) else f"file:{file.resolve()}"
    options = _OPTIONS if demuxer == "mov" else {"protocol_whitelist": _PROTOCOLS}
    with av.open(place, mode="r", format=demuxer, options=options) as container:
        yield container


def told_seconds(container: InputContainer, stream: Stream) -> float | None:
    """How long it is, by its headers; None where they do not say."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else None


@contextlib.contextmanager
def opened_picture(file: BinaryIO | Path) -> Iterator[Image.Image]:
    """A picture, of which only the head was read."""
    with Image.open(file, formats=PICTURES) as picture:
        yield picture


def require_decodable(picture: Image.Image) -> None:
    """Before all of its pixels are made."""
    width, height = picture.size
    if width * height > _MOST_PIXELS:
        raise TooMuchError(f"declares {width}×{height} pixels, which are not decoded")
