"""What is measured of one clip, as values; and where they are kept, by the clip's content.

No library for media is loaded here: a second look at the same clips reads their measures and no clip.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from wanctl.base.files import PRIVATE, replace_file

_VERSION = 1  # raised whenever measuring finds other numbers in the same bytes
_MOST_KEPT = 20_000
GRID = (64, 36)  # cells in which standing marks are counted


@dataclass(frozen=True)
class ClipMeasures:
    """One clip, looked at from its first frame to its last."""

    cuts: tuple[tuple[float, float], ...] = ()  # seconds at which another scene may begin, and the score
    black: float = 0.0  # seconds of the longest black stretch
    still: float = 0.0  # seconds of the longest stretch in which nothing moves
    motion: float = 0.0  # mean change from frame to frame, of 100
    blur: float | None = None  # mean width of an edge, in pixels of a picture 640 wide
    bars: tuple[int, int] | None = None  # width and height within black bars
    sweep: float = 0.0  # widths a second by which the picture moves, to the right if positive
    looks: tuple[int, ...] = ()  # dHash of the first, the middle and the last frame
    palette: str = ""  # the colours of the first frame in three rows of three, in hex
    marks: str = ""  # cells of the grid, as bits in hex, in which edges stand still while the rest moves
    fault: str | None = None  # why it could not be looked at
    lasting: bool = True  # another look would find the same


@dataclass(frozen=True)
class _Kept:
    version: int
    clips: dict[str, ClipMeasures]  # by sha256


_FORMAT = TypeAdapter(_Kept)


class MeasureCache:
    """The measures of all clips of a project, in one file; one that cannot be read counts as none."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "clips.json"

    def recall(self) -> dict[str, ClipMeasures]:
        try:
            kept = _FORMAT.validate_json(self._path.read_bytes())
        except (OSError, ValidationError):
            return {}
        return kept.clips if kept.version == _VERSION else {}

    def remember(self, clips: Mapping[str, ClipMeasures]) -> None:
        """Add them; of too many the oldest go. A cache that cannot be written costs time only."""
        kept = {**self.recall(), **{sha256: one for sha256, one in clips.items() if one.lasting}}
        newest = dict(list(kept.items())[-_MOST_KEPT:])
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self._path, _FORMAT.dump_json(_Kept(_VERSION, newest)), mode=PRIVATE)
        except OSError:
            return
