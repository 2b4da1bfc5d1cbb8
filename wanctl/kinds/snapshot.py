"""The live side, as one run read it, and the names and digests by which our objects are known again in it.

It holds the three lists, and the answers to what planning asked beyond them. No I/O here.
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any, TypeVar

from wanctl.address import NAME, Address
from wanctl.dataset.contents import parse_upload_name
from wanctl.language.models import Deployment as DeploymentSpec
from wanctl.ledger.record import Record
from wanctl.studio.objects import Job, LiveDeployment, RemoteFile

LONGEST_NUMBER = 40  # digits that are written out; beyond, numbers are spelled with their exponent
SUFFIX_LENGTH = 8  # the service takes no longer one
_JOB_NAME = re.compile(rf"(?P<project>{NAME})--(?P<name>{NAME})--(?P<digest>[0-9a-f]{{16}})")
_Object = TypeVar("_Object")


class Read(StrEnum):
    """A read of one object's details, beyond the three lists."""

    FILE = "file"
    JOB = "job"
    CHECKPOINTS = "checkpoints"
    VALIDATED = "validated"
    LOGS = "logs"
    DEPLOYMENT = "deployment"
    VIDEO = "video"  # a task that makes one, and what is to be seen of it
    TASKS = "tasks"  # all that a model was asked for within a day


class Listing(StrEnum):
    """A list of the service that it may not have."""

    FILES = "files"
    DEPLOYMENTS = "deployments"


@dataclass(frozen=True, order=True)
class Question:
    """A read that planning needs: a `Read`, or one that a kind brings."""

    read: str
    remote_id: str


@dataclass(frozen=True)
class Elsewhere:
    """What the ledgers of environments say that share models with this one; each was only read."""

    trained: Record | None = None  # of the one that trains for this one
    known: Mapping[str, str] = field(default_factory=dict)  # remote id → whose it is, as a person says it
    unread: tuple[str, ...] = ()  # who deploys what is trained here, and has no ledger that can be read


@dataclass(frozen=True)
class Snapshot:
    """The account as it was read: three whole lists, and the answers to questions (None = not found)."""

    observed_at: datetime
    files: tuple[RemoteFile, ...] = ()
    jobs: tuple[Job, ...] = ()
    deployments: tuple[LiveDeployment, ...] = ()
    answers: Mapping[Question, Any] = field(default_factory=dict)
    elsewhere: Elsewhere = Elsewhere()
    unlisted: tuple[
        Listing, ...
    ] = ()  # what the service has no list of, so that only what is known of is here

    def merged(self, answers: Mapping[Question, Any]) -> "Snapshot":
        """The same account with some objects read again."""
        fresh: dict[str, dict[str, Any]] = defaultdict(dict)
        for question, answer in answers.items():
            fresh[question.read][question.remote_id] = answer
        return replace(
            self,
            files=_renewed(self.files, fresh[Read.FILE], lambda file: file.id),
            jobs=_renewed(self.jobs, fresh[Read.JOB], lambda job: job.job_id),
            deployments=_renewed(self.deployments, fresh[Read.DEPLOYMENT], lambda one: one.deployed_model),
            answers={**self.answers, **answers},
        )

    def with_answers(self, answers: Mapping[Question, Any]) -> "Snapshot":
        """The same account, of which more is known. What was looked up in its lists stays looked up."""
        fresh = replace(self, answers={**self.answers, **answers})
        looked_up = vars(self).keys() - {one.name for one in fields(self)}
        vars(fresh).update({name: vars(self)[name] for name in looked_up})
        return fresh

    @cached_property
    def file_by_id(self) -> dict[str, RemoteFile]:
        return {file.id: file for file in self.files}

    @cached_property
    def files_by_content(self) -> dict[tuple[str, str], list[RemoteFile]]:
        """(project, digest16) → the files that hold it, the oldest first."""
        found: dict[tuple[str, str], list[RemoteFile]] = defaultdict(list)
        for file in sorted(self.files, key=lambda file: (file.created_at or 0, file.id)):
            if name := parse_upload_name(file.filename):
                found[name.project, name.digest16].append(file)
        return found

    @cached_property
    def job_by_id(self) -> dict[str, Job]:
        return {job.job_id: job for job in self.jobs}

    @cached_property
    def job_by_output(self) -> dict[str, Job]:
        """The name of a model → the job that gave it; of several the first in the list."""
        return {
            job.finetuned_output: job for job in reversed(self.jobs) if job.succeeded and job.finetuned_output
        }

    @cached_property
    def jobs_by_name(self) -> dict[tuple[str, str], list[Job]]:
        """(project, digest16) → the jobs whose name carries them."""
        found: dict[tuple[str, str], list[Job]] = defaultdict(list)
        for job in self.jobs:
            if mark := parse_job_name(job):
                found[mark].append(job)
        return found

    @cached_property
    def jobs_by_inputs(self) -> dict[str, list[tuple[str, Job]]]:
        """Digest16 → the jobs of whatever project whose name carries it, with the project."""
        found: dict[str, list[tuple[str, Job]]] = defaultdict(list)
        for (project, digest), jobs in self.jobs_by_name.items():
            found[digest] += [(project, job) for job in jobs]
        return found

    @cached_property
    def jobs_by_model(self) -> dict[str, list[Job]]:
        found: dict[str, list[Job]] = defaultdict(list)
        for job in self.jobs:
            found[job.model or job.base_model or ""].append(job)
        return found

    @cached_property
    def unnamed_by_model(self) -> dict[str, list[Job]]:
        """Those of them whose name tells nothing."""
        return {
            model: [job for job in jobs if parse_job_name(job) is None]
            for model, jobs in self.jobs_by_model.items()
        }

    def unnamed(self, model: str, file_id: str | None) -> Sequence[Job]:
        """Jobs whose name tells nothing, trained on this file first, of this model or one they do not say."""
        found = self.unnamed_by_file
        return (*found.get((model, file_id), ()), *found.get(("", file_id), ()))

    @cached_property
    def unnamed_by_file(self) -> dict[tuple[str, str | None], list[Job]]:
        """(model, the first file that it was trained on) → those jobs; None: they do not say which."""
        found: dict[tuple[str, str | None], list[Job]] = defaultdict(list)
        for model, jobs in self.unnamed_by_model.items():
            for job in jobs:
                found[model, next(iter(job.training_file_ids), None)].append(job)
        return found

    @cached_property
    def abridged(self) -> bool:
        """The list leaves out what some jobs were made from."""
        return any(job.abridged for job in self.jobs)

    @cached_property
    def jobs_in_flight(self) -> tuple[Job, ...]:
        return tuple(job for job in self.jobs if job.in_flight)

    @cached_property
    def ids_by_model(self) -> dict[str, tuple[str, ...]]:
        """Model → the ids of its jobs, and of those that do not say theirs."""
        ids = {model: tuple(job.job_id for job in jobs) for model, jobs in self.jobs_by_model.items()}
        silent = ids.get("", ())
        return defaultdict(lambda: silent, {model: (*own, *silent) for model, own in ids.items() if model})

    @cached_property
    def deployment_names(self) -> tuple[str, ...]:
        return tuple(one.deployed_model for one in self.deployments)

    @cached_property
    def deployment_by_id(self) -> dict[str, LiveDeployment]:
        return {one.deployed_model: one for one in self.deployments if not one.gone}

    @cached_property
    def deployments_by_model(self) -> dict[str, list[LiveDeployment]]:
        found: dict[str, list[LiveDeployment]] = defaultdict(list)
        for one in self.deployments:
            if not one.gone:  # where its model is not told, its name says it, unless it has a suffix
                found[one.model_name or one.deployed_model].append(one)
        return found


