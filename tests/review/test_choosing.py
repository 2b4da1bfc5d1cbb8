"""`wanctl choose`: one line of the specs, and nothing else; refused where there is nothing to look at."""

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.harness import ChangedAnswers, Harness, checkpoint, dataset, deployment, finetune
from tests.scenarios.playing import run_wanctl

DOCUMENT = """# The choice: look first.
kind:   Checkpoint       # a person's
name: best
finetune: 'rain'         # its training
# checkpoint: checkpoint-99
attempt: 1

---
# The end, in another style.
{kind: Checkpoint, name: other, finetune: rain}
"""


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    harness = Harness.begun(tmp_path)
    harness.write(dataset(), finetune())
    (harness.specs / "choice.yaml").write_text(DOCUMENT, encoding="utf-8")
    harness.apply()
    return harness


def choose(harness: Harness, *words: str) -> tuple[str, int]:
    return run_wanctl("choose", "-C", str(harness.specs), *words)


def text(harness: Harness) -> str:
    return (harness.specs / "choice.yaml").read_text(encoding="utf-8")


def training(harness: Harness) -> str:
    """The digits of the training, as the plan shows them beside a document that waits for its choice."""
    waiting, _ = run_wanctl("plan", "-C", str(harness.specs))
    found = re.search(r"with of: ([0-9a-f]{8})\b", waiting)
    assert found, waiting
    return found[1]


def lines_added(harness: Harness) -> list[str]:
    """The lines that are new; every other line stands where it stood."""
    after = text(harness).splitlines()
    added = [line for line in after if line not in DOCUMENT.splitlines()]
    assert [line for line in after if line not in added] == DOCUMENT.splitlines()
    return added


def test_the_choice_is_one_line_and_the_plan_follows_it(harness: Harness) -> None:
    printed, code = choose(harness, "Checkpoint/best", "checkpoint-20")
    assert code == 0, printed
    assert lines_added(harness) == ["checkpoint: checkpoint-20", f"of: {training(harness)}"]
    assert f"+checkpoint: checkpoint-20\n+of: {training(harness)}\n" in printed
    assert "-" not in {line[:1] for line in printed.splitlines() if not line.startswith("---")}
    planned, _ = run_wanctl("plan", "-C", str(harness.specs))
    assert "+ export  checkpoint-20" in planned
    assert "waits for a person: checkpoint-20" not in planned
    again, code = choose(harness, "best", "checkpoint-20")
    assert (code, "chosen already" in again) == (0, True)


def test_a_document_in_another_style_keeps_it(harness: Harness) -> None:
    _, code = choose(harness, "other", "checkpoint-40")
    assert code == 0
    before, _, line = text(harness).removesuffix("}\n").rpartition("\n")
    assert before + "\n" == DOCUMENT.rpartition("{")[0]
    assert line.startswith("{kind: Checkpoint, name: other, finetune: rain, checkpoint: checkpoint-40")
    assert line.endswith(f", of: {training(harness)}")


def test_what_the_choice_was_made_for_before_is_replaced(harness: Harness) -> None:
    stale = DOCUMENT.replace("attempt: 1\n", "of: '0123abcd'   # its training\ncheckpoint: checkpoint-10\n")
    (harness.specs / "choice.yaml").write_text(stale, encoding="utf-8")
    waiting, _ = run_wanctl("plan", "-C", str(harness.specs))
    assert "checkpoint-10 is the choice of another training, 0123abcd" in waiting
    printed, code = choose(harness, "best", "checkpoint-10")
    assert code == 0, printed
    assert text(harness) == stale.replace("'0123abcd'", training(harness))
    planned, _ = run_wanctl("plan", "-C", str(harness.specs))
    assert "+ export  checkpoint-10" in planned


def test_a_choice_that_cannot_name_its_training_is_not_written(harness: Harness) -> None:
    shutil.rmtree(harness.specs.parent / "data")
    (harness.specs / ".wanctl" / "ledger.json").unlink()
    printed, code = choose(harness, "best", "checkpoint-20")
    assert (code, text(harness)) == (1, DOCUMENT), printed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("best", "checkpoint-99"), "has no previews of checkpoint-99"),
        (("best", "../../x"), "has no previews of ../../x"),
        (("best", "checkpoint_20"), "did you mean checkpoint-20"),
        (("worst", "checkpoint-20"), "the specs hold no Checkpoint called worst"),
        (("FineTune/rain", "checkpoint-20"), "a checkpoint is chosen in a Checkpoint"),
        (("best",), "nobody is here to choose"),
    ],
)
def test_what_cannot_be_chosen_is_said_and_nothing_is_written(
    harness: Harness, words: tuple[str, ...], said: str
) -> None:
    printed, code = choose(harness, *words)
    assert (code, said in printed) == (1, True), printed
    assert text(harness) == DOCUMENT


