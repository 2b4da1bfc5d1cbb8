"""What a person chooses by, collected: the checkpoints of a training with the previews of each, as values.

Read from the service page by page and several at once, downloaded into the store, within bounds. What could
not be had is said beside what could: one lost link takes no other preview away.
"""

import asyncio
import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from wanctl.base.errors import WanctlError
from wanctl.base.redaction import without_secrets
from wanctl.base.words import counted
from wanctl.dataset.contents import MediaKind
from wanctl.review.store import MediaStore, StoredMedia
from wanctl.studio.client import Studio
from wanctl.studio.errors import AuthError, StudioError
from wanctl.studio.objects import CheckpointRow, Job, Preview, checkpoint_number

MOST_CHECKPOINTS = 100
MOST_PREVIEWS = 2_000  # of all checkpoints
MOST_BYTES = 20 * 1024**3  # of a review, with what was here before
REVIEW_PATIENCE = 3600.0  # seconds for all downloads of a review
_DETAILS_AT_ONCE = 4
_DOWNLOADS_AT_ONCE = 6
_LONGEST_PROMPT = 20_000


@dataclass(frozen=True)
class Showing:
    """One validation sample as one checkpoint shows it."""

    prompt: str
    video: StoredMedia | None = None
    first_frame: StoredMedia | None = None
    last_frame: StoredMedia | None = None
    fault: str | None = None  # why something is missing

    @property
    def sample(self) -> tuple[str, str, str]:
        """What tells samples apart: their input, which is the same for all checkpoints."""
        frames = (one.digest if one else "" for one in (self.first_frame, self.last_frame))
        return (self.prompt, *frames)  # type: ignore[return-value]  # three texts


@dataclass(frozen=True)
class Candidate:
    """One checkpoint with its previews. The facts are the service's; what it does not say is None."""

    label: str
    showings: tuple[Showing, ...]
    step: int | None = None
    made: datetime | None = None
    expires: datetime | None = None
    job_id: str | None = None  # of another training, where it serves from that
    serves: bool = False  # it is what callers get now
    problem: str | None = None  # why there are no previews

    @property
    def failed(self) -> bool:
        """The service made no preview with it."""
        return not self.problem and not any(one.video or one.fault for one in self.showings)


@dataclass(frozen=True)
class Review:
    """A training's candidates, in the order of training."""

    job_id: str
    model: str | None
    candidates: tuple[Candidate, ...]
    tokens: int | None = None
    began: datetime | None = None
    ended: datetime | None = None
    shortened: str | None = None  # what was left out for its number

    @property
    def digest(self) -> str:
        """Of what the training made: which checkpoint which video of which input."""
        seen = [
            [
                one.label,
                [[*each.sample, each.video.digest if each.video else None] for each in one.showings],
            ]
            for one in self.candidates
            if one.job_id is None
        ]
        return hashlib.sha256(json.dumps([self.job_id, seen]).encode()).hexdigest()

    @property
    def samples(self) -> tuple[tuple[str, str, str, int], ...]:
        """The rows: every input once, or as often as one checkpoint has it, in the order of the service."""
        rows: dict[tuple[str, str, str, int], None] = {}
        for one in self.candidates:
            rows |= dict.fromkeys(key for key, _ in numbered(one.showings))
        return tuple(rows)

    @property
    def faults(self) -> tuple[str, ...]:
        """What is missing, a sentence each."""
        found = [f"{one.label}: {one.problem}" for one in self.candidates if one.problem]
        found += [
            f"{one.label}, sample {number}: {each.fault}"
            for one in self.candidates
            for number, each in enumerate(one.showings, start=1)
            if each.fault
        ]
        return (*((self.shortened,) if self.shortened else ()), *found)

    @property
    def videos(self) -> int:
        return sum(each.video is not None for one in self.candidates for each in one.showings)


def numbered(showings: Sequence[Showing]) -> list[tuple[tuple[str, str, str, int], Showing]]:
    """Each showing with its input, and how often the same input came before it."""
    seen: Counter[tuple[str, str, str]] = Counter()
    found = []
    for one in showings:
        found.append(((*one.sample, seen[one.sample]), one))
        seen[one.sample] += 1
    return found


