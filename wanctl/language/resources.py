"""What the specs want: resources with their addresses, texts and places, and all of them together.

Values only: nothing here reads a file, a clock or the environment, and the planner rests on that.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wanctl.address import Address, Kind
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
    projects: frozenset[str] = frozenset()  # what this project is called in any environment
    renames: Mapping[Address, tuple[Rename, ...]] = field(default_factory=dict)  # the nearest name first

    def local_source(self, address: Address) -> Path | None:
        """The folder or zip of a Dataset; None where its file is uploaded already."""
        return self.sources.get(address)
