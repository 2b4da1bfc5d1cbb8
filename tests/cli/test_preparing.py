"""`dataset prepare` as a person types it: the plan first, then the work, and what it says to do next."""

import json
from pathlib import Path

import pytest

from tests.dataset.filming import Scene, film
from tests.scenarios.playing import run_wanctl

PLANNED = """\
first.mp4  128×52, black bars cut off
      0:00.0–0:02.0    2.0 s  kept     a whole scene
      0:02.0–0:03.0    1.0 s  dropped  1.0 s long; 2 s are the least
notes.mp4
  error: it is no video, by its content

1 clip, 2 s, from 1 file; dropped: 1 too short; 1 file has a fault.
"""


@pytest.fixture
def footage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    film(tmp_path / "footage" / "first.mp4", [Scene(2, 1, bars=10), Scene(1, 2, bars=10)])
    (tmp_path / "footage" / "notes.mp4").write_text("not a video")
    return tmp_path / "footage"


def test_the_plan_is_shown_and_then_carried_out(footage: Path) -> None:
    assert run_wanctl("dataset", "prepare", "footage", "--to", "train", "--dry-run") == (PLANNED, 0)
    assert [one.name for one in footage.parent.iterdir()] == ["footage"]
    said, code = run_wanctl("dataset", "prepare", "footage", "--to", "train", "--trigger", "s86b5p")
    assert code == 0
    assert said.startswith(PLANNED.replace("a whole scene", "a whole scene → first_001.mp4"))
    assert "look through them: train.html" in said
    assert "wanctl dataset annotate NAME --trigger s86b5p" in said
    page = (footage.parent / "train.html").read_text()
    assert 'src="train/first_001.mp4"' in page
    assert 'poster="data:image/jpeg;base64,' in page
    assert "1.0 s long; 2 s are the least" in page


def test_a_program_reads_the_same(footage: Path) -> None:
    said, code = run_wanctl(
        "dataset", "prepare", str(footage), "--to", "train", "--format", "json", "--dry-run"
    )
    assert code == 0
    found = json.loads(said)
    assert (found["dry_run"], found["clips"]) == (True, 1)
    assert found["files"][0]["size"] == [128, 52]
    assert found["files"][0]["stretches"][1] == {
        "in": 2.0,
        "out": 3.0,
        "decision": "dropped",
        "reason": "1.0 s long; 2 s are the least",
        "clip": None,
    }
    assert found["files"][1]["fault"] == "is no video, by its content"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--model", "wan2.6i2v"], "the catalogue has no base model wan2.6i2v; did you mean wan2.6-i2v?"),
        (["--seconds", "12"], "wan2.6-i2v takes clips of 10 s at most; --seconds says 12"),
        (["--model", "wan2.2-i2v-flash", "--seconds", "7"], "takes clips of 5 s at most"),
        (["--seconds", "1"], "clips of 2 s at least and 1 s at most cannot be"),
        (["--max-pixels", "0"], "--max-pixels"),
    ],
)
@pytest.mark.usefixtures("footage")
def test_what_cannot_be_is_said_before_anything_is_read(options: list[str], said: str) -> None:
    printed, code = run_wanctl("dataset", "prepare", "footage", "--to", "train", *options)
    assert code == 1
    assert said in printed


@pytest.mark.usefixtures("footage")
def test_footage_without_a_clip_in_it_is_a_failure() -> None:
    said, code = run_wanctl(
        "dataset", "prepare", "footage", "--to", "train", "--seconds", "9", "--shortest", "8"
    )
    assert code == 1
    assert "0 clips, 0 s, from 0 files; dropped: 2 too short; 1 file has a fault." in said
    assert "annotate" not in said


@pytest.mark.usefixtures("footage")
def test_a_model_of_two_frames_gets_both() -> None:
    assert run_wanctl("dataset", "prepare", "footage", "--to", "two", "--model", "wan2.2-kf2v-flash")[1] == 0
    assert Path("two/first_001_last.jpg").exists()