@dataclass
class Collector:
    """Reads and downloads one review."""

    studio: Studio
    store: MediaStore
    say: Callable[[str], None] = lambda _: None
    served: frozenset[str] | None = None  # the models that callers reach now; None: nobody asks what serves
    patience: float = REVIEW_PATIENCE
    most_bytes: int = MOST_BYTES
    most_previews: int = MOST_PREVIEWS

    def __post_init__(self) -> None:
        self._details = asyncio.Semaphore(_DETAILS_AT_ONCE)
        self._downloads = asyncio.Semaphore(_DOWNLOADS_AT_ONCE)
        self._until = time.monotonic() + self.patience
        self._bytes = 0
        self._previews = 0

    async def collect(self, job: Job, labels: Sequence[str]) -> Review:
        """These checkpoints of a job, in the order of their numbers."""
        ordered = sorted(labels, key=lambda one: (checkpoint_number(one), one))
        kept = ordered[-MOST_CHECKPOINTS:]
        rows = {row.checkpoint: row for row in await self._rows(job.job_id)}
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self.candidate(job, one, rows.get(one))) for one in kept]
        left = len(ordered) - len(kept)
        return Review(
            job.job_id,
            job.model or job.base_model,
            tuple(task.result() for task in tasks),
            tokens=job.usage,
            began=job.create_time,
            ended=job.end_time,
            shortened=f"the first {counted(left, 'checkpoint is', 'checkpoints are')} left out"
            if left
            else None,
        )

    async def candidate(self, job: Job, label: str, row: CheckpointRow | None = None) -> Candidate:
        """One checkpoint with all its previews on this machine."""
        made = Candidate(label, ())
        if row:
            serves = row.model_name in (self.served or ())
            made = replace(made, step=row.step, made=row.create_time, expires=row.expire_time, serves=serves)
        async with self._details:
            try:
                previews = await self.studio.jobs.previews(job.job_id, label)
            except AuthError:
                raise
            except StudioError as error:
                return replace(made, problem=str(error))
        room = max(0, self.most_previews - self._previews)
        self._previews += len(previews)
        scope = f"{job.job_id} {job.create_time}"
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._showing(one, scope)) for one in previews[:room]]
        showings = tuple(task.result() for task in tasks)
        self.say(f"{label}  {counted(sum(one.video is not None for one in showings), 'preview')}")
        if len(previews) > room:
            made = replace(made, problem=f"{len(previews) - room} previews are more than one review takes")
        return replace(made, showings=showings)

    async def _rows(self, job_id: str) -> tuple[CheckpointRow, ...]:
        """Times and expiry are an extra: a service without this list shows its previews all the same."""
        if self.served is None:
            return ()
        try:
            return await self.studio.checkpoints.list(job_id)
        except AuthError:
            raise
        except StudioError:
            return ()

    async def _showing(self, preview: Preview, scope: str) -> Showing:
        prompt = without_secrets(preview.prompt or "")[:_LONGEST_PROMPT]
        wanted = (
            (preview.first_frame_path, MediaKind.IMAGE),
            (preview.last_frame_path, MediaKind.IMAGE),
            (preview.video_path, MediaKind.VIDEO),
        )
        faults: list[str] = []
        found: list[StoredMedia | None] = []
        for link, kind in wanted:
            try:
                found.append(await self._media(link, kind, scope) if link else None)
            except (WanctlError, OSError) as error:
                found.append(None)
                faults.append(str(error))
        first, last, video = found
        return Showing(prompt, video, first, last, "; ".join(faults) or None)

    async def _media(self, link: str, kind: MediaKind, scope: str) -> StoredMedia:
        async with self._downloads:
            left = self._until - time.monotonic()
            if left <= 0:
                raise ReviewError("the time for this review was up", "run the command again: it goes on here")
            if self._bytes >= self.most_bytes:
                raise ReviewError("this review is larger than one may be", "name fewer by --checkpoint")
            try:
                async with asyncio.timeout(left):
                    media = await self.store.fetch(self.studio, link, kind, scope)
            except TimeoutError:
                raise ReviewError(
                    "the time for this review was up", "run the command again: it goes on here"
                ) from None
        self._bytes += media.size
        return media


class ReviewError(WanctlError):
    """Something of a review that cannot be had."""
