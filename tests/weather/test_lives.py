"""A few short lives, the same seed twice, and an oracle that can find fault; `make weather` has many more."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.planting import MARK
from tests.weather.account import Account, Served, Training
from tests.weather.commands import Ended
from tests.weather.falls import CALM, Fall, Forecast, dice_of
from tests.weather.judging import Judge
from tests.weather.odd import made_odd, shifted
from tests.weather.person import Person
from tests.weather.project import Edited, project_head

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the commands are forked")


def lived(*options: str) -> tuple[int, list[str]]:
    ended = subprocess.run(
        [sys.executable, "-m", "tests.weather", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not ended.stderr, ended.stderr
    return ended.returncode, ended.stdout.splitlines()


@pytest.mark.weather
@pytest.mark.timeout(1200)  # some sixty commands, on a machine that may be busy
def test_lives_in_bad_weather_end_well() -> None:
    code, lines = lived("--lives", "2", "--seconds", "1000", "--seed", "9014")
    assert code == 0, "\n".join(lines)
    assert lines[-1].startswith("4 lives from seed 9014")
    assert "0 wrong" in lines[-1]


@pytest.mark.weather
@pytest.mark.timeout(1200)
def test_a_seed_lives_the_same_life_again() -> None:
    """Every decision, all that fell, and each exit code; what was said has times of the clock in it."""
    first, second = ([one for one in lived("--only", "9015")[1] if "    | " not in one] for _ in range(2))
    assert len(first) > 20
    assert first == second


# What falls


def test_what_falls_follows_from_the_seed() -> None:
    drawn = [[Forecast(dice_of(seed)).draw() for _ in range(1)] for seed in range(200)]
    assert drawn == [[Forecast(dice_of(seed)).draw() for _ in range(1)] for seed in range(200)]
    falls = [one for (one,) in drawn]
    for field in ("faults", "ending", "write", "odd", "cut", "lag", "shift", "skew", "date"):
        assert any(getattr(one, field) for one in falls), f"{field} is never drawn"
    assert all(one.any and one.lines() for one in falls if one != CALM)
    assert not Fall().any
    json.dumps([one.as_json() for one in falls])


def a_list() -> dict[str, Any]:
    rows = [
        {"job_id": f"ft-{number}", "status": "RUNNING", "create_time": "2026-03-18 09:00:00"}
        for number in (1, 2)
    ]
    return {"request_id": "r", "output": {"jobs": rows, "total": 2}}


def test_answers_are_made_odd_in_every_way() -> None:
    said = {made_odd(body, dice_of(seed)) for seed in range(200) if (body := a_list())}
    assert {"job_id is left out", "status is null", "status is DANCING", "a row comes twice"} <= said
    assert "there are fields that nobody knows" in said
    for seed in range(50):
        body = a_list()
        done = made_odd(body, dice_of(seed))
        assert (done is None) == (body == a_list())


def test_stamps_are_those_of_another_zone() -> None:
    body = a_list()
    shifted(body, 1)
    assert body["output"]["jobs"][0]["create_time"] == "2026-03-18 10:00:00"


# The oracle


TRAINED = Training("ft-1", "inputs", 0, 40, "SUCCEEDED", 100, deleted=False)
SERVED = Served("m-1", "ft-1", 20, "Then it rains.", 1, "RUNNING", "2026-03-18")
GOOD = Account((TRAINED,), (SERVED,), "foreign", {})
QUIET = Ended(("apply",), 0, "Done.")


@pytest.fixture
def edited(tmp_path: Path) -> Iterator[Edited]:
    made = Edited(tmp_path / "project", dice_of(1), project_head("http://127.0.0.1:1", None))
    made.folder.mkdir()
    made.begin(1)
    made.chains[0].documents["Checkpoint"]["checkpoint"] = "checkpoint-20"
    made.write()
    yield made
    shutil.rmtree(made.folder)


def test_nothing_is_wrong_with_what_is_right(edited: Edited) -> None:
    assert Judge(edited, "foreign").after(QUIET, GOOD, calm=True) == []


@pytest.mark.parametrize(
    ("account", "word"),
    [
        (replace(GOOD, trainings=(TRAINED, replace(TRAINED, job_id="ft-2"))), "2 trainings"),
        (
            replace(GOOD, trainings=(TRAINED, replace(TRAINED, job_id="ft-2", status="CANCELED"))),
            "was billed",
        ),
        (replace(GOOD, foreign="touched"), "of others"),
        (replace(GOOD, served=(replace(SERVED, effect="Then it snows."),)), "nobody chose"),
        (replace(GOOD, served=(replace(SERVED, checkpoint=30),)), "nobody chose"),
        (replace(GOOD, served=(replace(SERVED, status=None),)), "protected"),
    ],
)
def test_the_oracle_sees_what_is_wrong_in_the_account(edited: Edited, account: Account, word: str) -> None:
    judge = Judge(edited, "foreign")
    judge.guarded["m-1"] = 0
    assert any(word in one for one in judge.after(QUIET, account, calm=True))


@pytest.mark.parametrize(
    ("ended", "word"),
    [
        (replace(QUIET, code=1, said="Traceback (most recent call last):"), "Traceback"),
        (replace(QUIET, code=1, said="This is a fault of wanctl; --debug shows where."), "fault of wanctl"),
        (replace(QUIET, said=f"key sk-{MARK}"), "a secret"),
        (replace(QUIET, said="https://b/x?Signature=0123456789abcdef"), "a secret"),
        (replace(QUIET, code=7), "exit code 7"),
        (replace(QUIET, code=-9), "exit code -9"),
        (replace(QUIET, code=1, said=""), "without a word"),
    ],
)
def test_the_oracle_sees_what_is_wrong_in_what_is_said(edited: Edited, ended: Ended, word: str) -> None:
    assert any(word in one for one in Judge(edited, "foreign").after(ended, GOOD, calm=True))


def plan_of(**step: Any) -> dict[str, Any]:
    one = {
        "address": "Deployment/rain0",
        "when": "done",
        "remote_id": "m-1",
        "hints": [],
        "after": [],
        "reason": "r",
    }
    return {"status": "converged", "findings": [], "steps": [{**one, **step}]}


def _stray(edited: Edited) -> None:
    (edited.specs / "note.txt").write_text("", encoding="utf-8")


def _left(edited: Edited) -> None:
    state = edited.specs / ".wanctl"
    state.mkdir()
    (state / ".ledger.json.lease.2q4d_24l").write_text("", encoding="utf-8")


@pytest.mark.parametrize(("make", "word"), [(_stray, "the file specs/note.txt"), (_left, "is left behind")])
def test_the_oracle_sees_files_that_should_not_be(
    edited: Edited, make: Callable[[Edited], None], word: str
) -> None:
    judge = Judge(edited, "foreign")
    assert judge.at_rest(plan_of(), GOOD) == []
    make(edited)
    assert any(word in one for one in [*judge.after(QUIET, GOOD, calm=True), *judge.at_rest(plan_of(), GOOD)])


@pytest.mark.parametrize(
    ("plan", "word"),
    [
        (plan_of(remote_id="m-2"), "not there"),
        ({**plan_of(when="blocked"), "status": "blocked"}, "stuck without a way on"),
        ({**plan_of(when="now"), "status": "changes"}, "neither converged nor stuck"),
        ({"status": "error", "steps": [], "findings": [], "said": ""}, "no sentence"),
    ],
)
def test_the_oracle_sees_a_rest_that_is_none(edited: Edited, plan: dict[str, Any], word: str) -> None:
    assert any(word in one for one in Judge(edited, "foreign").at_rest(plan, GOOD))


def test_at_rest_what_serves_is_what_the_specs_say(edited: Edited) -> None:
    other = replace(GOOD, trainings=(replace(TRAINED, epochs=50),))
    assert any("instead of" in one for one in Judge(edited, "foreign").at_rest(plan_of(), other))


@pytest.mark.parametrize(
    ("hints", "words"),
    [
        (
            ["if it is: wanctl adopt FineTune/rain0 ft-1  ·  if not: wanctl adopt FineTune/rain0 --not ft-1"],
            "adopt FineTune/rain0 ft-1",
        ),
        (["to end it:    wanctl prune ft-1 (what it trained so far is billed)"], "prune ft-1 --yes --wait"),
        (["choose: at specs/chain0.yaml:16:1 write checkpoint:"], "choose Deployment/rain0 checkpoint-20"),
    ],
)
def test_a_person_does_what_a_hint_says(edited: Edited, hints: list[str], words: str) -> None:
    (answer,) = Person(edited, dice_of(2)).answers(plan_of(when="blocked", hints=hints, action="train"))
    assert " ".join(answer.words) == words


def test_a_person_raises_an_attempt(edited: Edited) -> None:
    hints = ["correct the cause, write attempt: 2 at specs/chain0.yaml:5:1 (billed again)"]
    (answer,) = Person(edited, dice_of(2)).answers(plan_of(when="blocked", hints=hints, action="deploy"))
    assert not answer.words
    edited.read_again()
    assert edited.chains[0].live
    assert edited.chains[0].live["attempt"] == 2
