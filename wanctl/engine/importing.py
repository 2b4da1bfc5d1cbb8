"""What is live → documents of the specs. Pure: each kind says what of it can be imported, and writes it.

What the service does not tell is not made up: it is remarked, left to a person, or left out.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from wanctl.address import Address
from wanctl.base.errors import WanctlError
from wanctl.kinds.importing import Importable, Inventory, Writing
from wanctl.kinds.registry import kind_of, kinds
from wanctl.kinds.snapshot import Question
from wanctl.language.writing import Written


class ImportRefused(WanctlError):  # noqa: N818 - reads as what happened
    """It cannot be written as specs; nothing was written."""


@dataclass(frozen=True)
class Imported:
    """The documents, and which live object each of those that need adoption stands for."""

    documents: tuple[Written, ...]
    adoptions: Mapping[Address, str]


def questions_of(inventory: Inventory) -> frozenset[Question]:
    """What is to be read one by one before documents can be made."""
    return frozenset(question for kind in kinds() for question in kind.import_questions(inventory))


def documents_of(inventory: Inventory, ids: Collection[str]) -> Imported:
    """Everything that is new, or what is named with all that it was made from."""
    told_apart: dict[object, Address] = {}
    for address, resource in inventory.desired.resources.items():
        if key := kind_of(address).told_apart_by(resource.spec):
            told_apart.setdefault(key, address)
    writing = Writing(inventory, told_apart)
    for one in _chosen(inventory, ids):
        one.write(writing)
    return Imported(tuple(writing.documents), writing.adoptions)


def _chosen(inventory: Inventory, ids: Collection[str]) -> Iterator[Importable]:
    found = _in_order(inventory)
    if not ids:
        own = {None, inventory.desired.settings.project}  # of another project: only by name
        yield from (one for one in found if one.project in own)
    for remote_id in ids:
        meant = [one for one in found if one.remote_id == remote_id]
        if not meant:
            raise ImportRefused(_why_not(inventory, remote_id))
        yield meant[-1]  # a deployment may have the name of its model: what serves is meant


def _in_order(inventory: Inventory) -> list[Importable]:
    """Kind by kind, upstream first; what was made from one thing stands right behind it."""
    found: list[Importable] = []
    beside: dict[str, list[Importable]] = {}
    for kind in kinds():
        for one in kind.importable(inventory):
            (beside.setdefault(one.beside, []) if one.beside else found).append(one)
    return [each for one in found for each in (one, *beside.get(one.remote_id, ()))]


def _why_not(inventory: Inventory, remote_id: str) -> str:
    for kind, names in inventory.names.items():
        if remote_id in names:
            return f"{remote_id} is in the specs already, as {kind}/{names[remote_id]}"
    if owner := inventory.claimed.get(remote_id):
        return f"{remote_id} is {owner} by the ledger"
    return (
        f"{remote_id} is no job that gave a model, no exported checkpoint and no deployment of a video model "
        "in this account; wanctl import --dry-run shows what can be imported"
    )
