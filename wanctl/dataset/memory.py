"""Remembers the facts of a dataset between runs, so that an unchanged one is not read again.

What counts as unchanged: every member has the path, size, times and inode that it had. A memory that
cannot be read, or is of another version, is no memory. The archive never relies on it.
"""

import hashlib
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from wanctl.dataset.contents import DatasetFacts, content_digest
from wanctl.dataset.source import Listed

_VERSION = 1  # raised whenever reading finds other facts in the same bytes


@dataclass(frozen=True)
class _Remembered:
    version: int
    listing: str
    facts: DatasetFacts


_FORMAT = TypeAdapter(_Remembered)


class Memory:
    """The facts of one source, in a file of its own under a cache folder."""

    def __init__(self, folder: Path, source: Path) -> None:
        key = hashlib.sha256(str(source.resolve()).encode("utf-8", "surrogateescape")).hexdigest()
        self._path = folder / f"{key[:32]}.json"

    def recall(self, listed: Iterable[Listed]) -> DatasetFacts | None:
        """The facts as they were read, if nothing has changed since."""
        try:
            remembered = _FORMAT.validate_json(self._path.read_bytes())
        except (OSError, ValidationError):
            return None
        facts = remembered.facts
        same = (remembered.version, remembered.listing) == (_VERSION, _listing(listed))
        return facts if same and content_digest(facts.members) == facts.digest else None

    def remember(self, listed: Iterable[Listed], facts: DatasetFacts) -> None:
        """Write, whole or not at all; a cache that cannot be written costs time only."""
        content = _FORMAT.dump_json(_Remembered(_VERSION, _listing(listed), facts))
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._path.parent, delete=False) as file:
                file.write(content)
            Path(file.name).replace(self._path)
        except OSError:
            return


def _listing(listed: Iterable[Listed]) -> str:
    return hashlib.sha256(repr([(one.name, one.size, one.stamp) for one in listed]).encode()).hexdigest()
