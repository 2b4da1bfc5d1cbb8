"""A forge, as the rest of wanctl sees it: a run of its CI, a request to comment on, a workflow file.

A forge is one module beside this one, a line in `registry` and a template in `wanctl/init/templates`.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, ClassVar, Protocol

from wanctl.base.net import Secret

if TYPE_CHECKING:
    from wanctl.forge.comments import Author, Comment, Label
    from wanctl.forge.wire import ForgeConnection


class Trigger(StrEnum):
    """The event that set the run off."""

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

    forge: "Forge | None"  # None: one that wanctl does not know
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

    @property
    def place(self) -> str:
        """Where it runs, for messages."""
        return self.forge.name if self.forge else "generic"


class Reviewed(Protocol):
    """A pull or merge request, as far as we touch it."""

    def author(self) -> "Author":
        """Whose token this is."""

    def comments(self) -> "list[Comment]":
        """All of them, oldest first."""

    def create(self, body: str) -> None:
        """A new comment: one try, since a second one would make a second comment."""

    def update(self, comment: "Comment", body: str) -> None:
        """Another text for a comment."""

    def delete(self, comment: "Comment") -> None:
        """One of ours that is one too many."""

    def attach(self, path: Path, name: str) -> str | None:
        """The address of a file that a comment can show; None where comments of this forge take none."""

    def head(self) -> str | None:
        """The commit that it stands at now, if the forge tells."""

    def labels(self) -> frozenset[str]:
        """The names that it has now."""

    def relabel(self, add: "Collection[Label]", remove: Collection[str]) -> None:
        """Add and take away."""


class Forge(ABC):
    """One forge: all that differs from the others."""

    name: ClassVar[str]  # as `wanctl init --forge` takes it; the template is NAME.yml.j2
    headers: ClassVar[Mapping[str, str]]  # of every call to its API
    without_token: ClassVar[str]  # what to do, where no comment can be written for want of a token
    read_only: ClassVar[str]  # what to do, where the token may not write one
    next_steps: ClassVar[tuple[str, ...]]  # after `wanctl init`: commands, and what then happens

    @abstractmethod
    def run(self, environ: Mapping[str, str], url: str | None) -> Run | None:
        """The run of the process with this environment; None where it is not a run of this forge."""

    @abstractmethod
    def reviewed(self, wire: "ForgeConnection", request: ReviewRequest) -> Reviewed:
        """The request, over this connection to its API."""

    @abstractmethod
    def workflow(self, name: str) -> PurePosixPath:
        """The workflow file of this name, from the repository's root."""

    def muting(self, word: str) -> tuple[str, str] | None:  # noqa: ARG002 - for those that do
        """Lines before and after a log that the runner shall only show; None where it obeys no log."""
        return None
