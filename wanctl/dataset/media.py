"""How long a clip is: from its headers if they say, else by counting frames, within bounds.

Only MP4 and MOV are opened, from a stream: a playlist in disguise cannot make the library open others.
"""

from typing import BinaryIO

import av
from av.container import InputContainer

_MOST_PACKETS = 200_000  # nearly an hour of video; the service takes seconds


class MediaError(ValueError):
    """A clip that cannot be opened or has no length."""


def clip_seconds(file: BinaryIO) -> float:
    """The length of the clip in a seekable stream."""
    try:
        with av.open(file, mode="r", format="mov") as container:
            return _seconds(container)
    except (av.error.FFmpegError, ValueError, OSError, EOFError) as error:
        if isinstance(error, MediaError):
            raise
        raise MediaError("cannot be opened as an MP4 or MOV video") from error


def _seconds(container: InputContainer) -> float:
    if not container.streams.video:
        raise MediaError("has no video in it")
    stream = container.streams.video[0]
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if container.duration:
        return container.duration / av.time_base
    return _counted(container)


def _counted(container: InputContainer) -> float:
    """The end of the last packet: nothing is decoded, but the file is read through."""
    end = 0.0
    for number, packet in enumerate(container.demux(video=0)):
        if number >= _MOST_PACKETS:
            raise MediaError("is too long to be measured")
        if packet.pts is not None:
            end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    if end <= 0:
        raise MediaError("has no frames")
    return end
