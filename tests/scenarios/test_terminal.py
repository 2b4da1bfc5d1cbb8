"""What a person at a terminal meets: the question, the live display, Ctrl-C, and going on afterwards."""

import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.scenarios.playing import quiet_surroundings

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0


class Terminal:
    """A command on a pseudo terminal."""

    def __init__(self, folder: Path, *words: str, product: Path | None = None) -> None:
        """With `product`, standard output goes to that file."""
        self._end, theirs = pty.openpty()
        environment = {**quiet_surroundings(), "TERM": "xterm", "PYTHONPATH": str(ROOT), "COLUMNS": "140"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "wanctl", *words],
            cwd=folder,
            stdin=theirs,
            stdout=product.open("wb") if product else theirs,
            stderr=theirs,
            env=environment,
            start_new_session=True,
        )
        os.close(theirs)
        self.seen = ""

    def expect(self, text: str) -> None:
        """Read until the text appears."""
        until = time.monotonic() + PATIENCE
        while text not in self.seen:
            assert time.monotonic() < until, f"no {text!r} in:\n{self.seen}"
            if not self._read():
                assert text in self.seen, f"ended without {text!r}:\n{self.seen}"

    def send(self, text: str) -> None:
        os.write(self._end, text.encode())

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def end_by(self, number: signal.Signals) -> int:
        """Signal until it ends: one that comes just before the terminal is read is seen only after that."""
        until = time.monotonic() + PATIENCE
        while self._process.poll() is None:
            assert time.monotonic() < until, f"{number.name} does not end it:\n{self.seen}"
            self._process.send_signal(number)
            self._read()
        return self.end()

    def end(self) -> int:
        while self._read():
            pass
        return self._process.wait(PATIENCE)

    def _read(self) -> bool:
        if not select.select([self._end], [], [], 1.0)[0]:
            return self._process.poll() is None
        try:
            data = os.read(self._end, 65536)
        except OSError:  # the other end is closed
            return False
        self.seen += data.decode(errors="replace")
        return bool(data)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The base project, on a sandbox whose clock runs by itself."""
    shutil.copytree(ROOT / "tests/scenarios/base", tmp_path, dirs_exist_ok=True)
    shutil.copytree(ROOT / "examples/data", tmp_path / "data")
    (tmp_path / ".git").mkdir()
    settings = tmp_path / "specs/wanctl.yaml"
    text = settings.read_text(encoding="utf-8").replace("speed: instant", "speed: 2000")
    settings.write_text(text, encoding="utf-8")
    return tmp_path


def test_no_means_nothing_is_done(project: Path) -> None:
    terminal = Terminal(project, "apply")
    terminal.expect("[y/N]")
    assert "spend about 113 USD" in terminal.seen
    terminal.send("n\n")
    assert terminal.end() == 1
    assert "nothing was done" in terminal.seen
    assert not (project / "specs/.wanctl/ledger.json").exists()


def test_interrupted_and_taken_up_again(project: Path) -> None:
    terminal = Terminal(project, "apply")
    terminal.expect("[y/N]")
    terminal.send("y\n")
    terminal.expect("account time")
    terminal.interrupt()
    assert terminal.end() == 130
    assert "Nothing is lost" in terminal.seen
    assert not (project / "specs/.wanctl/ledger.json.lease").exists()

    again = Terminal(project, "apply")
    again.expect("[y/N]")
    assert "training (billed)" not in again.seen.rpartition("Apply")[2], "it would train again"
    again.send("y\n")
    again.expect("Done.")
    assert again.end() == 0


@pytest.mark.parametrize(
    ("words", "product"),
    [
        (("plan",), "wanctl plan"),
        (("prune", "--format", "json"), '"orphans": []'),
        (("prune",), "No orphans."),
        (("destroy", "--dry-run", "--format", "json"), '"steps"'),
        (("destroy", "--yes"), "No changes."),
        (("apply", "--yes", "--no-wait"), "wanctl apply"),
        (("apply", "--format", "json", "--approve", "0123456789abcdef" * 2), '"digest"'),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, tuple) else "",
)
def test_a_display_swallows_nothing_that_goes_to_a_file(
    project: Path, tmp_path: Path, words: tuple[str, ...], product: str
) -> None:
    """A person watches standard error; standard output is for whoever reads the file."""
    file = tmp_path / "product"
    terminal = Terminal(project, *words, product=file)
    terminal.end()
    assert product in file.read_text(encoding="utf-8")
    assert product not in terminal.seen
