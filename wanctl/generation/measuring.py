"""What a video on this machine is: its length, rate and size, by its bytes."""

from pathlib import Path

from wanctl.base.classes import dataclass


@dataclass(frozen=True)
class VideoMeasures:
    """None where it cannot be told."""

    seconds: float | None = None
    fps: float | None = None
    width: int | None = None
    height: int | None = None


def measured(file: Path) -> VideoMeasures:
    """Headers are read and nothing is decoded; a file that is no video has no measures."""
    import av

    try:
        with av.open(str(file), mode="r") as container:
            if not container.streams.video:
                return VideoMeasures()
            stream = container.streams.video[0]
            rate = float(stream.average_rate) if stream.average_rate else None
            if stream.duration and stream.time_base:
                seconds: float | None = float(stream.duration * stream.time_base)
            else:
                seconds = container.duration / av.time_base if container.duration else None
            codec = stream.codec_context
            return VideoMeasures(
                round(seconds, 3) if seconds else None,
                round(rate, 3) if rate else None,
                codec.width or None,
                codec.height or None,
            )
    except av.error.FFmpegError:
        return VideoMeasures()
