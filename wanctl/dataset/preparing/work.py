"""Prepares footage: each file is read once, several at a time, into one folder.

A run that ends early is gone on with: files that are done are not opened again, and one that was begun is
entered behind its last finished stretch. A file that cannot be read gets a sentence, and the rest goes on.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from os import cpu_count
from pathlib import Path, PurePosixPath
from threading import Event

from filelock import FileLock, Timeout

from wanctl.dataset.contents import DatasetError
from wanctl.dataset.preparing.asking import CUT_NEWS, AskedFile
from wanctl.dataset.preparing.footage import FootageFile, find_footage, fingerprint
from wanctl.dataset.preparing.outcome import PARTIAL, FileReport, Preparation, PreparedFile, PreparedStretch
from wanctl.dataset.preparing.scenes import CutSettings
from wanctl.dataset.preparing.worklog import WORK, WorkLog
from wanctl.decoding.pool import DecodingLimits, UndecodableError, streamed

_LOCK = ".prepare.lock"
_WORKERS = min(4, cpu_count() or 1)
_LONGEST_PREFIX = 60
_LONGEST_FILM = 10_000_000.0  # seconds
_LIMITS = DecodingLimits(memory=8 * 1024**3, seconds=300.0, files=128, written=64 * 1024**3)
Watch = Callable[[int, int], None]  # is told how many more bytes were gone through, and of how many


def prepare(
    root: Path, folder: Path, settings: CutSettings, *, dry_run: bool = False, watch: Watch = lambda *_: None
) -> Preparation:
    """Make clips of all footage at `root` in `folder`; with `dry_run` say only which."""
    if root.is_dir() and root.resolve().is_relative_to(folder.resolve()):
        raise DatasetError(f"{folder}: the footage lies in it; choose another folder for the clips")
    found = find_footage(root, leave=folder)
    if not found.files:
        raise DatasetError(f"{root}: has no videos in it")
    with _held(folder, dry_run=dry_run):
        log = WorkLog(folder, settings, dry_run=dry_run)
        total = sum(one.path.stat().st_size for one in found.files)
        work = _Work(folder, settings, log, dry_run, lambda count: watch(count, total), Event())
        reports = _all(work, found.files)
        if not dry_run:
            log.tidy()
    others = (FileReport(name, fault="is no video, by its content") for name in found.not_videos)
    return Preparation((*reports, *others), folder, settings, dry_run)


@contextmanager
def _held(folder: Path, *, dry_run: bool) -> Iterator[None]:
    """The folder for this run alone: new, empty, or one that was prepared before."""
    if folder.exists() and not (folder / WORK).exists() and _in_use(folder):
        raise DatasetError(f"{folder}: has files that were not prepared; choose a new folder for the clips")
    if dry_run:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / _LOCK, timeout=0):
            _clear(folder)
            try:
                yield
            finally:
                _clear(folder)  # what a child left that was ended
    except Timeout:
        raise DatasetError(f"{folder}: another run prepares clips there; wait for it") from None


def _clear(folder: Path) -> None:
    for left in folder.glob(f"{PARTIAL}*"):
        left.unlink(missing_ok=True)


def _in_use(folder: Path) -> bool:
    return not folder.is_dir() or any(one.name != _LOCK for one in folder.iterdir())


@dataclass(frozen=True)
class _Work:
    """What all files of a run share."""

    folder: Path
    settings: CutSettings
    log: WorkLog
    dry_run: bool
    tick: Callable[[int], None]
    stop: Event


def _all(work: _Work, files: Sequence[FootageFile]) -> list[FileReport]:
    """Several at a time; the first error that is not a file's own ends all, as Ctrl-C does."""
    with ThreadPoolExecutor(_WORKERS) as workers:
        running = [workers.submit(_report, work, file, begun) for file, begun in _begun(work, files)]
        try:
            return [one.result() for one in running]
        except BaseException:  # also Ctrl-C: the children are told by it
            work.stop.set()
            workers.shutdown(cancel_futures=True)
            raise