def _renewed(
    objects: tuple[_Object, ...], fresh: Mapping[str, _Object | None], key: Callable[[_Object], str]
) -> tuple[_Object, ...]:
    """Objects read again take the place of the old ones; those that are gone drop out."""
    if not fresh:
        return objects
    renewed = (fresh.get(key(one), one) for one in objects)
    return tuple(one for one in renewed if one is not None)


def canonical_number(value: Any) -> Any:
    """Numbers compare by value, however they are spelled: 2.0E-5, "2e-5" and 0.00002 are one."""
    if isinstance(value, bool) or value is None:
        return value
    try:
        number = Decimal(str(value)).normalize()
    except (ArithmeticError, ValueError):  # not a number, or one beyond all that can be calculated
        return value
    if not number.is_finite():
        return value
    return format(number, "f") if abs(number.adjusted()) <= LONGEST_NUMBER else str(number)


def digest_of(value: Any) -> str:
    """sha256 of a JSON value in its canonical spelling."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def config_suffixes(project: str, address: Address, spec: DeploymentSpec) -> tuple[str, ...]:
    """Suffixes that say whose config, at which attempt, is behind a deployment of a shared model.

    The first is for a new one. An older wanctl counted templates that have no effect, too.
    """
    configs = (spec.aigc_config.effective(), spec.aigc_config.sent())
    made = (digest_of([project, str(address), one, spec.attempt])[:SUFFIX_LENGTH] for one in configs)
    return tuple(dict.fromkeys(made))


def job_name_for(project: str, name: str, identity: str) -> str:
    """The job's name, which says whose it is and which one."""
    return f"{project}--{name}--{identity[:16]}"


def parse_job_name(job: Job) -> tuple[str, str] | None:
    """The project and the digest that a job's name carries, if it carries a mark at all."""
    match = _JOB_NAME.fullmatch(job.job_name or "")
    return (match["project"], match["digest"]) if match else None


def resource_in_job_name(job: Job) -> str | None:
    """The name of the resource in a job's mark, if it carries one."""
    match = _JOB_NAME.fullmatch(job.job_name or "")
    return match["name"] if match else None


def is_model_of(model_name: str, output: str | None) -> bool:
    """The model that a job gave, or an export of it, as the service names them."""
    return bool(output) and (model_name == output or model_name.startswith(f"{output}-"))
