"""Videos, pictures and sounds that are opened for a generation. In a child process: `measuring`, `inputs` and
`extending` ask for it.
"""

from collections.abc import Sequence
from typing import Any, BinaryIO

import av

from wanctl.decoding.opening import opened_clip, opened_picture, told_seconds


def measures_job(files: Sequence[BinaryIO], *, demuxer: str) -> dict[str, Any]:
    """Length, rate and size, as the headers say them."""
    with opened_clip(files[0], demuxer) as container:
        if not container.streams.video:
            return {}
        stream = container.streams.video[0]
        rate = float(stream.average_rate) if stream.average_rate else None
        seconds = told_seconds(container, stream)
        codec = stream.codec_context
        return {
            "seconds": round(seconds, 3) if seconds else None,
            "fps": round(rate, 3) if rate else None,
            "width": codec.width or None,
            "height": codec.height or None,
        }


def transparent_job(files: Sequence[BinaryIO]) -> bool:
    """Whether a picture has pixels through which one can see."""
    with opened_picture(files[0]) as picture:
        return picture.mode in {"RGBA", "LA", "PA"} or "transparency" in picture.info


def sound_job(files: Sequence[BinaryIO], *, demuxer: str) -> float | None:
    """How long a sound is."""
    try:
        with opened_clip(files[0], demuxer) as container:
            return told_seconds(container, container.streams.audio[0])
    except MemoryError:
        raise
    except (av.error.FFmpegError, IndexError):
        return None
