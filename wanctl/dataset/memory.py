"""Remembers each member of a dataset between runs, so that what is unchanged is not read again.

What counts as unchanged: the member has the path, size, times and inode that it had. A memory that
cannot be read, or is of another version, is no memory. An upload never relies on it: the bytes that are
packed are hashed once more.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from wanctl.base.files import PRIVATE, replace_file
from wanctl.dataset.contents import Media
from wanctl.dataset.source import Listed

_VERSION = 2  # raised whenever reading finds other facts in the same bytes


@dataclass(frozen=True)
class Known:
    """What was read of one member."""

    sha256: str
    media: Media | None = None


@dataclass(frozen=True)
class _Remembered:
    version: int
    members: dict[str, tuple[int, tuple[int, ...], Known]]  # by name: size, stamp, what was read


_FORMAT = TypeAdapter(_Remembered)


class Memory:
    """The members of one source, in a file of its own under a cache folder."""

    def __init__(self, folder: Path, source: Path) -> None:
        key = hashlib.sha256(str(source.resolve()).encode("utf-8", "surrogateescape")).hexdigest()
        self._path = folder / f"{key[:32]}.json"

    def recall(self, listed: Iterable[Listed]) -> dict[str, Known]:
        """What is known of the members that have not changed since."""
        try:
            remembered = _FORMAT.validate_json(self._path.read_bytes())
        except (OSError, ValidationError):
            return {}
        if remembered.version != _VERSION:
            return {}
        known = {}
        for one in listed:
            size, stamp, read = remembered.members.get(one.name, (None, None, None))
            if read and (size, stamp) == (one.size, one.stamp):
                known[one.name] = read
        return known

    def remember(self, listed: Iterable[Listed], known: Mapping[str, Known]) -> None:
        """Write, whole or not at all; a cache that cannot be written costs time only."""
        members = {one.name: (one.size, one.stamp, known[one.name]) for one in listed}
        content = _FORMAT.dump_json(_Remembered(_VERSION, members))
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self._path, content, mode=PRIVATE)
        except OSError:
            return
