"""A value that is never shown: not by print, in a log line, a traceback or a file."""

from typing import NoReturn


class Secret:
    """Only `reveal` gives the value, and only what sends it calls that."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__.lower()} is not written anywhere")
