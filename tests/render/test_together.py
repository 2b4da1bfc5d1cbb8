"""Several formats at once are each what it is alone; and a failure is in all of them."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scenarios.playing import DATA, quiet_surroundings, run_wanctl
from wanctl.render.json.schema import PlanKeys

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


SURPRISES = {
    "mistakes": ("specs/money-rain.yaml", "capacity: 1", "capcity: 1"),
    "out of reach": ("specs/wanctl.yaml", "provider: sandbox", "provider: model-studio\nregion: singapore"),
}


@pytest.mark.parametrize("surprise", SURPRISES)
@pytest.mark.parametrize(
    "words",
    [("apply", "--yes"), ("destroy", "--dry-run"), ("prune",), ("apply", "no-such-plan.json"), ("drift",)],
)
def test_what_stops_a_command_that_acts_is_json_where_json_was_asked_for(
    stage: Path, surprise: str, words: tuple[str, ...]
) -> None:
    file, before, after = SURPRISES[surprise]
    text = (stage / file).read_text(encoding="utf-8").replace(before, after)
    (stage / file).write_text(re.sub(r"sandbox: .*\n", "", text), encoding="utf-8")
    found = subprocess.run(
        [sys.executable, "-m", "wanctl", *words, "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.loads(found.stdout)
    PlanKeys.model_validate(told)
    assert (found.returncode, told["status"], told["errored"]) == (1, "error", True)
    assert found.stderr


@pytest.mark.usefixtures("stage")
def test_nobody_to_ask_is_json_too() -> None:
    found = subprocess.run(
        [sys.executable, "-m", "wanctl", "apply", "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert "nobody is here to say yes" in json.loads(found.stdout)["findings"][0]["message"]


@pytest.mark.usefixtures("stage")
def test_a_plan_that_differs_is_one_document() -> None:
    found = subprocess.run(
        [sys.executable, "-m", "wanctl", "apply", "--format", "json", "--approve", "0" * 64],
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(found.stdout)["status"] == "changes"


@pytest.mark.usefixtures("stage")
def test_the_way_to_approve_names_the_same_project_again() -> None:
    told, _ = run_wanctl("-C", "specs", "apply", "--approve", "0" * 64)
    assert "wanctl apply -C specs --approve" in told


def test_a_project_that_is_nowhere_has_no_line_in_its_place(
    stage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (stage / "empty").mkdir()
    monkeypatch.chdir(stage / "empty")
    run_wanctl("plan", "--out-json", "plan.json")
    told = json.loads((stage / "empty" / "plan.json").read_text(encoding="utf-8"))
    assert told["findings"][0]["place"] == str(stage / "empty")


@pytest.mark.parametrize("command", ["plan", "apply", "validate", "drift"])
def test_what_hides_is_spelt_out_in_the_json_of_every_command(stage: Path, command: str) -> None:
    specs = stage / "specs" / "money-rain.yaml"
    specs.write_text(specs.read_text(encoding="utf-8") + '"capa\u202ecity": 1\n', encoding="utf-8")
    found = subprocess.run(
        [sys.executable, "-m", "wanctl", command, "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 1
    assert "\u202e" not in found.stdout
    assert "\\u202e" in found.stdout or command == "drift"


def test_a_deletion_that_nobody_can_be_asked_about_says_how_to_go_on(stage: Path) -> None:
    run_wanctl("apply", "--yes", "--wait")
    found = subprocess.run(
        [sys.executable, "-m", "wanctl", "destroy"],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        cwd=stage,
    )
    assert "look at it with --dry-run, then destroy with --yes" in found.stderr


@pytest.mark.usefixtures("stage")
def test_a_blocked_plan_is_not_offered_for_approval() -> None:
    run_wanctl("apply", "--yes", "--wait")
    told, _ = run_wanctl("destroy", "FineTune/money-rain", "--dry-run")
    assert "blocked" in told
    assert "--approve" not in told


@pytest.mark.usefixtures("stage")
@pytest.mark.parametrize("format_", FORMATS)
def test_an_environment_that_is_no_text_is_an_error_in_every_format(format_: str) -> None:
    words: list[str | bytes] = ["plan", "--env", b"\xff", "--format", format_]
    found = subprocess.run([sys.executable, "-m", "wanctl", *words], capture_output=True, check=False)
    assert found.returncode == 1
    assert b"there is no environment" in found.stderr
    assert b"Error:" not in found.stderr  # the name of an exception


@pytest.mark.usefixtures("stage")
def test_the_settings_file_names_its_project() -> None:
    told, code = run_wanctl("-C", "specs/wanctl.yaml", "plan", "--digest")
    assert (told, code) == run_wanctl("-C", "specs", "plan", "--digest")
    assert code == 0
