"""Dataclasses whose methods are made when one of them is first needed.

The standard decorator compiles up to six methods of each class while its module is imported: for a command
that uses a few of the classes, a third of the time to its first line. What is made later is the standard
decorator's own.

While the methods of a class are made, it has none. So that no thread meets it then, all that was postponed is
made before another thread begins, and nothing is postponed while there are several.
"""

import dataclasses
import threading
from collections.abc import Callable
from threading import RLock
from typing import TYPE_CHECKING, Any

_METHODS = ("__init__", "__repr__", "__eq__", "__hash__")
_WHERE_FROZEN = ("__setattr__", "__delattr__")
_OF_THE_CLASS = ("__dataclass_fields__", "__dataclass_params__", "__match_args__")
_AT_ONCE = {"order", "slots", "unsafe_hash", "weakref_slot"}  # these make other methods, or another class
_making = RLock()
_waiting: list["_Pending"] = []  # one of each class
_start = threading.Thread.start


def _start_once_all_is_made(thread: threading.Thread) -> None:
    with _making:
        threading.Thread.start = _start  # type: ignore[method-assign]  # as it was
        while _waiting:
            _waiting.pop().make()
    _start(thread)


class _Pending:
    """Stands for what the decorator will make: whoever looks at it has it made, and gets that."""

    def __init__(self, cls: type, name: str, options: dict[str, Any]) -> None:
        self._cls, self._name, self._options = cls, name, options

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        with _making:
            if self._cls.__dict__.get(self._name) is self:
                self.make()
        made = self._cls.__dict__.get(self._name, self)
        if made is self:  # as with eq=False: the decorator made none
            made = getattr(super(self._cls, self._cls), self._name)
        bind = getattr(type(made), "__get__", None)
        return bind(made, instance, owner) if bind else made

    def make(self) -> None:
        """Once: the class has no pending one afterwards."""
        pending = [name for name, value in self._cls.__dict__.items() if isinstance(value, _Pending)]
        if not pending:
            return
        for name in pending:
            delattr(self._cls, name)
        dataclasses.dataclass(self._cls, **self._options)


def _postponed(cls: type, options: dict[str, Any]) -> type:
    if threading.active_count() > 1 or any(options.get(name) for name in _AT_ONCE):
        return dataclasses.dataclass(cls, **options)
    threading.Thread.start = _start_once_all_is_made  # type: ignore[method-assign,assignment]  # see above
    _waiting.append(_Pending(cls, "", options))
    for name in (*_METHODS, *_OF_THE_CLASS, *(_WHERE_FROZEN if options.get("frozen") else ())):
        if name not in cls.__dict__:
            setattr(cls, name, _Pending(cls, name, options))
    return cls


if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls: type | None = None, /, **options: Any) -> type | Callable[[type], type]:
        """As dataclasses.dataclass."""
        return _postponed(cls, options) if cls else lambda decorated: _postponed(decorated, options)
