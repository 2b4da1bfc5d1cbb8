"""`wanctl logs`: from the first line on, followed though it is written anew, through faults, to its end."""

import io
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from tests.harness import ChangedAnswers, Harness, dataset, finetune
from tests.scenarios.playing import run_wanctl
from wanctl.address import Address
from wanctl.plan import Action, Progress, Step, When
from wanctl.render.text.logs import LiveLog, log_display
from wanctl.render.words import spell_took

SANDBOX: dict[str, Any] = {"speed": 1, "seed": 1, "start": "2026-03-18T09:00:00+08:00", "strict": False}
FAST: dict[str, Any] = {**SANDBOX, "speed": "instant"}


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    """A training that has just begun; the time stands almost still."""
    harness = Harness.begun(tmp_path)
    harness.write(dataset(), finetune(), sandbox=SANDBOX)
    while not harness.jobs():
        harness.apply(waits=False)
        harness.advance(60)
    return harness


def hurry(harness: Harness) -> None:
    harness.write(dataset(), finetune(), sandbox=FAST)


def logs(harness: Harness, *words: str, whose: str = "FineTune/rain") -> tuple[str, int]:
    return run_wanctl("logs", "-C", str(harness.specs), whose, *words)


def objects(printed: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed.splitlines() if line.startswith("{")]


@contextmanager
def changed(monkeypatch: pytest.MonkeyPatch, change: Any) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setattr("httpx.ASGITransport", ChangedAnswers)
        patched.setattr(ChangedAnswers, "change", staticmethod(change))
        yield


def test_a_training_under_way_says_how_far_it_is_and_what_is_left(harness: Harness) -> None:
    harness.advance(3600)
    *lines, state = objects(logs(harness, "--format", "json")[0])
    assert (lines[0]["number"], lines[0]["type"], state["type"]) == (1, "line", "progress")
    assert (state["status"], state["phase"]) == ("RUNNING", "training")
    assert 0 < state["fraction"] < 1
    assert state["elapsed_seconds"] > 3600
    pace = (state["elapsed_seconds"] - 135) * (1 - state["fraction"]) / state["fraction"]
    assert abs(state["left_seconds"] - pace) < pace * 0.05
    printed, code = logs(harness)
    assert code == 0
    assert " so far, about " in printed.splitlines()[-1]
    plan = harness.plan()
    progress = next(step.progress for step in plan.steps if step.progress)
    assert progress.left is not None
    assert abs(progress.left.total_seconds() - state["left_seconds"]) < 60


def test_a_finished_training_shows_all_and_what_it_came_to(harness: Harness) -> None:
    harness.advance(8 * 3600)
    printed, code = logs(harness)
    assert code == 0
    assert "data process succeeded" in printed.splitlines()[0]
    assert "trained in 1 h 46 min, 0.23 USD" in printed.splitlines()[-1]
    assert " USD" in printed.splitlines()[-1]
    followed, code = logs(harness, "-f")
    assert (code, followed) == (0, printed)
    short, _ = logs(harness, "--since", "10m")
    assert 0 < len(short.splitlines()) < len(printed.splitlines())
    by_id, _ = logs(harness, "--since", "line 2", whose=harness.jobs()[0]["job_id"])
    assert by_id == printed.partition("\n")[2]
    *lines, state = objects(logs(harness, "-f", "--format", "json")[0])
    assert [one["text"] for one in lines] == printed.splitlines()[:-1]
    assert state["took_seconds"] > 3600
    assert state["billed_amount"] is not None
    step = next(step for step in harness.plan().steps if step.took)
    assert spell_took(step).startswith("trained within "), "no plan reads its log any more"


def test_following_shows_each_line_once_and_ends_with_the_training(harness: Harness) -> None:
    hurry(harness)
    printed, code = logs(harness, "-f", "--every", "10m")
    assert code == 0, printed
    said = printed.splitlines()
    assert sum("data process succeeded" in line for line in said) == 1
    assert sum("##FT_COMPLETE##" in line for line in said) == 1
    assert any("so far, about" in line for line in said)
    assert "trained in 1 h 46 min, 0.23 USD" in said[-1]


