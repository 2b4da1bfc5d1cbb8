"""Dataclasses whose methods are made late are what the standard library's are."""

import dataclasses
import inspect
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field, fields, replace
from typing import Any

import pytest

from wanctl.base.classes import _Pending, dataclass


@dataclass(frozen=True)
class Point:
    """Of the module, so that it can be pickled."""

    x: int
    y: int = 2
    more: list[str] = field(default_factory=list, compare=False)


def pending(cls: type) -> bool:
    return any(isinstance(value, _Pending) for value in vars(cls).values())


def fresh(**options: Any) -> type[Any]:
    """A class that nobody has used, frozen unless it is said."""

    class Fresh:
        x: int
        y: int = 2
        more: list[str] = field(default_factory=list, compare=False)

    made: Callable[[type], type[Any]] = dataclass(**{"frozen": True, **options})
    return made(Fresh)


def test_nothing_is_made_until_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "active_count", lambda: 1)  # whatever another test has left running
    cls = fresh()
    assert pending(cls)
    assert cls(1).y == 2
    assert not pending(cls)


@pytest.mark.parametrize(
    "first",
    [
        lambda cls: cls(1),
        fields,
        dataclasses.is_dataclass,
        inspect.signature,
        lambda cls: cls.__match_args__,
        lambda cls: cls.__hash__,
        lambda cls: cls.__repr__,
    ],
    ids=["made", "fields", "is_dataclass", "signature", "match", "hash", "repr"],
)
def test_whatever_is_asked_first(first: Callable[[type[Any]], object]) -> None:
    cls = fresh()
    assert first(cls)
    assert not pending(cls)
    assert (cls(1), hash(cls(1)), repr(cls(1))) == (cls(1, 2, ["a"]), hash((1, 2)), repr(cls(1, 2)))
    assert [one.name for one in fields(cls)] == ["x", "y", "more"]
    assert list(inspect.signature(cls).parameters) == ["x", "y", "more"]


def test_what_is_frozen_stays() -> None:
    one = fresh()(1)
    with pytest.raises(FrozenInstanceError):
        one.x = 3
    with pytest.raises(FrozenInstanceError):
        del one.x
    changing = fresh(frozen=False)(1)
    changing.x = 3
    assert changing.x == 3
    with pytest.raises(TypeError, match="unhashable"):
        hash(changing)


def test_copies_pickles_and_patterns() -> None:
    assert replace(Point(1), x=5) == Point(5)
    assert pickle.loads(pickle.dumps(Point(1, 3))) == Point(1, 3)  # noqa: S301 - our own
    match Point(1, 7):
        case Point(1, y):
            assert y == 7


def test_a_child_knows_what_its_parents_have() -> None:
    parent = fresh()

    class Child(parent):  # type: ignore[valid-type, misc]  # made at run time
        z: int = 3

    child = dataclass(frozen=True)(Child)
    assert child(1) == child(1, 2, [], 3)
    assert child(1) != parent(1)

    class Standard(parent):  # type: ignore[valid-type, misc]
        z: int = 3

    assert dataclasses.dataclass(frozen=True)(Standard)(1, z=4).z == 4


def test_a_child_that_may_change_has_no_frozen_parent() -> None:
    class Child(fresh()):  # type: ignore[misc]  # made at run time
        z: int = 3

    with pytest.raises(TypeError, match="cannot inherit non-frozen dataclass from a frozen one"):
        dataclass(Child)(1)


def test_a_plain_child_is_made_by_its_parent() -> None:
    parent = fresh()

    class Plain(parent):  # type: ignore[valid-type, misc]
        pass

    assert Plain(1).y == 2
    assert Plain(1) == Plain(1)


def test_what_a_class_defines_itself_stands() -> None:
    @dataclass(frozen=True)
    class Own:
        x: int

        def __repr__(self) -> str:
            return f"own {self.x}"

    assert repr(Own(1)) == "own 1"
    assert Own(1) == Own(1)


def test_what_is_not_wanted_is_not_made() -> None:
    cls = fresh(eq=False, repr=False)
    one = cls(1)
    assert one != cls(1)
    assert hash(one) == object.__hash__(one)
    assert repr(one).startswith("<")


def test_orders_and_slots_are_made_at_once() -> None:
    ordered = fresh(order=True)
    assert not pending(ordered)
    assert ordered(1) < ordered(2)


def test_many_threads_at_once() -> None:
    cls = fresh()
    start, made = threading.Barrier(8), []

    def make(number: int) -> None:
        start.wait()
        made.append(cls(number))

    threads = [threading.Thread(target=make, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.x for one in made) == list(range(8))
    assert len({*made, cls(0)}) == 8


RACE = """
import sys, threading
sys.setswitchinterval(1e-6)
from wanctl.base.classes import dataclass
made = []
for number in range(60):
    @dataclass(frozen=True)
    class Point:
        x: int
        y: int = 0
    made.append(Point)
gate, wrong = threading.Barrier(8), []
def use():
    gate.wait()
    for one in made:
        try:
            assert one(1) == one(1, 0) and hash(one(1)) == hash(one(1, 0)) and repr(one(2))
        except BaseException as error:
            wrong.append(repr(error))
threads = [threading.Thread(target=use) for _ in range(8)]
assert made[0].__dict__["__init__"].__class__.__name__ == "_Pending", "nothing was postponed"
for thread in threads: thread.start()
for thread in threads: thread.join()
@dataclass
class Late:
    x: int
print(wrong[:3], Late(3))
"""


def test_no_thread_meets_a_class_that_is_half_made() -> None:
    done = subprocess.run([sys.executable, "-c", RACE], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[] Late(x=3)", done.stderr[-800:]
