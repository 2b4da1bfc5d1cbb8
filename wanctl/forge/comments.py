"""One comment for each plan on a pull request, and the labels: found again, updated, or made. Any forge.

A comment is known by its last line, the marker, and by its author: anybody may write the marker into a
comment of their own, and what we then wrote there would be theirs to change. Only the labels listed here are
ever added or taken away. Posting looks before each try, so that a lost answer leaves no second comment.
"""

import re
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from wanctl.forge.forge import Forge, Reviewed, ReviewRequest, Token
from wanctl.forge.wire import ForgeConnection, ForgeError, RefusedError

_LABELS = re.compile(r"<!-- wanctl labels: ([a-z ]*) -->")
_PLACE = re.compile(r"<!-- wanctl place: (\S+) -->")
_MARKER = re.compile(r"<!-- wanctl plan: \S+ -->")
_UPLOAD = re.compile(r"/uploads/[0-9a-f]{8,64}/[a-z0-9._-]{1,120}")  # as GitLab names one
_APP = "[bot]"


@dataclass(frozen=True)
class Author:
    """Who the token is."""

    login: str

    def wrote(self, comment: "Comment") -> bool:
        """An app is called with its [bot] or without, depending on who is asked; a person never is."""
        same_app = comment.author.removesuffix(_APP) == self.login.removesuffix(_APP)
        return comment.author == self.login or (comment.by_bot and same_app)


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
    def place(self) -> str | None:
        """Where in the repository its project is, and in which environment it was planned."""
        found = _PLACE.findall(self.body)
        return found[-1] if found else None  # what stands above is somebody's text

    @property
    def labels(self) -> frozenset[str]:
        """The labels that its plan asked for, by their short names."""
        found = _LABELS.findall(self.body)
        return frozenset(found[-1].split()) if found else frozenset()


@dataclass(frozen=True)
class ShownPicture:
    """A file that a comment shows, at a forge whose comments can; known again by its name."""

    path: Path
    name: str  # of its content, so that the same picture is uploaded once
    alt: str

    def link(self, address: str) -> str:
        return f"![{self.alt}]({address})"

    def link_in(self, body: str) -> str | None:
        """The link that a comment has to it already."""
        links = re.findall(rf"!\[[^\]\n]*\]\(({_UPLOAD.pattern})\)", body)
        return next((self.link(one) for one in links if one.endswith(f"/{self.name}")), None)


@dataclass(frozen=True)
class Message:
    """A comment that is to be posted: a text, its marker in the last line, and labels by short names.

    The marker has the project's name. A project that was renamed, or whose name cannot be read any more, is
    known by its place: what stood there must not stay, looking valid.
    """

    body: str
    labels: frozenset[str] = frozenset()
    place: str = ""  # one word that can stand in a comment of HTML
    named: bool = True  # the marker says which project
    commit: str | None = None  # whose plan it is; an older one does not replace a newer one
    pictures: tuple[ShownPicture, ...] = ()
    links: tuple[str, ...] = ()  # to those of them that the forge has taken

    @property
    def marker(self) -> str:
        return self.body.rstrip().rpartition("\n")[2]

    @property
    def text(self) -> str:
        """The body with its labels and its place noted, hidden, before the marker."""
        above = self.body.rstrip().rpartition("\n")[0]
        above = "\n\n".join([above.rstrip(), *self.links, ""]) if self.links else above
        hidden = [f"<!-- wanctl labels: {' '.join(sorted(self.labels))} -->"]
        hidden += [f"<!-- wanctl place: {self.place} -->"] if self.place else []
        return "\n".join([above, *hidden, self.marker]) + "\n"

    def follows(self, comment: Comment) -> bool:
        """The comment is of the same project in the same environment."""
        if self.place and comment.place == self.place:
            return True
        return self.named and comment.marker == self.marker


