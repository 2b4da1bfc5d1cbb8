"""Black bars: rows and columns at the edges that stay black over the whole file.

FFmpeg's cropdetect is in no wheel of PyAV; Pillow does as much with a few frames, spread over the file. Only
bars that lie alike on both sides are cut off: a night sky is black on one.
"""

from collections.abc import Iterator
from itertools import islice

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from PIL import Image, ImageChops

from wanctl.dataset.preparing.outcome import Crop

_SAMPLES = 12
_FEW = 3  # key frames of which nothing can be told
_MOST_DECODED = 120  # frames that are decoded instead
_BLACK_ROW = 24  # of 255, the mean of a row: cropdetect's own threshold
_THIN = 0.01  # of a side: so little may be missing without being a bar
_UNEVEN = 0.02  # of a side, by which two bars may differ
_LEAST = 0.25  # of the frame's side has to remain; else it is a dark file


def gray(reformatter: VideoReformatter, frame: VideoFrame, size: tuple[int, int]) -> Image.Image:
    """The frame as a gray picture of this size."""
    small = reformatter.reformat(frame, *size, "gray", interpolation=Interpolation.AREA)
    plane = small.planes[0]
    return Image.frombuffer("L", size, bytes(plane), "raw", "L", plane.line_size, 1)


def find_bars(container: InputContainer, seconds: float) -> Crop | None:
    """What remains without the bars of the file; None if it has none. The container is at its begin again."""
    brightest = _brightest(container, seconds)
    container.seek(0)
    return without_bars(brightest) if brightest else None


def _brightest(container: InputContainer, seconds: float) -> Image.Image | None:
    """Each pixel as bright as it ever is in the samples."""
    reformatter = VideoReformatter()
    brightest: Image.Image | None = None
    for frame in _samples(container, seconds):
        picture = gray(reformatter, frame, (frame.width, frame.height))
        if brightest is None:
            brightest = picture
        elif brightest.size == picture.size:
            brightest = ImageChops.lighter(brightest, picture)
    return brightest


def _samples(container: InputContainer, seconds: float) -> Iterator[VideoFrame]:
    """Key frames, spread over the file: nothing else is decoded for them. Where it has few, frames from its
    begin on."""
    stream, seen = container.streams.video[0], set()
    stream.codec_context.skip_frame = "NONKEY"
    try:
        for number in range(_SAMPLES):
            frame = _frame_at(container, seconds * (number + 0.5) / _SAMPLES)
            if frame is not None and frame.pts not in seen:
                seen.add(frame.pts)
                yield frame
    finally:
        stream.codec_context.skip_frame = "DEFAULT"
    if len(seen) < _FEW:
        container.seek(0)
        try:
            yield from islice(container.decode(stream), 0, _MOST_DECODED, _MOST_DECODED // _SAMPLES)
        except av.error.FFmpegError:
            return  # what is damaged is told when the file is gone through


def _frame_at(container: InputContainer, at: float) -> VideoFrame | None:
    try:
        container.seek(round(at * av.time_base))
        return next(container.decode(video=0), None)
    except av.error.FFmpegError:
        return None


def without_bars(picture: Image.Image) -> Crop | None:
    """The part of a gray picture between bars that lie alike on both sides; None where there are none."""
    top, bottom = _edges(picture.resize((1, picture.height), Image.Resampling.BOX))
    left, right = _edges(picture.resize((picture.width, 1), Image.Resampling.BOX))
    left, right = _pair(left, right, picture.width)
    top, bottom = _pair(top, bottom, picture.height)
    if not (left or right or top or bottom):
        return None
    width, height = picture.width - left - right, picture.height - top - bottom
    return Crop(left, top, width - width % 2, height - height % 2)


def _edges(means: Image.Image) -> tuple[int, int]:
    """How many black rows, or columns, are at the begin and at the end."""
    values = means.tobytes()
    shown = [number for number, value in enumerate(values) if value > _BLACK_ROW]
    return (shown[0], len(values) - 1 - shown[-1]) if shown else (0, 0)


def _pair(first: int, last: int, side: int) -> tuple[int, int]:
    """Both bars, or none: too thin, too unlike, or too much of the frame."""
    bars = min(first, last) >= _THIN * side and abs(first - last) <= _UNEVEN * side
    if not bars or side - first - last < _LEAST * side:
        return 0, 0
    return first + first % 2, last + last % 2
