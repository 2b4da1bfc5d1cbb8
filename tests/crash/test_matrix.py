"""A sample of the crash matrix: every call and every disaster at least once; `make crash` has it all."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(sys.platform == "win32", reason="the runs are forked")
@pytest.mark.parametrize("marks", ["kept", "lost"])
@pytest.mark.parametrize("phase", ["create", "replace", "remove"])
def test_a_run_that_is_killed_or_disturbed_anywhere_is_healed_by_the_next(phase: str, marks: str) -> None:
    command = ["-m", "tests.crash.matrix", "--phase", phase, "--marks", marks, "--every", "60"]
    ended = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    *_, total, _ = ended.stdout.splitlines()
    points, healed, asked, wrong = map(int, total.split()[1:])
    assert (ended.returncode, asked, wrong) == (0, 0, 0), ended.stderr
    assert points == healed > 20, ended.stdout
