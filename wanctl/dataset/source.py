"""Where a dataset's members are: in a folder or in a zip. Lists them, opens them, and refuses unsafe ones.

Left out are the litter that systems leave behind, the origins.jsonl of `dataset prepare`, and what the
patterns of `exclude` match.
"""

import json
import lzma
import os
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol, cast

from wanctl.dataset.contents import ANNOTATIONS, MOST_ANNOTATIONS, DatasetError
from wanctl.dataset.leaving_out import Leave, leaving_out

ORIGINS = "origins.jsonl"  # where clips were cut from; never uploaded
# as Python's readers of zips and of what is packed in them end where bytes are not what they should be
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    IndexError,
    UnicodeError,
    NotImplementedError,
)
_LITTER = frozenset({"__macosx", "thumbs.db", "desktop.ini", ORIGINS})
_MOST_UNPACKED = 8_000_000_000  # bytes in a zip; the service takes 1 GB
_MOST_MEMBERS = 20_000
_DEEPEST = 32  # folders


@dataclass(frozen=True)
class Listed:
    """A member before it is read; the stamp changes when its file does."""

    name: str
    size: int
    stamp: tuple[int, ...]


class SourceFiles(Protocol):
    """A folder or a zip, or a part of one."""

    @property
    def seeks_fast(self) -> bool:
        """Whether going back in an opened member costs nothing."""

    @property
    def whole(self) -> bool:
        """Whether it is a zip that can be uploaded as it is."""

    def members(self) -> tuple[Listed, ...]:
        """All members, sorted by name, litter left out."""

    def open(self, name: str) -> BinaryIO:
        """A member's bytes."""

    def annotations(self) -> bytes:
        """data.jsonl, each line with the number that it has in the file of the person."""

    def origins(self) -> bytes:
        """origins.jsonl, which is no member; empty where there is none."""

    def archive_size(self) -> int:
        """How many bytes the upload has, or nearly so."""

    def close(self) -> None: ...


@contextmanager
def source_at(path: Path, exclude: Sequence[str] = ()) -> Iterator["Folder | Zip"]:
    """The source at a path; what goes wrong with reading it is a `DatasetError`."""
    try:
        with closing(_open(path, leaving_out(exclude))) as source:
            yield source
    except _DAMAGED as error:
        raise DatasetError(f"{path}: the zip is damaged or of an unusual kind: {error}") from error
    except OSError as error:
        raise DatasetError(f"{error.filename or path}: {error.strerror or error}") from error


def _open(path: Path, left_out: Leave) -> "Folder | Zip":
    if path.is_dir():
        return Folder(path, left_out)
    if not path.exists():
        raise DatasetError(f"{path}: there is no such file or folder")
    if path.suffix.lower() == ".zip":
        return Zip(path, left_out)
    raise DatasetError(f"{path}: neither a folder nor a .zip")


class Folder:
    """A folder of media with data.jsonl at its root."""

    seeks_fast = True
    whole = False

    def __init__(self, root: Path, left_out: Leave) -> None:
        self._root = root
        self._resolved = root.resolve()
        self._left_out = left_out

    def members(self) -> tuple[Listed, ...]:
        found = sorted(islice(self._walk(self._root, ""), _MOST_MEMBERS + 1), key=lambda listed: listed.name)
        if len(found) > _MOST_MEMBERS:
            raise DatasetError(
                f"{self._root}: has more than {_MOST_MEMBERS:,} files; is it the right folder?"
            )
        for listed in found:
            check_name(listed.name)
        return tuple(found)

    def _walk(self, folder: Path, prefix: str) -> Iterator[Listed]:
        if prefix.count("/") > _DEEPEST:
            raise DatasetError(f"{prefix}: is more than {_DEEPEST} folders deep")
        with os.scandir(folder) as entries:
            for entry in entries:
                name = prefix + entry.name
                if is_litter(entry.name) or self._left_out(name):
                    continue
                if entry.is_symlink():
                    self._check_link(Path(entry.path), name)
                if entry.is_dir():
                    yield from self._walk(Path(entry.path), f"{name}/")
                else:
                    yield _listed(name, entry.stat())

    def _check_link(self, link: Path, name: str) -> None:
        target = link.resolve()
        if not target.exists():
            raise DatasetError(f"{name}: a link to nothing")
        if not target.is_relative_to(self._resolved):
            raise DatasetError(f"{name}: a link that leads out of the dataset")
        if target.is_dir():
            raise DatasetError(f"{name}: a link to a folder; datasets have real folders only")

    def open(self, name: str) -> BinaryIO:
        return (self._root / name).open("rb")

    def annotations(self) -> bytes:
        return _begin_of(self)

    def origins(self) -> bytes:
        path = self._root / ORIGINS
        inside = path.is_file() and path.resolve().is_relative_to(self._resolved)
        return path.read_bytes() if inside else b""

    def archive_size(self) -> int:
        return stored_size(self.members())

    def close(self) -> None:
        pass


