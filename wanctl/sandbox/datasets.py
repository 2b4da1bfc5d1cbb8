"""What an uploaded archive holds, read as the service reads it: bounded work, errors that name the entry."""

import io
import json
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import av
from PIL import Image, UnidentifiedImageError

ANNOTATIONS = "data.jsonl"
LARGEST_ANNOTATIONS = 20 * 1024 * 1024
LARGEST_MEMBER = 1024**3
LARGEST_SIDE = 4096
MOST_MEMBERS = 20_000


class BadDataset(Exception):  # noqa: N818 - it says what was found
    """Training on this would fail; the message says at which entry."""


@dataclass(frozen=True)
class Sample:
    """One line of the annotations."""

    prompt: str
    first_frame: str
    last_frame: str | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Facts:
    """An archive's samples, or why there are none."""

    samples: tuple[Sample, ...] = ()
    problem: str | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of_json(cls, data: dict[str, Any]) -> "Facts":
        return cls(tuple(Sample(**one) for one in data["samples"]), data["problem"])


@dataclass
class _Archive:
    zip: zipfile.ZipFile
    names: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        members = self.zip.infolist()
        if len(members) > MOST_MEMBERS:
            raise BadDataset(f"the archive has {len(members)} members")
        self.names = frozenset(member.filename for member in members if not member.is_dir())

    def read(self, name: str, limit: int = LARGEST_MEMBER) -> bytes:
        """A member's bytes; what unpacks to more than it may is refused before it is unpacked."""
        if self.zip.getinfo(name).file_size > limit:
            raise BadDataset(f"{name} is too large")
        with self.zip.open(name) as stream:
            data = stream.read(limit + 1)
        if len(data) > limit:
            raise BadDataset(f"{name} is too large")
        return data


def read_archive(path: Path, *, training: bool, last_frames: bool) -> Facts:
    """The facts of an upload. Never raises for what is inside it."""
    try:
        with zipfile.ZipFile(path) as opened:
            return Facts(
                samples=tuple(_samples(_Archive(opened), training=training, last_frames=last_frames))
            )
    except BadDataset as error:
        return Facts(problem=str(error))
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, ValueError) as error:
        return Facts(problem=f"the archive cannot be read: {error}")


def _samples(archive: _Archive, *, training: bool, last_frames: bool) -> list[Sample]:
    if ANNOTATIONS not in archive.names:
        raise BadDataset("data.jsonl is not found in the root of the archive")
    text = archive.read(ANNOTATIONS, LARGEST_ANNOTATIONS).decode("utf-8")
    samples = [
        _sample(archive, number, line, training=training, last_frames=last_frames)
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip()
    ]
    if not samples:
        raise BadDataset("data.jsonl has no entries")
    return samples


def _sample(archive: _Archive, number: int, line: str, *, training: bool, last_frames: bool) -> Sample:
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise BadDataset(f"data.jsonl line {number}: not valid JSON ({error})") from error
    if not isinstance(entry, dict) or not str(entry.get("prompt") or "").strip():
        raise BadDataset(f"data.jsonl line {number}: prompt is missing")
    frame = _member(archive, entry, "first_frame_path", number)
    _check_image(archive, frame, number)
    last = _member(archive, entry, "last_frame_path", number) if last_frames else None
    if last:
        _check_image(archive, last, number)
    seconds = None
    if training:
        seconds = _clip_seconds(archive, _member(archive, entry, "video_path", number), number)
    return Sample(str(entry["prompt"]), frame, last, seconds)


def _member(archive: _Archive, entry: dict[str, Any], key: str, number: int) -> str:
    name = entry.get(key)
    if not isinstance(name, str) or not name:
        raise BadDataset(f"data.jsonl line {number}: {key} is missing")
    if name not in archive.names:
        raise BadDataset(f"data.jsonl line {number}: {key} {name} is not in the archive")
    return name


def _check_image(archive: _Archive, name: str, number: int) -> None:
    try:
        with Image.open(io.BytesIO(archive.read(name))) as image:
            if image.format not in {"BMP", "JPEG", "PNG", "WEBP"}:
                raise BadDataset(f"data.jsonl line {number}: {name} is {image.format}")
            if max(image.size) > LARGEST_SIDE:
                raise BadDataset(f"data.jsonl line {number}: {name} is larger than 4096×4096")
            image.verify()
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadDataset(f"data.jsonl line {number}: {name} is no readable image") from error


def _clip_seconds(archive: _Archive, name: str, number: int) -> float:
    """The clip's length by its header; one frame is decoded, to see that it can be."""
    try:
        with av.open(io.BytesIO(archive.read(name)), "r", format="mp4") as container:
            stream = container.streams.video[0]
            if max(stream.width, stream.height) > LARGEST_SIDE:
                raise BadDataset(f"data.jsonl line {number}: {name} is larger than 4096×4096")
            next(container.decode(stream))
            if stream.duration and stream.time_base:
                return float(stream.duration * stream.time_base)
            return (container.duration or 0) / 1_000_000
    except (av.error.FFmpegError, IndexError, StopIteration, ValueError) as error:
        raise BadDataset(f"data.jsonl line {number}: {name} is no readable video") from error


def read_frame(path: Path, name: str) -> Image.Image:
    """A first frame of an upload, to make a preview from."""
    with zipfile.ZipFile(path) as opened, Image.open(io.BytesIO(_Archive(opened).read(name))) as image:
        return image.convert("RGB")
