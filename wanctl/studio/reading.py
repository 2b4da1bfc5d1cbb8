"""From a reply's body to typed objects, and from pages to whole lists.

A list is whole or it is an error: what cannot be read is never taken for nothing. That a list is empty has to
be said: by an empty list under its own name, or by a total of 0, with nothing that says that more follows.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from contextlib import aclosing
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
PAGES_AT_ONCE = 4
MOST_ROWS = 100_000  # of a list, beyond what an account holds
_COUNT = re.compile(r"[0-9]{1,18}")
_YES, _NO = frozenset({"true", "1"}), frozenset({"false", "0"})


@dataclass(frozen=True)
class Answer(Generic[_Value_co]):
    """A changing call's result, with the request id that the ledger notes and the vendor asks for."""

    value: _Value_co
    request_id: str | None = None


@dataclass(frozen=True)
class Page(Generic[_Item]):
    """A part of a list; how long the service says that the whole is, and whether more follows."""

    items: tuple[_Item, ...]
    total: int | None = None
    more: bool | None = None


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

    `bare`: the service is documented to answer so, and then nothing, or a null, is an empty list.
    """
    found = _list_in(reply, names, bare=bare)
    if found is None:
        raise unusable(reply, f"the answer has no list of {names[0]}")
    if not found and _more(reply):
        raise unusable(reply, f"the answer says that more {names[0]} follow, and holds none")
    return found


def _list_in(reply: Reply, names: tuple[str, ...], *, bare: bool) -> list[Any] | None:
    if bare and "output" in reply.body and reply.body["output"] is None:
        return []
    found = output(reply)
    if isinstance(found, dict):
        under = next((found[name] for name in names if found.get(name) is not None), None)
        found = _only_list(found) if under is None else under
    elif found == [] and not bare:
        found = None
    if found is None and _total(reply) == 0:
        return []
    return found if isinstance(found, list) else None


def _only_list(answer: dict[str, Any]) -> list[Any] | None:
    """Its rows are proof enough: each has to name an object, or it is none."""
    lists = [value for value in answer.values() if isinstance(value, list)]
    return lists[0] if len(lists) == 1 and lists[0] else None


def _said(reply: Reply, key: str) -> Any:
    """A field beside a list, or beside the output that is a bare one."""
    found = output(reply)
    return found[key] if isinstance(found, dict) and key in found else reply.body.get(key)


def _total(reply: Reply) -> int | None:
    total = str(_said(reply, "total"))
    return int(total) if _COUNT.fullmatch(total) else None


def _more(reply: Reply) -> bool | None:
    """Whether more rows follow; None where that is not said. Anything else could hide half of the list."""
    said = _said(reply, "has_more")
    if said is None:
        return None
    spelled = str(said).lower()
    if spelled not in _YES | _NO:
        raise unusable(reply, "the answer does not say whether more follows")
    return spelled in _YES


def parse_rows(model: type[_Model], reply: Reply, *names: str, bare: bool = False) -> Page[_Model]:
    """The typed list in a reply, with what stands beside it."""
    items = tuple(parse(model, row, reply) for row in rows(reply, *names, bare=bare))
    return Page(items, _total(reply), _more(reply))


async def read_numbered(
    fetch: Callable[[int], Awaitable[Page[_Item]]],
    identity: Callable[[_Item], Hashable],
    most: int = MOST_ROWS,
) -> tuple[_Item, ...]:
    """All pages of a numbered list. If it moved while it was read, it is read again from the start."""
    for _ in range(READS_OF_A_MOVING_LIST):
        whole = await _read_once(fetch, identity, most)
        if whole is not None:
            return whole
    raise ServerError("the list changed at every attempt to read it whole", hint="try again in a while")


async def _read_once(
    fetch: Callable[[int], Awaitable[Page[_Item]]], identity: Callable[[_Item], Hashable], most: int
) -> tuple[_Item, ...] | None:
    """The list, or None if its pages do not add up to what the service says that it holds."""
    found: dict[Hashable, _Item] = {}
    first_total: int | None = None
    async with aclosing(_pages(fetch)) as pages:
        async for number, page in pages:
            before = len(found)
            found.update((identity(item), item) for item in page.items)
            if len(found) > most:
                raise ServerError(f"the list holds more than {most:,} rows, and no more is read")
            first_total = page.total if number == 1 else first_total
            if page.total != first_total:
                return None
            if page.total is not None and len(found) >= page.total:
                return tuple(found.values())
            if len(found) == before:
                return tuple(found.values()) if page.total is None and not page.more else None
    raise ServerError(f"the list does not end after {MOST_PAGES} pages")


async def _pages(
    fetch: Callable[[int], Awaitable[Page[_Item]]],
) -> AsyncGenerator[tuple[int, Page[_Item]], None]:
    """The pages in their order. How many there are follows from what the first one says, and then several are
    read at once; behind those, and where it says nothing, one by one."""
    first = await fetch(1)
    yield 1, first
    number, last = 2, min(-(-(first.total or 0) // max(1, len(first.items))), MOST_PAGES)
    while number <= MOST_PAGES:
        count = max(1, min(PAGES_AT_ONCE, last - number + 1))
        read = await asyncio.gather(*map(fetch, range(number, number + count)), return_exceptions=True)
        for page in read:
            if isinstance(page, BaseException):
                raise page
            yield number, page
            number += 1
