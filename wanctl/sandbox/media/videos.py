"""Videos of calls: real MP4s of the length, size and sound that were asked for, drawn from what was given."""

import colorsys
import math
import random
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from PIL import Image

from wanctl.sandbox.media.previews import picture_at, placeholder, read_image
from wanctl.sandbox.media.whole import whole

RATE = 8
SOUND_RATE, SAMPLES, _WAVES = 16_000, 1024, 28
_LEVELS = {"480P": 832 * 480, "720P": 1280 * 720, "1080P": 1920 * 1080}
_DRAWN = 240  # the longest side of what is drawn, which is then scaled up: cheaper, and as good here


@dataclass(frozen=True)
class VideoScript:
    """What a video is drawn from."""

    seed: str
    seconds: int
    level: str
    sides: tuple[int, int] | None = None  # None: the shape is the first picture's
    first: Path | None = None  # an image or a clip
    last: Path | None = None
    from_end: bool = False  # it goes on from the end of a clip
    sounds: bool = False
    flaw: str | None = None  # BLACK, STILL, SHORT or SMALL, where that is arranged


def write_video(path: Path, script: VideoScript) -> None:
    """Render beside and rename over, so that nobody reads half a video."""
    first = _still(script.first, at_end=script.from_end) or _imagined(script.seed)
    last = _still(script.last, at_end=False)
    size = script.sides or _shaped(first, script.level)
    if script.flaw == "SMALL":
        size = max(16, size[0] // 4 * 2), max(16, size[1] // 4 * 2)
    small = _small(first, size), _small(last, size) if last else None
    with whole(path) as unfinished, av.open(str(unfinished), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.options = {"crf": "34", "preset": "ultrafast", "tune": "fastdecode"}
        sound = container.add_stream("aac", rate=SOUND_RATE, layout="mono") if script.sounds else None
        total = RATE * script.seconds // (2 if script.flaw == "SHORT" else 1)
        for number in range(total):
            picture = _blended(*small, 0.0 if script.flaw == "STILL" else number / total, script.seed)
            if script.flaw == "BLACK":
                picture = Image.new("RGB", picture.size)
            frame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]  # PyAV has no types here
            container.mux(stream.encode(frame.reformat(*size, "yuv420p", interpolation="FAST_BILINEAR")))
        container.mux(stream.encode())
        if sound is not None:
            for frame in _tone(script.seconds):
                container.mux(sound.encode(frame))
            container.mux(sound.encode())


def _still(path: Path | None, *, at_end: bool) -> Image.Image | None:
    """An image, or a clip's first or last picture."""
    if path is None or not path.exists():
        return None
    try:
        return read_image(path)
    except OSError:
        pass
    try:
        with av.open(str(path), mode="r", format="mov") as container:
            found: Image.Image | None = None
            for frame in container.decode(video=0):
                found = frame.to_image()  # type: ignore[no-untyped-call]  # PyAV has no types here
                if not at_end:
                    break
            return found.convert("RGB") if found else None
    except av.error.FFmpegError:
        return None


def _imagined(seed: str) -> Image.Image:
    """A picture where only words were given: another for each call."""
    dice = random.Random(seed)  # noqa: S311 - a picture
    colour = colorsys.hsv_to_rgb(dice.random(), 0.5, 0.6)
    tint = Image.new("RGB", placeholder().size, tuple(round(255 * part) for part in colour))
    return Image.blend(placeholder(), tint, 0.5)


def _shaped(first: Image.Image, level: str) -> tuple[int, int]:
    """About as many pixels as the level has, in the shape of the first frame."""
    scale = math.sqrt(_LEVELS.get(level, _LEVELS["720P"]) / (first.width * first.height))
    width, height = (max(16, round(side * scale / 2) * 2) for side in first.size)
    return width, height


def _small(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    scale = min(1.0, _DRAWN / max(size))
    return picture.resize((max(16, round(size[0] * scale)), max(16, round(size[1] * scale))))


def _blended(first: Image.Image, last: Image.Image | None, time: float, seed: str) -> Image.Image:
    picture = picture_at(first, time, 1.0, seed)
    return picture if last is None else Image.blend(picture, picture_at(last, 1 - time, 1.0, seed), time)


def _tone(seconds: int) -> Iterator[av.AudioFrame]:
    """A quiet tone, whose waves fit into a frame."""
    turns = (number * _WAVES * math.tau / SAMPLES for number in range(SAMPLES))
    wave = array("f", (0.1 * math.sin(turn) for turn in turns)).tobytes()
    for number in range(math.ceil(seconds * SOUND_RATE / SAMPLES)):
        frame = av.AudioFrame(format="fltp", layout="mono", samples=SAMPLES)
        frame.planes[0].update(wave)
        frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, number * SAMPLES, Fraction(1, SOUND_RATE)
        yield frame
