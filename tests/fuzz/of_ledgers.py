"""What others can write where the ledger lies: the ledger, and the lease."""

from datetime import UTC, datetime
from functools import cache

from tests.fuzz.of_data import contents_of
from tests.fuzz.target import Target, place, small
from tests.hostile import files
from wanctl.ledger.backends.backend import Blob
from wanctl.ledger.backends.file import FileBackend
from wanctl.ledger.encoding import decode_record, encode_record, is_moved_notice, is_older
from wanctl.ledger.lease import LeaseHeld, LeaseLost, decode_lease

_NOON = datetime(2026, 3, 18, 12, tzinfo=UTC)
_WORDS = (
    *(
        b"null",
        b"true",
        b"1e999",
        b"NaN",
        b"-1",
        b"\\ud800",
        b"\\u001b",
        b'"',
        b"[",
        b"{",
        b"}",
        b": ",
        b", ",
    ),
    *(b'"format_version"', b'"entries"', b'"intents"', b'"checksum"', b'"moved_to"', b'"serial"'),
    *(b'"expires"', b'"since"', b'"process"', b'"holder"', b"0001-01-01T00:00:00Z", b"9999-12-31T23:59:59Z"),
)


def _meet_ledger(content: bytes) -> None:
    path = place("ledgers") / "ledger.json"
    path.write_bytes(content)
    text = FileBackend(path).read(Blob.RECORD).texts[Blob.RECORD]
    assert text is not None
    is_older(text)
    is_moved_notice(text)
    record = decode_record(text, "ledger.json")
    assert decode_record(encode_record(record), "ledger.json") == record


def _meet_lease(content: bytes) -> None:
    path = place("ledgers") / "ledger.json"
    path.with_name("ledger.json.lease").write_bytes(content)
    lease = decode_lease(FileBackend(path).read(Blob.LEASE).texts[Blob.LEASE], "ledger.json")
    if lease is not None:
        lease.expired(_NOON)
        assert str(LeaseHeld(lease, "ledger.json"))
        assert str(LeaseLost(lease, "ledger.json"))


LEDGER = Target("ledger", _meet_ledger, cache(lambda: small(contents_of(files.LEDGERS))), _WORDS)
LEASE = Target("lease", _meet_lease, cache(lambda: small(contents_of(files.LEASES))), _WORDS)
