"""The frames of a file that a person filmed, and how they are to be shown. In a child process: `work` asks
for what comes of them.

A file is opened with the demuxer that its first bytes ask for and no other, so that a playlist in disguise
opens nothing else.
"""

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction

import av
from av.container import InputContainer
from av.video.frame import VideoFrame

from wanctl.dataset.contents import DatasetError
from wanctl.dataset.media import TooManyBoxesError, declared_frames
from wanctl.dataset.preparing.footage import FootageFile
from wanctl.decoding.opening import opened_clip, told_seconds

_MOST_FRAMES = 5_000_000  # a day of video
_FASTEST = 30  # frames a second that clips have at most
_USUAL_RATE = Fraction(25)
_BEFORE = 1.0  # seconds that are decoded before those that count
_MOST_BROKEN = 100  # packets in one file that cannot be decoded


class FootageError(DatasetError):
    """Footage that cannot be read, as the end of a sentence that begins with the file's name."""


@dataclass(frozen=True)
class Geometry:
    """How a file's frames are to be shown."""

    width: int  # as it is stored
    height: int
    rate: Fraction  # frames a second
    rotation: int = 0  # degrees against the clock
    pixel_aspect: Fraction = Fraction(1)
    interlaced: bool = False
    seconds: float = 0.0
    starts: float = 0.0  # the time of the first frame

    @property
    def frame_seconds(self) -> float:
        return float(1 / self.rate)

    @property
    def steady_rate(self) -> Fraction:
        """The rate of a clip: as it is filmed, or a whole part of it that is at most 30 a second."""
        return self.rate / -(-self.rate // _FASTEST) if self.rate > _FASTEST else self.rate


@contextmanager
def opened(footage: FootageFile) -> Iterator[InputContainer]:
    """The file, ready to be decoded by several threads; what is wrong with it is a `FootageError`."""
    with ExitStack() as opening:
        try:
            if footage.demuxer == "mov":
                with footage.path.open("rb") as file:
                    if declared_frames(file, footage.path.stat().st_size) > _MOST_FRAMES:
                        raise FootageError(f"declares more than {_MOST_FRAMES:,} frames")
            container = opening.enter_context(opened_clip(footage.path, footage.demuxer))
        except MemoryError:
            raise
        except (av.error.FFmpegError, OSError, TooManyBoxesError) as error:
            raise FootageError("cannot be opened as a video: it is damaged or cut off") from error
        if not container.streams.video:
            raise FootageError("has no video in it")
        container.streams.video[0].thread_type = "AUTO"
        yield container


def geometry_of(container: InputContainer) -> Geometry:
    """Read from the head and the first frame; the container stands at its begin again."""
    stream = container.streams.video[0]
    try:
        frame = next(container.decode(stream), None)
    except MemoryError:
        raise
    except av.error.FFmpegError as error:
        raise FootageError("cannot be decoded: it is damaged or of an unknown codec") from error
    if frame is None:
        raise FootageError("has no frames")
    aspect = stream.sample_aspect_ratio or Fraction(1)
    found = Geometry(
        width=frame.width,
        height=frame.height,
        rate=stream.average_rate or stream.guessed_rate or _USUAL_RATE,
        rotation=frame.rotation % 360,
        pixel_aspect=aspect if aspect > 0 else Fraction(1),
        interlaced=bool(frame.interlaced_frame),
        seconds=told_seconds(container, stream) or 0.0,
        starts=frame.time or 0.0,
    )
    container.seek(0)
    return found


def frames_from(
    container: InputContainer, geometry: Geometry, begin: float
) -> Iterator[tuple[VideoFrame, float] | None]:
    """Each frame with its time, from a little before `begin` on; None where some cannot be decoded.

    Times only grow: a frame without one, or with one that was already, comes one frame after the last.
    """
    stream, last, broken = container.streams.video[0], -geometry.frame_seconds, 0
    if begin:
        container.seek(max(0, round((begin + geometry.starts - _BEFORE) * av.time_base)))
        last = -math.inf
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except MemoryError:
            raise
        except av.error.FFmpegError:
            broken += 1
            if broken > _MOST_BROKEN:
                raise FootageError(f"cannot be decoded beyond {last:.1f} s") from None
            yield None
            continue
        for frame in frames:
            at = last if frame.pts is None else float(frame.time) - geometry.starts
            last = at if at > last else last + geometry.frame_seconds
            if (frame.width, frame.height) != (geometry.width, geometry.height):
                raise FootageError(f"changes its size to {frame.width}×{frame.height} at {last:.1f} s")
            yield frame, last
