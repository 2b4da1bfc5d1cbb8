"""What every store promises: compare-and-swap, one lease, nothing that cannot be read is overwritten."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from tests.ledger.ledger_files import (
    EXPIRED,
    LATER,
    NOW,
    generation,
    git,
    lease,
    owner,
    record,
    remote_with_one_commit,
)
from wanctl.ledger.backends.backend import Blob
from wanctl.ledger.encoding import decode_record
from wanctl.ledger.errors import (
    LedgerDamagedError,
    LedgerElsewhereError,
    LedgerError,
    LedgerMovedError,
    LedgerUnreadableError,
)
from wanctl.ledger.lease import LEASE_TTL, LeaseHeld, LeaseLost
from wanctl.ledger.opening import open_store
from wanctl.ledger.record import Entry, HistoryLine, Intent, Record
from wanctl.ledger.store import LedgerStore

Stores = Callable[[], LedgerStore]


def spoil(store: LedgerStore, blob: Blob, text: str) -> None:
    """Somebody writes what is no ledger, or no lease."""
    backend = store._backend
    backend.replace(backend.read(Blob.RECORD, Blob.LEASE), blob, text, "spoilt")


def stored(store: LedgerStore, blob: Blob = Blob.RECORD) -> str | None:
    return store._backend.read(blob).text(blob)


def test_nothing_is_stored_at_first(store: LedgerStore) -> None:
    assert store.load() is None
    assert store.held() is None
    assert store.set_aside() is None


def test_what_is_saved_is_loaded_whole_by_others(stores: Stores) -> None:
    intent = Intent(
        address="FineTune/x", verb="train", identity="i", inputs={"a": [1]}, seen=("ft-1",), at=NOW
    )
    line = HistoryLine(at=NOW, address="Dataset/x", verb="upload", result="ok", note="金の雨 “quoted”\n")
    full = (
        record()
        .with_entry("Dataset/x", Entry().with_current(generation("file-1")))
        .with_intent(intent)
        .with_history(line)
    )
    saved = stores().save(full)
    assert saved.serial == 1
    assert stores().load() == saved
    assert saved == full.model_copy(update={"serial": 1})


def test_a_save_from_an_old_serial_is_refused(stores: Stores) -> None:
    one, other = stores(), stores()
    first = one.save(record())
    other.save(first)
    with pytest.raises(LedgerMovedError, match="serial 2, ours was 1"):
        one.save(first)
    with pytest.raises(LedgerMovedError):
        one.save(record(lineage="b", serial=2))


def test_saves_one_after_the_other(stores: Stores) -> None:
    store, last = stores(), record()
    held = lease("one")
    store.acquire(held)
    for _ in range(7):  # more than a store of numbered states keeps
        last = store.save(last, held)
        store.renew(held)
    assert stores().load() == last
    assert last.serial == 7
    store.release(held)
    assert stores().held() is None


@pytest.mark.parametrize("text", ["[", "[]", '{"format_version": 99}', '{"lineage": "a"}'])
def test_what_is_not_a_ledger_is_refused_and_left_alone(stores: Stores, text: str) -> None:
    store = stores()
    spoil(store, Blob.RECORD, text)
    with pytest.raises(LedgerUnreadableError):
        store.load()
    with pytest.raises(LedgerUnreadableError):
        stores().save(record())
    assert stored(stores()) == text


def test_what_was_changed_by_something_else_is_refused_with_the_place_of_the_last_good_state(
    stores: Stores,
) -> None:
    store = stores()
    last = store.save(store.save(record().with_entry("Dataset/x", Entry().with_current(generation("f-1")))))
    flipped = (stored(store) or "").replace("f-1", "f-0")
    spoil(store, Blob.RECORD, flipped)
    store = stores()
    with pytest.raises(LedgerDamagedError, match="not what its checksum says") as caught:
        store.load()
    places = (
        "ledger.json.copy",
        "git log -p FETCH_HEAD -- rain/ledger.json",
        "keeps versions",
        "lesser numbers",
        "backup of the cluster",
    )
    assert any(place in str(caught.value) for place in places)
    with pytest.raises(LedgerDamagedError):
        stores().save(last)
    assert stored(stores()) == flipped


def test_the_copy_beside_a_file_is_what_was_written_last(tmp_path: Path) -> None:
    store = open_store("ledger.json", owner(tmp_path))
    last = store.save(store.save(record()))
    path, copy = tmp_path / "ledger.json", tmp_path / "ledger.json.copy"
    assert copy.stat().st_mode & 0o777 == 0o600
    path.write_text(path.read_text(encoding="utf-8").replace("rain", "rein"), encoding="utf-8")
    with pytest.raises(
        LedgerDamagedError, match=r"The last good copy is \S+/ledger\.json\.copy: put it in its place"
    ):
        open_store("ledger.json", owner(tmp_path)).load()
    copy.replace(path)
    assert open_store("ledger.json", owner(tmp_path)).load() == last
    path.write_text("{", encoding="utf-8")
    with pytest.raises(LedgerDamagedError, match=r"There is no good copy at \S+/ledger\.json\.copy"):
        open_store("ledger.json", owner(tmp_path)).load()
    copy.write_text("{", encoding="utf-8")
    with pytest.raises(LedgerDamagedError, match="There is no good copy"):
        open_store("ledger.json", owner(tmp_path)).load()


@pytest.mark.parametrize("kind", ["file", "git"])
def test_an_emptied_file_is_no_new_ledger(tmp_path: Path, kind: str) -> None:
    """A disk that was full, a merge that went wrong. Only in buckets does wanctl leave an empty one."""
    location = "ledger.json"
    if kind == "git":
        location = "git:wanctl-ledger"
        git(tmp_path, "clone", "--quiet", str(remote_with_one_commit(tmp_path)), ".clone")
    folder = tmp_path / ".clone" if kind == "git" else tmp_path
    store = open_store(location, owner(folder))
    store.save(record())
    spoil(store, Blob.RECORD, "")
    with pytest.raises(LedgerUnreadableError, match="not valid JSON"):
        open_store(location, owner(folder)).load()
    with pytest.raises(LedgerUnreadableError):
        open_store(location, owner(folder)).save(record())


def test_a_second_holder_is_told_about_the_first(stores: Stores) -> None:
    assert stores().acquire(lease("one")) is None
    with pytest.raises(LeaseHeld, match="holder one"):
        stores().acquire(lease("two", LATER))
    assert stores().held() == lease("one")


def test_an_expired_lease_is_taken_over_and_everybody_hears_of_it(stores: Stores) -> None:
    stalled, other = stores(), stores()
    stalled.acquire(lease("one"))
    saved = stalled.save(record(), lease("one"))
    assert other.acquire(lease("two", EXPIRED)) == lease("one")
    with pytest.raises(LeaseLost, match="holder two took it over"):
        stalled.renew(lease("one"))
    with pytest.raises(LeaseLost, match="holder two took it over"):
        stalled.save(saved, lease("one"))
    assert not stalled.release(lease("one"))
    assert stores().held() == lease("two", EXPIRED)


def test_a_holder_that_slept_through_another_run_cannot_save(stores: Stores) -> None:
    stalled, other = stores(), stores()
    stalled.acquire(lease("one"))
    saved = stalled.save(record(), lease("one"))
    other.acquire(lease("two", EXPIRED))
    other.release(lease("two", EXPIRED))
    with pytest.raises(LeaseLost, match="another run came and went"):
        stalled.save(saved, lease("one"))
    assert stores().load() == saved


def test_a_released_lease_is_free(stores: Stores) -> None:
    stores().acquire(lease("one"))
    assert stores().release(lease("one"))
    assert stores().held() is None
    assert stores().acquire(lease("two")) is None


def test_a_lease_that_cannot_be_read_stops_everybody_until_a_person_removes_it(stores: Stores) -> None:
    store = stores()
    store.acquire(lease("one"))
    assert not store.discard_damaged_lease()
    spoil(store, Blob.LEASE, "?")
    with pytest.raises(LedgerUnreadableError, match="wanctl ledger unlock"):
        stores().acquire(lease("two", NOW + 2 * LEASE_TTL))
    assert stores().discard_damaged_lease()
    stores().acquire(lease("two"))


def test_what_is_set_aside_is_kept_each_time(stores: Stores) -> None:
    store = stores()
    store.save(record())
    first = store.set_aside()
    assert stores().load() is None
    store.save(record(lineage="b"))
    second = store.set_aside()
    assert first
    assert second
    assert first != second


def test_a_ledger_comes_from_elsewhere_whole_and_is_not_laid_over_another(stores: Stores) -> None:
    store, held = stores(), lease("one")
    store.acquire(held)
    store.place(record(serial=7), held)
    assert stores().load() == record(serial=7)
    store.place(record(serial=8), held)
    with pytest.raises(LedgerError, match="later state"):
        store.place(record(serial=7), held)
    with pytest.raises(LedgerError, match="another ledger, of rain"):
        store.place(record(lineage="b", serial=9), held)
    assert stores().load() == record(serial=8)


def test_who_comes_to_a_place_that_was_left_is_sent_on(stores: Stores) -> None:
    store = stores()
    store.save(record())
    assert store.leave("git:other")
    with pytest.raises(LedgerElsewhereError, match="ledger: git:other"):
        stores().load()
    with pytest.raises(LedgerElsewhereError):
        stores().save(record())


def race(stores: Stores, do: Callable[[LedgerStore, int], object], runners: int = 4) -> list[object]:
    """All at once: what each got, a result or an error."""
    ready, start = [stores() for _ in range(runners)], Barrier(runners)

    def one(number: int) -> object:
        start.wait()
        try:
            return do(ready[number], number)
        except (LedgerError, LeaseHeld) as error:
            return error

    with ThreadPoolExecutor(runners) as pool:
        return list(pool.map(one, range(runners)))


def test_of_many_saves_at_once_one_gets_through(stores: Stores) -> None:
    first = stores().save(record())
    ended = race(stores, lambda store, _: store.save(first))  # all of them write the same text
    assert sum(not isinstance(one, Exception) for one in ended) == 1, ended
    assert sum(isinstance(one, LedgerMovedError) for one in ended) == 3, ended
    now = stores().load()
    assert now
    assert now.serial == 2


def test_of_many_that_ask_for_the_lease_at_once_one_gets_it(stores: Stores) -> None:
    ended = race(stores, lambda store, number: store.acquire(lease(str(number))))
    assert [one for one in ended if one is None] == [None], ended
    assert sum(isinstance(one, LeaseHeld) for one in ended) == 3, ended
    held = stores().held()
    assert held
    assert ended[int(held.token)] is None


def test_a_heartbeat_and_a_save_at_once_do_not_harm_each_other(stores: Stores) -> None:
    store, held = stores(), lease("one")
    store.acquire(held)

    def beat() -> None:
        for _ in range(4):
            store.renew(held)

    with ThreadPoolExecutor(1) as pool:
        beats = pool.submit(beat)
        last = record()
        for _ in range(4):
            last = store.save(last, held)
        beats.result()
    assert stores().load() == last


def test_what_this_run_wrote_itself_is_not_read_through_again(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def noting(text: str, location: str) -> Record:
        read.append(text)
        return decode_record(text, location)

    monkeypatch.setattr("wanctl.ledger.store.decode_record", noting)
    mine, other = stores(), stores()
    saved = mine.save(mine.save(record()))
    assert read == []
    theirs = other.save(other.load() or record())
    read.clear()
    with pytest.raises(LedgerMovedError):
        mine.save(saved)
    assert len(read) == 1
    assert mine.load() == theirs
