"""The media of a request: addresses are left alone, local files are hashed and looked into before any call.

Only this module reads them; the rules get values.
"""

import base64
import binascii
import contextlib
import hashlib
import io
import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from wanctl.base.redaction import without_secrets
from wanctl.dataset.contents import SNIFFED, Media, MediaKind, sniff
from wanctl.generation.request import MEDIA_FIELDS, RequestError, VideoRequest

_CHUNK = 1024 * 1024
_ADDRESSES = ("http://", "https://", "oss://")
_MIME = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "BMP": "image/bmp",
    "WEBP": "image/webp",
    "MP4": "video/mp4",
    "MOV": "video/quicktime",
    "WAV": "audio/wav",
    "MP3": "audio/mpeg",
}


@dataclass(frozen=True)
class InputUrl:
    """Something that the service fetches itself."""

    field: str
    url: str = dataclass_field(repr=False)

    @property
    def identity(self) -> str:
        return self.url

    @property
    def shown(self) -> str:
        return without_secrets(self.url)

    @property
    def is_video(self) -> bool:
        return Path(urlsplit(self.url).path).suffix.lower() in {".mp4", ".mov"}


@dataclass(frozen=True)
class Sound:
    """A sound by its bytes: WAV, MP3, or neither."""

    format: str
    seconds: float | None


@dataclass(frozen=True)
class InputFile:
    """A file of this machine, or bytes that were handed over, and what is in it."""

    field: str
    name: str
    size: int
    sha256: str
    media: Media | None = None
    sound: Sound | None = None
    transparent: bool = False
    path: Path | None = None
    data: bytes | None = dataclass_field(default=None, repr=False)

    @property
    def identity(self) -> str:
        return f"sha256:{self.sha256}"

    @property
    def shown(self) -> str:
        return str(self.path) if self.path else f"{self.name} ({self.size} bytes)"

    @property
    def is_video(self) -> bool:
        return self.media is not None and self.media.kind is MediaKind.VIDEO

    @property
    def format(self) -> str:
        return self.media.format if self.media else self.sound.format if self.sound else ""

    @property
    def mime(self) -> str:
        guessed = mimetypes.guess_type(self.name)[0] or "application/octet-stream"
        return _MIME.get(self.format, guessed)

    def opened(self) -> BinaryIO:
        return io.BytesIO(self.data) if self.data is not None else (self.path or Path()).open("rb")

    def as_data_url(self) -> str:
        with self.opened() as file:
            return f"data:{self.mime};base64,{base64.b64encode(file.read()).decode()}"


Input = InputUrl | InputFile


def inputs_of(request: VideoRequest) -> tuple[Input, ...]:
    """All media that a request names; RequestError where a file cannot be read."""
    return tuple(_inputs(request))


def _inputs(request: VideoRequest) -> Iterator[Input]:
    for name in MEDIA_FIELDS:
        value = getattr(request, name)
        for one in value if isinstance(value, tuple) else (value,):
            if one is not None:
                yield read_input(name, one)


def read_input(name: str, value: bytes | Path | str) -> Input:
    """One of them, by the field that it is for."""
    if isinstance(value, str) and value.startswith(_ADDRESSES):
        return InputUrl(name, value)
    if isinstance(value, str) and value.startswith("data:"):
        return _from_bytes(name, _decoded(name, value))
    if isinstance(value, bytes):
        return _from_bytes(name, value)
    path = _path(value)
    try:
        with path.open("rb") as file:
            return _looked_into(name, path.name, file, path=path)
    except OSError as error:
        reason = (
            "is not there" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
        )
        raise RequestError(f"{name}: {path} {reason}", "name a file, or a URL with https://") from None


def _path(value: Path | str) -> Path:
    text = str(value)
    if text.startswith("file://"):
        text = unquote(urlsplit(text).path)
    return Path(text).expanduser()


def _decoded(name: str, url: str) -> bytes:
    try:
        return base64.b64decode(url.partition(",")[2], validate=True)
    except (binascii.Error, ValueError):
        raise RequestError(f"{name}: its data: URL is no base64") from None


def _from_bytes(name: str, data: bytes) -> InputFile:
    if not data:
        raise RequestError(f"{name}: is empty")
    return _looked_into(name, name, io.BytesIO(data), data=data)


def _looked_into(
    name: str, called: str, file: BinaryIO, *, path: Path | None = None, data: bytes | None = None
) -> InputFile:
    digest, size = hashlib.sha256(), 0
    begin = file.read(SNIFFED)
    file.seek(0)
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
    media, transparent = _media(file, begin, size)
    sound = None if media else _sound(file, begin)
    ending = (
        Path(called).suffix or mimetypes.guess_extension(_MIME.get(media.format if media else "", "")) or ""
    )
    return InputFile(
        name,
        f"{Path(called).stem}{ending}",
        size,
        digest.hexdigest(),
        media,
        sound,
        transparent,
        path,
        data,
    )


def _media(file: BinaryIO, begin: bytes, size: int) -> tuple[Media | None, bool]:
    if sniff(begin) is None:
        return None, False
    from wanctl.dataset.looking import probe_media
    from wanctl.decoding.pool import UndecodableError, decoded

    found = probe_media(file, begin, size).media
    transparent = False
    if found and found.kind is MediaKind.IMAGE and not found.fault:
        with contextlib.suppress(UndecodableError):
            transparent = decoded("wanctl.generation.opened:transparent_job", [file]).value is True
    return found, transparent


def _sound(file: BinaryIO, begin: bytes) -> Sound | None:
    if begin[:4] == b"RIFF" and begin[8:12] == b"WAVE":
        name = "WAV"
    elif begin[:3] == b"ID3" or (len(begin) > 1 and begin[0] == 0xFF and begin[1] & 0xE0 == 0xE0):
        name = "MP3"
    else:
        return None
    from wanctl.decoding.pool import UndecodableError, decoded

    try:
        seconds = decoded("wanctl.generation.opened:sound_job", [file], demuxer=name.lower()).value
    except UndecodableError:
        seconds = None
    return Sound(name, float(seconds) if isinstance(seconds, int | float) else None)
