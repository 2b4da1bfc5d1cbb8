"""What lasts: state on disk, shared by processes, the same for the same seed, and without anybody's key."""

import asyncio
import json
import multiprocessing
import resource
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Empty
from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import DEPLOYMENTS, FILES, JOBS, KEY, START, Account
from wanctl.sandbox import RequestLine, Sandbox
from wanctl.sandbox.state import store

AUTH = {"Authorization": f"Bearer {KEY}"}


def play(folder: Path, data: bytes) -> list[Any]:
    """An account's first day: everything that it answered, and the videos."""
    sandbox = Sandbox.open(folder, speed="instant", seed=7, start=START, strict=False)
    answers: list[Any] = []
    account = Account(sandbox, data)
    job_id = account.trained()
    base = f"{JOBS}/{job_id}"
    account.deploying(f"wan2.6-i2v-{job_id}")
    for path in (base, f"{base}/logs", f"{base}/checkpoints", DEPLOYMENTS, FILES):
        answer = account.http.get(path)
        answers.append((answer.headers["x-request-id"], answer.content))
    row = account.output("GET", f"{base}/validation-details/checkpoint-40")["list"][0]
    answers += [row, account.link(row["video_path"]).content, sandbox.status(), sandbox.requests()]
    sandbox.close()
    return answers


def test_two_runs_of_one_seed_are_alike(tmp_path: Path, packed: bytes) -> None:
    first, second = (play(tmp_path / name, packed) for name in ("first", "second"))
    assert first == second


def test_other_seeds_give_other_ids(tmp_path: Path, packed: bytes) -> None:
    ids: set[str] = set()
    for seed in (None, None, 1, 2):
        sandbox = Sandbox.open(
            tmp_path / str(len(ids)), speed="instant", seed=seed, start=START, strict=False
        )
        ids.add(Account(sandbox, packed).upload())
        sandbox.close()
    assert len(ids) == 4


def test_everything_is_there_when_it_is_opened_again(account: Account, tmp_path: Path) -> None:
    job_id = account.trained()
    account.deployed(f"wan2.6-i2v-{job_id}", capacity=3)
    account.rig(quirks={"echo_file_ids": False})
    status, now, lines = account.sandbox.status(), account.sandbox.now(), account.sandbox.requests()
    again = Sandbox.open(tmp_path / "account", seed=99, start=datetime(2020, 1, 1, tzinfo=UTC))
    assert (again.speed, again.now(), again.requests()) == ("instant", now, lines)
    assert again.status() == status
    assert (status["counts"], status["deployments"][0]["capacity"]) == (
        {"files": 1, "jobs": 1, "deployments": 1, "tasks": 0},
        3,
    )
    assert Account(again, b"").job(job_id)["training_file_ids"] == []
    again.close()


def test_reset_empties_and_time_goes_on(account: Account, tmp_path: Path) -> None:
    account.deployed(f"wan2.6-i2v-{account.trained()}")
    account.rig(job_quota=0, outage={"after": 9})
    now = account.sandbox.now()
    account.ask("POST", "/_sandbox/reset")
    assert account.sandbox.status()["counts"] == dict.fromkeys(("files", "jobs", "deployments", "tasks"), 0)
    assert (account.sandbox.requests(), account.sandbox.now()) == ([], now)
    assert list((tmp_path / "account" / "files").iterdir()) == []
    assert account.create()  # the quota is what it was


def test_a_clock_that_runs(tmp_path: Path) -> None:
    sandbox = Sandbox.open(tmp_path, start=START)
    assert sandbox.speed == 600
    assert timedelta() <= sandbox.now() - START < timedelta(hours=2)
    assert sandbox.now().utcoffset() == timedelta(hours=8)
    sandbox.advance(timedelta(days=2))
    assert sandbox.now() - START >= timedelta(days=2)
    sandbox.close()
    standing = Sandbox.open(tmp_path, speed="instant")
    assert standing.now() == standing.now() >= START + timedelta(days=2)
    standing.close()


