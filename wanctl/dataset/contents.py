"""What a dataset holds, as values: members, digest, samples, problems; and the name of its upload.

The digest is the dataset's identity: over member names and bytes alone, so that zipping again, the
order, file times and compression change nothing. No I/O here.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

ANNOTATIONS = "data.jsonl"


class DatasetError(ValueError):
    """A dataset that cannot be read, or is not safe to: it has no facts."""


class ChangedDuringReadError(DatasetError):
    """The dataset is not what it was a moment ago; what was planned no longer holds."""


class ProblemSeverity(StrEnum):
    """Whether a problem stops the upload."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Problem:
    """Something wrong with a dataset that could be read, and where."""

    severity: ProblemSeverity
    message: str
    member: str | None = None
    line: int | None = None


@dataclass(frozen=True, order=True)
class Member:
    """A file of a dataset, by its path inside."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True)
class DatasetFacts:
    """Everything that planning needs to know about a dataset. `size` is the bytes of all members."""

    digest: str
    members: tuple[Member, ...]
    size: int
    samples: int
    prompts: tuple[str, ...] = ()
    seconds: tuple[float, ...] = ()  # of each clip that could be opened, in the order of the samples
    problems: tuple[Problem, ...] = ()

    @property
    def digest16(self) -> str:
        return self.digest[:16]

    @cached_property
    def total_seconds(self) -> float:
        return sum(self.seconds)


def content_digest(members: Iterable[Member]) -> str:
    """sha256 over the sorted names and hashes; a name's length before it leaves no two readings."""
    whole = hashlib.sha256()
    for member in sorted(members):
        name = member.name.encode()
        whole.update(len(name).to_bytes(8, "big") + name + bytes.fromhex(member.sha256))
    return whole.hexdigest()


class UploadName(NamedTuple):
    """What the name of an upload says: whose it is, which dataset, and the begin of its digest."""

    project: str
    name: str
    digest16: str


_UPLOAD_NAME = re.compile(r"(?P<project>.+?)--(?P<name>.+)--(?P<digest16>[0-9a-f]{16})\.zip")


def upload_name(project: str, name: str, digest: str) -> str:
    """`<project>--<name>--<digest16>.zip`: the file list alone tells what is there."""
    return f"{project}--{name}--{digest[:16]}.zip"


def parse_upload_name(filename: str) -> UploadName | None:
    """What a filename says if we gave it; None for anybody else's."""
    match = _UPLOAD_NAME.fullmatch(filename)
    return UploadName(**match.groupdict()) if match else None
