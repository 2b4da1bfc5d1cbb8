"""One file from its first frame to its last: measured, decided on, and written, as its frames come."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event

from av.container import InputContainer
from av.video.frame import VideoFrame

from wanctl.dataset.preparing.encoding import ClipEncoder, ClipShape
from wanctl.dataset.preparing.footage import FootageError, Geometry, frames_from
from wanctl.dataset.preparing.measuring import FrameMeter
from wanctl.dataset.preparing.outcome import PreparedFile, PreparedStretch
from wanctl.dataset.preparing.scenes import CutSettings, Decision, SceneFinder, Stretch


class StoppedEarlyError(Exception):
    """Another file's error, or a person, ends this run."""


class FileCutter:
    """Cuts one file. Without a place to write to it says only where it would."""

    def __init__(
        self, settings: CutSettings, file: PreparedFile, place: tuple[Path, ClipShape] | None
    ) -> None:
        self._settings = settings
        self._file = file
        self._place = place
        self._clip: ClipEncoder | None = None
        self._number = 1  # of the next clip

    def cut(
        self, container: InputContainer, geometry: Geometry, earlier: Sequence[PreparedStretch], stop: Event
    ) -> Iterator[PreparedStretch]:
        """Each stretch once it is over, its clip whole; those of an earlier run are passed over."""
        self._number = 1 + sum(one.stretch.decision is not Decision.DROPPED for one in earlier)
        begin = earlier[-1].stretch.end if earlier else 0.0
        finder = SceneFinder(self._settings, geometry.frame_seconds, _part_of(earlier))
        try:
            for over in self._stretches(container, geometry, begin, finder):
                if stop.is_set():
                    raise StoppedEarlyError
                if over:
                    yield self._ended(over)
        finally:
            self._drop()

    def _stretches(
        self, container: InputContainer, geometry: Geometry, begin: float, finder: SceneFinder
    ) -> Iterator[Stretch | None]:
        """A value for each frame: the stretch that ended before it, or nothing."""
        meter, half = FrameMeter(self._file.crop), geometry.frame_seconds / 2
        try:
            for read in frames_from(container, geometry, begin):
                if read is None:
                    meter.forget()
                    yield finder.interrupted()
                    continue
                frame, at = read
                measures = meter.measure(frame, at)
                if at < begin - half:
                    finder.pass_over(measures)
                    continue
                yield finder.feed(measures)
                if not finder.black:
                    self._write(frame)
        except FootageError:
            yield finder.interrupted()
            raise
        yield finder.interrupted()

    def _write(self, frame: VideoFrame) -> None:
        if self._place:
            folder, shape = self._place
            self._clip = self._clip or ClipEncoder(folder, f"{self._file.prefix}_{self._number:03}", shape)
            self._clip.write(frame)

    def _ended(self, over: Stretch) -> PreparedStretch:
        if over.decision is Decision.DROPPED:
            self._drop()
            return PreparedStretch(self._file.source, over)
        self._number += 1
        clip, self._clip = self._clip, None
        if clip is None:
            return PreparedStretch(self._file.source, over)
        frames = clip.publish(last_frame=self._settings.last_frames)
        return PreparedStretch(self._file.source, over, f"{clip.name}.mp4", frames)

    def _drop(self) -> None:
        clip, self._clip = self._clip, None
        if clip:
            clip.discard()


def _part_of(earlier: Sequence[PreparedStretch]) -> int:
    """How many parts of the scene that goes on are cut already."""
    count = 0
    for one in reversed(earlier):
        if not one.stretch.goes_on:
            break
        count += 1
    return count