@dataclass(frozen=True)
class Thread:
    """A request's comments, sorted: ours for this plan, oldest first, and those for other projects."""

    mine: tuple[Comment, ...]
    others: tuple[Comment, ...]

    @classmethod
    def of(cls, comments: Iterable[Comment], author: Author, message: Message) -> "Thread":
        ours = [one for one in comments if one.marker and author.wrote(one)]
        mine = tuple(one for one in ours if message.follows(one))
        return cls(mine, tuple(one for one in ours if one not in mine))

    def labels_with(self, labels: Iterable[str]) -> frozenset[str]:
        """All labels that the request is to have."""
        return frozenset(labels).union(*(one.labels for one in self.others))


@dataclass(frozen=True)
class Label:
    """A label, with what it is made with where a repository does not have it yet."""

    short: str
    color: str
    description: str

    @property
    def name(self) -> str:
        return f"wanctl: {self.short}"


LABELS = {
    label.short: label
    for label in (
        Label("changes", "1d76db", "The plan changes something"),
        Label("billed", "fbca04", "The plan starts trainings that are billed"),
        Label("deletes", "d93f0b", "The plan deletes something that is live"),
        Label("waiting", "8250df", "The plan waits for a person"),
    )
}
OURS = {label.name: label for label in LABELS.values()}


class OvertakenError(ForgeError):
    """The request has moved on: this is not the plan of what it would merge now."""


class UnlabelledError(ForgeError):
    """The comment stands, and only the labels could not be put on."""


def post(
    forge: Forge,
    request: ReviewRequest,
    token: Token,
    message: Message,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Comment and label, or a ForgeError that says what was refused."""
    try:
        wire = ForgeConnection(request.api, token, forge.headers, sleep=sleep)
        reviewed = forge.reviewed(wire, request)
        _require_newest(reviewed, message.commit)
        author = reviewed.author()
        thread: Thread = wire.again(lambda: _comment(reviewed, author, message))
        try:
            _label(reviewed, thread.labels_with(message.labels))
        except ForgeError as error:
            raise UnlabelledError(str(error), status=error.status) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ForgeError(f"{request.api} answers what {forge.name} never would") from error


def _require_newest(reviewed: Reviewed, commit: str | None) -> None:
    """A run that was slow, or is run again, does not write over what a newer commit's run said."""
    try:
        head = reviewed.head() if commit else commit
    except ForgeError:
        return  # nobody says that there is a newer one
    if head and commit and head != commit:
        raise OvertakenError(f"it is at {head[:12]} by now, and this is of {commit[:12]}")


def _comment(reviewed: Reviewed, author: Author, message: Message) -> Thread:
    thread = Thread.of(reviewed.comments(), author, message)
    message = replace(message, links=_links(reviewed, thread, message))
    kept = _updated(reviewed, thread.mine, message)
    if kept is None:
        reviewed.create(message.text)
    for one in thread.mine:
        if one is not kept and (one.marker, one.place) == (message.marker, message.place or None):
            with suppress(ForgeError):
                reviewed.delete(one)  # two runs at once had both found none
    return thread


def _links(reviewed: Reviewed, thread: Thread, message: Message) -> tuple[str, ...]:
    """Links to the pictures: those that our comment has, else new ones. A comment without them will do."""
    found = []
    for picture in message.pictures:
        link = next(filter(None, (picture.link_in(one.body) for one in thread.mine)), None)
        if link is None:
            with suppress(ForgeError, OSError):
                address = reviewed.attach(picture.path, picture.name)
                link = picture.link(address) if address and _UPLOAD.fullmatch(address) else None
        found.append(link)
    return tuple(link for link in found if link)


def _updated(reviewed: Reviewed, mine: Iterable[Comment], message: Message) -> Comment | None:
    """The first comment that now says it; None where there is none, or none that we may edit."""
    for one in mine:
        try:
            if one.body.rstrip() != message.text.rstrip():
                reviewed.update(one, message.text)
        except RefusedError:  # deleted meanwhile, or it takes rights that the token has not
            continue
        return one
    return None


def _label(reviewed: Reviewed, wanted: Collection[str]) -> None:
    there = reviewed.labels()
    names = {LABELS[short].name for short in wanted if short in LABELS}
    add = [OURS[name] for name in OURS if name in names - there]
    remove = [name for name in OURS if name in there - names]
    if add or remove:
        reviewed.relabel(add, remove)
