"""The ledgers of a project as things of their own: its own one, checked to be that, and its neighbours'.

A ledger is moved to another store here, it is seen who holds it, and a dead lease is broken.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from wanctl.base.running import run
from wanctl.language.findings import Findings
from wanctl.language.root import SETTINGS_FILE
from wanctl.language.yaml.documents import SourceFile
from wanctl.ledger.errors import LeaseDamagedError, LedgerError
from wanctl.ledger.lease import Lease
from wanctl.ledger.location import own_location, parse_location
from wanctl.ledger.record import HistoryLine, Record
from wanctl.ledger.store import LedgerStore
from wanctl.project.errors import ProjectError

if TYPE_CHECKING:
    from wanctl.project import Project

LEDGER = "ledger"  # stands for an address in the history
_BASE = "the base of wanctl.yaml"


def record_of(store: LedgerStore, project: str, environment: str, endpoint: str) -> Record:
    """The ledger, checked to be this project's own; a new one where there is none."""
    record = store.load()
    if record is None:
        return Record(lineage=uuid.uuid4().hex, project=project, endpoint=endpoint, environment=environment)
    if (record.project, record.endpoint) != (project, endpoint):
        raise LedgerError(
            f"The ledger {store.location} belongs to {record.project} at {record.endpoint}, and "
            f"this is {project} at {endpoint}. Give each its own: ledger: in wanctl.yaml. "
            "If the project was only renamed, keep the old name: all that is live carries it, and is "
            "known by it."
        )
    if record.environment is None:
        return record.model_copy(update={"environment": environment})
    if record.environment != environment:
        theirs, ours = (one or _BASE for one in (record.environment, environment))
        raise LedgerError(
            f"The ledger {store.location} belongs to {theirs}, and this is {ours}: each would undo "
            "what the other did. Give each its own: ledger: in wanctl.yaml. If the environment was only "
            "renamed, write its new name as environment in the ledger."
        )
    return record


def known_to_neighbours(
    ledgers: Mapping[str | None, LedgerStore], own: LedgerStore, tell: Callable[[str], None]
) -> dict[str, str]:
    """Remote id → whose it is, as a person would say it; a ledger that cannot be read is told of."""
    known: dict[str, str] = {}
    for environment, store in ledgers.items():
        if store.location == own.location:
            continue
        name = environment or _BASE
        try:
            record = store.load()
        except LedgerError as error:
            tell(f"what {name} has in this account is not known here: {error}")
            continue
        for remote_id, address in (record.users if record else {}).items():
            known[remote_id] = f"{address} of {name}"
    return known


def known_to_namesakes(project: "Project") -> dict[str, str]:
    """What environments of this project's name have in its account: remote id → whose it is."""
    ledgers = {
        name: project.store_of(name, project.name, ledger)
        for name, ledger in project.desired.ledgers_of_same_name.items()
    }
    return known_to_neighbours(ledgers, project.store, project.tell) if ledgers else {}


@dataclass(frozen=True)
class LedgerMove:
    """A ledger that was moved: what a person has still to do."""

    old: str
    new: str
    kept: str | None
    todo: tuple[str, ...]


def move(project: "Project", location: str) -> LedgerMove:
    """Copy the ledger, under both leases; then leave a notice in the old place, and a copy beside it."""
    try:
        parse_location(location)
    except ValueError as error:
        raise ProjectError(f"{location}: {error}") from error
    old, new = project.store, project.store_at(location)
    if old.location == new.location:
        raise ProjectError(f"the ledger is in {new.location} already")

    async def work() -> str | None:
        async with project.leased() as here, project.leased(new) as there:
            record = project.record()
            if old.load() is None:
                raise ProjectError(
                    f"{old.location} holds no ledger yet: there is nothing to move. "
                    f"Write ledger: {location} in {SETTINGS_FILE}."
                )
            new.place(record, there.lease)
            written = there.save(record.with_history(_line(project, "move", f"from {old.location}")))
            if new.load() != written:
                raise LedgerError(
                    f"{new.location} does not give back what was written; {old.location} was left as it is."
                )
            here.renew()  # the old place changes last, and only in our hands
            return old.leave(location)

    return LedgerMove(old.location, new.location, run(work()), tuple(_todo(project, location)))


@dataclass(frozen=True)
class Lock:
    """The lease as it stands: held by somebody, free, or damaged so that nobody knows."""

    location: str
    lease: Lease | None
    damaged: bool = False

    @property
    def free(self) -> bool:
        return self.lease is None and not self.damaged


def look_at_lock(project: "Project") -> Lock:
    try:
        return Lock(project.store.location, project.store.held())
    except LeaseDamagedError:
        return Lock(project.store.location, None, damaged=True)


def unlock(project: "Project", seen: Lock) -> str:
    """Break the lease that was seen, and no other; says what was done. The history remembers it."""
    store = project.store
    broken = store.release(seen.lease) if seen.lease else store.discard_damaged_lease()
    if not broken:
        raise ProjectError(
            f"the lease on {store.location} is another one by now; nothing was done, look again"
        )
    sentence = (
        f"broke the lease of {seen.lease.who}" if seen.lease else "removed a lease that could not be read"
    )

    async def remember() -> None:
        async with project.leased() as held:
            if store.load() is not None:
                held.save(project.record().with_history(_line(project, "unlock", sentence)))

    run(remember())
    return sentence


def _line(project: "Project", verb: str, note: str) -> HistoryLine:
    stamp = project.host.stamp(project.desired)
    return HistoryLine(
        at=datetime.now(UTC),
        address=LEDGER,
        verb=verb,
        result="noted",
        by=stamp.by,
        commit=stamp.commit,
        run=stamp.run,
        note=note,
    )


def _todo(project: "Project", location: str) -> Iterator[str]:
    """Which line of wanctl.yaml to change; and the environments whose ledger moves with that line."""
    text = (project.desired.directory / SETTINGS_FILE).read_text(encoding="utf-8")
    document = next(SourceFile(SETTINGS_FILE, text, Findings()).documents())
    environment, environments = project.desired.environment, project.desired.settings.environments
    path: tuple[str, ...] = ("environments", environment, "ledger") if environment else ("ledger",)
    section = document.value["environments"][environment] if environment else document.value
    if "ledger" in section:
        yield f"Now change {SETTINGS_FILE}, line {document.places.key(path).line}, to: ledger: {location}"
    elif environment:
        yield f"Now write in {SETTINGS_FILE}, under environments: {environment}: ledger: {location}"
    else:
        yield f"Now write in {SETTINGS_FILE}: ledger: {location}"
    for name in environments if environment is None else ():
        if "ledger" not in environments[name]:
            own = own_location(location, name)
            yield f"{name} names no ledger of its own: wanctl --env {name} ledger move {own}"
