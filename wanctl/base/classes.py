"""Dataclasses whose methods are made when one of them is first needed.

The standard decorator compiles up to six methods of each class while its module is imported: for a command
that uses a few of the classes, a third of the time to its first line. What is made later is the standard
decorator's own.
"""

import dataclasses
from collections.abc import Callable
from threading import RLock
from typing import TYPE_CHECKING, Any

_METHODS = ("__init__", "__repr__", "__eq__", "__hash__")
_WHERE_FROZEN = ("__setattr__", "__delattr__")
_OF_THE_CLASS = ("__dataclass_fields__", "__dataclass_params__", "__match_args__")
_AT_ONCE = {"order", "slots", "unsafe_hash", "weakref_slot"}  # these make other methods, or another class
_making = RLock()


class _Pending:
    """Stands for what the decorator will make: whoever looks at it has it made, and gets that."""

    def __init__(self, cls: type, name: str, options: dict[str, Any]) -> None:
        self._cls, self._name, self._options = cls, name, options

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        with _making:
            if self._cls.__dict__.get(self._name) is self:
                self._make()
        made = self._cls.__dict__.get(self._name, self)
        if made is self:  # as with eq=False: the decorator made none
            made = getattr(super(self._cls, self._cls), self._name)
        bind = getattr(type(made), "__get__", None)
        return bind(made, instance, owner) if bind else made

    def _make(self) -> None:
        for name, value in list(self._cls.__dict__.items()):
            if isinstance(value, _Pending):
                delattr(self._cls, name)
        dataclasses.dataclass(self._cls, **self._options)


def _postponed(cls: type, options: dict[str, Any]) -> type:
    if any(options.get(name) for name in _AT_ONCE):
        return dataclasses.dataclass(cls, **options)
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