def test_its_speed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = [datetime(2026, 11, 21, tzinfo=UTC)]
    monkeypatch.setattr(store, "_real", lambda: real[0])
    sandbox = Sandbox.open(tmp_path, speed=60, start=START)
    real[0] += timedelta(minutes=1)
    assert sandbox.now() == START + timedelta(hours=1)
    sandbox.close()
    slower = Sandbox.open(tmp_path, speed=1)
    real[0] += timedelta(minutes=1)
    assert slower.now() == START + timedelta(hours=1, minutes=1)
    slower.close()


def test_opening_waits_for_another_that_is_opening() -> None:
    class Busy:
        tries = 0

        def execute(self, _: str) -> None:
            self.tries += 1
            if self.tries < 3:
                raise sqlite3.OperationalError("database is locked")

    busy = Busy()
    store._into_wal(busy)  # type: ignore[arg-type]  # a stand-in: the moment cannot be met on purpose
    assert busy.tries == 3


@pytest.mark.parametrize("speed", [0, -1, float("nan"), float("inf")])
def test_a_clock_that_cannot_run(tmp_path: Path, speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        Sandbox.open(tmp_path, speed=speed)


def test_the_clock_is_advanced_from_behind_the_stage(account: Account) -> None:
    account.ask("POST", "/_sandbox/advance", json={"seconds": 90})
    assert account.sandbox.now() == START + timedelta(seconds=90)
    for wrong in (-1, "1", None, 1e300):
        assert account.http.post("/_sandbox/advance", json={"seconds": wrong}).status_code == 400
    assert account.sandbox.now() == START + timedelta(seconds=90)


def test_requests_are_kept_in_order_and_the_stage_is_not(account: Account) -> None:
    account.http.get(f"{JOBS}?page_no=1", headers={"Authorization": ""})
    account.upload()
    account.http.post(DEPLOYMENTS, json={"plan": "lora", "capacity": 1})
    account.ask("GET", "/_sandbox/status")
    lines = [
        RequestLine("GET", JOBS, "page_no=1", 401),
        RequestLine("POST", FILES, "", 200, ("file", "purpose")),
        RequestLine("POST", DEPLOYMENTS, "", 400, ("capacity", "plan")),
    ]
    assert account.sandbox.requests() == lines
    told = account.ask("GET", "/_sandbox/requests")
    assert told[2] == {
        "method": "POST",
        "path": DEPLOYMENTS,
        "query": "",
        "status": 400,
        "keys": ["capacity", "plan"],
    }


def test_no_key_is_kept(account: Account, tmp_path: Path) -> None:
    account.trained()
    kept = [path for path in (tmp_path / "account").rglob("*") if path.is_file()]
    assert any(b"fine-tunes" in path.read_bytes() for path in kept)
    assert not any(KEY.encode() in path.read_bytes() for path in kept)


def _in_process(work: Callable[[Path, Any], Any], folder: Path, start: Any, results: Any) -> None:
    start.wait()
    try:
        results.put(work(folder, None))
    except BaseException as error:  # noqa: BLE001 - told to the test
        results.put(repr(error))


def at_once(work: Callable[[Path, Any], Any], folder: Path, processes: int) -> list[Any]:
    """The same work in several processes that begin together."""
    there = multiprocessing.get_context("spawn")
    start, results = there.Barrier(processes), there.Queue()
    running = [
        there.Process(target=_in_process, args=(work, folder, start, results)) for _ in range(processes)
    ]
    for process in running:
        process.start()
    try:
        return [results.get(timeout=30) for _ in running]
    except Empty:
        return []
    finally:
        for process in running:
            process.join(10)


def uploads_and_trains(folder: Path, _: Any) -> list[str]:
    sandbox = Sandbox.open(folder, speed="instant", seed=1, start=START)
    ids = []
    account = Account(sandbox, b"not a zip")
    for _number in range(5):
        ids.append(account.create())
        sandbox.advance(timedelta(seconds=1))
    sandbox.close()
    return ids


def test_processes_share_an_account_from_its_first_moment(tmp_path: Path) -> None:
    found = at_once(uploads_and_trains, tmp_path / "account", 3)
    ids = [job_id for each in found for job_id in each]
    assert len(ids) == len(set(ids)) == 15, found
    sandbox = Sandbox.open(tmp_path / "account")
    assert {job["id"] for job in sandbox.status()["jobs"]} == set(ids)
    assert sandbox.now() == START + timedelta(seconds=15)
    assert len(sandbox.requests()) == 30
    sandbox.close()


def deploys(folder: Path, _: Any) -> int:
    sandbox = Sandbox.open(folder)
    model = sandbox.status()["jobs"][0]["id"]
    code = Account(sandbox, b"").deploying(f"wan2.6-i2v-{model}").status_code
    sandbox.close()
    return code


def test_one_of_two_processes_gets_the_name(account: Account, tmp_path: Path) -> None:
    account.trained()
    assert sorted(at_once(deploys, tmp_path / "account", 2)) == [200, 409]


def test_what_one_process_did_the_other_sees_at_once(account: Account, tmp_path: Path) -> None:
    job_id = account.create()
    other = Sandbox.open(tmp_path / "account")
    theirs = Account(other, account.data)
    assert theirs.job(job_id)["status"] == "PENDING"
    theirs.ask("POST", f"{JOBS}/{job_id}/cancel")
    second = theirs.create()
    assert account.job(job_id)["status"] == "CANCELED"
    assert account.job(second)["status"] == "PENDING"
    other.close()


def test_jobs_of_one_minute_have_ids_of_their_own(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four characters run out: one that is taken is thrown again."""
    thrown = iter(["aaaa", "aaaa", "bbbb"])
    service = account.sandbox.app.state.service
    original = service.name
    monkeypatch.setattr(
        service, "name", lambda length, *more: next(thrown) if length == 4 else original(length, *more)
    )
    assert [account.create()[-4:] for _ in range(2)] == ["aaaa", "bbbb"]


async def _pieces(megabytes: int) -> AsyncIterator[bytes]:
    head = b'Content-Disposition: form-data; name="file"; filename="big.zip"\r\n\r\n'
    yield b"--cut\r\n" + head
    for _ in range(megabytes):
        yield bytes(1024 * 1024)
    yield b'\r\n--cut\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfine-tune\r\n--cut--\r\n'


def uploads_much(folder: Path, _: Any) -> tuple[int, int]:
    """The size that arrived, and by how much the memory grew for it, in bytes."""
    sandbox = Sandbox.open(folder)

    async def send(megabytes: int) -> int:
        transport = httpx.ASGITransport(app=sandbox.app)
        headers = {**AUTH, "Content-Type": "multipart/form-data; boundary=cut"}
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox", headers=headers) as http:
            return int((await http.post(FILES, content=_pieces(megabytes))).json()["bytes"])

    asyncio.run(send(1))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    size = asyncio.run(send(200))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    sandbox.close()
    return size, grown * 1024


def test_an_upload_is_never_whole_in_memory(tmp_path: Path) -> None:
    [(size, grown)] = at_once(uploads_much, tmp_path / "account", 1)
    assert size == 200 * 1024 * 1024
    assert grown < 32 * 1024 * 1024


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("import wanctl.sandbox", ["starlette", "pydantic", "av", "PIL"]),
        ("from wanctl.sandbox import Sandbox; Sandbox.open(pathlib.Path('x')).app", ["av", "PIL", "uvicorn"]),
    ],
)
def test_imports_are_light(tmp_path: Path, code: str, heavy: list[str]) -> None:
    script = f"import json, pathlib, sys; {code}; print(json.dumps(sorted(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, cwd=tmp_path)
    assert set(heavy).isdisjoint(json.loads(found.stdout))
