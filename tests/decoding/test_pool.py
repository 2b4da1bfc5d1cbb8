"""Children decode: what a file does to one is told of that file, and the next one is decoded all the same."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wanctl.decoding import pool
from wanctl.decoding.pool import DecodingLimits, NobodyWaitsError, UndecodableError, decoded, streamed

JOBS = "tests.decoding.jobs"
SHORT = DecodingLimits(seconds=2.0)


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
        ("hang", "is not decoded within 2 s"),
        ("grow", "takes more memory than the 2,048 MB that its decoder may have"),
        ("open_many", "cannot be decoded (OSError)"),
    ],
)
def test_what_a_file_does_to_its_decoder_is_told_and_the_next_one_is_decoded(job: str, said: str) -> None:
    before = pid()
    with pytest.raises(UndecodableError, match="^" + said.replace("(", r"\(").replace(")", r"\)")):
        decoded(f"{JOBS}:{job}", [], SHORT)
    assert pid() != before


def test_a_decoder_that_only_computes_is_ended() -> None:
    with pytest.raises(UndecodableError, match=r"processor|not decoded within"):
        decoded(f"{JOBS}:spin", [], DecodingLimits(seconds=1.0))


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


@pytest.mark.parametrize("how", ["no JSON", "a list", "deep", "less than nothing", "a mountain", "much"])
def test_a_child_in_the_hands_of_a_file_is_not_believed(how: str) -> None:
    with pytest.raises(UndecodableError, match="makes its decoder"):
        decoded(f"{JOBS}:lie", [], DecodingLimits(seconds=20.0), how=how)


def test_several_answers_come_one_after_the_other() -> None:
    found = streamed(f"{JOBS}:count", [], SHORT, upto=5)
    assert [one.value for one in found] == [0, 1, 2, 3, 4]
    found = streamed(f"{JOBS}:count_and_crash", [], SHORT)
    assert next(found).value == 1
    with pytest.raises(UndecodableError, match="crash"):
        next(found)


def gone(child: int) -> bool:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return True
        state = Path(f"/proc/{child}/stat")
        if state.exists() and state.read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z":
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
    with subprocess.Popen([sys.executable, "-c", text], cwd=Path(__file__).parents[2]) as parent:
        until = time.monotonic() + 30
        while not (told.exists() and told.read_text(encoding="ascii")) and time.monotonic() < until:
            time.sleep(0.02)
        parent.send_signal(signal.SIGKILL)
    assert gone(int(told.read_text(encoding="ascii")))


def test_a_process_that_was_forked_has_children_of_its_own() -> None:
    mine = pid()
    child = os.fork()
    if not child:
        os._exit(0 if pid() not in {mine, os.getpid()} else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert pid() == mine


def test_a_child_that_went_because_nobody_asked_is_replaced() -> None:
    os.kill(pid(), signal.SIGKILL)
    assert pid()
