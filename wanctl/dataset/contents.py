"""The contents of a dataset, as values: members, media and samples; and its digest, and its upload's name.

The digest is the dataset's identity: over member names and bytes alone, so that zipping again, the
order, file times and compression change nothing. No I/O here, and no library for media is loaded.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from wanctl.address import NAME
from wanctl.base.errors import WanctlError
from wanctl.finding import Finding

ANNOTATIONS = "data.jsonl"
MOST_ANNOTATIONS = 20_000_000  # bytes; the service reads no larger data.jsonl
LARGEST_SIDE = 4096  # pixels of a picture or a clip
SNIFFED = 16  # first bytes of a file, which are enough to tell media from the rest


class DatasetError(WanctlError, ValueError):
    """A dataset that cannot be read, or is not safe to: it has no facts."""


class ChangedDuringReadError(DatasetError):
    """The dataset is not what it was a moment ago; what was planned no longer holds."""


class MediaKind(StrEnum):
    """The kind of a member, by its bytes."""

    IMAGE = "image"
    VIDEO = "video"


@dataclass(frozen=True)
class Media:
    """A picture or a clip, as it is shown: turned as its camera says."""

    kind: MediaKind
    format: str  # JPEG, MP4 …, also one that the service does not take
    width: int = 0
    height: int = 0
    seconds: float | None = None
    fault: str | None = None  # why it cannot be used, as the end of a sentence that begins with its name

    @property
    def aspect(self) -> float | None:
        return self.width / self.height if self.width and self.height else None


@dataclass(frozen=True)
class Sample:
    """A line of data.jsonl. Paths are members of the dataset; a validation sample has no video."""

    line: int
    prompt: str
    first_frame: str | None
    last_frame: str | None
    video: str | None

    @property
    def frames(self) -> tuple[str, ...]:
        return tuple(path for path in (self.first_frame, self.last_frame) if path)

    @property
    def references(self) -> tuple[str, ...]:
        return (*self.frames, *((self.video,) if self.video else ()))


@dataclass(frozen=True, order=True)
class Member:
    """A file of a dataset, by its path inside."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True)
class DatasetFacts:
    """Everything that planning needs to know about a dataset. `size` is the bytes of all members."""

    digest: str
    members: tuple[Member, ...]
    size: int
    samples: tuple[Sample, ...] = ()
    media: Mapping[str, Media] = field(default_factory=dict)  # by member
    archive_size: int = field(default=0, compare=False)  # bytes of the upload, or nearly so
    unreadable: tuple[Finding, ...] = ()  # what could not be understood of data.jsonl

    @property
    def digest16(self) -> str:
        return self.digest[:16]

    @cached_property
    def by_name(self) -> Mapping[str, Member]:
        return {member.name: member for member in self.members}

    @cached_property
    def seconds(self) -> tuple[float, ...]:
        """Of each clip that could be opened, in the order of the samples."""
        clips = (self.media.get(sample.video) for sample in self.samples if sample.video)
        return tuple(clip.seconds for clip in clips if clip and clip.seconds is not None)

    @cached_property
    def total_seconds(self) -> float:
        return sum(self.seconds)

    @property
    def unused(self) -> tuple[str, ...]:
        """Members that no line names: uploaded, and trained on by nobody."""
        used = {path for sample in self.samples for path in sample.references}
        return tuple(one.name for one in self.members if one.name not in used | {ANNOTATIONS})

    @property
    def prompts(self) -> tuple[str, ...]:
        return tuple(sample.prompt for sample in self.samples)


@dataclass(frozen=True)
class LocalData:
    """A dataset's source as it stands on this machine: its facts, or why there are none."""

    facts: DatasetFacts | None
    problem: str | None = None  # why there are no facts
    source: str = ""  # as a person would type it
    problems: tuple[Finding, ...] = ()  # what is wrong with what was found
    missing: bool = False  # there is nothing at its source on this machine
    fetchable: bool = False  # not looked at, since its digest is locked; an upload would fetch it


def content_digest(members: Iterable[Member]) -> str:
    """sha256 over the sorted names and hashes; a name's length before it leaves no two readings."""
    whole = hashlib.sha256()
    for member in sorted(members):
        name = member.name.encode()
        whole.update(len(name).to_bytes(8, "big") + name + bytes.fromhex(member.sha256))
    return whole.hexdigest()


_IMAGE, _VIDEO = MediaKind.IMAGE, MediaKind.VIDEO
_MAGIC = (
    (0, b"\xff\xd8\xff", _IMAGE, "JPEG"),
    (0, b"\x89PNG\r\n\x1a\n", _IMAGE, "PNG"),
    (0, b"BM", _IMAGE, "BMP"),
    (8, b"WEBP", _IMAGE, "WEBP"),
    (0, b"GIF8", _IMAGE, "GIF"),
    (0, b"II*\x00", _IMAGE, "TIFF"),
    (0, b"MM\x00*", _IMAGE, "TIFF"),
    (0, b"8BPS", _IMAGE, "Photoshop"),
    (0, b"<svg", _IMAGE, "SVG"),
    (4, b"ftypavif", _IMAGE, "AVIF"),
    (4, b"ftyphei", _IMAGE, "HEIC"),
    (4, b"ftypmif1", _IMAGE, "HEIC"),
    (4, b"ftyp", _VIDEO, "MP4"),
    (4, b"moov", _VIDEO, "MP4"),
    (4, b"mdat", _VIDEO, "MP4"),
    (4, b"wide", _VIDEO, "MP4"),
    (4, b"free", _VIDEO, "MP4"),
    (0, b"\x1aE\xdf\xa3", _VIDEO, "WebM or Matroska"),
    (8, b"AVI ", _VIDEO, "AVI"),
    (0, b"FLV\x01", _VIDEO, "FLV"),
    (0, b"\x00\x00\x01\xba", _VIDEO, "MPEG"),
    (0, b"\x30\x26\xb2\x75", _VIDEO, "WMV"),
)


def sniff(begin: bytes) -> tuple[MediaKind, str] | None:
    """The kind and format that the first bytes tell, if they are media's."""
    for offset, magic, kind, name in _MAGIC:
        if begin[offset : offset + len(magic)] == magic:
            return kind, name
    return None


_UPLOAD_NAME = re.compile(rf"(?P<project>{NAME})--(?P<name>{NAME})--(?P<digest16>[0-9a-f]{{16}})\.zip")


class UploadName(NamedTuple):
    """The parts of an upload's name: whose it is, which dataset, and the begin of its digest."""

    project: str
    name: str
    digest16: str


def upload_name(project: str, name: str, digest: str) -> str:
    """`<project>--<name>--<digest16>.zip`: the file list alone tells what is there."""
    return f"{project}--{name}--{digest[:16]}.zip"


def parse_upload_name(filename: str) -> UploadName | None:
    """The parts of a filename that we gave; None for anybody else's."""
    match = _UPLOAD_NAME.fullmatch(filename)
    return UploadName(**match.groupdict()) if match else None
