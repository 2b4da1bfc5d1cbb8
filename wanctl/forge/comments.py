"""Comments on a pull request: which one is ours, and which labels the others of ours stand for. Pure.

A comment is known by its last line, the marker, and by its author: anybody may write the marker into a
comment of their own, and what we then wrote there would be theirs to change.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_LABELS = re.compile(r"<!-- wanctl labels: ([a-z ]*) -->")
_MARKER = re.compile(r"<!-- wanctl plan: \S+ -->")


@dataclass(frozen=True)
class Author:
    """Who the token is. Where the forge does not tell, it is a bot, and no person's comment is ours."""

    login: str | None = None

    def wrote(self, comment: "Comment") -> bool:
        return comment.author == self.login if self.login else comment.by_bot


@dataclass(frozen=True)
class Comment:
    """One comment as the forge lists it."""

    id: int
    author: str
    body: str
    by_bot: bool = False

    @property
    def marker(self) -> str | None:
        """The hidden last line, if it is a plan's."""
        last = self.body.rstrip().rpartition("\n")[2].strip()
        return last if _MARKER.fullmatch(last) else None

    @property
    def labels(self) -> frozenset[str]:
        """The labels that its plan asked for, by their short names."""
        found = _LABELS.findall(self.body)
        return frozenset(found[-1].split()) if found else frozenset()


@dataclass(frozen=True)
class Message:
    """What is to stand on the request: a text, its marker in the last line, and labels by short names."""

    body: str
    labels: frozenset[str] = frozenset()
    nameless: str | None = None  # marks what was said while not even the project's name could be read

    @property
    def marker(self) -> str:
        return self.body.rstrip().rpartition("\n")[2]

    @property
    def text(self) -> str:
        """The body with its labels noted, hidden, before the marker."""
        above = self.body.rstrip().rpartition("\n")[0]
        return f"{above}\n<!-- wanctl labels: {' '.join(sorted(self.labels))} -->\n{self.marker}\n"


@dataclass(frozen=True)
class Thread:
    """A request's comments, sorted: ours for this plan, and those for other projects and environments."""

    mine: Comment | None
    others: tuple[Comment, ...]

    @classmethod
    def of(cls, comments: Iterable[Comment], author: Author, message: Message) -> "Thread":
        ours = [one for one in comments if one.marker and author.wrote(one)]
        wanted = (message.marker, message.nameless)  # which is taken over, if it is all there is
        mine = next((one for marker in wanted for one in ours if one.marker == marker), None)
        return cls(mine, tuple(one for one in ours if one is not mine))

    def labels_with(self, labels: Iterable[str]) -> frozenset[str]:
        """What the request as a whole is to be labelled with."""
        return frozenset(labels).union(*(one.labels for one in self.others))
