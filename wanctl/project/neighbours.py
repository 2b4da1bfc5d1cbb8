"""What other environments of this project's name have in its account, by their ledgers."""

from collections.abc import Callable, Mapping

from wanctl.ledger.errors import LedgerError
from wanctl.ledger.store import LedgerStore


def known_to_neighbours(
    ledgers: Mapping[str | None, LedgerStore], own: LedgerStore, tell: Callable[[str], None]
) -> dict[str, str]:
    """Remote id → whose it is, as a person would say it; a ledger that cannot be read is told of."""
    known: dict[str, str] = {}
    for environment, store in ledgers.items():
        if store.location == own.location:
            continue
        name = environment or "the base of wanctl.yaml"
        try:
            record = store.load()
        except LedgerError as error:
            tell(f"what {name} has in this account is not known here: {error}")
            continue
        for remote_id, address in (record.owners if record else {}).items():
            known[remote_id] = f"{address} of {name}"
    return known