def test_without_a_name_there_is_a_list_and_a_question(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Person:
        def isatty(self) -> bool:
            return True

        def readline(self, *_: Any) -> str:
            return "30\n"

    monkeypatch.setattr(sys, "stdin", Person())
    monkeypatch.setattr("builtins.input", lambda *_: "30")
    printed, code = choose(harness, "best")
    assert code == 0, printed
    assert "  checkpoint-10\n  checkpoint-20\n  checkpoint-30\n  checkpoint-40\n" in printed
    assert "checkpoint: checkpoint-30" in text(harness)


def test_one_that_failed_validation_is_refused(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_videos(path: str, body: Any) -> None:
        if path.endswith("/validation-details/checkpoint-20"):
            for row in body["output"]["list"]:
                row["video_path"] = None

    monkeypatch.setattr(ChangedAnswers, "change", staticmethod(without_videos))
    monkeypatch.setattr("httpx.ASGITransport", ChangedAnswers)
    printed, code = choose(harness, "best", "checkpoint-20")
    assert (code, "failed validation" in printed) == (1, True), printed
    assert text(harness) == DOCUMENT


def test_what_was_looked_at_is_the_evidence(harness: Harness, tmp_path: Path) -> None:
    page = run_wanctl("review", "-C", str(harness.specs), "rain")[0].splitlines()[-1]
    digest = Path(page).read_text(encoding="utf-8").partition('data-digest="')[2][:64]
    exported = {
        "review": f"sha256:{digest}",
        "stars": [],
        "notes": {"checkpoint-20": "Even rain.\n${trigger} kept", "checkpoint-10": "smears"},
    }
    notes = tmp_path / "notes.json"
    notes.write_text(json.dumps(exported), encoding="utf-8")
    printed, code = choose(harness, "best", "checkpoint-20", "--reviewed", "--notes", str(notes))
    assert code == 0, printed
    found = next(yaml.safe_load_all(text(harness)))
    assert found["evidence"] == {"gallery": f"sha256:{digest}", "notes": "Even rain. $${trigger} kept"}
    said = f"checkpoint-20, reviewed (sha256:{digest[:8]}…): “Even rain. ${{trigger}} kept”"
    for format_ in ("text", "markdown", "html", "json"):
        planned, _ = run_wanctl("plan", "-C", str(harness.specs), "--format", format_)
        assert said in planned.replace("`", "").replace("\\", ""), format_
    assert text(harness).count("# checkpoint: checkpoint-99") == 1


@pytest.mark.parametrize("content", ["{}", "[]", "no json", '{"review": "sha256:00", "notes": {}}'])
def test_notes_of_something_else_are_refused(harness: Harness, tmp_path: Path, content: str) -> None:
    notes = tmp_path / "notes.json"
    notes.write_text(content, encoding="utf-8")
    printed, code = choose(harness, "best", "checkpoint-20", "--notes", str(notes))
    assert code == 1, printed
    assert text(harness) == DOCUMENT


def test_a_choice_that_would_change_more_is_put_back(harness: Harness) -> None:
    anchored = (
        "kind: Checkpoint\nname: best\nfinetune: rain\ncheckpoint: checkpoint-10\n---\n"
        "x-of: &one\n  finetune: rain\nkind: Checkpoint\nname: more\n"
    )
    (harness.specs / "choice.yaml").write_text(anchored, encoding="utf-8")
    printed, code = choose(harness, "best", "checkpoint-20")
    assert code == 1, printed
    assert text(harness) == anchored


def test_without_a_training_there_is_nothing_to_choose(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    harness.write(dataset(), finetune(), checkpoint(), deployment())
    printed, code = choose(harness, "best", "checkpoint-20")
    assert (code, "has no job yet" in printed) == (1, True), printed
