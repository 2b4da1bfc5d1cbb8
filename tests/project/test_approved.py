"""A saved plan that is not what was saved: whatever was done to the file, apply says so and does nothing."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.playing import DATA, quiet_surroundings, run_wanctl

BASE = Path(__file__).parents[1] / "scenarios" / "base"
Edit = Callable[[dict[str, Any]], object]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a saved plan."""
    shutil.copytree(BASE, tmp_path, dirs_exist_ok=True)
    shutil.copytree(DATA, tmp_path / "data")
    (tmp_path / ".git").mkdir()
    for key, value in quiet_surroundings().items():
        monkeypatch.setenv(key, value)
    monkeypatch.chdir(tmp_path)
    _, code = run_wanctl("plan", "--out", "plan.json")
    assert code == 0
    return tmp_path


def applied_after(stage: Path, edit: Edit) -> tuple[str, int]:
    saved = json.loads((stage / "plan.json").read_text(encoding="utf-8"))
    edit(saved)
    (stage / "plan.json").write_text(json.dumps(saved), encoding="utf-8")
    return run_wanctl("apply", "plan.json")


def nothing_was_done(stage: Path) -> bool:
    return not (stage / "specs" / ".wanctl" / "ledger.json").exists()


@pytest.mark.parametrize(
    "edit",
    [
        lambda saved: saved.pop("steps"),
        lambda saved: saved.update(steps=None),
        lambda saved: saved.update(steps={}),
        lambda saved: saved.update(steps=["Dataset/train"]),
        lambda saved: saved["steps"][0].pop("changes"),
        lambda saved: saved["steps"][0].update(changes=[{}]),
        lambda saved: saved["steps"][0].update(action="explode"),
    ],
)
def test_steps_that_cannot_be_read_are_said_to_be_so(stage: Path, edit: Edit) -> None:
    told, code = applied_after(stage, edit)
    assert code == 1
    assert "its steps cannot be read" in told
    assert "fault" not in told
    assert nothing_was_done(stage)


def test_brackets_without_end_are_no_plan(stage: Path) -> None:
    (stage / "plan.json").write_text("[" * 200_000, encoding="utf-8")
    told, code = run_wanctl("apply", "plan.json")
    assert code == 1
    assert "is not a plan that wanctl plan --out wrote" in told


@pytest.mark.parametrize(
    ("edit", "word"),
    [
        (lambda saved: saved["steps"][1].update(action="nothing"), "action: approved"),
        (lambda saved: saved["steps"].pop(), "was not in the approved plan"),
        (lambda saved: saved["steps"][0]["changes"][0].update(after="x"), "approved"),
        (lambda saved: saved.update(environment="prod"), "environment: approved for"),
    ],
)
def test_a_file_that_shows_another_plan_than_its_digest_is_refused(
    stage: Path, edit: Edit, word: str
) -> None:
    told, code = applied_after(stage, edit)
    assert code == 1
    assert "the saved file was changed by hand" in told
    assert word in told
    assert nothing_was_done(stage)


def test_wording_prices_and_new_keys_are_not_compared(stage: Path) -> None:
    def reworded(saved: dict[str, Any]) -> None:
        saved["steps"][1].update(reason="other words", cost=None, progress=None, hints=["x"], colour="red")
        saved.update(findings=[], weather="fine")

    _, code = applied_after(stage, reworded)
    assert code == 0
