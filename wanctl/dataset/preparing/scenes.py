"""Finds where scenes begin and end, and which stretches of a file become clips: decided frame by frame, with
no look ahead, so that a file is read once and a clip can be written while its scene runs.

Pure: measures in, stretches out. The score is that of FFmpeg's scdet: how much a frame differs from the one
before, or how much more than the one before did, whichever is less.
"""

from dataclasses import dataclass
from enum import StrEnum

BORDER = 10.0  # of 100; scdet's own threshold
BLACK = 0.98  # the part of a frame that is dark; blackdetect's own threshold
STILL = 0.1  # of 100; freezedetect's own -60 dB
_BLACK, _STILL = "black", "nothing moves"
_SLACK = 0.001  # seconds by which a sum of frames may miss


class Decision(StrEnum):
    """What becomes of a stretch."""

    KEPT = "kept"  # a whole scene
    CUT = "cut"  # a part of a longer scene
    DROPPED = "dropped"


@dataclass(frozen=True)
class CutSettings:
    """What is asked of clips."""

    longest: float  # seconds
    shortest: float
    last_frames: bool = False
    most_pixels: int = 512 * 512


@dataclass(frozen=True)
class FrameMeasures:
    """What is known of one frame."""

    at: float  # seconds from the file's begin
    change: float  # mean difference from the frame before, of 100
    dark: float  # the part of its pixels that are dark


@dataclass(frozen=True)
class Stretch:
    """A part of a file, from its first frame to the one that follows its last, and what becomes of it."""

    begin: float
    end: float
    decision: Decision
    reason: str
    goes_on: bool = False  # the scene does, beyond its end

    @property
    def seconds(self) -> float:
        return self.end - self.begin

    @property
    def loss(self) -> str:
        """The reason of one that was dropped, in two words, to be counted."""
        return {_BLACK: _BLACK, _STILL: "still"}.get(self.reason, "too short")


class SceneFinder:
    """Takes the measures of one frame after the other and says when a stretch is over."""

    def __init__(self, settings: CutSettings, frame_seconds: float, part: int = 0) -> None:
        self._settings = settings
        self._frame_seconds = frame_seconds
        self._begin = self._end = 0.0
        self._black = False
        self._moved = 0.0  # the largest change within the stretch
        self._part = part  # of the scene, when it is longer than a clip
        self._before = 0.0  # the change of the frame before
        self._frames = 0

    @property
    def black(self) -> bool:
        """Whether the stretch that runs is black: nothing of it is written."""
        return self._black

    def pass_over(self, frame: FrameMeasures) -> None:
        """A frame before the first one that counts: only its change is of use."""
        self._before = frame.change

    def feed(self, frame: FrameMeasures) -> Stretch | None:
        """The stretch that ends before this frame, if one does."""
        black = frame.dark >= BLACK
        over: Stretch | None = None
        if not self._frames:
            self._begin = frame.at
        elif black != self._black or (not black and self._is_border(frame)):
            over = self._ended(frame.at, whole=True)
        elif not black and frame.at + self._frame_seconds - self._begin > self._settings.longest + _SLACK:
            over = self._ended(frame.at, whole=False)
        else:
            self._moved = max(self._moved, frame.change)
        self._black = black
        self._before = frame.change
        self._frames += 1
        self._end = frame.at + self._frame_seconds
        return over

    def interrupted(self) -> Stretch | None:
        """The stretch up to here: the file ends, or what follows cannot be read."""
        over = self._ended(self._end, whole=True) if self._frames else None
        self._frames = 0
        return over

    def _is_border(self, frame: FrameMeasures) -> bool:
        return min(frame.change, abs(frame.change - self._before)) >= BORDER

    def _ended(self, at: float, *, whole: bool) -> Stretch:
        decision, reason = self._judged(at - self._begin, whole=whole)
        over = Stretch(self._begin, at, decision, reason, goes_on=not whole)
        self._part = 0 if whole else self._part + 1
        self._begin, self._moved = at, 0.0
        return over

    def _judged(self, seconds: float, *, whole: bool) -> tuple[Decision, str]:
        longest, shortest = self._settings.longest, self._settings.shortest
        if self._black:
            return Decision.DROPPED, _BLACK
        if seconds < shortest - _SLACK:
            left = f"are left of a scene longer than {longest:g} s" if self._part else "long"
            return Decision.DROPPED, f"{seconds:.1f} s {left}; {shortest:g} s are the least"
        if self._moved < STILL:
            return Decision.DROPPED, _STILL
        if whole and not self._part:
            return Decision.KEPT, "a whole scene"
        return Decision.CUT, f"part {self._part + 1} of a scene longer than {longest:g} s"
