"""Children decode: what a file does to one is told of that file, and the next one is decoded all the same."""

import asyncio
import contextlib
import io
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from tests.dataset.making import folder, good
from wanctl.decoding import child, pool
from wanctl.decoding.pool import DecodingLimits, NobodyWaitsError, UndecodableError, decoded, streamed

JOBS = "tests.decoding.jobs"
ROOT = Path(__file__).parents[2]
LONG = DecodingLimits(seconds=30.0)


def pid() -> int:
    return int(decoded(f"{JOBS}:process", []).value)


@pytest.mark.parametrize("kind", ["path", "file", "memory"])
def test_a_file_is_handed_over_however_it_is_held(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"hello" * 1000)
    if kind == "path":
        found = decoded(f"{JOBS}:read", [path])
    else:
        with path.open("rb") if kind == "file" else io.BytesIO(path.read_bytes()) as file:
            file.read(7)
            found = decoded(f"{JOBS}:read", [file])
    assert (found.value, found.blobs) == (5000, (b"hello" * 1000,))


def test_one_child_does_one_after_the_other_and_is_not_this_process() -> None:
    assert pid() == pid() != os.getpid()


def test_a_child_has_no_key_and_nothing_that_talks_to_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-planted")
    pool.end_children()
    assert not [one for one in decoded(f"{JOBS}:surroundings", []).value if "KEY" in one or "TOKEN" in one]
    loaded = decoded(f"{JOBS}:modules", []).value
    assert not {"httpx", "wanctl.studio.client", "wanctl.project", "asyncio"} & set(loaded)


@pytest.mark.parametrize(
    ("job", "said"),
    [
        ("crash", "makes its decoder crash"),
        ("open_many", "cannot be decoded (OSError)"),
        pytest.param(
            "grow",
            "takes more memory than the 2,048 MB that its decoder may have",
            marks=pytest.mark.skipif(sys.platform == "darwin", reason="macOS has no limit on addresses"),
        ),
    ],
)
def test_what_a_file_does_to_its_decoder_is_told_and_the_next_one_is_decoded(job: str, said: str) -> None:
    before = pid()
    with pytest.raises(UndecodableError, match="^" + re.escape(said)):
        decoded(f"{JOBS}:{job}", [], LONG)
    assert pid() != before


@pytest.mark.parametrize("job", ["hang", "freeze", "spin"])
def test_a_decoder_that_takes_too_long_is_ended(job: str) -> None:
    before = pid()
    with pytest.raises(UndecodableError, match=r"not decoded within 0\.4 s|processor"):
        decoded(f"{JOBS}:{job}", [], DecodingLimits(seconds=0.4))
    assert gone(before)


def test_the_processor_is_counted_apart_from_the_clock() -> None:
    with pytest.raises(UndecodableError, match=r"processor"):
        decoded(f"{JOBS}:spin_beyond", [], LONG)


def test_what_a_decoder_prints_reaches_nobody(capfd: pytest.CaptureFixture[str]) -> None:
    assert decoded(f"{JOBS}:print_much", []).value == 1
    assert capfd.readouterr() == ("", "")


def test_a_system_without_such_limits_decodes_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """macOS refuses a limit on addresses."""
    wanted: list[int] = []

    def refuse(which: int, _: object) -> None:
        wanted.append(which)
        raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    child._limit(resource.RLIMIT_AS, 1)
    assert wanted == [resource.RLIMIT_AS]


def test_a_system_that_starts_no_process_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pool.end_children()
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(UndecodableError, match=r"its decoder cannot be started \(No such file"):
        decoded(f"{JOBS}:process", [])


def test_a_child_writes_no_more_than_it_may(tmp_path: Path) -> None:
    with (
        (tmp_path / "x").open("w+b") as out,
        pytest.raises(UndecodableError, match="larger file than it may"),
    ):
        decoded(f"{JOBS}:write", [out], DecodingLimits(written=100))
    assert (tmp_path / "x").stat().st_size <= 100
    with (tmp_path / "x").open("w+b") as out:
        decoded(f"{JOBS}:write", [out], DecodingLimits(written=1000))
    assert (tmp_path / "x").stat().st_size == 1000


LIES = ["no JSON", "a list", "deep", "less than nothing", "a mountain", "no number", "many", "much"]


@pytest.mark.parametrize("how", LIES)
def test_a_child_in_the_hands_of_a_file_is_not_believed(how: str) -> None:
    with pytest.raises(UndecodableError, match="makes its decoder"):
        decoded(f"{JOBS}:lie", [], LONG, how=how)


def test_a_child_that_says_more_than_was_asked_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UndecodableError, match="no answer"):
        decoded(f"{JOBS}:talk", [], LONG)
    monkeypatch.setattr(pool, "_MOST_ANSWERS", 100)
    with pytest.raises(UndecodableError, match="too much"):
        list(streamed(f"{JOBS}:count", [], LONG, upto=200))


def test_an_answer_of_another_form_is_none() -> None:
    found = decoded(f"{JOBS}:process", [])
    assert found.read_as(TypeAdapter(int)) > 0
    with pytest.raises(UndecodableError, match="no answer"):
        found.read_as(TypeAdapter(list[str]))
    with pytest.raises(UndecodableError, match="no answer"):
        found.only_blob()


