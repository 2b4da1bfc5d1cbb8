"""The file store: atomic, compare-and-swap, a lease, and no damaged ledger is ever overwritten."""

import json
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wanctl.ledger.lease import LEASE_TTL, Lease, LeaseHeld
from wanctl.ledger.record import Entry, Generation, HistoryLine, Intent, Record
from wanctl.ledger.store import FileStore, LedgerMovedError, LedgerUnreadableError

NOW = datetime(2026, 3, 18, 9, tzinfo=UTC)


def record(**more: object) -> Record:
    return Record.model_validate({"lineage": "a", "project": "rain", "endpoint": "sandbox", **more})


def generation(remote_id: str, identity: str = "i") -> Generation:
    return Generation(remote_id=remote_id, identity=identity, inputs={"n": 1}, since=NOW)


def lease(token: str, since: datetime = NOW) -> Lease:
    return Lease(token=token, holder=f"holder {token}", since=since, expires=since + LEASE_TTL)


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / ".wanctl" / "ledger.json")


def test_nothing_is_stored_at_first(store: FileStore) -> None:
    assert store.load() is None


def test_what_is_saved_is_loaded_whole(store: FileStore) -> None:
    intent = Intent(
        address="FineTune/x", verb="train", identity="i", inputs={"a": [1]}, seen=("ft-1",), at=NOW
    )
    line = HistoryLine(at=NOW, address="Dataset/x", verb="upload", result="ok", request_id="r")
    full = (
        record()
        .with_entry("Dataset/x", Entry().with_current(generation("file-1")))
        .with_intent(intent)
        .with_history(line)
    )
    saved = store.save(full)
    assert saved.serial == 1
    assert store.load() == saved
    assert saved.entry("Dataset/x").current == generation("file-1")
    assert saved.intent("FineTune/x") == intent


def test_a_save_from_an_old_serial_is_refused(store: FileStore) -> None:
    first = store.save(record())
    store.save(first)
    with pytest.raises(LedgerMovedError):
        store.save(first)


def test_another_lineage_is_refused(store: FileStore) -> None:
    saved = store.save(record())
    with pytest.raises(LedgerMovedError):
        store.save(saved.model_copy(update={"lineage": "b"}))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{", "not valid JSON"),
        ("[]", "damaged"),
        (json.dumps({"format_version": 2}), "newer wanctl"),
        (json.dumps({"format_version": 1, "lineage": "a"}), "damaged at project"),
        (json.dumps({**record().model_dump(mode="json"), "surprise": 1}), "damaged at surprise"),
    ],
)
def test_what_is_not_a_ledger_is_refused_and_left_alone(
    store: FileStore, tmp_path: Path, text: str, word: str
) -> None:
    path = tmp_path / ".wanctl" / "ledger.json"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LedgerUnreadableError, match=word):
        store.save(record())
    assert path.read_text(encoding="utf-8") == text


def test_a_second_holder_is_told_about_the_first(store: FileStore) -> None:
    store.acquire(lease("one"))
    with pytest.raises(LeaseHeld, match="holder one"):
        store.acquire(lease("two", NOW + timedelta(seconds=1)))


def test_an_expired_lease_is_taken_over_and_its_holder_notices(store: FileStore) -> None:
    store.acquire(lease("one"))
    store.acquire(lease("two", NOW + LEASE_TTL))
    with pytest.raises(LeaseHeld, match="holder two"):
        store.renew(lease("one"))
    store.release(lease("one"))
    with pytest.raises(LeaseHeld):
        store.acquire(lease("three", NOW + LEASE_TTL))


def test_a_released_lease_is_free(store: FileStore) -> None:
    store.acquire(lease("one"))
    store.release(lease("one"))
    store.acquire(lease("two"))


def test_a_lease_that_cannot_be_read_stops_everybody(store: FileStore, tmp_path: Path) -> None:
    store.acquire(lease("one"))
    (tmp_path / ".wanctl" / "ledger.json.lease").write_text("?", encoding="utf-8")
    with pytest.raises(LedgerUnreadableError):
        store.acquire(lease("two", NOW + 2 * LEASE_TTL))


def _increment(path: Path) -> int:
    """Save until one save lands; count the refusals."""
    store, refused = FileStore(path), 0
    while True:
        try:
            store.save(store.load() or record())
        except LedgerMovedError:
            refused += 1
        else:
            return refused


def test_saves_of_many_processes_never_overwrite_each_other(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    FileStore(path).save(record())
    with ProcessPoolExecutor(4) as pool:
        list(pool.map(_increment, [path] * 20))
    final = FileStore(path).load()
    assert final is not None
    assert final.serial == 21


def test_generations_are_found_again_by_identity() -> None:
    entry = Entry().with_current(generation("ft-1", "a")).with_current(generation("ft-2", "b"))
    assert entry.current == generation("ft-2", "b")
    assert entry.generation("a") == generation("ft-1", "a")
    back = entry.with_current(generation("ft-1", "a"))
    assert back.current == generation("ft-1", "a")
    assert back.past == (generation("ft-2", "b"),)
    assert back.generation("c") is None
