"""Read a dataset: hash every member once, look into data.jsonl and the clips, and say what is wrong.

An unchanged dataset is not read again, if there is a folder to remember in (`memory`).
"""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, BinaryIO, cast

from wanctl.dataset.annotations import MOST_BYTES, Annotations, read_annotations
from wanctl.dataset.contents import (
    ANNOTATIONS,
    ChangedDuringReadError,
    DatasetFacts,
    Member,
    content_digest,
)
from wanctl.dataset.memory import Memory
from wanctl.dataset.rules import find_problems, missing_annotations
from wanctl.dataset.source import Listed, Source, source_at

CHUNK = 1 << 20
_IN_MEMORY = 32 << 20  # a clip from a zip up to this size needs no temporary file
_READERS = min(4, os.cpu_count() or 1)


def read_dataset(source: Path, cache: Path | None = None) -> DatasetFacts:
    """The facts of the folder or .zip at `source`; `cache` is a folder where they are remembered."""
    memory = Memory(cache, source) if cache else None
    with source_at(source) as opened:
        listed = opened.members()
        facts = memory.recall(listed) if memory else None
        if facts:
            return facts
        facts = _read(opened, listed)
        if opened.members() != listed:
            raise ChangedDuringReadError(f"{source}: changed while it was read")
    if memory:
        memory.remember(listed, facts)
    return facts


@dataclass(frozen=True)
class ReadMember:
    """A member once it was read; a clip has a length, or the reason why it has none."""

    member: Member
    seconds: float | None = None
    unusable: str | None = None


def _read(source: Source, listed: tuple[Listed, ...]) -> DatasetFacts:
    annotations = _annotations(source, {one.name: one for one in listed})
    clips = {sample.video for sample in annotations.samples}
    with ThreadPoolExecutor(_READERS) as readers:
        found = readers.map(partial(_read_member, source, clips), listed)
        read = {one.member.name: one for one in found}
    members = tuple(one.member for one in read.values())
    lengths = (read[sample.video].seconds for sample in annotations.samples if sample.video in read)
    unusable = {name: one.unusable for name, one in read.items() if one.unusable}
    return DatasetFacts(
        digest=content_digest(members),
        members=members,
        size=sum(member.size for member in members),
        samples=len(annotations.samples),
        prompts=tuple(sample.prompt for sample in annotations.samples),
        seconds=tuple(seconds for seconds in lengths if seconds is not None),
        problems=find_problems(annotations, read, unusable, source.archive_size()),
    )


def _annotations(source: Source, listed: Mapping[str, Listed]) -> Annotations:
    """data.jsonl is small and read ahead of the rest: it says which members are clips."""
    if ANNOTATIONS not in listed:
        return Annotations(problems=(missing_annotations(listed),))
    with source.open(ANNOTATIONS) as file:
        return read_annotations(file.read(MOST_BYTES + 1))


def _read_member(source: Source, clips: Iterable[str | None], listed: Listed) -> ReadMember:
    with source.open(listed.name) as file:
        if listed.name not in clips:
            return ReadMember(hash_member(listed, file))
        if source.seeks_fast:
            return _measured(hash_member(listed, file), file)
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as copy:
            clip = cast("BinaryIO", copy)
            return _measured(hash_member(listed, file, clip), clip)


def hash_member(listed: Listed, file: BinaryIO, copy: IO[bytes] | None = None) -> Member:
    """The member with the hash of the bytes in `file`, which also go into `copy`."""
    digest, size = hashlib.sha256(), 0
    while chunk := file.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
        if copy:
            copy.write(chunk)
    if size != listed.size:
        raise ChangedDuringReadError(f"{listed.name}: changed while it was read")
    return Member(listed.name, digest.hexdigest(), size)


def _measured(member: Member, clip: BinaryIO) -> ReadMember:
    from wanctl.dataset.media import (
        MediaError,
        clip_seconds,
    )  # FFmpeg is loaded once a clip is to be measured

    clip.seek(0)
    try:
        return ReadMember(member, seconds=clip_seconds(clip))
    except MediaError as error:
        return ReadMember(member, unusable=str(error))
