"""The records of ledgers: the project's own, checked to be its own, and those of its other environments."""

import uuid
from collections.abc import Callable, Mapping

from wanctl.ledger.errors import LedgerError
from wanctl.ledger.record import Record
from wanctl.ledger.store import LedgerStore

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
        for remote_id, address in (record.owners if record else {}).items():
            known[remote_id] = f"{address} of {name}"
    return known
