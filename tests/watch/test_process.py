"""`wanctl watch` as a process: SIGTERM in the middle of a call ends it when the call is written."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from tests.plain_http import http
from tests.scenarios.playing import run_wanctl
from tests.watch.places import HEAD, TRAIN, TUNE, Place, environ
from wanctl.sandbox import Sandbox
from wanctl.watch.server import Server


class SlowAccount:
    """A served sandbox, in which an upload waits until it is let go."""

    def __init__(self, folder: Path) -> None:
        self.sandbox = Sandbox.open(folder, speed=1000, seed=1, strict=False)
        self.uploading, self.go = threading.Event(), threading.Event()

        async def slowly(scope: Any, receive: Any, send: Any) -> None:
            if scope.get("method") == "POST" and scope["path"].endswith("/files"):
                self.uploading.set()
                await asyncio.to_thread(self.go.wait)
            await self.sandbox.app(scope, receive, send)

        self.server = Server(slowly, "127.0.0.1", 0)


@pytest.fixture
def account(tmp_path: Path) -> Iterator[SlowAccount]:
    opened = SlowAccount(tmp_path / "account")
    opened.server.start()
    yield opened
    opened.go.set()
    opened.server.stop()
    opened.sandbox.close()


def test_sighup_as_soon_as_it_says_that_it_runs_does_not_end_it(place: Place) -> None:
    with watching(place) as (process, url):
        process.send_signal(signal.SIGHUP)
        until(lambda: http.get(f"{url}/readyz").status_code == 200)
        assert process.poll() is None


@contextmanager
def watching(place: Place, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The loop as a process, and the address of its page."""
    asked = ["watch", "-C", str(place.specs), "--listen", "127.0.0.1:0", "--interval", "1h", *words]
    process = subprocess.Popen(
        [sys.executable, "-m", "wanctl", *asked],
        env={**environ(), "PYTHONUNBUFFERED": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr
        found = re.search(r"http://127\.0\.0\.1:\d+", process.stderr.readline())
        assert found
        yield process, found[0]
    finally:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()


def until(holds: Callable[[], bool], patience: float = 30) -> None:
    """Look again and again, until it is so."""
    deadline = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_sigterm_in_the_middle_of_an_upload_ends_it_and_the_upload_is_written(
    place: Place, account: SlowAccount
) -> None:
    place.push(TRAIN, TUNE, head={**HEAD, "base_url": f"{account.server.url}/api/v1"})
    with watching(place) as (process, url):
        assert account.uploading.wait(30)
        assert http.get(f"{url}/healthz").status_code == 200
        assert http.get(f"{url}/readyz").status_code == 503
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)  # the signal is there, and the call still under way
        assert process.poll() is None
        account.go.set()
        _, said = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "ended; nothing is lost" in said
    assert "Traceback" not in said
    ledger = json.loads((place.specs / ".wanctl" / "ledger.json").read_text(encoding="utf-8"))
    assert [(line["verb"], line["result"]) for line in ledger["history"]] == [("upload", "ok")]
    assert ledger["intents"] == []
    assert not list((place.specs / ".wanctl").glob("*lease*"))


def test_one_turn_that_is_cut_short_is_no_success(place: Place, account: SlowAccount) -> None:
    place.push(TRAIN, TUNE, head={**HEAD, "base_url": f"{account.server.url}/api/v1"})
    words = ["watch", "-C", str(place.specs), "--once"]
    process = subprocess.Popen(
        [sys.executable, "-m", "wanctl", *words], env=environ(), stderr=subprocess.PIPE, text=True
    )
    try:
        assert account.uploading.wait(60)
        process.send_signal(signal.SIGTERM)
        account.go.set()
        _, said = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
    assert (process.returncode, "ended; nothing is lost" in said) == (128 + signal.SIGTERM, True)


def test_sigterm_between_two_turns_ends_it_as_well(place: Place) -> None:
    """A turn hears the signal in its own way, and gives it back."""
    with watching(place) as (process, url):
        until(lambda: http.get(f"{url}/readyz").status_code == 200)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
    assert (process.returncode, "ended; nothing is lost" in said) == (0, True)


def test_once_takes_one_turn_and_says_by_its_code_how_it_went(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ().items():
        monkeypatch.setenv(name, value)
    words = ("watch", "-C", str(place.specs), "--once")
    assert run_wanctl(*words)[1] == 0
    place.push({**TUNE, "training": ["nowhere"]})
    said, code = run_wanctl(*words)
    assert code == 1
    assert "specs/all.yaml:" in said
    assert ".wanctl/watch" not in said  # the file has the name that it has in the repository


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--interval", "1s"), "at least 5s"),
        (("--interval", "often"), "must be a duration"),
        (("--listen", "8788"), "must be HOST:PORT"),
        (("--require-approval", "delte"), "there are upload, train"),
        (("--ref", "main"), "write origin/main"),
    ],
)
def test_options_that_make_no_sense_are_refused(place: Place, words: tuple[str, ...], sentence: str) -> None:
    said, code = run_wanctl("watch", "-C", str(place.specs), *words)
    assert code == 1
    assert sentence in " ".join(re.sub(r"[│╭╮╰╯─]", " ", said).split())


def test_a_port_that_is_taken_and_a_second_loop_are_told(place: Place, account: SlowAccount) -> None:
    taken = account.server.url.removeprefix("http://")
    said, code = run_wanctl("watch", "-C", str(place.specs), "--listen", taken)
    assert (code, f"--listen {taken}: " in said) == (1, True)


def test_uvicorn_leaves_the_signals_alone(account: SlowAccount) -> None:
    """It would end the process by itself, before the loop has ended."""
    assert isinstance(account.server._server, uvicorn.Server)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_the_log_says_why_nothing_is_done_and_what_to_commit(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ().items():
        monkeypatch.setenv(name, value)
    place.push(TRAIN, TUNE)
    said, code = run_wanctl("watch", "-C", str(place.specs), "--once", "--require-approval", "train")
    assert (code, "FineTune/rain: commit to .wanctl-approvals: " in " ".join(said.split())) == (0, True)
    place.push(TRAIN, TUNE, head={**HEAD, "limits": {"new_jobs": 0}})
    said, code = run_wanctl("watch", "-C", str(place.specs), "--once")
    assert (code, "over limits.new_jobs of 0: FineTune/rain" in " ".join(said.split())) == (1, True)
    place.push(TRAIN, TUNE, head={**HEAD, "windows": [{"deny": "0 0 * * *", "duration": "23h"}]})
    said, code = run_wanctl("watch", "-C", str(place.specs), "--once")
    assert (code, "nothing may be applied now: a window of" in " ".join(said.split())) == (0, True)
    pushed = place.push({**TUNE, "training": ["nowhere"]})
    said, _ = run_wanctl("watch", "-C", str(place.specs), "--once")
    assert f"{pushed[:8]} came to no plan:" in said
