"""Which CI run this is, as values: the forge, what set it off, whose pull request, where its API is.

Pure. `project.forge` makes one from the environment.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from wanctl.base.secret import Secret


class Forge(StrEnum):
    """Where the run runs."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GENERIC = "generic"


class Trigger(StrEnum):
    """What set the run off."""

    REVIEW = "review"  # a pull or merge request
    DEFAULT_BRANCH = "default_branch"  # a push to it, its schedule, or a person's click
    OTHER = "other"  # whatever else; nothing is applied from there


class Token(Secret):
    """A forge's token, and the header that it goes in."""

    __slots__ = ("header",)

    def __init__(self, header: str, value: str) -> None:
        super().__init__(value)
        self.header = header


@dataclass(frozen=True)
class ReviewRequest:
    """A pull or merge request that can be commented on."""

    api: str  # the API's base URL, without a slash at its end
    repository: str  # owner/name, or GitLab's id of the project
    number: int
    token: Token | None
    author: str | None = None  # whose comments ours are, where the run knows without asking

    @property
    def name(self) -> str:
        return f"#{self.number}"


@dataclass(frozen=True)
class Run:
    """One run of CI."""

    forge: Forge
    trigger: Trigger
    event: str  # as the forge calls it, for messages
    request: ReviewRequest | None = None
    from_outside: bool = False  # the specs come from a fork or a bot: no secrets are to be expected
    url: str | None = None  # where a reader finds this run
    commit: str | None = None  # the specs' own, not the forge's trial merge
    branch: str | None = None  # that what is applied has to be the newest of
    base: str | None = None  # what is checked out by itself, where that is not the request
    summary: Path | None = None  # what is appended there stands on the run's page
    outputs: Path | None = None  # NAME=VALUE lines for later steps
