"""Frames out of a clip. In a child process: `looking` and `pictures` ask for them."""

from collections.abc import Sequence
from typing import BinaryIO

import av
from PIL.Image import Image

from wanctl.dataset.contents import LARGEST_SIDE, SNIFFED, Media, MediaKind
from wanctl.dataset.media import probe
from wanctl.decoding.child import TooMuchError
from wanctl.decoding.opening import opened_clip
from wanctl.decoding.pictures import jpeg_of

_JPEG_QUALITY = 95
_MOST_DECODED = 2_000  # frames: more than a minute


def end_job(files: Sequence[BinaryIO], *, last: bool) -> tuple[None, list[bytes]]:
    """The first frame, or the last one."""
    try:
        with opened_clip(files[0], "mov") as container:
            frames = container.decode(container.streams.video[0])
            frame = next(frames)
            for later in frames if last else ():
                frame = later
    except MemoryError:
        raise
    except (av.error.FFmpegError, StopIteration, IndexError) as error:
        raise TooMuchError("cannot be decoded") from error
    return None, [jpeg_of(frame.to_image(), _JPEG_QUALITY)]  # type: ignore[no-untyped-call]  # PyAV types it not


def spread_job(files: Sequence[BinaryIO], *, count: int, side: int) -> tuple[None, list[bytes]]:
    """A few frames over the whole length, small."""
    with opened_clip(files[0], "mov") as container:
        stream = container.streams.video[0]
        every = max(1, (stream.frames or count) // count)
        found: list[bytes] = []
        for number, frame in enumerate(container.decode(stream)):
            if number % every == 0 and len(found) < count:
                picture = frame.to_image()  # type: ignore[no-untyped-call]  # PyAV types it not
                picture.thumbnail((side, side))
                found.append(jpeg_of(picture, 85))
    return None, found


def between_job(files: Sequence[BinaryIO], *, size: int, count: int, side: int) -> tuple[None, list[bytes]]:
    """So many frames, from the first to the last, small; none of what is no video."""
    media = video_in(files[0], size)
    if media is None or not media.seconds:
        return None, []
    last = media.seconds * (1 - 1 / (4 * count))  # within the last frame, not behind it
    found = frames_at(files[0], [last * number / (count - 1) for number in range(count)])
    for one in found:
        one.thumbnail((side, side))
    return None, [jpeg_of(one, 85) for one in found]


def video_in(file: BinaryIO, size: int) -> Media | None:
    """What a file of this size is, if it is a video that may be decoded."""
    media = probe(file, file.read(SNIFFED), size)
    if media is None or media.kind is not MediaKind.VIDEO or media.fault:
        return None
    return media if max(media.width, media.height) <= LARGEST_SIDE else None


def frames_at(file: BinaryIO, wanted: Sequence[float]) -> list[Image]:
    """The frames at these seconds, or right behind them; behind the last one there is only that."""
    found: list[Image] = []
    last: av.VideoFrame | None = None
    file.seek(0)
    try:
        with opened_clip(file, "mov") as container:
            stream = container.streams.video[0]
            for number, frame in enumerate(container.decode(stream)):
                if number >= _MOST_DECODED or len(found) == len(wanted):
                    break
                last = frame
                if float(frame.time or 0.0) + 1e-3 >= wanted[len(found)]:
                    found.append(_upright(frame))
                    last = None
            if last is not None and len(found) < len(wanted):
                found.append(_upright(last))
    except MemoryError:
        raise
    except (av.error.FFmpegError, OSError, ValueError):
        return found
    return found


def _upright(frame: av.VideoFrame) -> Image:
    picture: Image = frame.to_image()  # type: ignore[no-untyped-call]  # PyAV has no types here
    return picture.rotate(frame.rotation, expand=True) if frame.rotation else picture
