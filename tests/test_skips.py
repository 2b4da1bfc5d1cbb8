"""A test that is skipped for want of a tool is said at the end; where every tool has to be, it is red."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ONE_SKIPPED = """
import pytest

def test_with_a_tool():
    pytest.skip("needs a loom: apt install loom")

def test_without():
    pass
"""


@pytest.fixture(params=[(), ("-n", "1")], ids=["alone", "parallel"])
def ran(request: pytest.FixtureRequest, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text("utf-8"), "utf-8")
    (tmp_path / "test_loom.py").write_text(ONE_SKIPPED, "utf-8")
    strict = {"WANCTL_TEST_STRICT": "1"} if "strict" in request.node.name else {}
    kept = {key: value for key, value in os.environ.items() if key != "WANCTL_TEST_STRICT"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *request.param, str(tmp_path)]
    return subprocess.run(
        command, cwd=tmp_path, env={**kept, **strict}, capture_output=True, text=True, check=False
    )


def test_it_is_said_how_to_get_the_rest(ran: subprocess.CompletedProcess[str]) -> None:
    assert ran.returncode == 0, ran.stdout
    assert "1 test was not run: needs a loom: apt install loom" in ran.stdout


def test_strict_runs_are_red(ran: subprocess.CompletedProcess[str]) -> None:
    assert ran.returncode == 1, ran.stdout
    assert "1 test was not run: needs a loom: apt install loom" in ran.stdout
