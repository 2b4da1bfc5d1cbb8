"""Pictures for a model that sees: frames of a clip, and each of them as a part of a message.

They are decoded in a child process.
"""

import base64
from pathlib import Path
from typing import Any

from wanctl.decoding.pictures import thumbnail
from wanctl.decoding.pool import DecodingLimits, UndecodableError, decoded

_LIMITS = DecodingLimits(seconds=120.0)
_QUALITY = 85


def frames_between(path: Path, count: int, side: int) -> tuple[bytes, ...]:
    """So many frames of a video, from its first to its last, as JPEGs; none where it cannot be decoded."""
    size = path.stat().st_size
    try:
        made = decoded(
            "wanctl.dataset.frames:between_job", [path], _LIMITS, size=size, count=count, side=side
        )
    except UndecodableError:
        return ()
    return made.blobs


def small_picture(path: Path, side: int) -> bytes | None:
    """A picture of this machine as a JPEG of which no side is longer; None where it is none."""
    try:
        return thumbnail(path, (side, side), quality=_QUALITY, turned=False)
    except (OSError, UndecodableError):
        return None


def image_part(jpeg: bytes) -> dict[str, Any]:
    """A part of a message."""
    return {"type": "image_url", "image_url": {"url": jpeg_url(jpeg)}}


def jpeg_url(jpeg: bytes) -> str:
    """The picture as an address that holds it."""
    return data_url("image/jpeg", jpeg)


def data_url(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
