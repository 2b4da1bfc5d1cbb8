"""The status page as the loop serves it: it reads itself again, tells of everything, and changes nothing."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.browser.plans import busy_status
from tests.browser.reading import DESKTOP, PHONE, Reader
from tests.browser.test_plan_page import HOSTILE
from tests.plain_http import http
from tests.render.hostile import plan_of
from tests.watch.places import BEST, HEAD, SERVING, TRAIN, TUNE, environ, make_place
from tests.watch.statuses import NOON, STEPS, empty_status, loop_status_of
from wanctl.render.visible import visible
from wanctl.watch.metrics import Metrics
from wanctl.watch.server import Server, StatusEndpoints
from wanctl.watch.status import LoopStatus

Read = Callable[..., Reader]
OTHERS = ("/healthz", "/readyz", "/metrics", "/status.json")


class Loop:
    """A server whose status the test sets."""

    def __init__(self) -> None:
        self.loop_status: LoopStatus = empty_status()
        self.rings = 0
        metrics = Metrics(lambda: self.loop_status, lambda: NOON)
        endpoints = StatusEndpoints(
            loop_status=lambda: self.loop_status,
            metrics=metrics,
            now=lambda: NOON + timedelta(minutes=1),
            ring=self.ring,
            secret=None,
        )
        self.server = Server(endpoints.application(), "127.0.0.1", 0)

    def ring(self) -> None:
        self.rings += 1


@pytest.fixture
def loop() -> Iterator[Loop]:
    opened = Loop()
    opened.server.start()
    yield opened
    opened.server.stop()


def open_loop(read: Read, loop: Loop) -> Reader:
    return read(f"{loop.server.url}/")


def test_it_reads_itself_again_and_keeps_its_place(
    loop: Loop, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wanctl.watch.page.REFRESH", 1)
    loop.loop_status = busy_status()
    reader = open_loop(read, loop)
    reader.page.evaluate("scrollTo(0, 500)")
    loop.loop_status = replace(loop.loop_status, ref="origin/next")
    with reader.page.expect_navigation():
        pass
    assert "origin/next" in reader.page.locator(".place").inner_text()
    assert reader.page.evaluate("scrollY") == 500
    assert set(reader.asked) == {f"{loop.server.url}/"}
    assert reader.trouble() == []


def test_phases_and_progress_are_seen_and_heard(loop: Loop, read: Read) -> None:
    loop.loop_status = loop_status_of(*STEPS)
    reader = open_loop(read, loop)
    for width in (DESKTOP, PHONE):
        reader.looks(width)
        rows = reader.page.get_by_role("table", name="Resources").get_by_role("row")
        found = [row.locator(".badge").inner_text() for row in rows.all()[1:]]
        assert found == ["done", "in progress", "needs a person", "later"]
        bar = reader.page.get_by_role("progressbar", name="FineTune/rain")
        assert bar.is_visible()
        assert bar.evaluate("one => one.position") == 0.61
    iteration = reader.page.locator(".alert.person")
    assert "wanctl choose" in iteration.inner_text()
    assert "61 %" in reader.page.locator("tbody").first.inner_text()


def test_no_other_page_may_show_it_within_itself(loop: Loop, read: Read) -> None:
    """What lies under a click that was meant for something else."""
    reader = read(f"<!DOCTYPE html><iframe src='{loop.server.url}/'></iframe>", own="")
    assert f"{loop.server.url}/" in reader.asked
    assert reader.page.frames[1].url.startswith("chrome-error:")


def test_it_has_no_door_and_nothing_takes_a_post(loop: Loop, read: Read) -> None:
    loop.loop_status = loop_status_of(*STEPS)
    reader = open_loop(read, loop)
    assert reader.measure("doors") == []
    for path in ("/", *OTHERS, "/hook"):
        answer = reader.page.request.post(f"{loop.server.url}{path}", data="{}")
        assert answer.status == (403 if path == "/hook" else 405), path
    assert loop.rings == 0


def test_untrusted_texts_are_texts(loop: Loop, read: Read) -> None:
    reader = None
    for word in HOSTILE:
        plan = plan_of((word,))
        loop_status = loop_status_of(*plan.steps, failures={word: word}, held_by=word)
        loop.loop_status = replace(loop_status, project=word, ref=word).with_errors((word,))
        if reader is None:
            reader = read(f"{loop.server.url}/", bypass_csp=True)
        reader.page.reload()
        reader.unfold()
        assert visible(word) in reader.page.locator("main").inner_text(), word
        assert reader.trouble() == [], word
        assert reader.measure("doors") == [], word
        for width in (DESKTOP, PHONE):
            reader.looks(width)
            assert reader.measure("sideways") == [], word


@contextmanager
def watching(specs: Path, **variables: str) -> Iterator[str]:
    """`wanctl watch` as a process; the address of its page."""
    words = ["watch", "-C", str(specs), "--listen", "127.0.0.1:0", "--interval", "5s"]
    process = subprocess.Popen(
        [sys.executable, "-m", "wanctl", *words],
        env={**environ(), "PYTHONUNBUFFERED": "1", **variables},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr
        found = re.search(r"http://127\.0\.0\.1:\d+", process.stderr.readline())
        assert found
        yield found[0]
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            raise


def test_a_loop_that_runs_over_a_remote(tmp_path: Path, read: Read, pictures: Path) -> None:
    place = make_place(tmp_path)
    waiting = {key: value for key, value in BEST.items() if key != "checkpoint"}
    slow = {
        **HEAD,
        "sandbox": {"speed": 1000, "seed": 1, "start": "2026-03-18T09:00:00+08:00", "strict": False},
    }
    place.push(TRAIN, TUNE, waiting, SERVING, head=slow)
    secrets = {"DASHSCOPE_API_KEY": "sk-0123456789abcdef", "WANCTL_WEBHOOK_SECRET": "the bell is secret"}
    with watching(place.specs, **secrets) as url:
        reader = read(f"{url}/")
        for _ in range(200):
            if reader.page.locator(".badge.waiting_on_service, progress").count():
                break
            reader.page.wait_for_timeout(100)
            reader.page.reload()
        rows = reader.page.get_by_role("table", name="Resources").get_by_role("row").all_inner_texts()
        assert [row.split()[0] for row in rows[1:]] == [
            "Dataset/train",
            "FineTune/rain",
            "Checkpoint/best",
            "Deployment/rain",
        ]
        assert "in progress" in rows[2]
        reader.page.screenshot(path=pictures / "watch-running.png", full_page=True)
        assert "specs/all.yaml:" in " ".join(rows)
        assert str(tmp_path) not in reader.page.content()
        for path in ("/", *OTHERS):
            answer = http.get(f"{url}{path}")
            assert not [one for one in secrets.values() if one in answer.text], path
            assert http.post(f"{url}{path}", content=b"{}").status_code == 405
        assert http.post(f"{url}/hook", content=b"{}").status_code == 401
        assert reader.complaints_of("doors", "unheard", "sideways", "faint", "misplaced") == []
        assert reader.trouble() == []
        assert set(reader.asked) == {f"{url}/"}
