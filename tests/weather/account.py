"""The account as it truly is, read past the API: what was trained, what is deployed, what is of others."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.crash.project import MODEL, THEIR_MODEL
from wanctl.sandbox import Sandbox
from wanctl.sandbox.api.deployments import status_of
from wanctl.sandbox.state.training import Course, courses

START = datetime(2026, 3, 18, 1, tzinfo=UTC)
PROJECT = "weather"


def open_account(folder: Path, seed: int) -> Sandbox:
    return Sandbox.open(folder, speed="instant", seed=seed, start=START, strict=False, trains_at_once=20)


@contextmanager
def opened(folder: Path, seed: int) -> Iterator[Sandbox]:
    sandbox = open_account(folder, seed)
    try:
        yield sandbox
    finally:
        sandbox.close()


@dataclass(frozen=True)
class Training:
    """A job of ours."""

    job_id: str
    inputs: str  # what makes two trainings one and the same
    chain: int | None
    epochs: int
    status: str
    billed: int
    deleted: bool

    @property
    def stands(self) -> bool:
        return not self.deleted and self.status not in {"FAILED", "CANCELED", "CANCELING"}


@dataclass(frozen=True)
class Served:
    """A deployment of ours."""

    name: str
    job_id: str
    checkpoint: int
    effect: str
    capacity: int
    status: str | None  # None: it is gone
    created: str

    @property
    def stands(self) -> bool:
        return self.status not in {None, "DELETING"}


@dataclass(frozen=True)
class Account:
    """One moment of it."""

    trainings: tuple[Training, ...]
    served: tuple[Served, ...]
    foreign: str
    files: Mapping[str, str]

    @classmethod
    def of(cls, sandbox: Sandbox, known_files: dict[str, str]) -> "Account":
        """`known_files`: the names of files by their ids, which outlive the files; they are added to."""
        store, now = sandbox._store, sandbox.now()
        files, jobs, deployments = store.all("file"), store.all("job"), store.all("deployment")
        known_files |= {one["id"]: one["filename"] for one in files}
        ways = courses(jobs)
        epochs = {one["job_id"]: one["hyper_parameters"]["n_epochs"] for one in jobs}
        foreign = {
            "files": [one for one in files if not one["filename"].startswith(f"{PROJECT}--")],
            "jobs": [one for one in jobs if one["model"] == THEIR_MODEL],
            "deployments": [one for one in deployments if one["base_model"] == THEIR_MODEL],
        }
        return cls(
            tuple(_training(ways[one["job_id"]], now, known_files) for one in jobs if one["model"] == MODEL),
            tuple(_served(one, now, epochs) for one in deployments if one["base_model"] == MODEL),
            json.dumps(foreign, sort_keys=True),
            {one["id"]: one["filename"] for one in files},
        )


def _training(course: Course, now: datetime, files: Mapping[str, str]) -> Training:
    job = course.job
    names = sorted(files.get(one, one) for one in job["training_file_ids"])
    owners = {name.split("--")[1] for name in names if name.startswith(f"{PROJECT}--")}
    chain = int(owners.pop().removeprefix("train")) if len(owners) == 1 else None
    parameters = json.dumps(job["hyper_parameters"], sort_keys=True)
    return Training(
        job["job_id"],
        f"{names} {parameters}",
        chain,
        job["hyper_parameters"]["n_epochs"],
        course.status(now),
        course.usage(now) or 0,
        bool(job.get("deleted")),
    )


def _served(record: dict[str, Any], now: datetime, epochs: Mapping[str, int]) -> Served:
    """Its model is named after its job, and after the checkpoint unless that is the last."""
    model = record["model_name"]
    job_id = next(one for one in epochs if one in model)
    _, _, checkpoint = model.partition(job_id)[2].rpartition("-c")
    return Served(
        record["deployed_model"],
        job_id,
        int(checkpoint) if checkpoint.isdigit() else epochs[job_id],
        record["aigc_config"]["lora_prompt_default"],
        record["capacity"],
        status_of(record, now),
        record["created"],
    )
