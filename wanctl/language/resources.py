"""Resources as the specs want them, with their addresses, texts and places; and finding one by its name.

Values only: nothing here reads a file, a clock or the environment, and the planner rests on that.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wanctl.address import Address, Kind
from wanctl.base.errors import WanctlError
from wanctl.base.words import did_you_mean, listed, quoted
from wanctl.catalogue.base_models import Catalogue
from wanctl.finding import Finding, Place
from wanctl.language.models import Checkpoint, Dataset, Deployment, FineTune, Resourceful
from wanctl.language.settings import Settings

Spec = Resourceful


@dataclass(frozen=True)
class Reference:
    """A field of a document that names one resource of a kind, or several."""

    field: str
    kind: Kind


@dataclass(frozen=True)
class DocumentKind:
    """How the documents of a kind read: their model, and which of its fields name other resources."""

    model: type[Resourceful]
    references: tuple[Reference, ...] = ()
    one_of: tuple[str, ...] = ()  # exactly one of these keys is written

    def references_of(self, spec: Spec) -> Iterator[tuple[str, Address]]:
        """Each reference with the path at which the document has it."""
        for one in self.references:
            value = getattr(spec, one.field)
            if isinstance(value, str):
                yield one.field, Address(one.kind, value)
            for number, name in enumerate(value if isinstance(value, tuple) else ()):
                yield f"{one.field}[{number}]", Address(one.kind, name)

    def field_for(self, kind: Kind) -> str | None:
        """The key that names a resource of this kind, where there is one."""
        return next((one.field for one in self.references if one.kind == kind), None)


# By kind; a kind that is registered later adds its own.
DOCUMENTS: dict[Kind, DocumentKind] = {
    Kind.DATASET: DocumentKind(Dataset),
    Kind.FINETUNE: DocumentKind(
        FineTune, (Reference("training", Kind.DATASET), Reference("validation", Kind.DATASET))
    ),
    Kind.CHECKPOINT: DocumentKind(Checkpoint, (Reference("finetune", Kind.FINETUNE),)),
    Kind.DEPLOYMENT: DocumentKind(
        Deployment,
        (Reference("checkpoint", Kind.CHECKPOINT), Reference("finetune", Kind.FINETUNE)),
        one_of=("checkpoint", "finetune", "model_name"),
    ),
}


def references_of(address: Address, spec: Spec) -> Iterator[tuple[str, Address]]:
    """Each reference of a resource with the path at which its document has it."""
    return DOCUMENTS[address.kind].references_of(spec)


@dataclass(frozen=True, eq=False)
class Resource:
    """One document: what it says, what it refers to, and where each part of it stands."""

    address: Address
    spec: Spec
    references: tuple[Address, ...]
    origin: Place
    places: Mapping[str, Place]
    texts: Mapping[str, str] = field(default_factory=dict)  # path in the document → the file it came from
    files: Mapping[str, Path] = field(default_factory=dict)  # path in the document → the file that it names

    def at(self, path: str) -> Place:
        """Where a value stands; where it is not written, where its document begins."""
        return self.places.get(path) or self.origin


@dataclass(frozen=True)
class Rename:
    """A statement that a resource had another name before, and where it is written."""

    old: Address
    new: Address
    spelled: str
    path: str
    place: Place  # of the old name
    target: Place  # of the new one
    stays: bool = False  # written beside the specs, for those who apply later


@dataclass(frozen=True, eq=False)
class Desired:
    """A project in one environment. Resources are in the order of their references, upstream first."""

    settings: Settings
    environment: str | None
    directory: Path
    root: Path
    resources: Mapping[Address, Resource]
    diagnostics: tuple[Finding, ...]
    catalogue: Catalogue
    sources: Mapping[Address, Path] = field(default_factory=dict)
    ledgers_of_same_name: Mapping[str | None, str] = field(
        default_factory=dict
    )  # environments of this name → their ledger
    trainer: "Desired | None" = None  # the specs of the environment that trains for this one
    trained_for: Mapping[str, Settings] = field(
        default_factory=dict
    )  # the environments that deploy what this one trains
    projects: frozenset[str] = frozenset()  # what this project is called in any environment
    renames: Mapping[Address, tuple[Rename, ...]] = field(default_factory=dict)  # the nearest name first

    @property
    def shares_models(self) -> bool:
        """Another environment trains for this one, or this one for another."""
        return self.trainer is not None or bool(self.trained_for)

    def local_source(self, address: Address) -> Path | None:
        """The folder or zip of a Dataset; None where its file is uploaded already."""
        return self.sources.get(address)


class UnknownName(WanctlError, ValueError):  # noqa: N818 - reads as what happened
    """The specs hold nothing of that name; the message says what was probably meant."""


def resource_named(text: str, known: Iterable[Address], kind: Kind | None = None) -> Address:
    """The resource of a Kind/name, or of a name alone where only one resource has it.

    With a kind, one of that kind is wanted: a bare name means it.
    """
    addresses = list(known)
    if "/" in text:
        address = Address.parse(text)
        if address in addresses:
            return address
        raise UnknownName(f"the specs hold no {address}", _near(str(address), addresses))
    wanted = [one for one in addresses if one.name == text and kind in {None, one.kind}]
    if len(wanted) == 1:
        return wanted[0]
    if wanted:
        raise UnknownName(f"{quoted(text)} may be {listed(map(str, wanted), 'or')}", "write which")
    of_kind = [one for one in addresses if kind in {None, one.kind}]
    raise UnknownName(f"the specs hold no {kind or 'resource'} called {text}", _near(text, of_kind))


def near_miss(address: Address, known: Iterable[Address]) -> str:
    """The end of a sentence that says there is no such resource; empty where nothing is near."""
    near = did_you_mean(str(address), [str(one) for one in known])
    return f"; did you mean {near}?" if near else ""


def _near(text: str, addresses: list[Address]) -> str:
    names = {str(one) if "/" in text else one.name: str(one) for one in addresses}
    if near := did_you_mean(text, list(names)):
        return f"did you mean {names[near]}?"
    shown = [str(one) for one in addresses[:10]]
    return f"there is {listed(shown)}" if shown else "they hold none"