def stored_size(members: Iterable[Listed]) -> int:
    """Members are stored uncompressed, under about 100 bytes of headers and twice their name."""
    return sum(one.size + 2 * len(one.name.encode()) + 100 for one in members)


def _begin_of(source: "Folder | Zip") -> bytes:
    """Of data.jsonl, and one byte more than is read of it, so that a larger one is known."""
    with source.open(ANNOTATIONS) as file:
        return file.read(MOST_ANNOTATIONS + 1)


def _listed(name: str, facts: os.stat_result) -> Listed:
    if not stat.S_ISREG(facts.st_mode):
        raise DatasetError(f"{name}: not a regular file")
    return Listed(name, facts.st_size, _stamp(facts))


def _stamp(facts: os.stat_result) -> tuple[int, ...]:
    return (facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino)


class Zip:
    """A zip that somebody packed. It is uploaded as it is, unless something in it is to be left out."""

    seeks_fast = False

    def __init__(self, path: Path, left_out: Leave) -> None:
        self._path = path
        self._size = path.stat().st_size
        try:
            self._zip = zipfile.ZipFile(path)
        except (*_DAMAGED, OSError, ValueError) as error:
            raise DatasetError(f"{path}: not a zip that can be read: {error}") from None
        infos = [one for one in self._zip.infolist() if not one.is_dir()]
        self._infos = {info.filename: info for info in self._kept(infos, left_out)}
        self.whole = len(self._infos) == len(infos)

    def _kept(self, infos: list[zipfile.ZipInfo], left_out: Leave) -> Iterator[zipfile.ZipInfo]:
        if len(infos) > _MOST_MEMBERS:
            raise DatasetError(f"{self._path}: has {len(infos):,} members; {_MOST_MEMBERS:,} are the most")
        kept = [
            one
            for one in infos
            if not any(map(is_litter, PurePosixPath(one.filename).parts)) and not left_out(one.filename)
        ]
        twice = [name for name, count in Counter(one.filename for one in kept).items() if count > 1]
        if twice:
            raise DatasetError(f"{self._path}: has {twice[0]} more than once")
        if sum(one.file_size for one in kept) > _MOST_UNPACKED:
            raise DatasetError(f"{self._path}: would unpack to more than {_MOST_UNPACKED // 10**9} GB")
        for info in kept:
            _check_info(info)
            yield info

    def members(self) -> tuple[Listed, ...]:
        """Each with the stamp of the zip: if that changes, so may all of them."""
        stamp = (self._size, *_stamp(self._path.stat()))
        return tuple(Listed(name, info.file_size, stamp) for name, info in sorted(self._infos.items()))

    def open(self, name: str) -> BinaryIO:
        return cast("BinaryIO", self._zip.open(self._infos[name]))

    def annotations(self) -> bytes:
        return _begin_of(self)

    def origins(self) -> bytes:
        return self._zip.read(ORIGINS) if ORIGINS in self._zip.namelist() else b""

    def archive_size(self) -> int:
        return self._size if self.whole else stored_size(self.members())

    def close(self) -> None:
        self._zip.close()


def _check_info(info: zipfile.ZipInfo) -> None:
    check_name(info.orig_filename)
    if info.flag_bits & 0x1:
        raise DatasetError(f"{info.filename}: is encrypted")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise DatasetError(f"{info.filename}: is a link; a zip for training has files only")


def is_litter(name: str) -> bool:
    """A file that nobody means to train on: dot files, what systems leave behind, where clips come from."""
    return (name.startswith(".") and name not in {".", ".."}) or name.lower() in _LITTER


def check_name(name: str) -> None:
    """Refuse a member name that would not be the same file everywhere, or lead out of the dataset."""
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or "." in parts or "" in parts or ":" in parts[0]:
        raise DatasetError(f"{json.dumps(name)}: not a path inside the dataset")
    if "\\" in name or not name.isprintable():
        raise DatasetError(f"{json.dumps(name)}: has characters that are not safe in an archive")
