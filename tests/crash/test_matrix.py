"""A sample of the crash matrix: every call and every disaster at least once; `make crash` has it all."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.places import PLACES

ROOT = Path(__file__).parents[2]


def played(*options: str) -> tuple[int, list[str]]:
    """How many points healed alone, and at which a person was asked."""
    command = [sys.executable, "-m", "tests.crash.matrix", *options]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr + ended.stdout
    *_, total, _ = ended.stdout.splitlines()
    points, healed, asked, wrong = map(int, total.split()[1:])
    assert (points, wrong) == (healed + asked, 0), ended.stdout
    return healed, [line for line in ended.stderr.splitlines() if line.startswith("asked: ")]


@pytest.mark.skipif(sys.platform == "win32", reason="the runs are forked")
@pytest.mark.parametrize(("marks", "every", "most"), [("kept", 150, 100), ("lost", 400, 50)])
def test_a_run_that_is_killed_or_disturbed_anywhere_is_healed_by_the_next(
    marks: str, every: int, most: int
) -> None:
    healed, asked = played("--marks", marks, "--every", str(every))
    assert healed > most
    assert all(line.startswith("asked: import ") for line in asked), "only an adoption needs a word"


@pytest.mark.skipif(sys.platform == "win32", reason="the runs are forked")
@pytest.mark.parametrize("store", [place for place in PLACES if place != "file"])
def test_wherever_the_ledger_is(store: str) -> None:
    healed, asked = played("--store", store, "--scene", "scale", "--only", "ledger")
    assert healed > 5
    assert not asked
