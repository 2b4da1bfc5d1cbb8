"""What a child process is told of a file that it shall cut, and what it tells as it goes through it: values,
and the JSON that they travel in. No library for media is loaded here.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from wanctl.dataset.preparing.footage import FootageFile
from wanctl.dataset.preparing.outcome import PreparedFile, PreparedStretch
from wanctl.dataset.preparing.scenes import CutSettings


@dataclass(frozen=True)
class AskedFile:
    """A file, what is known of it, and where its clips go; without a folder it is only looked at."""

    file: FootageFile
    known: PreparedFile
    earlier: tuple[PreparedStretch, ...]
    settings: CutSettings
    folder: Path | None

    @classmethod
    def read(cls, written: Any) -> "AskedFile":
        return _ASKED.validate_python(written)

    def written(self) -> Any:
        return _ASKED.dump_python(self, mode="json")


@dataclass(frozen=True)
class CutNews:
    """What is known of the file by now, or a stretch that was decided on, or that it goes on."""

    known: PreparedFile | None = None
    stretch: PreparedStretch | None = None
    seconds: float = 0.0  # of the whole file

    def written(self) -> Any:
        return CUT_NEWS.dump_python(self, mode="json")


_ASKED = TypeAdapter(AskedFile)
CUT_NEWS = TypeAdapter(CutNews)
