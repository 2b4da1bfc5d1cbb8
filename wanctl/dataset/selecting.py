"""The part of a source that a dataset is: what is excluded goes, with its line of data.jsonl and its frames.

Of a set that is split, what is for the other side goes likewise; a validation set has no clips. Else a line
that stays is not touched. Whoever reads data.jsonl here finds it without the others; `annotations` has
empty lines in their place, so that a line has the number that it has in the file of the person.
"""

import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from wanctl.dataset.annotations import MEDIA_FIELDS, read_annotations
from wanctl.dataset.contents import ANNOTATIONS, MOST_ANNOTATIONS, Sample
from wanctl.dataset.leaving_out import leaving_out
from wanctl.dataset.source import Listed, SourceFiles, source_at, stored_size
from wanctl.dataset.splitting import DrawnPart, Side, drawn, read_origins

_VIDEO = "video_path"


@contextmanager
def dataset_at(
    path: Path, exclude: Sequence[str] = (), part: DrawnPart | None = None
) -> Iterator[SourceFiles]:
    """The source at a path without what these patterns, as in .gitignore, leave out; or one side of that."""
    with source_at(path, exclude) as opened:
        whole = _without_lines(opened, exclude) if exclude else opened
        yield _one_side(whole, part) if part else whole


def exclusion_of(member: str) -> str:
    """The pattern that leaves out this member and no other."""
    escaped = "".join(f"\\{letter}" if letter in "\\*?[]!# " else letter for letter in member)
    return f"/{escaped}"


def left_out_samples(path: Path, exclude: Sequence[str]) -> tuple[Sample, ...]:
    """The samples that are not there because a file of theirs is excluded."""
    if not exclude:
        return ()
    with source_at(path, exclude) as opened:
        content = annotations_of(opened) or b""
    left_out = leaving_out(exclude)
    found = read_annotations(content).samples
    return tuple(one for one in found if any(left_out(name) for name in one.references))


def paths_in(line: bytes) -> tuple[str, ...]:
    """The members that a line of data.jsonl names; none where it is no line."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return ()
    if not isinstance(fields, dict):
        return ()
    return tuple(value for name in MEDIA_FIELDS if isinstance(value := fields.get(name), str) and value)


def _without_lines(opened: SourceFiles, exclude: Sequence[str]) -> SourceFiles:
    content = annotations_of(opened)
    if content is None:
        return opened
    left_out = leaving_out(exclude)
    lines = content.split(b"\n")
    named = [paths_in(line) for line in lines]
    gone = [any(left_out(path) for path in paths) for paths in named]
    if not any(gone):
        return opened
    return _narrowed(opened, [b"" if out else line for line, out in zip(lines, gone, strict=True)])


def _narrowed(opened: SourceFiles, lines: Sequence[bytes]) -> "NarrowedSource":
    """Only these lines, and without the media that the others alone named."""
    before = opened.annotations().split(b"\n")
    staying = {path for line in lines for path in paths_in(line)}
    going = {path for line in before for path in paths_in(line)}
    return NarrowedSource(opened, tuple(lines), frozenset(going - staying))


def _one_side(opened: SourceFiles, part: DrawnPart) -> "NarrowedSource":
    content = annotations_of(opened)
    lines = content.split(b"\n") if content else []
    samples = [number for number, line in enumerate(lines) if line.strip()]
    origins = read_origins(opened.origins())
    chosen = drawn([paths_in(lines[number]) for number in samples], origins, part.share, part.seed)
    validation = {samples[number] for number in chosen}
    if part.side is Side.TRAINING:
        return _narrowed(opened, [b"" if number in validation else line for number, line in enumerate(lines)])
    kept = [_without_clip(line) if number in validation else b"" for number, line in enumerate(lines)]
    named = {ANNOTATIONS, *(path for line in kept for path in paths_in(line))}
    others = frozenset(one.name for one in opened.members() if one.name not in named)
    return NarrowedSource(opened, tuple(kept), others)


def _without_clip(line: bytes) -> bytes:
    """A line of a validation set names no video: the model makes it."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return line
    if not isinstance(fields, dict) or _VIDEO not in fields:
        return line
    kept = {key: value for key, value in fields.items() if key != _VIDEO}
    return json.dumps(kept, ensure_ascii=line.isascii()).encode()


def annotations_of(opened: SourceFiles) -> bytes | None:
    """The whole data.jsonl; None where there is none, or one that nobody reads."""
    if all(one.name != ANNOTATIONS for one in opened.members()):
        return None
    content = opened.annotations()
    return content if len(content) <= MOST_ANNOTATIONS else None


@dataclass(frozen=True)
class NarrowedSource:
    """A source with fewer lines in its data.jsonl, and without the media that only those named."""

    inner: SourceFiles
    lines: tuple[bytes, ...]  # of data.jsonl, by their numbers; what is left out is empty
    without: frozenset[str]
    whole: bool = False

    @property
    def seeks_fast(self) -> bool:
        return self.inner.seeks_fast

    @property
    def content(self) -> bytes:
        return b"".join(line + b"\n" for line in self.lines if line.strip())

    def members(self) -> tuple[Listed, ...]:
        content = self.content
        mark = int.from_bytes(hashlib.sha256(content).digest()[:7], "big")
        return tuple(
            Listed(one.name, len(content), (*one.stamp, mark)) if one.name == ANNOTATIONS else one
            for one in self.inner.members()
            if one.name not in self.without
        )

    def open(self, name: str) -> BinaryIO:
        return io.BytesIO(self.content) if name == ANNOTATIONS else self.inner.open(name)

    def annotations(self) -> bytes:
        return b"\n".join(self.lines)

    def origins(self) -> bytes:
        return self.inner.origins()

    def archive_size(self) -> int:
        return stored_size(self.members())

    def close(self) -> None:
        self.inner.close()
