"""One file from its first frame to its last: measured, decided on, and written, as its frames come."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from av.container import InputContainer
from av.video.frame import VideoFrame

from wanctl.dataset.preparing.asking import AskedFile, CutNews
from wanctl.dataset.preparing.bars import find_bars
from wanctl.dataset.preparing.encoding import ClipEncoder, ClipShape, clip_shape
from wanctl.dataset.preparing.frames import FootageError, Geometry, frames_from, geometry_of, opened
from wanctl.dataset.preparing.measuring import FrameMeter
from wanctl.dataset.preparing.outcome import PreparedFile, PreparedStretch
from wanctl.dataset.preparing.scenes import CutSettings, Decision, SceneFinder, Stretch

_SILENT = 2.0  # seconds without a word to the process that waits
_CUT_OFF = 1.0  # seconds that may be missing at the end of a file


def cut_job(_: Sequence[BinaryIO], *, asked: Any) -> Iterator[Any]:
    """Go through a file, from where an earlier run ended, and tell what becomes of it."""
    for news in _cut(AskedFile.read(asked)):
        yield news.written()


def _cut(asked: AskedFile) -> Iterator[CutNews]:
    earlier, known, fault = asked.earlier, asked.known, None
    try:
        with opened(asked.file) as container:
            geometry = geometry_of(container)
            crop = known.crop if earlier else find_bars(container, geometry.seconds)
            shape = clip_shape(geometry, crop, asked.settings.most_pixels)
            known = replace(known, crop=crop, size=(shape.width, shape.height))
            yield CutNews(known, seconds=geometry.seconds)
            cutter = FileCutter(asked.settings, known, (asked.folder, shape) if asked.folder else None)
            behind = earlier[-1].stretch.end if earlier else 0.0
            for stretch in cutter.cut(container, geometry, earlier):
                behind = stretch.stretch.end if stretch else behind
                yield CutNews(stretch=stretch)
            if geometry.seconds - behind > _CUT_OFF:
                fault = f"is cut off or damaged: {behind:.1f} of {geometry.seconds:.1f} s can be read"
    except FootageError as error:
        fault = str(error)
    yield CutNews(replace(known, done=True, fault=fault))


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
        self, container: InputContainer, geometry: Geometry, earlier: Sequence[PreparedStretch]
    ) -> Iterator[PreparedStretch | None]:
        """Each stretch once it is over, its clip whole; those of an earlier run are passed over. Now and then
        None, which says that it goes on."""
        self._number = 1 + sum(one.stretch.decision is not Decision.DROPPED for one in earlier)
        begin = earlier[-1].stretch.end if earlier else 0.0
        finder = SceneFinder(self._settings, geometry.frame_seconds, _part_of(earlier))
        told = time.monotonic()
        try:
            for over in self._stretches(container, geometry, begin, finder):
                if over:
                    yield self._ended(over)
                elif time.monotonic() - told < _SILENT:
                    continue
                else:
                    yield None
                told = time.monotonic()
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
