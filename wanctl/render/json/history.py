"""The document of `wanctl history --format json`: objects, and what they were made from, all the way up."""

from collections.abc import Iterable
from typing import Any

from wanctl.address import Address
from wanctl.engine.history import Period, maker, upstream
from wanctl.ledger.record import HistoryLine, KeptInputs, Record


def standings_json(record: Record, address: Address, found: Iterable[Period]) -> dict[str, Any]:
    """Which object stood for a resource, and what each was made from, all the way up."""
    return {
        "address": str(address),
        "standings": [
            {
                "remote_id": one.remote_id,
                "since": one.since.isoformat(),
                "until": one.until.isoformat() if one.until else None,
                "deleted_by_wanctl": one.ended is not None,
                **_credited(one.line),
                "config": one.kept and _object_json(record, one.kept),
            }
            for one in found
        ],
    }


def _object_json(record: Record, kept: KeptInputs) -> dict[str, Any]:
    made = maker(record, kept)
    return {
        "digest": kept.digest,
        "address": kept.address,
        "remote_id": kept.remote_id,
        "identity": kept.identity,
        "inputs": kept.inputs,
        "made": {"at": made.at.isoformat(), **_credited(made)} if made else None,
        "made_from": [_object_json(record, origin) for origin in upstream(record, kept)],
    }


def _credited(line: HistoryLine) -> dict[str, Any]:
    return {
        "verb": line.verb,
        "by": line.by,
        "commit": line.commit,
        "run": line.run,
        "request_id": line.request_id,
    }
