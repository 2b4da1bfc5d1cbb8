"""Pictures that others made: decoded in a child into plain pixels, or into a small JPEG of our own.

The functions that end in `_job` run in the child; what is loaded by both decodes nothing.
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from wanctl.decoding.pool import UndecodableError, decoded

if TYPE_CHECKING:
    from PIL.Image import Image


def jpeg_of(picture: "Image", quality: int) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


def decoded_picture(file: BinaryIO | Path, about: tuple[int, int] | None = None) -> "Image":
    """Its pixels in RGB; a JPEG may come smaller, but not below the size that is said."""
    from PIL import Image

    found = decoded("wanctl.decoding.pictures:pixels_job", [file], about=about)
    try:
        width, height = found.value
        return Image.frombytes("RGB", (int(width), int(height)), found.only_blob())
    except (ValueError, TypeError, OverflowError, MemoryError) as error:
        raise UndecodableError("makes its decoder say what is no picture") from error


def thumbnail(
    file: BinaryIO | Path, size: tuple[int, int], *, quality: int = 80, turned: bool = True
) -> bytes:
    """A small JPEG, turned as its camera says."""
    found = decoded(
        "wanctl.decoding.pictures:thumbnail_job", [file], size=size, quality=quality, turned=turned
    )
    return found.only_blob()


def pixels_job(
    files: Sequence[BinaryIO], *, about: Sequence[int] | None
) -> tuple[tuple[int, int], list[bytes]]:
    from wanctl.decoding.opening import opened_picture, require_decodable

    with opened_picture(files[0]) as picture:
        if about:
            picture.draft("RGB", (about[0], about[1]))
        require_decodable(picture)
        plain = picture.convert("RGB")
    return plain.size, [plain.tobytes()]


def thumbnail_job(
    files: Sequence[BinaryIO], *, size: Sequence[int], quality: int, turned: bool
) -> tuple[None, list[bytes]]:
    from PIL import ImageOps

    from wanctl.decoding.opening import opened_picture, require_decodable

    with opened_picture(files[0]) as picture:
        picture.draft("RGB", (size[0], size[1]))
        require_decodable(picture)
        small = (ImageOps.exif_transpose(picture) if turned else picture).convert("RGB")
        small.thumbnail((size[0], size[1]))
        return None, [jpeg_of(small, quality)]
