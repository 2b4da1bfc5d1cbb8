"""The base models, and how a training goes: its times, statuses, usage, log and checkpoints.

All of it is computed from when the job was created.
"""

import math
from bisect import insort
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

FIRST_AND_LAST = "wan2.2-kf2v-flash"


@dataclass(frozen=True)
class SandboxModel:
    """A job's values when nothing is said, the billed frames of a clip, the limits of a call."""

    batch_size: int
    max_pixels: int
    billed_seconds: int  # at most, of one clip
    resolutions: tuple[str, ...]
    pixel_range: tuple[int, int]  # of max_pixels
    longest_clip: int | None = None  # seconds, where a document says it


TUNABLE = {
    "wan2.7-i2v": SandboxModel(1, 147456, 10, ("720P", "1080P"), (36864, 147456)),
    "wan2.6-i2v": SandboxModel(1, 36864, 10, ("720P", "1080P"), (16384, 36864), 10),
    "wan2.5-i2v-preview": SandboxModel(2, 36864, 10, ("480P", "720P"), (16384, 36864), 10),
    "wan2.2-i2v-flash": SandboxModel(4, 262144, 5, ("480P", "720P"), (65536, 262144), 5),
    FIRST_AND_LAST: SandboxModel(4, 262144, 5, ("480P", "720P"), (65536, 262144), 5),
}

PENDING = timedelta(seconds=60)
LAST_STEPS = timedelta(minutes=17, seconds=20)  # transfer, delivery and checkpoints after the training proper
BAD_DATA_FOUND = timedelta(minutes=9)
PREPARING = timedelta(seconds=75)
CANCELING = timedelta(seconds=90)
SHORTEST, LONGEST = timedelta(hours=1.5), timedelta(hours=6)
EPOCHS_A_LINE = 20


@dataclass(frozen=True)
class Course:
    """One job's way through time. `began` is when it left the queue."""

    job: dict[str, Any]
    created: datetime
    began: datetime
    ended: datetime
    outcome: str  # SUCCEEDED, FAILED or CANCELED
    trained: datetime  # when the training proper is over
    canceled: datetime | None

    def status(self, now: datetime) -> str:
        if self.canceled and now >= self.canceled:
            return "CANCELED" if now >= self.ended else "CANCELING"
        if now >= self.ended:
            return self.outcome
        if now >= self.began:
            return "RUNNING"
        return "PENDING" if now < self.created + PENDING else "QUEUING"

    def fraction(self, now: datetime) -> float:
        """How much of the training proper is done; nothing more is once it was canceled."""
        until = min(now, self.canceled or self.ended)
        if until <= self.began:
            return 0.0
        return min(1.0, (until - self.began) / (self.trained - self.began))

    def made(self, epoch: int) -> datetime:
        """When the training has come so far."""
        share: float = epoch / self.job["hyper_parameters"]["n_epochs"]
        return self.began + (self.trained - self.began) * share

    def usage(self, now: datetime) -> int | None:
        """The billed tokens, once it ended; a canceled one is billed for what it used."""
        status = self.status(now)
        if status == "SUCCEEDED":
            return total_tokens(self.job)
        return math.floor(total_tokens(self.job) * self.fraction(now)) if status == "CANCELED" else None


def courses(jobs: list[dict[str, Any]]) -> dict[str, Course]:
    """The way of every job. They train in the order in which they came, so many at once as was said when they
    came; one, if nothing was. The next begins when so few of those before it are left."""
    found: dict[str, Course] = {}
    ends: list[datetime] = []  # of those that trained, the earliest first
    for job in jobs:
        created = datetime.fromisoformat(job["created"])
        at_once = job.get("trains_at_once", 1)
        free = ends[-at_once] if len(ends) >= at_once else created
        began = max(created + PENDING, free)
        course = _course(job, created, began)
        found[job["job_id"]] = course
        if course.ended > course.began:
            insort(ends, course.ended)
    return found


