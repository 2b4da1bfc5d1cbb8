"""Uploaded archives, read as the service reads them: bounded work, errors that name the entry."""

import io
import json
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import av
from PIL import Image, UnidentifiedImageError

ANNOTATIONS = "data.jsonl"
LARGEST_ANNOTATIONS = 20 * 1024 * 1024
LARGEST_IMAGE = 256 * 1024 * 1024
LARGEST_UNPACKED = 4 * 1024**3  # media hardly shrink when they are packed, so more than this is no dataset
IN_MEMORY = 8 * 1024 * 1024
LARGEST_SIDE = 4096
MOST_MEMBERS = 20_000
_BROKEN_IMAGE = (
    UnidentifiedImageError,
    OSError,
    SyntaxError,
    ValueError,
    struct.error,
    Image.DecompressionBombError,
)
_BROKEN_ARCHIVE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    RuntimeError,
    NotImplementedError,
    ValueError,
)


class BadDataset(Exception):  # noqa: N818 - it says what was found
    """Training on this would fail; the message says at which entry."""


@dataclass(frozen=True)
class ArchivedSample:
    """One line of the annotations."""

    prompt: str
    first_frame: str
    last_frame: str | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Facts:
    """An archive's samples, or why there are none."""

    samples: tuple[ArchivedSample, ...] = ()
    problem: str | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class _Archive:
    """An open archive. No member gives more bytes than the directory says, and their sum is bounded."""

    zip: zipfile.ZipFile
    names: frozenset[str] = field(init=False)
    looked_at: dict[tuple[str, str], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        members = self.zip.infolist()
        if len(members) > MOST_MEMBERS:
            raise BadDataset(f"the archive has {len(members)} members")
        if sum(member.file_size for member in members) > LARGEST_UNPACKED:
            raise BadDataset("the archive unpacks to more than 4 GB")
        self.names = frozenset(member.filename for member in members if not member.is_dir())

    def read(self, name: str, limit: int) -> bytes:
        """A member's bytes; what unpacks to more than it may is refused before it is unpacked."""
        if self.zip.getinfo(name).file_size > limit:
            raise BadDataset(f"{name} is too large")
        return self.zip.read(name)

    def spool(self, name: str) -> IO[bytes]:
        """A member as a file that can be sought in; a large one is on disk."""
        spooled: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - the caller closes it
        with self.zip.open(name) as stream:
            shutil.copyfileobj(stream, spooled, 1024 * 1024)
        spooled.seek(0)
        return spooled

    def once(self, look: "Callable[[_Archive, str], Any]", name: str) -> Any:
        """The result of a look at a member, however many entries name it."""
        key = (look.__name__, name)
        if key not in self.looked_at:
            self.looked_at[key] = look(self, name)
        return self.looked_at[key]


def read_archive(path: Path, *, training: bool, last_frames: bool) -> Facts:
    """The facts of an upload. Never raises for what is inside it."""
    try:
        with zipfile.ZipFile(path) as opened:
            return Facts(
                samples=tuple(_samples(_Archive(opened), training=training, last_frames=last_frames))
            )
    except BadDataset as error:
        return Facts(problem=str(error))
    except _BROKEN_ARCHIVE as error:
        return Facts(problem=f"the archive cannot be read: {error}")


def _samples(archive: _Archive, *, training: bool, last_frames: bool) -> list[ArchivedSample]:
    if ANNOTATIONS not in archive.names:
        raise BadDataset("data.jsonl is not found in the root of the archive")
    text = archive.read(ANNOTATIONS, LARGEST_ANNOTATIONS).decode("utf-8")
    samples = [
        _sample(archive, number, line, training=training, last_frames=last_frames)
        for number, line in enumerate(text.split("\n"), start=1)
        if line.strip()
    ]
    if not samples:
        raise BadDataset("data.jsonl has no entries")
    return samples


def _sample(
    archive: _Archive, number: int, line: str, *, training: bool, last_frames: bool
) -> ArchivedSample:
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise BadDataset(f"data.jsonl line {number}: not valid JSON ({error})") from error
    if not isinstance(entry, dict) or not str(entry.get("prompt") or "").strip():
        raise BadDataset(f"data.jsonl line {number}: prompt is missing")
    try:
        frame = _member(archive, entry, "first_frame_path")
        archive.once(_image_format, frame)
        last = _member(archive, entry, "last_frame_path") if last_frames else None
        if last:
            archive.once(_image_format, last)
        seconds = archive.once(_clip_seconds, _member(archive, entry, "video_path")) if training else None
    except BadDataset as error:
        raise BadDataset(f"data.jsonl line {number}: {error}") from error
    return ArchivedSample(str(entry["prompt"]), frame, last, seconds)


def _member(archive: _Archive, entry: dict[str, Any], key: str) -> str:
    name = entry.get(key)
    if not isinstance(name, str) or not name:
        raise BadDataset(f"{key} is missing")
    if name not in archive.names:
        raise BadDataset(f"{key} {name} is not in the archive")
    return name


def _image_format(archive: _Archive, name: str) -> str:
    """The picture is decoded whole, once its size is known to be what may be decoded."""
    try:
        with Image.open(io.BytesIO(archive.read(name, LARGEST_IMAGE))) as image:
            if image.format not in {"BMP", "JPEG", "PNG", "WEBP"}:
                raise BadDataset(f"{name} is {image.format}")
            if max(image.size) > LARGEST_SIDE:
                raise BadDataset(f"{name} is larger than 4096×4096")
            image.load()
            return image.format
    except _BROKEN_IMAGE as error:
        raise BadDataset(f"{name} is no readable image") from error


def _clip_seconds(archive: _Archive, name: str) -> float:
    """The clip's length by its header; one frame is decoded, to see that it can be."""
    try:
        with archive.spool(name) as spooled, av.open(spooled, "r", format="mp4") as container:
            stream = container.streams.video[0]
            if max(stream.width, stream.height) > LARGEST_SIDE:
                raise BadDataset(f"{name} is larger than 4096×4096")
            next(container.decode(stream))
            if stream.duration and stream.time_base:
                return float(stream.duration * stream.time_base)
            return (container.duration or 0) / 1_000_000
    except (av.error.FFmpegError, IndexError, StopIteration, ValueError) as error:
        raise BadDataset(f"{name} is no readable video") from error


def read_frame(path: Path, name: str) -> Image.Image:
    """A first frame of an upload, to make a preview from."""
    with (
        zipfile.ZipFile(path) as opened,
        Image.open(io.BytesIO(_Archive(opened).read(name, LARGEST_IMAGE))) as image,
    ):
        return image.convert("RGB")
