"""The result of preparing footage, as values: of each stretch, each file, and all. No library for media."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from wanctl.base.words import counted, listed
from wanctl.dataset.preparing.scenes import CutSettings, Decision, Stretch

PARTIAL = ".part-"  # begins the name of a file that is not whole yet


@dataclass(frozen=True)
class Crop:
    """The part of a frame that shows something, as it is stored."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class PreparedStretch:
    """A stretch of a file that was decided on, and the clip that it became."""

    source: str  # the fingerprint of its file
    stretch: Stretch
    clip: str | None = None
    frames: tuple[str, ...] = ()


@dataclass(frozen=True)
class PreparedFile:
    """A file of the footage that was begun, and whether it is done."""

    source: str
    file: str
    prefix: str  # of its clips' names
    crop: Crop | None = None
    size: tuple[int, int] | None = None  # of its clips
    done: bool = False
    fault: str | None = None


@dataclass(frozen=True)
class FileReport:
    """What became of one file of the footage, or would."""

    file: str
    stretches: tuple[PreparedStretch, ...] = ()
    known: PreparedFile | None = None
    fault: str | None = None  # why it was not read, or not to its end

    @property
    def clips(self) -> tuple[PreparedStretch, ...]:
        return tuple(one for one in self.stretches if one.stretch.decision is not Decision.DROPPED)

    @property
    def dropped(self) -> tuple[PreparedStretch, ...]:
        return tuple(one for one in self.stretches if one.stretch.decision is Decision.DROPPED)


@dataclass(frozen=True)
class Preparation:
    """Everything that was found out about the footage."""

    files: tuple[FileReport, ...]
    folder: Path
    settings: CutSettings
    dry_run: bool

    @property
    def clips(self) -> tuple[PreparedStretch, ...]:
        return tuple(one for file in self.files for one in file.clips)

    def __str__(self) -> str:
        """12 clips, 84 s, from 3 files; dropped: 2 too short and 1 black; 1 file has a fault."""
        seconds = sum(one.stretch.seconds for one in self.clips)
        files = sum(1 for file in self.files if file.clips)
        text = f"{counted(len(self.clips), 'clip')}, {seconds:.0f} s, from {counted(files, 'file')}"
        if dropped := Counter(one.stretch.loss for file in self.files for one in file.dropped):
            text += f"; dropped: {listed(f'{count} {loss}' for loss, count in dropped.items())}"
        if faults := sum(1 for file in self.files if file.fault):
            text += f"; {counted(faults, 'file has', 'files have')} a fault"
        return f"{text}."
