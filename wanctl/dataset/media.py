"""Probes a file by its bytes, not its name: format, size in pixels, length, and whether it can be read.

Pictures are opened by Pillow and clips by PyAV (FFmpeg), from a stream and with bounded work: a header
that declares too much is believed and not decoded, and one frame of a clip is decoded. All of it in a child
process: `looking` asks for it.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, BinaryIO

import av
from av.container import InputContainer
from av.video.stream import VideoStream
from PIL import Image

from wanctl.dataset.contents import LARGEST_SIDE, SNIFFED, Media, MediaKind, sniff
from wanctl.decoding.opening import PICTURES, opened_clip, opened_picture, told_seconds

_IMAGE, _VIDEO = MediaKind.IMAGE, MediaKind.VIDEO
_MOST_FRAMES = 200_000  # nearly an hour of video; the service takes seconds
_TAIL = 64  # index entries at the end of a clip, among which is the one that lies furthest in the file
_TURNED = frozenset({5, 6, 7, 8})  # EXIF orientations that stand the picture on its side
_ORIENTATION = 0x0112
_BOXES_OF_BOXES = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf"})
_COUNT_AT = {b"stsz": 8, b"stz2": 8, b"trun": 4}  # where the count is, after the box's head
_MOST_BOXES = 20_000


def probe_job(files: Sequence[BinaryIO], *, size: int) -> dict[str, Any] | None:
    """The facts of one file, for the process that asks."""
    found = probe(files[0], files[0].read(SNIFFED), size)
    return asdict(found) if found else None


def probe(file: BinaryIO, begin: bytes, size: int) -> Media | None:
    """The picture or clip in a seekable stream of this size that begins so; None where it is neither."""
    known = sniff(begin)
    if known is None:
        return None
    kind, name = known
    file.seek(0)
    if kind is MediaKind.VIDEO:
        return _probe_clip(file, size) if name == "MP4" else Media(kind, name)
    return _probe_picture(file, name) if name in PICTURES else Media(kind, name)


def _probe_picture(file: BinaryIO, name: str) -> Media:
    try:
        with opened_picture(file) as picture:
            width, height = picture.size
            if max(width, height) > LARGEST_SIDE:
                return Media(_IMAGE, name, width, height)
            if name == "PNG":
                picture.verify()  # every chunk has a checksum: nothing has to be decoded
                return Media(_IMAGE, name, width, height)
            picture.draft("RGB", (width // 8, height // 8))
            picture.load()
            if picture.getexif().get(_ORIENTATION) in _TURNED:
                width, height = height, width
            return Media(_IMAGE, name, width, height)
    except MemoryError:
        raise
    except Image.DecompressionBombError:
        return Media(_IMAGE, name, fault=f"declares far more than {LARGEST_SIDE}×{LARGEST_SIDE} pixels")
    except Exception:  # noqa: BLE001 - decoders fail on damaged files in many ways
        return Media(_IMAGE, name, fault="is damaged or cut off: it cannot be read to its end")


def _probe_clip(file: BinaryIO, size: int) -> Media:
    name = "MP4"
    try:
        if declared_frames(file, size) > _MOST_FRAMES:
            return Media(_VIDEO, name, fault=f"declares more than {_MOST_FRAMES:,} frames")
        file.seek(0)
        with opened_clip(file, "mov") as container:
            if container.metadata.get("major_brand", "qt").strip() == "qt":
                name = "MOV"
            if not container.streams.video:
                return Media(_VIDEO, name, fault="has no video in it")
            stream = container.streams.video[0]
            if _reaches_beyond(stream, size):
                return Media(_VIDEO, name, fault="is cut off: its frames go on behind the end of the file")
            width, height = stream.codec_context.width, stream.codec_context.height
            if max(width, height) > LARGEST_SIDE:
                return Media(_VIDEO, name, width, height, _seconds(container, stream))
            if _first_frame_is_turned(container):
                width, height = height, width
            container.seek(0)
            return Media(_VIDEO, name, width, height, _seconds(container, stream))
    except MemoryError:
        raise
    except _UnusableClip as error:
        return Media(_VIDEO, name, fault=str(error))
    except Exception:  # noqa: BLE001 - decoders fail on damaged files in many ways
        return Media(_VIDEO, name, fault="cannot be opened as an MP4 or MOV video")


class _UnusableClip(Exception):  # noqa: N818 - it says what the clip is
    """A clip that opens and is none."""


def _reaches_beyond(stream: VideoStream, size: int) -> bool:
    entries = stream.index_entries
    tail = (entries[number] for number in range(max(0, len(entries) - _TAIL), len(entries)))
    return any(entry.pos + entry.size > size for entry in tail)


def _first_frame_is_turned(container: InputContainer) -> bool:
    """Decode one frame: it proves that the clip can be, and knows how the camera was held."""
    try:
        frame = next(container.decode(video=0), None)
    except MemoryError:
        raise
    except av.error.FFmpegError as error:
        raise _UnusableClip("cannot be decoded: its first frame is damaged or of an unknown codec") from error
    if frame is None:
        raise _UnusableClip("has no frames")
    return frame.rotation % 180 != 0


def _seconds(container: InputContainer, stream: VideoStream) -> float:
    return told_seconds(container, stream) or _counted(container)


def _counted(container: InputContainer) -> float:
    """The end of the last packet: nothing is decoded, but the file is read through."""
    end = 0.0
    for number, packet in enumerate(container.demux(video=0)):
        if number >= _MOST_FRAMES:
            raise _UnusableClip("is too long to be measured")
        if packet.pts is not None:
            end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    if end <= 0:
        raise _UnusableClip("has no frames")
    return end


class TooManyBoxesError(ValueError):
    """More boxes than a sound file has."""


def declared_frames(file: BinaryIO, size: int) -> int:
    """How many frames the headers of an MP4 declare, counted before FFmpeg believes them.

    A frame whose size is given once for all costs no bytes in the headers: a small file can declare billions,
    and a demuxer makes an entry for each. Only the boxes that count frames are looked at.
    """
    total = 0
    for kind, begin in _boxes(file, size):
        if kind in _COUNT_AT:
            file.seek(begin + _COUNT_AT[kind])
            total += int.from_bytes(file.read(4), "big")
    return total


def _boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int]]:
    """Each box's kind and the place behind its head, from outside in; what makes no sense ends its level."""
    ahead, seen = [(0, size)], 0
    while ahead:
        at, end = ahead.pop()
        while at + 8 <= end:
            seen += 1
            if seen > _MOST_BOXES:
                raise TooManyBoxesError
            file.seek(at)
            head = file.read(16)
            if len(head) < 8:
                break
            length, kind = struct.unpack(">I4s", head[:8])
            begin = at + 8
            if length == 1 and len(head) == 16:
                length, begin = int.from_bytes(head[8:], "big"), at + 16
            stop = end if length == 0 else at + length
            if stop < begin:
                break
            yield kind, begin
            if kind in _BOXES_OF_BOXES:
                ahead.append((begin, min(stop, end)))
            at = stop