def _begun(work: _Work, files: Iterable[FootageFile]) -> Iterator[tuple[FootageFile, PreparedFile]]:
    """Each file with what is known of it; names of clips are given in the order of the files."""
    taken = {one.prefix.lower() for one in work.log.done.files.values()}
    seen: dict[str, str] = {}
    for file in files:
        try:
            source = fingerprint(file.path)
        except OSError as error:
            yield file, PreparedFile("", file.name, "", fault=f"cannot be read: {error.strerror or error}")
            continue
        if source in seen:
            yield file, PreparedFile(source, file.name, "", fault=f"is the same as {seen[source]}")
            continue
        seen[source] = file.name
        known = work.log.done.files.get(source)
        if known is None:
            known = PreparedFile(source, file.name, _free_prefix(file.name, taken))
            taken.add(known.prefix.lower())
        yield file, known


def _free_prefix(name: str, taken: set[str]) -> str:
    """The file's name in letters that every system takes, and a number if it is taken."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", PurePosixPath(name).stem).strip("-_")[:_LONGEST_PREFIX] or "clip"
    prefix, number = stem, 1
    while prefix.lower() in taken:
        number += 1
        prefix = f"{stem}-{number}"
    return prefix


def _report(work: _Work, file: FootageFile, known: PreparedFile) -> FileReport:
    if not known.prefix:
        return FileReport(file.name, fault=known.fault)
    through = _Through(file.path.stat().st_size, work.tick)
    if not known.done:
        known = _cut(work, file, known, through)
    through.reach(1)
    stretches = work.log.done.stretches.get(known.source, [])
    return FileReport(file.name, tuple(stretches), known, known.fault)


@dataclass
class _Through:
    """How far a file was gone through, told as bytes, of which the whole is known before it is opened."""

    size: int
    tick: Callable[[int], None]
    told: int = 0

    def reach(self, part: float) -> None:
        now = max(self.told, round(self.size * min(1.0, part)))
        self.tick(now - self.told)
        self.told = now


def _cut(work: _Work, file: FootageFile, known: PreparedFile, through: _Through) -> PreparedFile:
    """Have a child go through the file, from where an earlier run ended; gives what is known of it then.

    A file that its decoder does not get through is not done: another run tries it again.
    """
    earlier = tuple(work.log.done.stretches.get(known.source, []))
    whole = replace(file, path=file.path.resolve())  # a child runs elsewhere
    asked = AskedFile(whole, known, earlier, work.settings, None if work.dry_run else work.folder.resolve())
    seconds = 0.0
    try:
        for told in streamed(
            "wanctl.dataset.preparing.cutting:cut_job", [], _LIMITS, work.stop.is_set, asked=asked.written()
        ):
            news = told.read_as(CUT_NEWS)
            seconds = news.seconds or seconds
            if news.known:
                known = _of_the_same(news.known, known)
                work.log.note(known)
            if news.stretch:
                work.log.decide(_own(news.stretch, known))
                through.reach(news.stretch.stretch.end / (seconds or news.stretch.stretch.end))
    except UndecodableError as error:
        known = replace(known, fault=str(error))
    return known


def _of_the_same(told: PreparedFile, known: PreparedFile) -> PreparedFile:
    """A child says how the file is and whether it is done, never which one it is."""
    return replace(known, crop=told.crop, size=told.size, done=told.done, fault=told.fault)


def _own(told: PreparedStretch, known: PreparedFile) -> PreparedStretch:
    """A stretch of this file, its clip and frames under names that are this file's."""
    own = re.compile(rf"{re.escape(known.prefix)}_[0-9]{{3,6}}(_first|_last)?\.(mp4|jpg)")
    names = (*((told.clip,) if told.clip else ()), *told.frames)
    in_order = told.stretch.begin <= told.stretch.end and 0 < told.stretch.end < _LONGEST_FILM
    if told.source != known.source or not in_order or not all(map(own.fullmatch, names)):
        raise UndecodableError("makes its decoder say what is no answer")
    return told
