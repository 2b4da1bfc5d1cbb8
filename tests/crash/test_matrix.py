"""A sample of the crash matrix: every call and every disaster at least once; `make crash` has it all."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.disasters import AT_CALLS, Kind, Moment, Point
from tests.crash.matrix import exit_code
from tests.crash.playing import ASKED, HEALED, WRONG, Result
from tests.kubernetes.fixtures import kubeconfig as kubeconfig

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


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="the runs are forked")
@pytest.mark.parametrize(("marks", "every", "most"), [("kept", 150, 100), ("lost", 400, 50)])
def test_a_run_that_is_killed_or_disturbed_anywhere_is_healed_by_the_next(
    marks: str, every: int, most: int
) -> None:
    healed, asked = played("--marks", marks, "--every", str(every))
    assert healed > most
    assert all(line.startswith("asked: import ") for line in asked), "only an adoption needs a word"


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="the runs are forked")
@pytest.mark.parametrize("store", ["git", "s3", pytest.param("kube", marks=pytest.mark.kubernetes)])
def test_wherever_the_ledger_is(store: str, request: pytest.FixtureRequest) -> None:
    if store == "kube":
        request.getfixturevalue("kubeconfig")  # which says what is missing; the matrix has its own
    healed, asked = played("--store", store, "--scene", "scale", "--only", "ledger")
    assert healed > 5
    assert not asked


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="the runs are forked")
def test_a_replacement_that_is_killed_over_its_calls_deploys_once_and_asks_nobody() -> None:
    """The new deployment has the name of the old one."""
    killed = ("--only", "killed after the effect", "--every", "1000", "--alone")
    healed, asked = played("--store", "s3", "--scene", "replace", *killed)
    assert healed >= 2
    assert not asked


def test_where_nobody_is_to_be_asked_a_question_is_a_failure() -> None:
    point = Point(Moment(Kind.CALL, 1, "POST /api/v1/deployments"), AT_CALLS[0])
    healed, asked, wrong = (Result("replace", point, verdict) for verdict in (HEALED, ASKED, WRONG))
    assert [exit_code([healed, one], alone=False) for one in (healed, asked, wrong)] == [0, 0, 1]
    assert [exit_code([healed, one], alone=True) for one in (healed, asked, wrong)] == [0, 1, 1]
