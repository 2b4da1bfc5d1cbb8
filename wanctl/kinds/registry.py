"""Every kind that wanctl knows, upstream first. The engine, the project and the commands ask here.

A kind of somebody else's is registered for a while with `registered`; README.md says how one is made.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from wanctl.address import Address, Kind
from wanctl.kinds.checkpoint.kind import CheckpointKind
from wanctl.kinds.dataset.kind import DatasetKind
from wanctl.kinds.deployment.kind import DeploymentKind
from wanctl.kinds.finetune.kind import FineTuneKind
from wanctl.kinds.kind import Reader, ResourceKind
from wanctl.language.resources import DOCUMENTS

_KINDS: dict[Kind, ResourceKind] = {
    one.kind: one for one in (DatasetKind(), FineTuneKind(), CheckpointKind(), DeploymentKind())
}


def kind_of(address: Address) -> ResourceKind:
    return _KINDS[address.kind]


def kinds() -> tuple[ResourceKind, ...]:
    """All of them, upstream first."""
    return tuple(_KINDS.values())


def called_kind() -> Kind:
    """The kind that callers of the models mean by a name alone."""
    return next(one.kind for one in reversed(kinds()) if one.goes_with_its_document)


def address_called(text: str) -> Address:
    """An address as a person gives it; a name alone is that of what callers ask for."""
    return Address.parse(text if "/" in text else f"{called_kind()}/{text}")


def previewed_kind() -> Kind:
    """The kind that makes the previews which a person looks at."""
    return next(one.kind for one in kinds() if one.has_previews)


def choosing_kind() -> Kind:
    """The kind that waits for a person's choice among previews."""
    return next(one.kind for one in kinds() if one.choice)


def register(one: ResourceKind) -> None:
    """Make a kind known to the specs, the engine and the commands. It refers to kinds before it only."""
    unknown = [ref.kind for ref in one.document.references if ref.kind not in _KINDS]
    if unknown or one.kind in _KINDS:
        raise ValueError(f"{one.kind} is there already, or refers to what is not: {', '.join(unknown)}")
    DOCUMENTS[one.kind] = one.document
    _KINDS[one.kind] = one


@contextmanager
def registered(one: ResourceKind) -> Iterator[None]:
    """Registered for the body only."""
    register(one)
    try:
        yield
    finally:
        del _KINDS[one.kind], DOCUMENTS[one.kind]
        Kind.unregister(one.kind)


def reads() -> Mapping[str, Reader]:
    """Every read that planning may ask for, and how it is made."""
    return {name: read for one in kinds() for name, read in one.reads.items()}