def _course(job: dict[str, Any], created: datetime, began: datetime) -> Course:
    trained = began + duration(job)
    ended, outcome = trained + LAST_STEPS, "SUCCEEDED"
    if job.get("problem"):
        ended, outcome = began + BAD_DATA_FOUND, "FAILED"
    elif job.get("fails"):
        ended, outcome = began + duration(job) * 0.6, "FAILED"
    canceled = datetime.fromisoformat(job["canceled"]) if job.get("canceled") else None
    if canceled and canceled < ended:
        ended, outcome = canceled + (CANCELING if canceled > began else timedelta()), "CANCELED"
    else:
        canceled = None
    return Course(job, created, min(began, ended), ended, outcome, trained, canceled)


def duration(job: dict[str, Any]) -> timedelta:
    """Hours, more for more tokens."""
    return min(LONGEST, SHORTEST + timedelta(hours=total_tokens(job) / 500_000))


def total_tokens(job: dict[str, Any]) -> int:
    """Σ min(cap, round(seconds)) × max_pixels / 1024 × n_epochs over the clips that are trained on."""
    cap = TUNABLE[job["model"]].billed_seconds
    seconds = sum(min(cap, round(one)) for one in job["seconds"])
    parameters = job["hyper_parameters"]
    return int(seconds * parameters["max_pixels"] / 1024 * parameters["n_epochs"])


def log_lines(course: Course, now: datetime) -> list[str]:
    """The log as far as it is written."""
    events = sorted([*_steps(course), *_ending(course)], key=lambda event: event[0])
    return [text for at, text in events if at <= now]


def _steps(course: Course) -> list[tuple[datetime, str]]:
    """The training proper, up to its end or whatever ended it."""
    prepared, until = course.began + PREPARING, course.canceled or course.ended
    if course.job.get("problem") or prepared > until:
        return []
    steps = [(prepared, _stamped(prepared, "INFO - data process succeeded, start to fine-tune"))]
    epochs, total = course.job["hyper_parameters"]["n_epochs"], total_tokens(course.job)
    for epoch in range(EPOCHS_A_LINE, epochs, EPOCHS_A_LINE):
        consumed = math.floor(total * epoch / epochs)
        steps.append((course.made(epoch), f" Actual number of consumed tokens is {consumed} !"))
    return [(at, text) for at, text in steps if at < until]


def _ending(course: Course) -> list[tuple[datetime, str]]:
    job, end = course.job, course.ended
    if course.outcome == "SUCCEEDED":
        lines = _finale(course)
    elif course.outcome == "CANCELED":
        lines = [(end, "INFO - finetune-job canceled")]
    elif job.get("problem"):
        lines = [(end, f"ERROR - data process failed: {job['problem']}")]
    else:
        lines = [(end, f"ERROR - finetune-job failed: {job['fails']}")]
    return [(at, _stamped(at, text)) for at, text in lines]


def _finale(course: Course) -> list[tuple[datetime, str]]:
    end = course.ended
    return [
        (course.trained, "INFO - fine-tuned output got, start to transfer it for inference"),
        (
            course.trained + timedelta(seconds=48),
            "INFO - transfer for inference succeeded, start to deliver it for inference",
        ),
        (end - timedelta(minutes=8, seconds=33), "INFO - start to save checkpoint"),
        (end, "INFO - finetune-job succeeded"),
        (end, "INFO - ##FT_COMPLETE##"),
    ]


def _stamped(at: datetime, text: str) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S},{at.microsecond // 1000:03} - {text}"


def checkpoint_epochs(parameters: dict[str, Any]) -> list[int]:
    """The epochs that are kept: one every eval_epochs and the last, of these the last save_total_limit."""
    every, last = parameters["eval_epochs"], parameters["n_epochs"]
    epochs = sorted({*range(every, last + 1, every), last})
    return epochs[-parameters["save_total_limit"] :]
