"""Changes that come side by side are saved together; each is saved when its own wait ends, or it fails."""

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from wanctl.engine.journal import RecordWriter
from wanctl.ledger.errors import LedgerError
from wanctl.ledger.record import Intent, Record

NOW = datetime(2026, 3, 18, 9, tzinfo=UTC)


class SlowStore:
    """A slow store: a write ends when the test lets it."""

    def __init__(self) -> None:
        self.written: list[list[str]] = []
        self.begun = threading.Semaphore(0)
        self.may_end = threading.Semaphore(0)
        self.failure: Exception | None = None

    def save(self, record: Record) -> Record:
        self.begun.release()
        assert self.may_end.acquire(timeout=10)
        if self.failure:
            raise self.failure
        self.written.append([intent.address for intent in record.intents])
        return record.model_copy(update={"serial": record.serial + 1})


def opened(name: str) -> Callable[[Record], Record]:
    intent = Intent(address=name, verb="upload", identity="i", inputs={}, seen=(), at=NOW)
    return lambda record: record.with_intent(intent)


def empty() -> Record:
    return Record(lineage="a", project="rain", endpoint="sandbox")


async def begun(store: SlowStore) -> None:
    assert await asyncio.to_thread(store.begun.acquire, timeout=10)


def test_what_comes_side_by_side_is_one_write_and_what_comes_meanwhile_is_the_next() -> None:
    store = SlowStore()

    async def work() -> Record:
        saving = RecordWriter(store.save, empty())
        first = [asyncio.create_task(saving.save(opened(name))) for name in "abc"]
        await begun(store)
        later = [asyncio.create_task(saving.save(opened(name))) for name in "de"]
        await asyncio.sleep(0)
        assert not any(task.done() for task in (*first, *later))
        store.may_end.release()
        await asyncio.gather(*first)
        assert store.written == [["a", "b", "c"]]
        assert not any(task.done() for task in later)
        store.may_end.release()
        await asyncio.gather(*later)
        return saving.record

    assert asyncio.run(work()).serial == 2
    assert store.written == [["a", "b", "c"], ["a", "b", "c", "d", "e"]]


def test_what_could_not_be_saved_is_not_in_the_record_and_everyone_hears_of_it() -> None:
    store = SlowStore()
    store.failure = LedgerError("away")

    async def work() -> Record:
        saving = RecordWriter(store.save, empty())
        tasks = [asyncio.create_task(saving.save(opened(name))) for name in "ab"]
        store.may_end.release()
        for error in await asyncio.gather(*tasks, return_exceptions=True):
            assert error is store.failure
        assert saving.record == empty()
        store.failure = None
        store.may_end.release()
        await saving.save(opened("c"))
        return saving.record

    assert [one.address for one in asyncio.run(work()).intents] == ["c"]


def test_who_stops_waiting_stops_nobody_else() -> None:
    store = SlowStore()

    async def work() -> None:
        saving = RecordWriter(store.save, empty())
        gone, staying = (asyncio.create_task(saving.save(opened(name))) for name in "ab")
        await begun(store)
        gone.cancel()
        store.may_end.release()
        await staying
        with pytest.raises(asyncio.CancelledError):
            await gone

    asyncio.run(work())
    assert store.written == [["a", "b"]]


def test_a_change_that_changes_nothing_is_not_written() -> None:
    store = SlowStore()
    asyncio.run(RecordWriter(store.save, empty()).save(lambda record: record))
    assert store.written == []
