"""One comment for each plan, and the labels: found again, updated, or made. Any forge.

Posting looks before each try, so that a lost answer leaves no second comment.
"""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Protocol

from wanctl.forge import github, gitlab
from wanctl.forge.comments import Author, Comment, Message, Thread
from wanctl.forge.github import GitHubRequest
from wanctl.forge.gitlab import GitLabRequest
from wanctl.forge.labels import LABELS, OURS, Label
from wanctl.forge.run import Forge, Request, Token
from wanctl.forge.wire import ForgeError, RefusedError, Wire


class Reviewed(Protocol):
    """A pull or merge request, as far as we touch it."""

    def author(self) -> Author:
        """Whose token this is."""

    def comments(self) -> list[Comment]:
        """All of them, oldest first."""

    def create(self, body: str) -> None:
        """A new comment: one try, since a second one would make a second comment."""

    def update(self, comment: Comment, body: str) -> None:
        """Another text for a comment."""

    def labels(self) -> frozenset[str]:
        """The names that it has now."""

    def relabel(self, add: Collection[Label], remove: Collection[str]) -> None:
        """Add and take away."""


def post(
    forge: Forge,
    request: Request,
    token: Token,
    message: Message,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Comment and label, or a ForgeError that says what was refused."""
    try:
        with _opened(forge, request, token, sleep) as (wire, reviewed):
            author = reviewed.author()
            thread: Thread = wire.again(lambda: _comment(reviewed, author, message))
            _label(reviewed, thread.labels_with(message.labels))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ForgeError(f"{request.api} answers what {forge.value} never would") from error


@contextmanager
def _opened(
    forge: Forge, request: Request, token: Token, sleep: Callable[[float], None]
) -> Iterator[tuple[Wire, Reviewed]]:
    headers = github.HEADERS if forge is Forge.GITHUB else gitlab.HEADERS
    with Wire(request.api, token, headers, sleep=sleep) as wire:
        kind = GitHubRequest if forge is Forge.GITHUB else GitLabRequest
        yield wire, kind(wire, request)


def _comment(reviewed: Reviewed, author: Author, message: Message) -> Thread:
    thread = Thread.of(reviewed.comments(), author, message)
    if thread.mine is None:
        reviewed.create(message.text)
    elif thread.mine.body.rstrip() != message.text.rstrip():
        try:
            reviewed.update(thread.mine, message.text)
        except RefusedError:  # another bot's, as it turns out
            reviewed.create(message.text)
    return thread


def _label(reviewed: Reviewed, wanted: Collection[str]) -> None:
    there = reviewed.labels()
    names = {LABELS[short].name for short in wanted if short in LABELS}
    add = [OURS[name] for name in OURS if name in names - there]
    remove = [name for name in OURS if name in there - names]
    if add or remove:
        reviewed.relabel(add, remove)
