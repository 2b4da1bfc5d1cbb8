"""Remembers what has been done of a training set, a line for each stretch and each file, and writes the two
lists that people use, data.jsonl and origins.jsonl.

A line is written after what it speaks of. So a run that was killed leaves at most one clip without a line,
and the next run makes it again under the same name. A caption that a person wrote, or a line that a person
took out, stays as it is.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from pydantic import TypeAdapter, ValidationError

from wanctl.base.files import replace_file
from wanctl.dataset.contents import ANNOTATIONS, DatasetError
from wanctl.dataset.preparing.outcome import PreparedFile, PreparedStretch
from wanctl.dataset.preparing.scenes import CutSettings
from wanctl.dataset.source import ORIGINS

WORK = ".prepared.jsonl"
_VERSION = 1
_OPTIONS = {
    "longest": "--seconds",
    "shortest": "--shortest",
    "most_pixels": "--max-pixels",
    "last_frames": "last frames:",
}


@dataclass(frozen=True)
class _Head:
    version: int
    settings: CutSettings


_LINE: TypeAdapter[_Head | PreparedFile | PreparedStretch] = TypeAdapter(
    _Head | PreparedFile | PreparedStretch
)


@dataclass
class DoneSoFar:
    """What the lines say, by fingerprint."""

    files: dict[str, PreparedFile] = field(default_factory=dict)
    stretches: dict[str, list[PreparedStretch]] = field(default_factory=dict)

    def add(self, line: PreparedFile | PreparedStretch) -> None:
        if isinstance(line, PreparedFile):
            self.files[line.source] = line
        else:
            self.stretches.setdefault(line.source, []).append(line)


class WorkLog:
    """The lists of one training set. Several threads write to it; a dry run reads it only."""

    def __init__(self, folder: Path, settings: CutSettings, *, dry_run: bool = False) -> None:
        self._folder = folder
        self._dry_run = dry_run
        self._lock = Lock()
        self.done = DoneSoFar()
        self._added: list[tuple[str, bytes]] = []  # what was appended to data.jsonl: the clip, and its line
        for line in _lines_of(folder / WORK):
            if isinstance(line, _Head):
                _require_same(folder, line, settings)
            else:
                self.done.add(line)
        annotations = folder / ANNOTATIONS
        self._annotations = annotations.read_bytes() if annotations.exists() else b""
        self._listed = set(_clips_in(self._annotations))
        if not dry_run and not (folder / WORK).exists():
            _append(folder / WORK, _dumped(_Head(_VERSION, settings)))

    def note(self, file: PreparedFile) -> None:
        """Remember that a file is begun, or done."""
        with self._lock:
            self._write(file)

    def decide(self, line: PreparedStretch) -> None:
        """Remember what became of a stretch; its clip, if it has one, is whole by now."""
        with self._lock:
            if line.clip and not self._dry_run:
                self._list(line, line.clip)
            self._write(line)

    def _list(self, line: PreparedStretch, clip: str) -> None:
        file = self.done.files[line.source]
        if clip not in self._listed:
            added = _sample_line(clip, line.frames)
            _append(self._folder / ANNOTATIONS, added)
            self._added.append((clip, added))
            self._listed.add(clip)
        _append(self._folder / ORIGINS, _origin_line(line, file))

    def _write(self, line: PreparedFile | PreparedStretch) -> None:
        if not self._dry_run:
            _append(self._folder / WORK, _dumped(line))
        self.done.add(line)

    def tidy(self) -> None:
        """Bring what this run added to the lists into the order of the names: threads end in any order."""
        if self._added:
            path = self._folder / ANNOTATIONS
            head = self._annotations + (b"\n" if _lacks_newline(self._annotations) else b"")
            if path.read_bytes() == head + b"".join(line for _, line in self._added):
                replace_file(path, head + b"".join(line for _, line in sorted(self._added)), mode=0o644)
        origins = self._folder / ORIGINS
        if origins.exists():
            lines = {line.clip: _origin_line(line, self.done.files[line.source]) for line in self.clips()}
            replace_file(origins, b"".join(lines[clip] for clip in sorted(lines, key=str)), mode=0o644)

    def clips(self) -> Iterator[PreparedStretch]:
        for lines in self.done.stretches.values():
            yield from (one for one in lines if one.clip)


def _require_same(folder: Path, head: _Head, settings: CutSettings) -> None:
    if head.version != _VERSION:
        raise DatasetError(f"{folder}: was prepared by another version of wanctl; choose a new folder")
    if head.settings != settings:
        before, now = asdict(head.settings), asdict(settings)
        odd = ", ".join(f"{_OPTIONS[key]} {before[key]:g}" for key in now if before[key] != now[key])
        raise DatasetError(
            f"{folder}: its clips were made with {odd}; ask for that again, or choose a new folder"
        )


def _lines_of(path: Path) -> Iterator[_Head | PreparedFile | PreparedStretch]:
    """A last line that was cut off is no line: what it speaks of is done again."""
    if not path.exists():
        return
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            yield _LINE.validate_json(line)
        except ValidationError as error:
            raise DatasetError(f"{path}:{number}: is no line of wanctl; choose a new folder") from error
    if whole != content:
        replace_file(path, whole)


def _dumped(line: _Head | PreparedFile | PreparedStretch) -> bytes:
    return _LINE.dump_json(line) + b"\n"


def _append(path: Path, line: bytes) -> None:
    with path.open("ab+") as file:
        if file.tell():
            file.seek(-1, 2)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.write(line)


def _lacks_newline(content: bytes) -> bool:
    return bool(content) and not content.endswith(b"\n")


def _clips_in(annotations: bytes) -> Iterable[str]:
    for line in annotations.splitlines():
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(fields, dict) and isinstance(fields.get("video_path"), str):
            yield fields["video_path"]


def _sample_line(clip: str, frames: tuple[str, ...]) -> bytes:
    names = dict(zip(("first_frame_path", "last_frame_path"), frames, strict=False))
    return json.dumps({"prompt": "", **names, "video_path": clip}).encode() + b"\n"


def _origin_line(line: PreparedStretch, file: PreparedFile) -> bytes:
    fields: dict[str, Any] = {
        "clip": line.clip,
        "file": file.file,
        "in": round(line.stretch.begin, 3),
        "out": round(line.stretch.end, 3),
    }
    if file.crop:
        fields["crop"] = [file.crop.left, file.crop.top, file.crop.width, file.crop.height]
    fields["fingerprint"] = file.source
    return json.dumps(fields, ensure_ascii=False).encode() + b"\n"
