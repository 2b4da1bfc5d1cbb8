"""From a reply's body to typed objects, and from pages to whole lists.

A list is whole or it is an error: what cannot be read is never taken for nothing.
"""

import re
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from wanctl.studio.errors import ServerError
from wanctl.studio.verdict import Reply, unusable

_Model = TypeVar("_Model", bound=BaseModel)
_Item = TypeVar("_Item")
_Value_co = TypeVar("_Value_co", covariant=True)

READS_OF_A_MOVING_LIST = 4
MOST_PAGES = 1000
_COUNT = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True)
class Answer(Generic[_Value_co]):
    """What a changing call gave, with the request id that the ledger notes and the vendor asks for."""

    value: _Value_co
    request_id: str | None = None


@dataclass(frozen=True)
class Page(Generic[_Item]):
    """A part of a list, and how long the service says that the whole is."""

    items: tuple[_Item, ...]
    total: int | None = None


def output(reply: Reply) -> Any:
    """The native API's `output`; the compatible API's flat body."""
    body = reply.body
    return body["output"] if body.get("output") is not None else body


def parse(model: type[_Model], data: Any, reply: Reply) -> _Model:
    """A typed object. An answer that names none is no answer."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, one["loc"])) or "the whole" for one in error.errors())
        # not from the error: it quotes the data, signed URLs and all
        raise unusable(reply, f"the answer is no {model.__name__}: {fields} is missing or odd") from None


def rows(reply: Reply, *names: str, bare: bool = False) -> list[Any]:
    """The list in a reply: under one of the names, bare, or the only one there is, if it holds anything.

    Nothing under a name that nobody knows is not an empty list; a bare null is one where `bare` says so.
    """
    found = output(reply)
    if bare and "output" in reply.body and reply.body["output"] is None:
        return []
    if isinstance(found, dict):
        under = next((found[name] for name in names if found.get(name) is not None), None)
        under = _only_list(found) if under is None else under
        found = [] if under is None and _empty(found, names) else under
    if not isinstance(found, list):
        raise unusable(reply, f"the answer has no list of {names[0]}")
    return found


def _only_list(answer: dict[str, Any]) -> list[Any] | None:
    """What it holds is proof enough: each row has to name an object, or it is none."""
    lists = [value for value in answer.values() if isinstance(value, list)]
    return lists[0] if len(lists) == 1 and lists[0] else None


def _empty(answer: dict[str, Any], names: tuple[str, ...]) -> bool:
    """Nothing is listed, and the answer says so: by its total, or by a null and that no more follows."""
    ends = str(answer.get("has_more")).lower() == "false" and any(name in answer for name in names)
    return ends or str(answer.get("total")) == "0"


def parse_rows(model: type[_Model], reply: Reply, *names: str, bare: bool = False) -> Page[_Model]:
    """The typed list in a reply, with the total that stands beside it."""
    beside = output(reply)
    total = str(beside.get("total")) if isinstance(beside, dict) else ""
    items = tuple(parse(model, row, reply) for row in rows(reply, *names, bare=bare))
    return Page(items, int(total) if _COUNT.fullmatch(total) else None)


async def read_numbered(
    fetch: Callable[[int], Awaitable[Page[_Item]]], identity: Callable[[_Item], Hashable]
) -> tuple[_Item, ...]:
    """All pages of a numbered list. If it moved while it was read, it is read again from the start."""
    for _ in range(READS_OF_A_MOVING_LIST):
        whole = await _read_once(fetch, identity)
        if whole is not None:
            return whole
    raise ServerError("the list changed at every attempt to read it whole", hint="try again in a while")


async def _read_once(
    fetch: Callable[[int], Awaitable[Page[_Item]]], identity: Callable[[_Item], Hashable]
) -> tuple[_Item, ...] | None:
    """The list, or None if its pages do not add up to what the service says that it holds."""
    found: dict[Hashable, _Item] = {}
    first_total: int | None = None
    for number in range(1, MOST_PAGES + 1):
        page = await fetch(number)
        before = len(found)
        found.update((identity(item), item) for item in page.items)
        first_total = page.total if number == 1 else first_total
        if page.total != first_total:
            return None
        if page.total is not None and len(found) >= page.total:
            return tuple(found.values())
        if len(found) == before:
            return tuple(found.values()) if page.total is None else None
    raise ServerError(f"the list does not end after {MOST_PAGES} pages")
