"""Odd answers: a field left out, a word that nobody knows, more than was asked for, a row that comes twice.

They tell less than the truth or more, never an untruth that nobody could notice.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from tests.hostile.planting import MARK, SAID

STAMPS = {"create_time", "end_time", "expire_time", "gmt_create", "gmt_modified"}
WORDS = ("status", "charge_type", "plan", "training_type", "object", "purpose")
NOBODYS = "DANCING"


def made_odd(body: Any, dice: Random) -> str | None:
    """Change a decoded answer in place, in one way; what was done to it."""
    objects = list(_objects(body))
    if not objects:
        return None
    ways: list[Callable[[Any, list[dict[str, Any]], Random], str | None]]
    ways = [_left_out, _left_out, _unknown_word, _more, _twice, _nothing_there]
    return dice.choice(ways)(body, objects, dice)


def shifted(body: Any, hours: int) -> None:
    """All stamps of an answer are those of another zone, in place."""
    for one in _objects(body, whole=True):
        for key in STAMPS & one.keys():
            if isinstance(one[key], str):
                separator = "T" if "T" in one[key] else " "
                moved = datetime.fromisoformat(one[key]) + timedelta(hours=hours)
                one[key] = moved.isoformat(sep=separator, timespec="auto")


def _objects(body: Any, *, whole: bool = False) -> Iterator[dict[str, Any]]:
    """The rows of a list, or the one object that was asked for; `whole`: the answer around them, too."""
    if not isinstance(body, dict):
        return
    inner = body.get("output", body)
    rows = _rows(body)
    if rows is not None:
        yield from (row for row in rows if isinstance(row, dict))
    elif isinstance(inner, dict):
        yield inner
    if whole and isinstance(inner, dict) and rows is not None:
        yield inner


def _rows(body: Any) -> list[Any] | None:
    inner = body.get("output", body)
    if isinstance(inner, list):
        return inner
    if isinstance(inner, dict):
        for key in ("jobs", "deployments", "data", "list", "checkpoints"):
            if isinstance(inner.get(key), list):
                found: list[Any] = inner[key]
                return found
    return None


def _left_out(_: Any, objects: list[dict[str, Any]], dice: Random) -> str | None:
    one = dice.choice(objects)
    if not one:
        return None
    key = dice.choice(sorted(one))
    del one[key]
    return f"{key} is left out"


def _nothing_there(_: Any, objects: list[dict[str, Any]], dice: Random) -> str | None:
    one = dice.choice(objects)
    if not one:
        return None
    key = dice.choice(sorted(one))
    one[key] = None
    return f"{key} is null"


def _unknown_word(_: Any, objects: list[dict[str, Any]], dice: Random) -> str | None:
    one = dice.choice(objects)
    known = [key for key in WORDS if isinstance(one.get(key), str)]
    if not known:
        return None
    key = dice.choice(known)
    one[key] = NOBODYS
    return f"{key} is {NOBODYS}"


def _more(body: Any, objects: list[dict[str, Any]], dice: Random) -> str | None:
    one = dice.choice([*objects, body])
    one["note_of_nobody"] = {"said": SAID, "rows": [1, None, {"accessKeySecret": f"{MARK}-in-a-field"}]}
    return "there are fields that nobody knows"


def _twice(body: Any, objects: list[dict[str, Any]], dice: Random) -> str | None:
    rows = _rows(body)
    if not rows:
        return None
    rows.insert(dice.randint(0, len(rows)), dict(dice.choice(objects)))
    return "a row comes twice"
