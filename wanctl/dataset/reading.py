"""Read a dataset: every member once, for its hash and, if it is media, its facts.

A member that has the path, size, times and inode that it had is not read again, if there is a folder to
remember in. An upload never relies on that: the bytes that are packed are hashed once more. What the facts
mean is for `checks`.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import IO, TYPE_CHECKING, Annotated, BinaryIO, cast

from pydantic import Field, TypeAdapter, ValidationError

from wanctl.base.files import PRIVATE, replace_file
from wanctl.dataset.annotations import Annotations, missing_annotations, read_annotations
from wanctl.dataset.contents import (
    ANNOTATIONS,
    SNIFFED,
    ChangedDuringReadError,
    DatasetFacts,
    Media,
    Member,
    content_digest,
    sniff,
)
from wanctl.dataset.selecting import dataset_at
from wanctl.dataset.source import Listed, SourceFiles
from wanctl.dataset.splitting import DrawnPart

if TYPE_CHECKING:
    from wanctl.dataset.looking import Probed

CHUNK = 1 << 18  # several members are read at once, so this is there several times
_IN_MEMORY = 1 << 18  # media from a zip up to this size need no temporary file
_VERSION = 2  # of what is remembered; raised whenever reading finds other facts in the same bytes
_MOST_REMEMBERED = 40_000
_READERS = min(4, os.cpu_count() or 1)

Tick = Callable[[int], None]


@dataclass(frozen=True)
class RememberedFile:
    """The facts that were read of one member."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    media: Media | None = None
    lasting: bool = True  # another look would find the same


def read_dataset(
    source: Path,
    cache: Path | None = None,
    *,
    exclude: Sequence[str] = (),
    part: DrawnPart | None = None,
    tick: Tick = lambda _: None,
) -> DatasetFacts:
    """The facts of the folder or .zip at `source`, or of one side of it.

    `cache` is a folder where they are remembered; `tick` is told how many bytes were done with.
    """
    memory = Memory(cache, source) if cache else None
    with dataset_at(source, exclude, part) as opened:
        listed = opened.members()
        known = memory.recall(listed) if memory else {}
        fresh = [one for one in listed if one.name not in known]
        tick(sum(one.size for one in listed if one.name in known))
        known |= _read(opened, fresh, tick)
        annotations = _annotations(opened, listed)
        if opened.members() != listed:
            raise ChangedDuringReadError(f"{source}: changed while it was read")
        archive_size = opened.archive_size()
    if memory and fresh:
        memory.remember(listed, known)
    members = tuple(Member(one.name, known[one.name].sha256, one.size) for one in listed)
    return DatasetFacts(
        digest=content_digest(members),
        members=members,
        size=sum(member.size for member in members),
        samples=annotations.samples,
        media={name: one.media for name, one in known.items() if one.media},
        archive_size=archive_size,
        unreadable=annotations.problems,
    )


def _read(source: SourceFiles, listed: Sequence[Listed], tick: Tick) -> dict[str, RememberedFile]:
    stop = Event()
    with ThreadPoolExecutor(_READERS) as readers:
        try:
            found = readers.map(partial(_read_member, source, tick, stop.is_set), listed)
            return {one.name: known for one, known in zip(listed, found, strict=True)}
        except BaseException:  # also Ctrl-C: children that decode are not waited for
            stop.set()
            raise


def _annotations(source: SourceFiles, listed: Sequence[Listed]) -> Annotations:
    names = {one.name for one in listed}
    if ANNOTATIONS not in names:
        return Annotations(problems=(missing_annotations(names),))
    return read_annotations(source.annotations())


def _read_member(
    source: SourceFiles, tick: Tick, stopped: Callable[[], bool], listed: Listed
) -> RememberedFile:
    with source.open(listed.name) as file:
        begin = file.read(SNIFFED)
        probe = partial(_probe, begin=begin, size=listed.size, stopped=stopped)
        if sniff(begin) is None:
            known = RememberedFile(hash_member(listed, file, begin=begin).sha256)
        elif source.seeks_fast:
            member = hash_member(listed, file, begin=begin)
            known = RememberedFile(member.sha256, *probe(file))
        else:
            with tempfile.SpooledTemporaryFile(_IN_MEMORY) as copy:
                member = hash_member(listed, file, copy, begin=begin)
                known = RememberedFile(member.sha256, *probe(cast("BinaryIO", copy)))
    tick(listed.size)
    return known


def _probe(file: BinaryIO, begin: bytes, size: int, stopped: Callable[[], bool]) -> "Probed":
    from wanctl.dataset.looking import probe_media  # which is needed once there is media to read

    return probe_media(file, begin, size, stopped)


def hash_member(
    listed: Listed, file: BinaryIO, copy: IO[bytes] | None = None, *, begin: bytes = b""
) -> Member:
    """The member with the hash of `begin` and what follows in `file`; both also go into `copy`."""
    digest, size, chunk = hashlib.sha256(), 0, begin or file.read(CHUNK)
    while chunk:
        digest.update(chunk)
        size += len(chunk)
        if copy:
            copy.write(chunk)
        chunk = file.read(CHUNK)
    if size != listed.size:
        raise ChangedDuringReadError(f"{listed.name}: changed while it was read")
    return Member(listed.name, digest.hexdigest(), size)


@dataclass(frozen=True)
class _Remembered:
    version: int
    members: dict[str, tuple[int, tuple[int, ...], RememberedFile]]  # by name: size, stamp, what was read


_FORMAT = TypeAdapter(_Remembered)


class Memory:
    """The members of one source, in a file of its own under a cache folder.

    A file that cannot be read, is of another version, or was changed by anything else, counts as none: its
    first line is the checksum of the rest.
    """

    def __init__(self, folder: Path, source: Path) -> None:
        key = hashlib.sha256(str(source.resolve()).encode("utf-8", "surrogateescape")).hexdigest()
        self._path = folder / f"{key[:32]}.json"

    def recall(self, listed: Iterable[Listed]) -> dict[str, RememberedFile]:
        """The facts of the members that have not changed since."""
        remembered, known = self._members(), {}
        for one in listed:
            size, stamp, read = remembered.get(one.name, (None, None, None))
            if read and (size, stamp) == (one.size, one.stamp):
                known[one.name] = read
        return known

    def _members(self) -> dict[str, tuple[int, tuple[int, ...], RememberedFile]]:
        try:
            noted, _, content = self._path.read_bytes().partition(b"\n")
            if noted.decode("ascii", "replace") != hashlib.sha256(content).hexdigest():
                return {}
            remembered = _FORMAT.validate_json(content)
        except (OSError, ValidationError):
            return {}
        return remembered.members if remembered.version == _VERSION else {}

    def remember(self, listed: Iterable[Listed], known: Mapping[str, RememberedFile]) -> None:
        """Write, whole or not at all; a cache that cannot be written costs time only.

        What another part of the same source has beside these stays.
        """
        lasting = [one for one in listed if known[one.name].lasting]
        fresh = {one.name: (one.size, one.stamp, known[one.name]) for one in lasting}
        others = {name: one for name, one in self._members().items() if name not in fresh}
        members = dict([*others.items(), *fresh.items()][-_MOST_REMEMBERED:])
        content = _FORMAT.dump_json(_Remembered(_VERSION, members))
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            noted = hashlib.sha256(content).hexdigest().encode()
            replace_file(self._path, noted + b"\n" + content, mode=PRIVATE)
        except OSError:
            return
