"""How many frames the headers of an MP4 declare, counted before FFmpeg believes them.

A frame whose size is given once for all costs no bytes in the headers: a small file can declare billions, and
a demuxer makes an entry for each. Only the boxes that count frames are looked at, and no more of them than a
sound file has.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO

_FOLDERS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf"})
_COUNT_AT = {b"stsz": 8, b"stz2": 8, b"trun": 4}  # where the count is, after the box's head
_MOST_BOXES = 20_000


class TooManyBoxesError(ValueError):
    """More boxes than a sound file has."""


def declared_frames(file: BinaryIO, size: int) -> int:
    """The sum over all tracks and fragments."""
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
            if kind in _FOLDERS:
                ahead.append((begin, min(stop, end)))
            at = stop
