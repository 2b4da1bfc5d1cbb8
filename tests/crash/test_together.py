"""Ten processes apply the same project at the same moment, with and without a shared ledger."""

import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

import pytest

from tests.crash.project import write
from tests.crash.serving import Served, serving
from tests.datasets import small_dataset

pytestmark = pytest.mark.long

TEN = 10
WAITS = "is about to start"  # what a run says that waits for a job
PATIENCE = 240.0  # seconds for what takes a fraction of it, also on a machine that is busy


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path / "account") as account:
        yield account


def specs(folder: Path, served: Served) -> Path:
    """A project of its own, with its own ledger, in front of the served account."""
    folder.mkdir()
    (folder / ".git").mkdir()
    small_dataset(folder / "data", clips=2)
    head = {
        "version": 1,
        "project": "crash",
        "provider": "sandbox",
        "base_url": served.url,
        "polling": "500ms",
    }
    write(folder / "specs", head=head)
    return folder / "specs"


def start(
    folder: Path, *options: str, run: str = "", log: TextIO | int = subprocess.PIPE
) -> subprocess.Popen[str]:
    """`wanctl apply`, as CI starts it; its progress goes into the log."""
    proxies = {"http_proxy", "https_proxy", "all_proxy"}
    environment = {key: value for key, value in os.environ.items() if key.lower() not in proxies}
    return subprocess.Popen(
        [sys.executable, "-m", "wanctl", "-C", str(folder), "apply", "--yes", *options],
        env={**environment, "CI_JOB_URL": run, "USER": "ci"},
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )


def until(reached: Callable[[], bool], running: list[subprocess.Popen[str]]) -> None:
    """Wait for something in the account; processes that still run when time is up are ended."""
    deadline = time.monotonic() + PATIENCE
    while not reached():
        if time.monotonic() > deadline:
            for process in running:
                process.kill()
            pytest.fail("\n".join("".join(filter(None, process.communicate()))[-600:] for process in running))
        time.sleep(0.1)


def ended(running: list[subprocess.Popen[str]], served: Served) -> list[tuple[int, str]]:
    """Let time pass until all have ended: their exit codes and what they said."""

    def over() -> bool:
        served.pass_time(minutes=5)
        return all(process.poll() is not None for process in running)

    until(over, running)
    told = [process.communicate() for process in running]
    codes = [process.returncode for process in running]
    return [(code, out + (errors or "")) for code, (out, errors) in zip(codes, told, strict=True)]


def test_with_a_shared_ledger_one_gets_through(tmp_path: Path, served: Served) -> None:
    folder = specs(tmp_path / "project", served)
    running = [start(folder, "--wait", run=f"https://ci.example/{number}") for number in range(TEN)]
    until(lambda: sum(process.poll() is not None for process in running) == TEN - 1, running)
    results = ended(running, served)
    assert sorted(code for code, _ in results) == [0] + [1] * (TEN - 1), results
    winner = next(number for number, (code, _) in enumerate(results) if code == 0)
    who = f"(process {running[winner].pid}) (https://ci.example/{winner}), since 20"
    assert all(who in told for code, told in results if code == 1), results
    assert [job["status"] for job in served.jobs()] == ["SUCCEEDED"]
    assert served.posts("/compatible-mode/v1/files") == served.posts("/api/v1/deployments") == 1


def test_with_a_shared_ledger_those_that_wait_find_everything_done(tmp_path: Path, served: Served) -> None:
    folder = specs(tmp_path / "project", served)
    running = [start(folder, "--wait", "--lock-wait", "5m") for _ in range(3)]
    results = ended(running, served)
    assert [code for code, _ in results] == [0, 0, 0], results
    assert sum("waiting for another apply: ci@" in told for _, told in results) == 2
    assert sum("No changes" in told for _, told in results) == 2
    assert [job["status"] for job in served.jobs()] == ["SUCCEEDED"]
    assert served.posts("/compatible-mode/v1/files") == served.posts("/api/v1/deployments") == 1


@pytest.mark.parametrize("marks", [True, False], ids=["marks kept", "marks not kept"])
def test_without_one_the_earliest_job_stands_and_the_others_are_taken_back(
    tmp_path: Path, served: Served, marks: bool
) -> None:
    first = specs(tmp_path / "project-0", served)
    for number in range(1, TEN):
        shutil.copytree(first.parent, tmp_path / f"project-{number}")
    served.sandbox._service.rig.arrange({"quirks": {"keep_job_name": marks}})
    slow = {"seconds": 4, "method": "GET", "when": "after", "count": 2 * TEN}
    served.sandbox.add_fault("latency", path="/api/v1/fine-tunes", **slow)  # so all see an empty account
    logs = [tmp_path / f"log-{number}" for number in range(TEN)]
    running = []
    for number, log in enumerate(logs):
        with log.open("w") as stream:
            running.append(start(tmp_path / f"project-{number}" / "specs", "--wait", log=stream))

    def settled() -> bool:
        """Everyone waits for a job, so nobody starts one more; one stands, and the others are taken back.

        Until then no time passes, however slow a process is: nothing trains before it is taken back.
        """
        if not all(WAITS in log.read_text() for log in logs):
            return False
        statuses = Counter(job["status"] for job in served.jobs())
        return statuses["CANCELED"] >= 2 and statuses.total() == statuses["CANCELED"] + 1

    until(settled, running)
    results = ended(running, served)
    assert [code for code, _ in results] == [0] * TEN, "\n".join(log.read_text() for log in logs)
    standing = min(served.jobs(), key=lambda job: (job["create_time"], job["job_id"]))
    others = [job for job in served.jobs() if job != standing]
    assert standing["status"] == "SUCCEEDED"
    assert [(job["status"], job.get("usage")) for job in others] == [("CANCELED", 0)] * len(others), others
    assert len(served.deployments()) == 1
    again = start(first)
    (code, told) = ended([again], served)[0]
    assert code == 0, told
    assert "No changes" in told
