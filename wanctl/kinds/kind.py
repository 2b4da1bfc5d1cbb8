"""A kind of resource, as the rest of wanctl sees it: one protocol, which the engine works by.

A kind brings its documents' model and references, its fields, the reads it needs, and what is planned,
adopted, imported, pruned and given out for it. The values that it is given for adoption and pruning are here
as well. Whoever asks goes through `registry`. README.md says how to add one.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from wanctl.address import Address, Kind
from wanctl.base.errors import WanctlError
from wanctl.kinds.case import FieldTable
from wanctl.kinds.context import Context, Planned
from wanctl.kinds.snapshot import Listing, Question, Snapshot
from wanctl.language.models import State
from wanctl.language.resources import Desired, DocumentKind, Resource, Spec
from wanctl.ledger.record import Entry, Generation, Intent
from wanctl.plan import Action, Orphan, Step, When

if TYPE_CHECKING:
    from wanctl.kinds.importing import Importable, Inventory
    from wanctl.studio.client import Studio


Reader = Callable[["Studio", str], Awaitable[Any]]


class AdoptionRefused(WanctlError):  # noqa: N818 - reads as what happened
    """The object cannot be this resource; nothing was written."""


@dataclass(frozen=True)
class Cadence:
    """Seconds until the next look: after a change, and at the most. What is quick is soon seen to be done."""

    first: float
    slowest: float


@dataclass(frozen=True)
class OutputWords:
    """The key of what `wanctl output` gives of a kind, and the words while there is nothing to give."""

    word: str
    missing: str


@dataclass(frozen=True)
class Adopting:
    """One adoption: the resource, the object that is to stand for it, and what both are judged by."""

    resource: Resource
    remote_id: str
    context: Context
    studio: "Studio"
    now: datetime

    def generation(
        self, identity: str, inputs: dict[str, Any], created: datetime | None = None
    ) -> Generation:
        return Generation(
            remote_id=self.remote_id,
            identity=identity,
            inputs=inputs,
            since=self.now,
            adopted=True,
            created=created,
        )


@dataclass(frozen=True)
class OrphanToDelete:
    """An orphan that a person named, or that --all takes; and the steps that a kind answers with for it."""

    kind: Kind
    remote_id: str
    in_flight: bool = False  # a job that trained when it was named: canceled, and its record kept
    why: ClassVar[str] = "in no spec"  # it is to be deleted

    @property
    def address(self) -> Address:
        """Orphans are in no spec, so their ids are their names."""
        return Address(self.kind, self.remote_id)

    def gone(self) -> Step:
        return Step(self.address, Action.NOTHING, When.DONE, "deleted", remote_id=self.remote_id)

    def kept(self, why: str) -> Step:
        return self.deletion(When.BLOCKED, why)

    def no_orphan(self) -> Step:
        return self.kept("it is not an orphan any more")

    def deletion(self, when: When, reason: str, **more: Any) -> Step:
        return Step(self.address, Action.DELETE, when, reason, remote_id=self.remote_id, **more)


@dataclass(frozen=True)
class Pruning:
    """The account as one run of the planner sees it."""

    context: Context
    to_delete: Mapping[Address, OrphanToDelete]
    orphans: frozenset[tuple[str, str]]  # kind and id, by the plan of the specs

    def is_orphan(self, one: OrphanToDelete) -> bool:
        return (str(one.kind), one.remote_id) in self.orphans


class ResourceKind(ABC):
    """One kind. What has a default here is what most kinds want."""

    kind: ClassVar[Kind]
    document: ClassVar[DocumentKind]
    fields: ClassVar[FieldTable]
    cadence: ClassVar[Cadence]
    output: ClassVar[OutputWords]
    untold: ClassVar[str | None] = None  # what only the account tells of it, for who plans without one
    polling: ClassVar[str | None] = None  # its key under polling: in wanctl.yaml
    reads: ClassVar[
        Mapping[str, Reader]
    ] = {}  # what planning may ask for: the name of a read → how it is made
    listing: ClassVar[Listing | None] = None  # the list of the service in which its objects stand

    goes_with_its_document: ClassVar[bool] = False  # else it is kept as an orphan, since it was paid for
    orphan_is_drift: ClassVar[bool] = False  # nothing of ours leaves one behind
    has_previews: ClassVar[bool] = False
    choice: ClassVar[str | None] = None  # the key under which a person's choice is written
    forgotten_when_gone: ClassVar[bool] = False  # by the ledger, once it was deleted by name
    unread_content: ClassVar[bool] = (
        False  # while it is blocked, nobody can tell what it wants of the account
    )
    why_never_pruned: ClassVar[str | None] = None

    # Planning

    @abstractmethod
    def plan(self, resource: Resource, context: Context) -> Planned:
        """The step of one resource. Pure: it reads the context and asks it for what is missing."""

    def reconsidered(self, address: Address, planned: Planned, context: Context) -> Planned:
        """The plan of a resource once all that refer to it are planned: nobody may need it any more."""
        return planned

    def watched(self, step: Step) -> tuple[Question, ...]:
        """The reads that are made again, and no others, while this step waits on the service."""
        return ()

    def may_have_twin(self, step: Step) -> bool:
        """Only the lists can tell what another run may have made at the same time."""
        return False

    def beside(self, context: Context) -> Iterable[Step]:
        """Steps about objects that stand beside the resources, which are planned by then, under their ids."""
        return ()

    # Endings

    def plan_without_document(
        self, address: Address, context: Context, first: tuple[Address, ...]
    ) -> Planned | None:
        """The end of what left the specs, after `first`; None where it is kept."""
        return None

    def plan_destruction(self, address: Address, context: Context) -> Planned | None:
        """The end that a person asked for by name; None where no document says what it is."""
        resource = context.desired.resources.get(address)
        if resource is None:
            return None
        absent = resource.spec.model_copy(update={"state": State.ABSENT})
        return self.plan(replace(resource, spec=absent), context)

    def orphans(self, context: Context, used: Collection[str | None]) -> Iterable[Orphan]:
        """Objects that are ours, live, and in no spec; `used` are the ids in the plan's steps of the kind."""
        return ()

    def prune(self, one: OrphanToDelete, pruning: Pruning) -> Step:
        """The step that ends an orphan."""
        return one.kept("wanctl does not delete it")

    def outlasts(self, one: OrphanToDelete, context: Context) -> Iterable[OrphanToDelete]:
        """Objects that are being deleted already, and have to be gone before this one."""
        return ()

    # Trials

    def as_chosen(self, spec: Spec, choice: str) -> Spec | None:
        """The document as if this had been chosen; None where nothing is chosen for the kind."""
        return None

    def as_trial(self, like: Spec, name: str, model: Address) -> Spec | None:
        """A document that serves a model as another one does its own; None where nobody knows how it does."""
        return None

    # What stands in the account

    def standing(self, snapshot: Snapshot) -> Collection[str]:
        """The ids of all objects of this kind in the account."""
        return ()

    def in_flight(self, snapshot: Snapshot, remote_id: str) -> bool:
        return False

    def leaving(self, snapshot: Snapshot, remote_id: str) -> bool:
        return False

    def former_name(self, snapshot: Snapshot, remote_id: str) -> str | None:
        """The name of the resource that an object was made for, as far as the object itself tells it."""
        return None

    def serving(self, snapshot: Snapshot, remote_id: str) -> Collection[str]:
        """What serves because of it, by their names; as long as something does, it is no orphan."""
        return ()

    def made_from(self, snapshot: Snapshot, remote_id: str, made: Collection[str | None]) -> bool:
        """The object comes from one of these."""
        return False

    def left_by(self, intent: Intent) -> str | None:
        """The id of what an unanswered call may have made, where that follows from what was sent."""
        return None

    # The history

    def comes_from(self, made: Generation, upstream: Generation) -> bool:
        """The object was made from that one upstream, by what the ledger keeps of both."""
        return False

    def texts(self, spec: Spec) -> Mapping[str, str]:
        """What a document says in full that people want to read beside its state."""
        return {}

    # Adoption

    async def adopt(self, adopting: Adopting) -> tuple[Generation, str]:
        """The generation for the ledger, and the sentence that says what is trusted; or AdoptionRefused."""
        raise AdoptionRefused(f"a {self.kind} is not adopted: {self.instead_of_adoption(adopting.remote_id)}")

    def instead_of_adoption(self, remote_id: str) -> str:
        return "it is found by its name"

    def bound(self, entry: Entry, generation: Generation) -> Entry:
        """The ledger's entry with what was adopted."""
        return entry.with_current(generation)

    def why_not_shared(self, other: Address, address: Address, *, in_specs: bool) -> str | None:
        """Why an object that stands for `other` cannot stand for `address` as well."""
        return None

    # Import

    def import_questions(self, inventory: "Inventory") -> Iterable[Question]:
        """The reads, one by one, without which documents cannot be made."""
        return ()

    def importable(self, inventory: "Inventory") -> "Iterable[Importable]":
        """Objects that are live and new, each with how its document is written."""
        return ()

    def distinguished_by(self, spec: Spec) -> object:
        """Two documents for which this is equal cannot both be in the specs; None where any can."""
        return None

    # Output

    def in_service(self, step: Step, entry: Entry, snapshot: Snapshot) -> tuple[str, ...]:
        """What callers can use now, the one that they should use first."""
        kept = step.action in {Action.SCALE, Action.PROTECT, Action.UNPROTECT}
        return (step.remote_id,) if step.remote_id and (step.settled or kept) else ()

    def successor(self, step: Step) -> str | None:
        """The name of what this step makes in the place of what serves, where it is known."""
        return None

    def facts(self, remote_id: str, snapshot: Snapshot, desired: Desired) -> dict[str, Any]:
        """Facts that callers should know beside the name."""
        return {}
