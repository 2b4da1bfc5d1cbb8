"""Pictures for a model that sees: frames of a clip, and each of them as a part of a message."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wanctl.dataset.contents import SNIFFED, MediaKind

if TYPE_CHECKING:
    from av import VideoFrame
    from PIL.Image import Image

_MOST_DECODED = 2_000  # frames: more than a minute


def frames_between(path: Path, count: int) -> "list[Image]":
    """So many frames of a video, from its first to its last; none where it cannot be decoded."""
    from wanctl.dataset.media import LARGEST_SIDE, probe  # it loads the decoders

    with path.open("rb") as stream:
        media = probe(stream, stream.read(SNIFFED), path.stat().st_size)
    if media is None or media.kind is not MediaKind.VIDEO or media.fault or not media.seconds:
        return []
    if max(media.width, media.height) > LARGEST_SIDE:
        return []
    last = media.seconds * (1 - 1 / (4 * count))  # within the last frame, not behind it
    return frames_at(path, [last * number / (count - 1) for number in range(count)])


def frames_at(path: Path, wanted: Sequence[float]) -> "list[Image]":
    """The frames at these seconds, or right behind them; behind the last one there is only that."""
    import av

    found: list[Image] = []
    last: VideoFrame | None = None
    try:
        with av.open(str(path), mode="r", format="mov") as container:
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
    except (av.error.FFmpegError, OSError, ValueError):
        return found
    return found


def _upright(frame: "VideoFrame") -> "Image":
    picture: Image = frame.to_image()  # type: ignore[no-untyped-call]  # PyAV has no types here
    return picture.rotate(frame.rotation, expand=True) if frame.rotation else picture


def opened_picture(path: Path, side: int) -> "Image | None":
    """A picture of this machine, decoded no larger than is needed; None where it is none."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            picture.draft("RGB", (side, side))
            return picture.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None


def jpeg_url(picture: "Image", side: int) -> str:
    """The picture as an address that holds it, no side of it longer than that."""
    small, out = picture.copy(), io.BytesIO()
    small.thumbnail((side, side))
    small.save(out, "JPEG", quality=85)
    return data_url("image/jpeg", out.getvalue())


def image_part(picture: "Image", side: int) -> dict[str, Any]:
    """The same as a part of a message."""
    return {"type": "image_url", "image_url": {"url": jpeg_url(picture, side)}}


def data_url(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
