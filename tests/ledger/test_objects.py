"""Objects in a bucket: what servers do that forget the conditions, refuse, or are away."""

from collections.abc import Iterator
from pathlib import Path

import obstore
import pytest
from obstore.store import S3Store

from tests.ledger.conftest import new_bucket
from tests.ledger.ledger_files import lease, owner, record
from tests.ledger.servers import KEYS, OSS_KEYS, s3, serving, without_conditions
from wanctl.ledger.backends.backend import Blob, ChangedMeanwhileError
from wanctl.ledger.backends.object import STATES_KEPT
from wanctl.ledger.errors import LedgerError, LedgerMovedError
from wanctl.ledger.opening import open_store


@pytest.fixture
def careless(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server that takes every write."""
    with serving(without_conditions(s3())) as address:
        for key, value in {**KEYS, "AWS_ENDPOINT_URL": address}.items():
            monkeypatch.setenv(key, value)
        yield address


@pytest.mark.parametrize("scheme", ["s3", "oss"])
def test_a_server_that_ignores_conditions_is_found_out_before_anything_is_done(
    careless: str, tmp_path: Path, scheme: str
) -> None:
    environ = {"AWS_ENDPOINT_URL": careless, "OSS_ENDPOINT": careless, **OSS_KEYS}
    store = open_store(f"{scheme}://{new_bucket(careless)}/ledger.json", owner(tmp_path, **environ))
    with pytest.raises(LedgerError, match=r"does not heed .* cannot keep two runs apart"):
        store.acquire(lease("one"))
    assert store.held() is None
    assert store.load() is None


def test_a_bucket_that_is_not_there_is_no_empty_ledger(
    bucket: str, s3_address: str, oss_address: str, tmp_path: Path
) -> None:
    environ = {"AWS_ENDPOINT_URL": s3_address, "OSS_ENDPOINT": oss_address, **OSS_KEYS}
    for location in (f"s3://no-{bucket}/ledger.json", "oss://nowhere/ledger.json"):
        with pytest.raises(LedgerError, match=r"cannot be read: .*no such bucket: create it"):
            open_store(location, owner(tmp_path, **environ)).load()


def test_a_server_that_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in {**KEYS, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}.items():
        monkeypatch.setenv(key, value)
    store = open_store("s3://bucket/ledger.json", owner(tmp_path, AWS_ENDPOINT_URL="http://127.0.0.1:9"))
    with pytest.raises(LedgerError, match=r"cannot be read: .*Check the network, the endpoint") as away:
        store.load()
    assert "\n" not in str(away.value)


def test_a_text_that_is_not_utf_8_is_refused(bucket: str, s3_address: str, tmp_path: Path) -> None:
    place = S3Store(bucket, client_options={"allow_http": True})
    obstore.put(place, "ledger.json", b"\xff\xff")
    with pytest.raises(LedgerError, match="cannot be read"):
        open_store(f"s3://{bucket}/ledger.json", owner(tmp_path, AWS_ENDPOINT_URL=s3_address)).load()


def test_oss_clears_old_states_away(oss_bucket: str, oss_address: str, tmp_path: Path) -> None:
    store = open_store(
        f"oss://{oss_bucket}/ledger.json", owner(tmp_path, OSS_ENDPOINT=oss_address, **OSS_KEYS)
    )
    last = record()
    for _ in range(STATES_KEPT + 3):
        last = store.save(last)
    backend = store._backend
    assert len(backend._numbers(Blob.RECORD)) == STATES_KEPT  # type: ignore[attr-defined]  # only this backend has them


def test_oss_counts_a_write_into_a_cleared_number_as_refused(
    oss_bucket: str, oss_address: str, tmp_path: Path
) -> None:
    """A run stalls before its write; others write on until its number is free again."""
    location = f"oss://{oss_bucket}/ledger.json"
    whose_ = owner(tmp_path, OSS_ENDPOINT=oss_address, **OSS_KEYS)
    stalled, store = open_store(location, whose_), open_store(location, whose_)
    first = store.save(record())
    seen = stalled._backend.read(Blob.RECORD)
    last = first
    for _ in range(STATES_KEPT + 3):
        last = store.save(last)
    with pytest.raises(ChangedMeanwhileError):
        stalled._backend.replace(seen, Blob.RECORD, "stale", "stale")
    assert store.load() == last
    with pytest.raises(LedgerMovedError):
        stalled.save(first)


def test_without_credentials_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's last hope is the machine's own service, which answers no keys here."""
    for key in KEYS:
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9/169.254.169.254")
    with pytest.raises(LedgerError, match="There are no credentials in the environment"):
        open_store("s3://bucket/ledger.json", owner(tmp_path)).load()
