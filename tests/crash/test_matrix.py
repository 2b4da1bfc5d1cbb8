"""A sample of the crash matrix: every call and every disaster at least once; `make crash` has it all."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.places import PLACES

ROOT = Path(__file__).parents[2]
BUILDING = ("create", "replace", "blue-green", "scale", "rename", "withdraw")
ENDING = ("remove", "absent-chain", "absent-data", "lift", "lifted", "destroy", "cancel", "prune")


def played(*options: str) -> tuple[int, int, int]:
    """Points that healed alone, at which a person was asked, and which went wrong."""
    command = [sys.executable, "-m", "tests.crash.matrix", *options]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr + ended.stdout
    *_, total, _ = ended.stdout.splitlines()
    points, healed, asked, wrong = map(int, total.split()[1:])
    assert points == healed + asked + wrong
    assert (asked, wrong) == (0, 0), ended.stderr
    return healed, asked, wrong


@pytest.mark.skipif(sys.platform == "win32", reason="the runs are forked")
@pytest.mark.parametrize("marks", ["kept", "lost"])
@pytest.mark.parametrize("scenes", [BUILDING, ENDING], ids=["building", "ending"])
def test_a_run_that_is_killed_or_disturbed_anywhere_is_healed_by_the_next(
    scenes: tuple[str, ...], marks: str
) -> None:
    named = [word for scene in scenes for word in ("--scene", scene)]
    healed, *_ = played(*named, "--marks", marks, "--every", "150")
    assert healed > 100


@pytest.mark.skipif(sys.platform == "win32", reason="the runs are forked")
@pytest.mark.parametrize("store", [place for place in PLACES if place != "file"])
def test_wherever_the_ledger_is(store: str) -> None:
    healed, *_ = played("--store", store, "--scene", "scale", "--only", "paper", "--every", "2")
    assert healed > 5
