"""Live objects are taken over: documents are written for them, and a person says which object is which.

The documents are made without calls: each kind says what of it can be imported, and writes it. What the
service does not tell is not made up: it is remarked, left to a person, or left out. Before an object is
bound, its kind checks that it can be that resource.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from wanctl.address import Address
from wanctl.base.errors import WanctlError
from wanctl.engine.observe import RunSession
from wanctl.kinds.context import Context
from wanctl.kinds.importing import Importable, Inventory, Writing
from wanctl.kinds.kind import Adopting, AdoptionRefused
from wanctl.kinds.moving import moves_of
from wanctl.kinds.registry import kind_of, kinds
from wanctl.kinds.snapshot import Question, Snapshot
from wanctl.kinds.together import planned_context
from wanctl.language.resources import Resource, near_miss
from wanctl.language.writing import Written
from wanctl.ledger.record import Verb


class ImportRefused(WanctlError):  # noqa: N818 - reads as what happened
    """It cannot be written as specs; nothing was written."""


@dataclass(frozen=True)
class Imported:
    """The documents, and which live object each of those that need adoption stands for."""

    documents: tuple[Written, ...]
    adoptions: Mapping[Address, str]


def questions_of(inventory: Inventory) -> frozenset[Question]:
    """The reads, one by one, without which documents cannot be made."""
    return frozenset(question for kind in kinds() for question in kind.import_questions(inventory))


def documents_of(inventory: Inventory, ids: Collection[str]) -> Imported:
    """Everything that is new, or what is named with all that it was made from."""
    first_of_key: dict[object, Address] = {}
    for address, resource in inventory.desired.resources.items():
        if key := kind_of(address).distinguished_by(resource.spec):
            first_of_key.setdefault(key, address)
    writing = Writing(inventory, first_of_key)
    for one in _chosen(inventory, ids):
        one.write(writing)
    return Imported(tuple(writing.documents), writing.adoptions)


def _chosen(inventory: Inventory, ids: Collection[str]) -> Iterator[Importable]:
    found = _in_order(inventory)
    if not ids:
        desired = inventory.desired
        own = {None, desired.settings.project}  # of another project: only by name
        own |= {desired.trainer.settings.project} if desired.trainer else set()
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
        if inventory.desired.trainer and not kind.goes_with_its_document:
            continue  # another environment makes it, and imports it
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


async def adopt(session: RunSession, address: Address, remote_id: str) -> str:
    """Write the binding into the ledger; the sentence says what is trusted from now on."""
    context, resource = await _context(session, address)
    return await _bind(session, context, resource, remote_id)


async def adopt_all(session: RunSession, adoptions: Mapping[Address, str]) -> list[str]:
    """Several at once, from one look at the account; the sentences say what is trusted."""
    sentences: list[str] = []
    for address, remote_id in adoptions.items():
        context, resource = await _context(session, address, look=not sentences)
        sentences.append(await _bind(session, context, resource, remote_id))
    return sentences


async def _bind(session: RunSession, context: Context, resource: Resource, remote_id: str) -> str:
    """Check that the object can be the resource, and write it down."""
    address, kind = resource.address, kind_of(resource.address)
    _refuse_claimed(session, address, remote_id)
    adopting = Adopting(resource, remote_id, context, session.studio, session.clock.now())
    generation, sentence = await kind.adopt(adopting)
    entry = session.journal.record.entry(address)
    disowned = tuple(one for one in entry.disowned if one != remote_id)
    bound = kind.bound(entry.model_copy(update={"disowned": disowned}), generation)
    await session.journal.note(address, Verb.ADOPT, bound, remote_id, sentence)
    return sentence


async def disown(session: RunSession, address: Address, remote_id: str) -> str:
    """Remember that this object is not the resource, however much it looks like it."""
    if address not in session.desired.resources:
        raise AdoptionRefused(f"the specs hold no {address}{near_miss(address, session.desired.resources)}")
    entry = session.journal.record.entry(address)
    if entry.current and entry.current.remote_id == remote_id:
        raise AdoptionRefused(
            f"the ledger says that wanctl made {remote_id} for {address}; it cannot be a stranger"
        )
    if remote_id not in entry.disowned:
        entry = entry.model_copy(update={"disowned": (*entry.disowned, remote_id)})
    sentence = f"{remote_id} is not {address}, and will not be taken for it"
    await session.journal.note(address, Verb.DISOWN, entry, remote_id, sentence)
    return sentence


def _refuse_claimed(session: RunSession, address: Address, remote_id: str) -> None:
    """Two documents for one object: the end of the one would be the end of the other."""
    record = session.journal.record
    if session.snapshot and (theirs := session.snapshot.elsewhere.known.get(remote_id)):
        raise AdoptionRefused(f"{remote_id} is {theirs}, and stays that")
    if old := moves_of(session.desired, record).pending.get(address):
        raise AdoptionRefused(f"{address} is about to take over the record of {old}: wanctl apply does that")
    for text, entry in record.entries.items():
        other = Address.parse(text)
        standing = (*((entry.current,) if entry.current else ()), *entry.retiring)
        if other == address or all(one.remote_id != remote_id for one in standing):
            continue
        if other.kind != address.kind:
            raise AdoptionRefused(f"{remote_id} is {other} by the ledger, and no {address.kind}")
        in_specs = other in session.desired.resources
        if hint := kind_of(other).why_not_shared(other, address, in_specs=in_specs):
            raise AdoptionRefused(f"{remote_id} is {other} by the ledger; {hint}")


async def _context(session: RunSession, address: Address, *, look: bool = True) -> tuple[Context, Resource]:
    resource = session.desired.resources.get(address)
    if resource is None:
        near = near_miss(address, session.desired.resources)
        raise AdoptionRefused(f"the specs hold no {address}; write its document first{near}")
    if look or session.snapshot is None:
        await session.survey()
    else:
        await session.settle(session.snapshot)  # what was adopted before raises questions of its own
    snapshot = session.snapshot
    assert isinstance(snapshot, Snapshot)  # noqa: S101 - a survey leaves one
    return planned_context(session.desired, snapshot, session.journal.record, session.local), resource
