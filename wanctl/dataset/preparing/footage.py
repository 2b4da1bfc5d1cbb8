"""The files that a person filmed: which of them are videos, by their first bytes. Nothing is decoded here."""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wanctl.dataset.contents import DatasetError
from wanctl.dataset.source import is_litter
from wanctl.decoding.demuxers import BEGIN, demuxer_for

_VIDEO_SUFFIXES = re.compile(r"\.(3gp|avi|flv|m2ts|m4v|mkv|mov|mp4|mpe?g|mts|mxf|ts|webm|wmv)", re.IGNORECASE)
_MOST_FILES = 20_000
_BLOCKS, _BLOCK = 16, 1 << 16  # of a file, that make its fingerprint


@dataclass(frozen=True)
class FootageFile:
    """A video among the footage."""

    name: str  # its path in the footage, with /
    path: Path
    demuxer: str


@dataclass(frozen=True)
class FootageFound:
    """All that lies in the footage folder and concerns it."""

    files: tuple[FootageFile, ...]
    not_videos: tuple[str, ...] = ()  # named as videos, and by their bytes none


def find_footage(root: Path, leave: Path | None = None) -> FootageFound:
    """The videos of a file or folder, sorted by name; `leave` is a folder that is not looked into."""
    if not root.exists():
        raise DatasetError(f"{root}: there is no such file or folder")
    if root.is_file():
        demuxer = demuxer_of(root)
        if demuxer is None:
            raise DatasetError(f"{root}: is no video, by its content")
        return FootageFound((FootageFile(root.name, root, demuxer),))
    files, others = [], []
    for path in _walk(root, leave.resolve() if leave else None):
        name = path.relative_to(root).as_posix()
        if demuxer := demuxer_of(path):
            files.append(FootageFile(name, path, demuxer))
        elif _VIDEO_SUFFIXES.fullmatch(path.suffix):
            others.append(name)
        if len(files) > _MOST_FILES:
            raise DatasetError(f"{root}: has more than {_MOST_FILES:,} videos; is it the right folder?")
    by_name = sorted(files, key=lambda one: one.name)
    return FootageFound(tuple(by_name), tuple(sorted(others)))


def _walk(root: Path, leave: Path | None) -> Iterator[Path]:
    for folder, below, names in os.walk(root):
        place = Path(folder)
        below[:] = [one for one in below if not is_litter(one) and (place / one).resolve() != leave]
        yield from (place / name for name in names if not is_litter(name) and (place / name).is_file())


def demuxer_of(path: Path) -> str | None:
    """What can read the file; None for what is no video."""
    try:
        with path.open("rb") as file:
            return demuxer_for(file.read(BEGIN))
    except OSError as error:
        raise DatasetError(f"{path}: {error.strerror or error}") from error


def fingerprint(path: Path) -> str:
    """The same for the same content, wherever it lies: of the size and of blocks spread over the file."""
    size = path.stat().st_size
    whole = hashlib.sha256(size.to_bytes(8, "big"))
    with path.open("rb") as file:
        for number in range(_BLOCKS):
            file.seek(max(0, size - _BLOCK) * number // (_BLOCKS - 1))
            whole.update(file.read(_BLOCK))
    return whole.hexdigest()[:32]
