"""Signals. SIGTERM, with which CI cancels a run: the call under way is finished, and nothing is left behind.
SIGSTOP, as a machine that is frozen: what woke up too late calls no more."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.crash.project import CHAIN, Documents, write
from tests.crash.serving import Served, serving
from tests.datasets import small_dataset
from tests.scenarios.playing import quiet_surroundings
from tests.scenarios.test_terminal import Terminal
from wanctl.engine.converge import CALLS_AT_ONCE
from wanctl.ledger.lease import LEASE_TTL, Lease
from wanctl.ledger.store import LedgerStore
from wanctl.project import Project
from wanctl.studio.pace import LIMITS, Family

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="it has no SIGTERM")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path / "account") as account:
        yield account


class Run:
    """`wanctl apply` in a process of its own, with a place of its own for temporary files."""

    def __init__(
        self,
        folder: Path,
        served: Served,
        documents: Documents = CHAIN,
        program: tuple[str, ...] = ("-m", "wanctl"),
    ) -> None:
        (folder / ".git").mkdir(parents=True, exist_ok=True)
        self.specs, self._log = folder / "specs", folder / "log"
        if not self.specs.exists():
            small_dataset(folder / "data", clips=2)
        head = {
            "version": 1,
            "project": "crash",
            "provider": "sandbox",
            "base_url": served.url,
            "polling": "30s",
        }
        write(self.specs, documents, head=head)
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, *program, "-C", str(self.specs), "apply", "--yes", "--wait"],
                env={**quiet_surroundings(), "PYTHONPATH": str(ROOT)},
                cwd=folder,
                stdout=log,
                stderr=log,
            )

    @property
    def said(self) -> str:
        return self._log.read_text()

    def until(self, text: str) -> None:
        self.wait_for(lambda: text in self.said)

    def wait_for(self, claim: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not claim():
            assert time.monotonic() < deadline, self.said
            assert self._process.poll() is None, self.said
            time.sleep(0.02)

    def terminate(self) -> None:
        self.send(signal.SIGTERM)

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    @property
    def store(self) -> LedgerStore:
        return Project.open(self.specs).store

    def ended(self) -> int:
        return self._process.wait(PATIENCE)

    @property
    def ledger(self) -> dict[str, Any]:
        return dict(json.loads((self.specs / ".wanctl/ledger.json").read_text()))

    @property
    def left_behind(self) -> list[str]:
        state = self.specs / ".wanctl"
        return [path.name for path in (*state.glob("packing/*"), *state.glob("*.lease"))]


def test_the_call_under_way_is_finished_and_written(tmp_path: Path, served: Served) -> None:
    served.sandbox.add_fault("latency", method="POST", path="/api/v1/fine-tunes", seconds=2, when="after")
    run = Run(tmp_path / "project", served)
    run.until("starting the training")
    time.sleep(0.5)  # by then it is sent
    run.terminate()
    assert run.ended() == 128 + signal.SIGTERM, run.said
    assert "Nothing is lost" in run.said
    assert run.ledger["entries"]["FineTune/rain"]["current"]["remote_id"] == served.jobs()[0]["job_id"]
    assert run.ledger["intents"] == []
    assert run.left_behind == []


def test_what_had_not_begun_does_not_begin_any_more(tmp_path: Path, served: Served) -> None:
    """Only the calls under way are finished: the others wait for their turn, and lose it."""
    names = [f"d{number}" for number in range(3 * CALLS_AT_ONCE)]
    for name in names:
        small_dataset(tmp_path / "project" / name, clips=1, note=name)
    datasets = {name: {"kind": "Dataset", "name": name, "source": f"../{name}"} for name in names}
    slow = {"method": "POST", "path": "/compatible-mode/v1/files", "when": "after", "seconds": 2}
    served.sandbox.add_fault("latency", **slow)
    run = Run(tmp_path / "project", served, datasets)
    run.until("uploading")
    time.sleep(0.5)
    run.terminate()
    assert run.ended() == 128 + signal.SIGTERM, run.said
    side_by_side = LIMITS[Family.UPLOADS].starts or 0
    assert side_by_side < CALLS_AT_ONCE, "or nothing waits in its lane, with its intent written"
    assert 1 <= served.posts("/compatible-mode/v1/files") <= side_by_side
    assert len(run.ledger["entries"]) == served.posts("/compatible-mode/v1/files")
    assert run.ledger["intents"] == []


def test_while_it_waits(tmp_path: Path, served: Served) -> None:
    run = Run(tmp_path / "project", served)
    run.until("is about to start")
    run.terminate()
    assert run.ended() == 128 + signal.SIGTERM, run.said
    assert "Nothing is lost" in run.said
    assert run.left_behind == []


def test_twice_gives_up_the_call_and_cleans_up_all_the_same(tmp_path: Path, served: Served) -> None:
    slow = {"method": "POST", "path": "/compatible-mode/v1/files", "when": "after", "seconds": 8}
    served.sandbox.add_fault("latency", **slow)
    run = Run(tmp_path / "project", served)
    run.until("uploading")
    while not run.left_behind[1:]:  # the archive, beside the lease
        time.sleep(0.02)
    time.sleep(0.5)
    run.terminate()
    time.sleep(0.5)
    assert run.left_behind, "the first one lets the upload finish"
    run.terminate()
    assert run.ended() == 128 + signal.SIGTERM, run.said
    assert run.left_behind == []
    assert [intent["verb"] for intent in run.ledger["intents"]] == ["upload"]


# a lease is good for minutes, and a test that stands still for so long would be no good: here it is doubted
# after a blink
DOUBTFUL = """
from datetime import timedelta
from wanctl.ledger import store as leased
leased.FRESH = timedelta(seconds=0.2)
from wanctl.cli import main
main()
"""


def test_a_machine_that_froze_between_two_tries_does_not_make_the_second(
    tmp_path: Path, served: Served
) -> None:
    """Another run took over meanwhile: it would have been a second training, and a bill."""
    served.sandbox.add_fault("throttled", method="POST", path="/api/v1/fine-tunes", nth=1)
    run = Run(tmp_path / "project", served, program=("-c", DOUBTFUL))
    tries = [("POST", "/api/v1/fine-tunes", 429)]
    run.wait_for(lambda: tries[0] in asked_for(served))
    run.send(signal.SIGSTOP)
    dead, now = run.store.held(), datetime.now(UTC)
    assert dead
    run.store.release(dead)
    run.store.acquire(Lease(token="b", holder="bob", since=now, expires=now + LEASE_TTL))
    time.sleep(2)  # the back-off is over by now
    run.send(signal.SIGCONT)
    assert run.ended() == 1
    assert "This run lost its lease" in run.said
    assert "bob took it over" in run.said
    assert [one for one in asked_for(served) if one[1] == "/api/v1/fine-tunes" and one[0] == "POST"] == tries
    assert [intent["verb"] for intent in run.ledger["intents"]] == ["train"]


def asked_for(served: Served) -> list[tuple[str, str, int | None]]:
    return [(line.method, line.path, line.status) for line in served.sandbox.requests()]


def test_at_the_question_it_ends_at_once(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    small_dataset(tmp_path / "data", clips=2)
    write(tmp_path / "specs")
    for number in (signal.SIGTERM, signal.SIGINT):
        terminal = Terminal(tmp_path, "-C", "specs", "apply")
        terminal.expect("[y/N]")
        assert terminal.end_by(number) != 0
        assert not list((tmp_path / "specs/.wanctl").glob("ledger.json*lease"))
