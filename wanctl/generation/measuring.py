"""What a video on this machine is: its length, rate and size, by its bytes."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from wanctl.decoding.demuxers import BEGIN, demuxer_for
from wanctl.decoding.pool import UndecodableError, decoded


@dataclass(frozen=True)
class VideoMeasures:
    """None where it cannot be told."""

    seconds: float | None = None
    fps: float | None = None
    width: int | None = None
    height: int | None = None


_MEASURES = TypeAdapter(VideoMeasures)


def measured(file: Path) -> VideoMeasures:
    """Headers are read and nothing is decoded; a file that is no video has no measures."""
    with file.open("rb") as opened:
        demuxer = demuxer_for(opened.read(BEGIN))
    if demuxer is None:
        return VideoMeasures()
    try:
        return decoded("wanctl.generation.opened:measures_job", [file], demuxer=demuxer).read_as(_MEASURES)
    except UndecodableError:
        return VideoMeasures()