def test_several_answers_come_one_after_the_other() -> None:
    found = streamed(f"{JOBS}:count", [], LONG, upto=5)
    assert [one.value for one in found] == [0, 1, 2, 3, 4]
    found = streamed(f"{JOBS}:count_and_crash", [], LONG)
    assert next(found).value == 1
    with pytest.raises(UndecodableError, match="crash"):
        next(found)


def gone(number: int) -> bool:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return True
        state = Path(f"/proc/{number}/stat")
        if state.exists() and state.read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.02)
    return False


def comes_about(looked: Callable[[], object]) -> bool:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if looked():
            return True
        time.sleep(0.02)
    return False


def test_who_does_not_wait_any_more_ends_the_child(tmp_path: Path) -> None:
    told = tmp_path / "told"
    stop: list[int] = []
    limits = DecodingLimits(written=100)
    answers = streamed(f"{JOBS}:go_on", [], limits, lambda: bool(stop), told=str(told))
    assert next(answers).value == 0
    stop.append(1)
    with pytest.raises(NobodyWaitsError):
        next(answers)
    assert gone(int(told.read_text(encoding="ascii")))


def test_a_child_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    told = tmp_path / "told"
    text = (
        "from wanctl.decoding.pool import *\n"
        f"for _ in streamed('{JOBS}:go_on', [], DecodingLimits(written=100), told={str(told)!r}): pass\n"
    )
    with subprocess.Popen([sys.executable, "-c", text], cwd=ROOT) as parent:
        assert comes_about(lambda: told.exists() and told.read_text(encoding="ascii"))
        parent.send_signal(signal.SIGKILL)
    assert gone(int(told.read_text(encoding="ascii")))


def test_a_process_that_was_forked_has_children_of_its_own() -> None:
    mine = pid()
    forked = os.fork()
    if not forked:
        os._exit(0 if pid() not in {mine, os.getpid()} else 1)
    _, status = os.waitpid(forked, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert pid() == mine


def test_a_child_that_went_because_nobody_asked_is_replaced() -> None:
    os.kill(pid(), signal.SIGKILL)
    assert pid()


def test_threads_and_coroutines_ask_at_once() -> None:
    async def all_of_them() -> list[tuple[int, bytes]]:
        async def one(number: int) -> tuple[int, bytes]:
            content = bytes([number]) * (1000 + number)
            found = await asyncio.to_thread(decoded, f"{JOBS}:read", [io.BytesIO(content)])
            return found.value, found.blobs[0]

        return await asyncio.gather(*map(one, range(24)))

    with ThreadPoolExecutor(4) as threads:
        aside = [threads.submit(pid) for _ in range(24)]
        assert asyncio.run(all_of_them()) == [(1000 + n, bytes([n]) * (1000 + n)) for n in range(24)]
        assert len({one.result() for one in aside}) <= (os.cpu_count() or 1)


def test_a_fork_while_another_thread_decodes_has_a_child_of_its_own() -> None:
    mine = pid()
    answers = streamed(f"{JOBS}:count", [], LONG, upto=3)
    next(answers)
    with ThreadPoolExecutor(1) as threads:
        busy = threads.submit(lambda: [decoded(f"{JOBS}:process", []).value for _ in range(50)])
        forked = os.fork()
        if not forked:
            os._exit(0 if pid() not in {os.getpid(), mine} else 1)
        _, status = os.waitpid(forked, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert len(busy.result()) == 50
    assert [one.value for one in answers] == [1, 2]


def test_nothing_stays_open(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x")
    pool.end_children()
    before = handles()
    for job in ("process", "crash", "hang"):
        with contextlib.suppress(UndecodableError):
            decoded(f"{JOBS}:{job}", [tmp_path / "x"], DecodingLimits(seconds=0.5))
    assert decoded(f"{JOBS}:open_handles", [tmp_path / "x"]).value == ["file", "pipe", "socket"]
    pool.end_children()
    assert handles() == before


def handles() -> int:
    return len(list(Path("/dev/fd").iterdir()))


INTERRUPTED = """
import sys
from wanctl.dataset import looking
asked = looking.decoded
hang = "tests.decoding.jobs:hang_told"
looking.decoded = lambda _, files, *others: asked(hang, [], *others, told=sys.argv[2])
looking.view_clips(looking.Path(sys.argv[1]), {"a": "clip_1.mp4", "b": "clip_1.mp4"})
"""


def test_ctrl_c_waits_for_no_decoder(tmp_path: Path) -> None:
    told = tmp_path / "told"
    told.mkdir()
    place = folder(tmp_path / "data", good(1))
    command = [sys.executable, "-c", INTERRUPTED, str(place), str(told)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) as parent:
        assert comes_about(lambda: list(told.iterdir()))
        parent.send_signal(signal.SIGINT)
        _, said = parent.communicate(timeout=20)
    assert b"KeyboardInterrupt" in said
    assert all(gone(int(one.name)) for one in told.iterdir())


def test_a_child_that_went_is_no_zombie_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    pool.end_children()
    for reaper in pool._reapers:
        reaper.cancel()
    pool._reapers.clear()
    monkeypatch.setattr(pool, "_REAPED_AFTER", 0.1)
    went = pid()
    os.kill(went, signal.SIGKILL)
    assert comes_about(
        lambda: not Path(f"/proc/{went}").exists() if Path("/proc/self").exists() else gone(went)
    )
