"""The files that a person filmed: which of them are videos, how they are to be shown, and their frames.

A file is opened with the demuxer that its first bytes ask for and no other, so that a playlist in disguise
opens nothing else.
"""

import hashlib
import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video.frame import VideoFrame

from wanctl.base.classes import dataclass
from wanctl.dataset.contents import DatasetError
from wanctl.dataset.media import TooManyBoxesError, declared_frames
from wanctl.dataset.source import is_litter

_DEMUXERS = (
    (4, b"ftyp", "mov"),
    (4, b"moov", "mov"),
    (4, b"mdat", "mov"),
    (4, b"wide", "mov"),
    (4, b"free", "mov"),
    (0, b"\x1aE\xdf\xa3", "matroska"),
    (8, b"AVI ", "avi"),
    (0, b"FLV\x01", "flv"),
    (0, b"\x00\x00\x01\xba", "mpeg"),
    (0, b"\x30\x26\xb2\x75", "asf"),
    (0, b"\x06\x0e\x2b\x34", "mxf"),
)
_PICTURES_THAT_LOOK_SO = (b"ftypavif", b"ftypheic", b"ftypheix", b"ftypmif1")
_TRANSPORT_PACKET, _SYNC = 188, 0x47  # MPEG-TS: one such byte at the begin of every packet
_VIDEO_SUFFIXES = re.compile(r"\.(3gp|avi|flv|m2ts|m4v|mkv|mov|mp4|mpe?g|mts|mxf|ts|webm|wmv)", re.IGNORECASE)
_MOST_FILES = 20_000
_MOST_FRAMES = 5_000_000  # a day of video
_BLOCKS, _BLOCK = 16, 1 << 16  # of a file, that make its fingerprint
_FASTEST = 30  # frames a second that clips have at most
_USUAL_RATE = Fraction(25)
_BEFORE = 1.0  # seconds that are decoded before those that count
_MOST_BROKEN = 100  # packets in one file that cannot be decoded


class FootageError(DatasetError):
    """Footage that cannot be read, as the end of a sentence that begins with the file's name."""


@dataclass(frozen=True)
class FootageFile:
    """A video among the footage."""

    name: str  # its path in the footage, with /
    path: Path
    demuxer: str


@dataclass(frozen=True)
class FootageFound:
    """All that lies in the footage folder and concerns it."""

    files: tuple[FootageFile, ...]
    not_videos: tuple[str, ...] = ()  # named as videos, and by their bytes none


