"""Many requests at once: read from images and tables, all checked before the first is paid, few at a time.

Each is carried out like one alone, so that a batch which ended early goes on where it was.
"""

import asyncio
import csv
import io
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wanctl.base.errors import WanctlError
from wanctl.base.words import listed
from wanctl.generation.request import RequestError, VideoRequest, request_of
from wanctl.generation.result import GenerationError, PreparedVideo, VideoResult

IMAGES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp"})
_NUMBERS = frozenset({"duration", "seed", "fps", "motion_strength", "strength", "mask_frame", "expand_ratio"})
_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_FLAG_FIELDS = frozenset({"prompt_extend", "watermark"})
_LISTS = frozenset({"references"})
_IN_A_CELL = ";"


@dataclass(frozen=True)
class BatchRow:
    """One request of a batch, and where it stands."""

    number: int
    source: str
    request: VideoRequest

    @property
    def name(self) -> str:
        return f"{self.number}. {self.source}"


class BatchError(GenerationError):
    """Requests of a batch that are wrong; none was sent."""

    def __init__(self, found: Sequence[tuple[str, WanctlError]]) -> None:
        self.found = tuple(found)
        super().__init__("; ".join(f"{name}: {error}" for name, error in found), "nothing was sent")

    def lines(self, columns: int | None = None) -> list[str]:
        told = (f"{name}: {line}" for name, error in self.found for line in error.lines(columns))
        return [*told, "Nothing was sent."]


def rows_of(
    sources: Sequence[str], common: Mapping[str, Any], read: Callable[[], str]
) -> tuple[BatchRow, ...]:
    """The requests of images, folders, patterns, tables (.csv) and lists (.jsonl, or - for `read`).

    What a row says goes before what is common. BatchError tells everything that is wrong.
    """
    rows: list[BatchRow] = []
    wrong: list[tuple[str, WanctlError]] = []
    for number, (source, said) in enumerate(_said(sources, read), start=1):
        try:
            rows.append(BatchRow(number, source, request_of({**common, **said})))
        except RequestError as error:
            wrong.append((f"{number}. {source}", error))
    if wrong:
        raise BatchError(wrong)
    if not rows:
        raise RequestError(f"{listed(sources)}: no image and no request is there")
    return tuple(rows)


def _said(sources: Sequence[str], read: Callable[[], str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for source in sources:
        path = Path(source)
        if source == "-":
            yield from _lines(source, read())
        elif path.suffix.lower() in {".jsonl", ".ndjson"}:
            yield from _lines(source, _text(path))
        elif path.suffix.lower() == ".csv":
            yield from _table(source, _text(path))
        else:
            yield from ((str(image), {"image": image}) for image in _images(path))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"{path} cannot be read: {error}") from None


def _images(path: Path) -> list[Path]:
    """An image, those of a folder, or those of a pattern; what is not there stays, for its error."""
    if path.is_dir():
        return sorted(one for one in path.iterdir() if one.suffix.lower() in IMAGES)
    if set("*?[") & set(path.name) and not path.exists():
        return sorted(path.parent.glob(path.name))
    return [path]


def _lines(source: str, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            said = json.loads(line)
        except ValueError as error:
            raise RequestError(f"{source}:{number} is not JSON: {error}") from None
        if not isinstance(said, dict):
            raise RequestError(f"{source}:{number} is no JSON object")
        yield f"{source}:{number}", said


def _table(source: str, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Columns are the fields of a request; an empty cell says nothing."""
    table = csv.DictReader(io.StringIO(text))
    for row in table:
        cells = {name.strip(): cell.strip() for name, cell in row.items() if name and isinstance(cell, str)}
        said = {name: _cell(name, cell) for name, cell in cells.items() if cell}
        yield f"{source}:{table.line_num}", said


def _cell(name: str, cell: str) -> Any:
    if name in _LISTS:
        return tuple(part.strip() for part in cell.split(_IN_A_CELL) if part.strip())
    if name in _FLAG_FIELDS:
        return _FLAGS.get(cell.lower(), cell)
    if name in _NUMBERS or name.endswith("_scale"):
        try:
            return int(cell) if cell.lstrip("-").isdigit() else float(cell)
        except ValueError:
            return cell
    return cell


@dataclass(frozen=True)
class RowResult:
    """What came of a row: a video, or why there is none."""

    row: BatchRow
    made: VideoResult | None
    error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The document of a row."""
        beside = {"row": self.row.number, "source": self.row.source}
        if self.made is None:
            return {**beside, "error": self.error}
        return {**beside, **self.made.to_dict()}

    def kept(self) -> dict[str, Any]:
        """A line of results.jsonl, which outlives the service's link and has the file's own."""
        url = {"video_url": self.made.file.resolve().as_uri()} if self.made else {}
        return {**self.to_dict(), **url}


Make = Callable[[BatchRow, PreparedVideo], Awaitable[VideoResult]]


async def prepare_all(
    rows: Iterable[BatchRow], prepare: Callable[[VideoRequest], Awaitable[PreparedVideo]]
) -> list[tuple[BatchRow, PreparedVideo]]:
    """All of them checked; BatchError tells everything that is wrong, and nothing is sent."""
    ready: list[tuple[BatchRow, PreparedVideo]] = []
    wrong: list[tuple[str, WanctlError]] = []
    for row in rows:
        try:
            ready.append((row, await prepare(row.request)))
        except (GenerationError, RequestError) as error:
            wrong.append((row.name, error))
    if wrong:
        raise BatchError(wrong)
    return ready


def usual_at_once(ready: Sequence[tuple[BatchRow, PreparedVideo]]) -> int:
    """As many tasks as the documents allow at the same time, for the model that allows fewest."""
    newer = all(one.call.called.generation in {"2.5", "2.6", "2.7"} for _, one in ready)
    return 5 if newer else 2


async def make_all(
    ready: Sequence[tuple[BatchRow, PreparedVideo]],
    make: Make,
    at_once: int,
    done: Callable[[RowResult], None],
) -> list[RowResult]:
    """Every row carried out; one that fails holds up no other."""
    places = asyncio.Semaphore(at_once)

    async def one(row: BatchRow, prepared: PreparedVideo) -> RowResult:
        async with places:
            try:
                result = RowResult(row, await make(row, prepared))
            except WanctlError as error:
                result = RowResult(row, None, str(error))
        done(result)
        return result

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(row, prepared)) for row, prepared in ready]
    return [task.result() for task in tasks]
