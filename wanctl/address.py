"""Kind/name: what every resource is called, in specs, plans, ledgers and on the command line."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from wanctl.base.words import did_you_mean, quoted


class Kind(StrEnum):
    """The kinds of resource, in the order in which one can refer to another."""

    DATASET = "Dataset"
    FINETUNE = "FineTune"
    CHECKPOINT = "Checkpoint"
    DEPLOYMENT = "Deployment"


_ORDER = {kind: number for number, kind in enumerate(Kind)}


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
        """An address from its written form; ValueError says what the form is."""
        kind, slash, name = text.partition("/")
        if not slash or not name or "/" in name:
            raise ValueError(f"{quoted(text)} is not an address: write Kind/name, as in FineTune/money-rain")
        exact = {one.lower(): one for one in Kind}.get(kind.lower())
        if exact is None:
            near = did_you_mean(kind, list(Kind))
            hint = f"did you mean {near}/{name}?" if near else f"the kinds are {', '.join(Kind)}"
            raise ValueError(f"{quoted(text)} is not an address: there is no kind {quoted(kind)}; {hint}")
        return cls(exact, name)

    def __str__(self) -> str:
        return f"{self.kind.value}/{self.name}"

    def __hash__(self) -> int:
        return hash(self.name)  # an Enum hashes in Python; names alone tell nearly all addresses apart

    def __lt__(self, other: "Address") -> bool:
        return (_ORDER[self.kind], self.name) < (_ORDER[other.kind], other.name)