def test_a_failed_training_is_no_success_of_who_followed_it(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    harness.write(dataset(), finetune(), sandbox=FAST)
    harness.rig(next_job="FAILED", message="out of memory")
    while not harness.jobs():
        harness.apply(waits=False)
    printed, code = logs(harness, "-f", "--every", "20m")
    assert code == 1
    assert "failed (" in printed.splitlines()[-1]
    assert "out of memory" in printed
    assert logs(harness)[1] == 0, "its log can be read nevertheless"


def test_a_log_that_is_written_anew_is_not_shown_twice(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(harness)
    calls = iter(range(10_000))

    def rewritten(path: str, body: Any) -> None:
        """Every second answer has another first line, and is without the lines that were first."""
        if path.endswith("/logs") and next(calls) % 2:
            body["output"]["logs"] = ["rotated", *body["output"]["logs"][1:]]

    with changed(monkeypatch, rewritten):
        printed, code = logs(harness, "-f", "--every", "10m")
    counted = [line for line in printed.splitlines() if "consumed tokens" in line]
    assert code == 0
    assert counted
    assert len(counted) == len(set(counted))


def test_hostile_lines_reach_no_terminal_and_no_secret_is_shown(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.advance(600)
    hostile = (
        "\x1b]0;owned\x07\x1b[2J\u202eevil",
        "GET https://bucket.oss.example/a.zip?Expires=1&Signature=abcdef failed",
        "key sk-0123456789abcdef0123",
    )

    def poisoned(path: str, body: Any) -> None:
        if path.endswith("/logs"):
            body["output"]["logs"] += hostile
            body["output"]["total"] += len(hostile)

    with changed(monkeypatch, poisoned):
        printed, _ = logs(harness)
        as_json, _ = logs(harness, "--format", "json")
    for text in (printed, as_json):
        assert not set(text) & {"\x1b", "\x07", "\u202e"}
        assert "abcdef" not in text
    assert len(objects(as_json)) == len(as_json.splitlines()), "one object a line"
    assert any(one.get("text", "").endswith("\u202eevil") for one in objects(as_json))


def test_what_cannot_be_read_for_a_while_is_read_later(harness: Harness) -> None:
    hurry(harness)
    rule = {"kind": "status", "status": 503, "path": "/api/v1/fine-tunes/*", "method": "GET"}
    harness.call("POST", "/_sandbox/faults", {**rule, "nth": 6, "count": 20})  # the first reads go well
    printed, code = logs(harness, "-f", "--every", "10m")
    assert code == 0, printed
    assert printed.count("cannot be read now, trying again") == 1
    assert "the service can be read again" in printed
    assert printed.count("##FT_COMPLETE##") == 1


def test_a_job_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    harness.write(dataset(), finetune(), sandbox=SANDBOX)
    printed, code = logs(harness)
    assert code == 1
    assert "FineTune/rain has no job yet; wanctl apply starts it" in printed
    command = [
        sys.executable,
        "-m",
        "wanctl",
        "logs",
        "-C",
        str(harness.specs),
        "rain",
        "-f",
        "--every",
        "1s",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as following:
        assert following.stdout is not None
        assert "has no job yet; waiting until one is started" in following.stdout.readline()
        while not harness.jobs():
            harness.apply(waits=False)
        harness.advance(1200)
        assert "data process succeeded" in following.stdout.readline()
        following.send_signal(signal.SIGINT)
        said = following.stdout.read()
    assert following.returncode == 130
    assert "the training goes on" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("Dataset/train",), "only a training writes a log: name a FineTune"),
        (("FineTune/snow",), "the specs hold no FineTune/snow"),
        (("ft-nobodys",), "ft-nobodys"),
        (("rain", "--since", "yesterday"), "write a span, a line or a time"),
        (("rain", "--every", "often"), "must be a duration"),
    ],
)
def test_what_has_no_log_is_said(harness: Harness, words: tuple[str, ...], said: str) -> None:
    printed, code = run_wanctl("logs", "-C", str(harness.specs), *words)
    assert (code, said in printed) == (1, True), printed


def test_a_time_in_a_zone_is_taken_only_where_that_of_the_log_is_known(harness: Harness) -> None:
    harness.advance(3600)
    assert logs(harness, "--since", "2026-03-18T02:00:00Z")[1] == 0
    (harness.specs / ".wanctl/ledger.json").unlink()  # and with it when it was sent
    printed, code = logs(harness, "--since", "2026-03-18T02:00:00Z")
    assert (code, "the log names no time zone" in printed) == (1, True), printed
    assert "so far" not in logs(harness)[0], "nor is it known for how long it trains"


class _Screen(io.StringIO):
    """A terminal, as far as anybody asks."""

    def isatty(self) -> bool:
        return True


def test_the_lines_of_a_log_and_what_is_drawn_below_them_keep_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = _Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    at = datetime(2026, 3, 18, 9, tzinfo=UTC)
    progress = Progress("RUNNING", 0.4, elapsed=timedelta(hours=2), left=timedelta(hours=3))
    running = Step(Address.parse("FineTune/rain"), Action.TRAIN, When.SERVICE, "training", remote_id="ft-1")
    with log_display() as display:
        for number in range(5):
            display.show([f"line {number} of the log"], replace(running, progress=progress), at)
            cast("LiveLog", display)._live.refresh()
        display.show([], replace(running, when=When.DONE, reason="trained", took=timedelta(hours=5)), at)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue())
    segments = [one.strip() for one in re.split(r"[\r\n]+", plain)]
    assert [one for one in segments if "of the log" in one] == [
        f"line {number} of the log" for number in range(5)
    ]
    assert any("2 h so far, about 3 h left" in one for one in segments)
    assert "ft-1 trained in 5 h" in segments
