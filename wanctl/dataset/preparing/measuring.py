"""What a frame looks like in small: how much it differs from the one before, and how dark it is."""

import math

from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from PIL import Image, ImageChops

from wanctl.dataset.preparing.bars import gray
from wanctl.dataset.preparing.outcome import Crop
from wanctl.dataset.preparing.scenes import FrameMeasures

_LONG_SIDE = 160
_DARK = 26  # of 255: a tenth, as FFmpeg's blackdetect has it


class FrameMeter:
    """Measures one frame after the other, without the bars."""

    def __init__(self, crop: Crop | None = None) -> None:
        self._crop = crop
        self._reformatter = VideoReformatter()
        self._before: Image.Image | None = None

    def measure(self, frame: VideoFrame, at: float) -> FrameMeasures:
        picture = gray(self._reformatter, frame, small_size(frame.width, frame.height))
        if self._crop:
            picture = picture.crop(_scaled(self._crop, picture.width / frame.width))
        counts = picture.histogram()
        dark = sum(counts[:_DARK]) / (picture.width * picture.height)
        before, self._before = self._before, picture
        change = 0.0
        if before is not None and before.size == picture.size:
            change = mean_of(ImageChops.difference(picture, before)) / 2.55
        return FrameMeasures(at, change, dark)

    def forget(self) -> None:
        """The next frame does not follow the last one."""
        self._before = None


def small_size(width: int, height: int) -> tuple[int, int]:
    """So small that measuring costs little beside decoding; even, and of the frame's shape."""
    factor = min(1.0, _LONG_SIDE / max(width, height))
    return max(2, round(width * factor / 2) * 2), max(2, round(height * factor / 2) * 2)


def _scaled(crop: Crop, factor: float) -> tuple[int, int, int, int]:
    """The part within the bars; a row that is half of them is left out."""
    left, top = math.ceil(crop.left * factor), math.ceil(crop.top * factor)
    right, bottom = int((crop.left + crop.width) * factor), int((crop.top + crop.height) * factor)
    return left, top, max(left + 1, right), max(top + 1, bottom)


def mean_of(picture: Image.Image) -> float:
    """Of 255."""
    counts = picture.histogram()
    return sum(value * count for value, count in enumerate(counts)) / (picture.width * picture.height)
