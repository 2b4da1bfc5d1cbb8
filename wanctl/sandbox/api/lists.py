"""Lists, as the service shows them: how late, in which order, and with rows that move between two pages.

For jobs, deployments and files. Reading one by its id is never late.
"""

import hashlib
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from wanctl.sandbox.service import ID_KEYS, Service

_Row = TypeVar("_Row")


def made(service: Service, kind: str, identifier: str) -> None:
    """A new object, which as many lists as a quirk says will not show."""
    if calls := service.rig.quirks.list_lag_calls:
        service.store.put("unlisted", f"{kind}/{identifier}", {"name": f"{kind}/{identifier}", "left": calls})


def shown(
    service: Service, kind: str, rows: Iterable[_Row], record: Callable[[_Row], dict[str, Any]]
) -> list[_Row]:
    """The rows that a list has at this moment, in its order."""
    quirks, now = service.rig.quirks, service.now()
    hidden = _hidden(service, kind) if quirks.list_lag_calls else set()
    lag = timedelta(seconds=quirks.list_lag)
    if not hidden and not lag and quirks.list_order == "newest":
        return list(rows)
    found = [
        row
        for row in rows
        if record(row)[ID_KEYS[kind]] not in hidden
        and datetime.fromisoformat(record(row)["created"]) + lag <= now
    ]
    if quirks.list_order == "random":
        seed = service.store.meta("seed")
        found.sort(key=lambda row: hashlib.sha256(f"{seed}/{record(row)[ID_KEYS[kind]]}".encode()).digest())
    return found


def _hidden(service: Service, kind: str) -> set[str]:
    """The ids that this call does not show; it counts as one of those that do not."""
    with service.store.write():
        waiting = [one for one in service.store.all("unlisted") if one["name"].startswith(f"{kind}/")]
        for one in waiting:
            if one["left"] > 1:
                service.store.put("unlisted", one["name"], {**one, "left": one["left"] - 1})
            else:
                service.store.delete("unlisted", one["name"])
    return {one["name"].partition("/")[2] for one in waiting}


def page_size(service: Service, asked: int) -> int:
    """As many rows as were asked for, or as the service is willing to give at once."""
    return min(asked, service.rig.quirks.largest_page or asked)


def turned(service: Service, rows: list[_Row], number: int, size: int) -> tuple[dict[str, int], list[_Row]]:
    """The numbers of a page, and its rows. Something may have come or gone since the first page was read."""
    size, moved = page_size(service, size), 0
    if number > 1:
        with service.store.write():
            moved = service.rig.take("next_list_shift") or service.rig.quirks.list_shift
    first = (number - 1) * size - moved
    return {"page_no": number, "page_size": size, "total": len(rows) + moved}, rows[first : first + size]
