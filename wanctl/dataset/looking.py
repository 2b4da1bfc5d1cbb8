"""What is asked of the media of a dataset: each file is decoded in a child process, and what its decoder
does not get through is a fault of that file.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import BinaryIO, NamedTuple

from pydantic import TypeAdapter

from wanctl.dataset.clip_measures import ClipMeasures
from wanctl.dataset.contents import DatasetError, Media, sniff
from wanctl.dataset.selecting import dataset_at
from wanctl.decoding.pool import DecodingLimits, UndecodableError, decoded

_READERS = min(4, os.cpu_count() or 1)
_WATCHED = DecodingLimits(seconds=300.0)  # a clip is gone through from its first frame to its last
_MEDIA: TypeAdapter[Media | None] = TypeAdapter(Media | None)
_MEASURES = TypeAdapter(ClipMeasures)


class Probed(NamedTuple):
    """What a file is, and whether another look would find the same."""

    media: Media | None
    lasting: bool = True


def probe_media(
    file: BinaryIO, begin: bytes, size: int, stopped: Callable[[], bool] = lambda: False
) -> Probed:
    """The picture or clip in a seekable file of this size that begins so; None where it is neither."""
    known = sniff(begin)
    if known is None:
        return Probed(None)
    try:
        return Probed(
            decoded("wanctl.dataset.media:probe_job", [file], None, stopped, size=size).read_as(_MEDIA)
        )
    except UndecodableError as error:
        return Probed(Media(*known, fault=str(error)), lasting=False)


def view_clips(
    source: Path,
    clips: Mapping[str, str],
    exclude: Sequence[str] = (),
    tick: Callable[[int], None] = lambda _: None,
) -> dict[str, ClipMeasures]:
    """The measures of clips, given as name by sha256; by sha256 as well. `tick` hears of bytes."""
    stop = Event()
    with dataset_at(source, exclude) as opened, ThreadPoolExecutor(_READERS) as readers:

        def one(name: str) -> ClipMeasures:
            with opened.open(name) as file:
                measured = view_clip(file, stop.is_set)
                tick(file.seek(0, os.SEEK_END))
            return measured

        try:
            return dict(zip(clips, readers.map(one, clips.values()), strict=True))
        except BaseException:  # also Ctrl-C: children that decode are not waited for
            stop.set()
            raise


def view_clip(file: BinaryIO, stopped: Callable[[], bool] = lambda: False) -> ClipMeasures:
    """The measures of one clip; what cannot be decoded has a fault."""
    try:
        return decoded("wanctl.dataset.viewing:view_job", [file], _WATCHED, stopped).read_as(_MEASURES)
    except UndecodableError as error:
        return ClipMeasures(fault=str(error), lasting=False)


def frame_of(clip: Path, *, last: bool) -> bytes:
    """The first or the last frame as a JPEG."""
    try:
        return decoded("wanctl.dataset.frames:end_job", [clip], _WATCHED, last=last).only_blob()
    except UndecodableError as error:
        raise DatasetError(f"{clip}: {error}; take it out, or export it again") from error


def frames_over(clip: Path, count: int, side: int) -> tuple[bytes, ...]:
    """So many frames over the whole length, as JPEGs of which no side is longer."""
    try:
        return decoded("wanctl.dataset.frames:spread_job", [clip], _WATCHED, count=count, side=side).blobs
    except UndecodableError as error:
        raise DatasetError(f"{clip}: {error}; take it out, or export it again") from error
