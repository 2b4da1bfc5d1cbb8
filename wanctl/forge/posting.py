"""One comment for each plan, and the labels: found again, updated, or made. Any forge.

Posting looks before each try, so that a lost answer leaves no second comment.
"""

import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress

from wanctl.forge.comments import LABELS, OURS, Author, Comment, Message, Thread
from wanctl.forge.forge import Forge, Reviewed, ReviewRequest, Token
from wanctl.forge.wire import ForgeConnection, ForgeError, RefusedError


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
        with ForgeConnection(request.api, token, forge.headers, sleep=sleep) as wire:
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
    kept = _updated(reviewed, thread.mine, message)
    if kept is None:
        reviewed.create(message.text)
    for one in thread.mine:
        if one is not kept and (one.marker, one.place) == (message.marker, message.place or None):
            with suppress(ForgeError):
                reviewed.delete(one)  # two runs at once had both found none
    return thread


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
