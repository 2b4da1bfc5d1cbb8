"""Several formats at once are each what it is alone; and a failure is in all of them."""

import shutil
from pathlib import Path

import pytest

from tests.scenarios.playing import DATA, quiet_surroundings, run_wanctl

BASE = Path(__file__).parents[1] / "scenarios" / "base"
FORMATS = ("text", "markdown", "json", "html")


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(BASE, tmp_path, dirs_exist_ok=True)
    shutil.copytree(DATA, tmp_path / "data")
    (tmp_path / ".git").mkdir()
    for key, value in quiet_surroundings().items():
        monkeypatch.setenv(key, value)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def at_once(stage: Path, *more: str) -> tuple[dict[str, str], int]:
    words = [word for one in FORMATS for word in (f"--out-{one}", f"plan.{one}")]
    _, code = run_wanctl("plan", "--out", "saved.json", *words, *more)
    files = {one: (stage / f"plan.{one}").read_text(encoding="utf-8") for one in FORMATS}
    return files, code


def test_each_file_is_what_its_format_prints(stage: Path) -> None:
    files, code = at_once(stage)
    assert code == 0
    for one in FORMATS:
        printed, _ = run_wanctl("plan", "--format", one, "--out", "saved.json")
        assert printed == files[one], one
    assert (stage / "saved.json").read_text(encoding="utf-8") == files["json"]


def test_mistakes_are_in_every_file_and_no_plan_is_saved(stage: Path) -> None:
    spec = stage / "specs" / "money-rain.yaml"
    spec.write_text(spec.read_text(encoding="utf-8").replace("n_epochs", "n_epoch"), encoding="utf-8")
    files, code = at_once(stage)
    assert code == 1
    assert not (stage / "saved.json").exists()
    assert '"errored": true' in files["json"]
    for one in FORMATS:
        assert "n_epoch" in files[one], one
        assert "money-rain" in files[one], one


def test_a_fault_of_our_own_is_told_by_its_name_only(stage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise LookupError("something private")

    monkeypatch.setattr("wanctl.project.Project.plan", broken)
    files, code = at_once(stage)
    assert code == 1
    for one in FORMATS:
        assert "LookupError" in files[one]
        assert "something private" not in files[one]


def test_options_of_the_project_stand_in_the_command_to_apply(stage: Path) -> None:
    printed, _ = run_wanctl("-C", "specs", "plan", "--format", "markdown", "--out", "a plan.json")
    assert "wanctl apply 'a plan.json' -C specs\n" in printed
    assert (stage / "a plan.json").exists()