@dataclass(frozen=True)
class Geometry:
    """How a file's frames are to be shown."""

    width: int  # as it is stored
    height: int
    rate: Fraction  # frames a second
    rotation: int = 0  # degrees against the clock
    pixel_aspect: Fraction = Fraction(1)
    interlaced: bool = False
    seconds: float = 0.0
    starts: float = 0.0  # the time of the first frame

    @property
    def frame_seconds(self) -> float:
        return float(1 / self.rate)

    @property
    def steady_rate(self) -> Fraction:
        """The rate of a clip: as it is filmed, or a whole part of it that is at most 30 a second."""
        return self.rate / -(-self.rate // _FASTEST) if self.rate > _FASTEST else self.rate


def find_footage(root: Path, leave: Path | None = None) -> FootageFound:
    """The videos of a file or folder, sorted by name; `leave` is a folder that is not looked into."""
    if not root.exists():
        raise DatasetError(f"{root}: there is no such file or folder")
    if root.is_file():
        demuxer = demuxer_of(root)
        if demuxer is None:
            raise DatasetError(f"{root}: is no video, by its content")
        return FootageFound((FootageFile(root.name, root, demuxer),))
    files, others = [], []
    for path in _walk(root, leave.resolve() if leave else None):
        name = path.relative_to(root).as_posix()
        if demuxer := demuxer_of(path):
            files.append(FootageFile(name, path, demuxer))
        elif _VIDEO_SUFFIXES.fullmatch(path.suffix):
            others.append(name)
        if len(files) > _MOST_FILES:
            raise DatasetError(f"{root}: has more than {_MOST_FILES:,} videos; is it the right folder?")
    by_name = sorted(files, key=lambda one: one.name)
    return FootageFound(tuple(by_name), tuple(sorted(others)))


def _walk(root: Path, leave: Path | None) -> Iterator[Path]:
    for folder, below, names in os.walk(root):
        place = Path(folder)
        below[:] = [one for one in below if not is_litter(one) and (place / one).resolve() != leave]
        yield from (place / name for name in names if not is_litter(name) and (place / name).is_file())


def demuxer_of(path: Path) -> str | None:
    """What can read the file, by its first bytes; None for what is no video."""
    try:
        with path.open("rb") as file:
            begin = file.read(2 * _TRANSPORT_PACKET + 1)
    except OSError as error:
        raise DatasetError(f"{path}: {error.strerror or error}") from error
    if begin[4:12] in _PICTURES_THAT_LOOK_SO:
        return None
    if len(begin) > 2 * _TRANSPORT_PACKET and {begin[at * _TRANSPORT_PACKET] for at in range(3)} == {_SYNC}:
        return "mpegts"
    return next(
        (name for offset, magic, name in _DEMUXERS if begin[offset : offset + len(magic)] == magic), None
    )


def fingerprint(path: Path) -> str:
    """The same for the same content, wherever it lies: of the size and of blocks spread over the file."""
    size = path.stat().st_size
    whole = hashlib.sha256(size.to_bytes(8, "big"))
    with path.open("rb") as file:
        for number in range(_BLOCKS):
            file.seek(max(0, size - _BLOCK) * number // (_BLOCKS - 1))
            whole.update(file.read(_BLOCK))
    return whole.hexdigest()[:32]


@contextmanager
def opened(footage: FootageFile) -> Iterator[InputContainer]:
    """The file, ready to be decoded by several threads; what is wrong with it is a `FootageError`."""
    try:
        if footage.demuxer == "mov":
            with footage.path.open("rb") as file:
                if declared_frames(file, footage.path.stat().st_size) > _MOST_FRAMES:
                    raise FootageError(f"declares more than {_MOST_FRAMES:,} frames")
        container = av.open(str(footage.path), format=footage.demuxer)
    except (av.error.FFmpegError, OSError, TooManyBoxesError) as error:
        raise FootageError("cannot be opened as a video: it is damaged or cut off") from error
    with container:
        if not container.streams.video:
            raise FootageError("has no video in it")
        container.streams.video[0].thread_type = "AUTO"
        yield container


def geometry_of(container: InputContainer) -> Geometry:
    """Read from the head and the first frame; the container stands at its begin again."""
    stream = container.streams.video[0]
    try:
        frame = next(container.decode(stream), None)
    except av.error.FFmpegError as error:
        raise FootageError("cannot be decoded: it is damaged or of an unknown codec") from error
    if frame is None:
        raise FootageError("has no frames")
    aspect = stream.sample_aspect_ratio or Fraction(1)
    seconds = float(container.duration / av.time_base) if container.duration else 0.0
    if stream.duration and stream.time_base:
        seconds = float(stream.duration * stream.time_base)
    found = Geometry(
        width=frame.width,
        height=frame.height,
        rate=stream.average_rate or stream.guessed_rate or _USUAL_RATE,
        rotation=frame.rotation % 360,
        pixel_aspect=aspect if aspect > 0 else Fraction(1),
        interlaced=bool(frame.interlaced_frame),
        seconds=seconds,
        starts=frame.time or 0.0,
    )
    container.seek(0)
    return found


def frames_from(
    container: InputContainer, geometry: Geometry, begin: float
) -> Iterator[tuple[VideoFrame, float] | None]:
    """Each frame with its time, from a little before `begin` on; None where some cannot be decoded.

    Times only grow: a frame without one, or with one that was already, comes one frame after the last.
    """
    stream, last, broken = container.streams.video[0], -geometry.frame_seconds, 0
    if begin:
        container.seek(max(0, round((begin + geometry.starts - _BEFORE) * av.time_base)))
        last = -math.inf
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            broken += 1
            if broken > _MOST_BROKEN:
                raise FootageError(f"cannot be decoded beyond {last:.1f} s") from None
            yield None
            continue
        for frame in frames:
            at = last if frame.pts is None else float(frame.time) - geometry.starts
            last = at if at > last else last + geometry.frame_seconds
            if (frame.width, frame.height) != (geometry.width, geometry.height):
                raise FootageError(f"changes its size to {frame.width}×{frame.height} at {last:.1f} s")
            yield frame, last
