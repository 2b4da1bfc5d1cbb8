"""What the ledger forgets of orphans that were ended by name, once they are gone: nobody is to wonder later
who deleted them. Seen from the history and the open calls, so that a run which was killed over it is no
exception. Whoever plans asks here. Pure."""

from collections.abc import Collection, Mapping

from wanctl.address import Address
from wanctl.kinds.registry import kind_of, kinds
from wanctl.kinds.snapshot import Snapshot
from wanctl.ledger.record import Entry, Record, Verb


def forgotten(
    record: Record, snapshot: Snapshot, learned: Mapping[Address, Entry], named: Collection[str] = ()
) -> dict[Address, Entry]:
    """What is to be learned, and every other entry that changes, without what is gone.

    `named` are the ids that a person has named just now.
    """
    standing = {remote_id for kind in kinds() for remote_id in kind.standing(snapshot)}
    gone = {*_ended_by_name(record), *named} - standing
    if not gone:
        return dict(learned)
    owners = {Address.parse(owner) for one, owner in record.owners.items() if one in gone}
    entries = {**{one: record.entry(one) for one in owners}, **learned}
    return {one: _without(entry, gone) if one in owners else entry for one, entry in entries.items()}


def _ended_by_name(record: Record) -> set[str]:
    """Orphans stand under their own ids."""
    ended = {line.address for line in record.history if line.verb == Verb.DELETE}
    ended |= {intent.address for intent in record.intents if intent.verb == Verb.DELETE}
    return {one.name for one in map(Address.parse, ended) if kind_of(one).forgotten_when_gone}


def _without(entry: Entry, gone: Collection[str]) -> Entry:
    for remote_id in gone:
        entry = entry.without(remote_id)
    return entry
