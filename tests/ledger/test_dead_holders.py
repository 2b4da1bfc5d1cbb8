"""A lease whose process died on this machine is taken over at once; of any other holder nobody is so sure."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.ledger.ledger_files import owner
from wanctl.ledger.lease import LEASE_TTL, Lease, LeaseHeld, Process
from wanctl.ledger.opening import open_store
from wanctl.ledger.store import LedgerStore
from wanctl.project import leasing
from wanctl.project.host import Host
from wanctl.project.leasing import leased, surely_dead, this_process

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux says for sure who is dead")

_JOB_NAME = (
    "from wanctl.project.leasing import this_process; print(this_process().model_dump_json(), flush=True)"
)


@pytest.fixture
def holder() -> Iterator[tuple[subprocess.Popen[str], Process]]:
    """Another process, which lives until its input ends, and how it knows itself."""
    command = [sys.executable, "-c", f"{_JOB_NAME}; input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process, Process.model_validate_json(process.stdout.readline())
        process.kill()


def held_by(process: Process | None) -> Lease:
    now = datetime.now(UTC)
    return Lease(token="theirs", holder="somebody", since=now, expires=now + LEASE_TTL, process=process)


def take(store: LedgerStore, lock_wait: timedelta = timedelta()) -> list[str]:
    told: list[str] = []

    async def work() -> None:
        async with leased(store, Host({"USER": "robot"}, Path("/x")), told.append, lock_wait=lock_wait):
            pass

    asyncio.run(work())
    return told


def test_a_dead_holders_lease_is_taken_over_at_once(
    tmp_path: Path, holder: tuple[subprocess.Popen[str], Process]
) -> None:
    store, (process, mark) = open_store("ledger.json", owner(tmp_path)), holder
    store.acquire(held_by(mark))
    with pytest.raises(LeaseHeld):
        take(store)
    process.kill()
    process.wait()
    (sentence,) = take(store)
    assert "its process died on this machine" in sentence


def test_one_that_ended_and_was_not_waited_for_is_dead(
    holder: tuple[subprocess.Popen[str], Process],
) -> None:
    process, mark = holder
    process.kill()
    while not (ended := surely_dead(mark)) and process.returncode is None:
        pass  # a zombie within a moment; nobody has asked for its exit code
    assert ended


@pytest.mark.parametrize(
    "other",
    [
        {"place": "another-machine 1 pid:[1]"},
        {"place": "another-machine 1 pid:[1]", "pid": 2**22 + 1},
        None,
    ],
    ids=["of another machine", "of another machine, and no such process here", "of an older version"],
)
def test_whoever_may_live_elsewhere_is_waited_for(tmp_path: Path, other: dict[str, object] | None) -> None:
    mark = this_process()
    assert mark
    store = open_store("ledger.json", owner(tmp_path))
    store.acquire(held_by(mark.model_copy(update=other) if other else None))
    with pytest.raises(LeaseHeld):
        take(store)


def test_a_process_id_that_was_given_again_is_not_the_holder() -> None:
    mark = this_process()
    assert mark
    assert not surely_dead(mark)
    assert surely_dead(mark.model_copy(update={"started": "1"}))


def test_where_the_system_says_nothing_nobody_is_dead(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mark = this_process()
    assert mark
    monkeypatch.setattr("wanctl.project.leasing._PROC", tmp_path)
    assert this_process() is None
    assert not surely_dead(mark.model_copy(update={"pid": 2**22 + 1}))


def test_a_run_that_waits_for_the_lease_says_for_whom_and_gets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store("ledger.json", owner(tmp_path))
    store.acquire(held_by(this_process()))
    naps: list[float] = []

    async def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:
            store.release(held_by(None))

    monkeypatch.setattr("wanctl.project.leasing.asyncio.sleep", nap)
    (sentence,) = take(store, timedelta(minutes=2))
    assert sentence.startswith("waiting for another apply: somebody, since ")
    assert len([one for one in naps if one <= leasing.LOOK_AGAIN]) >= 3


def test_waiting_for_the_lease_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store("ledger.json", owner(tmp_path))
    store.acquire(held_by(this_process()))
    monkeypatch.setattr(leasing, "LOOK_AGAIN", 0.01)
    with pytest.raises(LeaseHeld):
        take(store, timedelta(seconds=0.05))


def test_what_a_dead_writer_left_half_written_goes_with_the_next_write(tmp_path: Path) -> None:
    store = open_store("ledger.json", owner(tmp_path))
    half = [tmp_path / f".ledger.json{part}.2q4d_24l" for part in ("", ".lease", ".copy")]
    others = [
        tmp_path / name for name in (".ledger.json.mine", ".ledger.prod.json.2q4d_24l", "ledger.json.1")
    ]
    for path in (*half, *others):
        path.write_text("{", encoding="utf-8")
    take(store)
    assert not [path.name for path in half if path.exists()]
    assert [path.name for path in others if not path.exists()] == []
