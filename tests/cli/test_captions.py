"""`dataset captions` as a person types it: shown first, written with yes, taken back."""

import json
from pathlib import Path

import pytest

from tests.harness import Harness, dataset
from tests.scenarios.playing import run_wanctl


@pytest.fixture
def specs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    harness = Harness.begun(tmp_path)
    harness.write(dataset())
    monkeypatch.chdir(harness.specs)
    return harness.specs


def prompts(specs: Path) -> list[str]:
    lines = (specs.parent / "data" / "data.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["prompt"] for line in lines]


SHOWN = """\
~ line 1
    - The video begins with scene 0. Then the s86b5p effect begins.
    + The video begins with scene 0. Then the s86b5p rain begins.
~ line 2
    - The video begins with scene 1. Then the s86b5p effect begins.
    + The video begins with scene 1. Then the s86b5p rain begins.
"""


def test_every_change_is_shown_and_nothing_is_written_without_a_yes(specs: Path) -> None:
    (specs / "effect.txt").write_text("Then the s86b5p rain begins.\n", encoding="utf-8")
    before = prompts(specs)
    said, code = run_wanctl("dataset", "captions", "train", "--set-effect", "effect.txt")
    assert (said, code) == (SHOWN + "error: nobody is here to say yes; add --yes\n", 1)
    assert prompts(specs) == before
    said, code = run_wanctl("dataset", "captions", "train", "--set-effect", "effect.txt", "--yes")
    assert code == 0
    assert said.endswith("2 captions changed. To take it back: wanctl dataset captions train --undo\n")
    assert prompts(specs) == [
        "The video begins with scene 0. Then the s86b5p rain begins.",
        "The video begins with scene 1. Then the s86b5p rain begins.",
    ]
    assert run_wanctl("dataset", "captions", "train", "--set-effect", "effect.txt", "--yes") == (
        "Dataset/train: every caption is so already.\n",
        0,
    )
    assert run_wanctl("dataset", "captions", "train", "--undo", "--yes")[1] == 0
    assert prompts(specs) == before


def test_a_word_in_front_and_one_text_for_another(specs: Path) -> None:
    assert run_wanctl("dataset", "captions", "train", "--prefix", "m01aa", "--yes")[1] == 0
    assert run_wanctl("dataset", "captions", "train", "--replace", "scene", "a view", "--yes")[1] == 0
    assert (
        prompts(specs)[0].strip() == "m01aa, The video begins with a view 0. Then the s86b5p effect begins."
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "say one change; --set-effect FILE, --prefix WORD, --replace A B or --undo"),
        (["--undo", "--prefix", "x"], "say one change"),
        (["--undo"], "no change is kept that could be taken back"),
        (["--set-effect", "nothing.txt"], "nothing.txt: No such file or directory"),
        (["--replace", "", "x"], "there is no text to be replaced"),
    ],
)
def test_what_cannot_be_done_is_said(specs: Path, options: list[str], said: str) -> None:
    before = prompts(specs)
    printed, code = run_wanctl("dataset", "captions", "train", *options, "--yes")
    assert code == 1
    assert said in printed
    assert prompts(specs) == before


def test_a_dataset_without_captions_is_led_to_annotate(specs: Path) -> None:
    (specs.parent / "data" / "data.jsonl").unlink()
    printed, code = run_wanctl("dataset", "captions", "train", "--prefix", "x", "--yes")
    assert code == 1
    assert "has no data.jsonl; begin one: wanctl dataset annotate train" in printed
