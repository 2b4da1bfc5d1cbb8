"""Kind/name: what every resource is called, in specs, plans, ledgers and on the command line."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from wanctl.base.errors import WanctlError
from wanctl.base.words import did_you_mean, quoted

# What a project or a resource may be called, in specs and in the lists of the service alike. In the latter a
# name that could not be ours is nobody's. Two names are divided by --, so none ends with -.
NAME = r"[A-Za-z0-9](?:-?[A-Za-z0-9_])*"


class _Registered(type):
    """Iterates over the kinds, upstream first."""

    def __iter__(cls) -> "Iterator[Kind]":
        return iter(tuple(_KINDS.values()))


class Kind(str, metaclass=_Registered):
    """A kind of resource, by its name. `Kind(name)` gives the one that is registered, or raises ValueError.

    The kinds stand in the order in which they were registered: one can refer to those before it.
    """

    __slots__ = ()

    DATASET: ClassVar["Kind"]
    FINETUNE: ClassVar["Kind"]
    CHECKPOINT: ClassVar["Kind"]
    DEPLOYMENT: ClassVar["Kind"]

    def __new__(cls, name: object) -> "Kind":
        known = _KINDS.get(str(name))
        if known is None:
            raise ValueError(f"there is no kind {name}")
        return known

    @classmethod
    def register(cls, name: str) -> "Kind":
        """A new kind, downstream of all that are there; one that is there already stays as it is."""
        kind = _KINDS.setdefault(name, str.__new__(cls, name))
        _RANKS.setdefault(kind, len(_RANKS))
        return kind

    @classmethod
    def unregister(cls, name: str) -> None:
        """Take a kind back that was registered for a while."""
        if kind := _KINDS.pop(name, None):
            del _RANKS[kind]

    @property
    def value(self) -> str:
        """The name as a plain text."""
        return str(self)

    @property
    def rank(self) -> int:
        """Its place in the order, upstream first."""
        return _RANKS[self]

    def __getnewargs__(self) -> tuple[str]:
        return (str(self),)


_KINDS: dict[str, Kind] = {}
_RANKS: dict[Kind, int] = {}
Kind.DATASET = Kind.register("Dataset")
Kind.FINETUNE = Kind.register("FineTune")
Kind.CHECKPOINT = Kind.register("Checkpoint")
Kind.DEPLOYMENT = Kind.register("Deployment")


class NotAnAddress(WanctlError, ValueError):  # noqa: N818 - reads as what happened
    """A text that names no resource; the message says how one is written."""


@dataclass(frozen=True, slots=True)
class Address:
    """A resource's kind and name. Sorts by kind, upstream first, then by name."""

    kind: Kind
    name: str

    @classmethod
    def dataset(cls, name: str) -> Self:
        return cls(Kind.DATASET, name)

    @classmethod
    def finetune(cls, name: str) -> Self:
        return cls(Kind.FINETUNE, name)

    @classmethod
    def checkpoint(cls, name: str) -> Self:
        return cls(Kind.CHECKPOINT, name)

    @classmethod
    def deployment(cls, name: str) -> Self:
        return cls(Kind.DEPLOYMENT, name)

    @classmethod
    def parse(cls, text: str) -> Self:
        """An address from its written form; NotAnAddress says what the form is."""
        kind, slash, name = text.partition("/")
        if not slash or not name or "/" in name:
            raise NotAnAddress(
                f"{quoted(text)} is not an address: write Kind/name, as in FineTune/money-rain"
            )
        exact = {one.lower(): one for one in Kind}.get(kind.lower())
        if exact is None:
            near = did_you_mean(kind, list(Kind))
            hint = f"did you mean {near}/{name}?" if near else f"the kinds are {', '.join(Kind)}"
            raise NotAnAddress(f"{quoted(text)} is not an address: there is no kind {quoted(kind)}", hint)
        return cls(exact, name)

    def __str__(self) -> str:
        return f"{self.kind.value}/{self.name}"

    def __hash__(self) -> int:
        return hash(self.name)  # names alone tell nearly all addresses apart

    def __lt__(self, other: "Address") -> bool:
        return (self.kind.rank, self.name) < (other.kind.rank, other.name)
