"""`wanctl review` against the sandbox: a gallery that is complete, resumed, and knows what serves now."""

import re
from pathlib import Path

import pytest

from tests.harness import Harness, checkpoint, dataset, deployment, finetune
from tests.scenarios.playing import run_wanctl
from wanctl.base.files import file_name


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    harness = Harness.begun(tmp_path)
    harness.serve(deployment(), snapshot="checkpoint-20")
    harness.apply()
    return harness


def everything(folder: Path) -> str:
    return " ".join(one.read_bytes().decode("latin-1") for one in folder.rglob("*") if one.is_file())


def test_the_gallery_has_all_checkpoints_and_is_made_again_from_what_is_here(harness: Harness) -> None:
    printed, code = run_wanctl("review", "-C", str(harness.specs), "FineTune/rain")
    assert code == 0, printed
    page = Path(printed.splitlines()[-1])
    assert page.parent.parent == harness.specs / ".wanctl" / "reviews"
    text = page.read_text(encoding="utf-8")
    labels = re.findall(r"<h3>(checkpoint-\d+)", text)
    assert labels == ["checkpoint-10", "checkpoint-20", "checkpoint-30", "checkpoint-40"]
    assert re.findall(r'<h3>(checkpoint-\d+) <span class="badge">serves now', text) == ["checkpoint-20"]
    assert "wanctl choose Checkpoint/best checkpoint-30" in text
    assert "kept until 20" in text
    assert not re.search(r"Signature|Expires=|_oss", everything(harness.specs / ".wanctl" / "reviews"))
    fetched = harness.calls("GET", "/_oss/")
    assert fetched > 4
    again, code = run_wanctl("review", "-C", str(harness.specs), "rain", "--to", str(harness.specs / "out"))
    assert code == 0, again
    assert harness.calls("GET", "/_oss/") == fetched
    assert (harness.specs / "out" / "index.html").read_text(encoding="utf-8") == text
    beside = {one.name for one in (harness.specs / "out" / "media").iterdir()}
    assert set(re.findall(r'"media/([^"]+)"', text)) == beside


def test_the_step_stands_there_where_the_service_tells_it(harness: Harness) -> None:
    harness.rig(quirks={"newer_answers": True})
    printed, code = run_wanctl("review", "-C", str(harness.specs), "rain", "--checkpoint", "checkpoint-20")
    assert code == 0, printed
    text = Path(printed.splitlines()[-1]).read_text(encoding="utf-8")
    assert re.search(r">step 20<.*>made 2026-03-18 .*>kept until 2026-04-02 ", text, re.DOTALL)


def test_what_serves_from_the_training_before_stands_beside_the_candidates(harness: Harness) -> None:
    old = harness.jobs()[0]["job_id"]
    parameters = {"n_epochs": 20, "eval_epochs": 10}
    harness.write(
        dataset(),
        {**finetune(), "hyper_parameters": parameters},
        {key: value for key, value in checkpoint().items() if key != "checkpoint"},
        deployment(),
    )
    harness.apply()
    printed, code = run_wanctl("review", "-C", str(harness.specs), "FineTune/rain")
    assert code == 0, printed
    text = Path(printed.splitlines()[-1]).read_text(encoding="utf-8")
    assert re.findall(r"<h3>(checkpoint-\d+)", text) == ["checkpoint-20", "checkpoint-10", "checkpoint-20"]
    assert f"of {old}" in text
    assert len(re.findall(r"serves now", text)) > 1
    assert text.count("not shown by this checkpoint") == 0, "the inputs are the same"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("rain", "--checkpoint", "checkpoint-7"), "has no previews of checkpoint-7; it has checkpoint-10"),
        (("Deployment/rain",), "previews are made by a training"),
        (("FineTune/snow",), "the specs hold no FineTune/snow"),
    ],
)
def test_what_cannot_be_reviewed_is_said(harness: Harness, words: tuple[str, ...], said: str) -> None:
    printed, code = run_wanctl("review", "-C", str(harness.specs), *words)
    assert (code, said in printed) == (1, True), printed


def test_without_a_job_there_is_nothing_to_review(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    harness.serve()
    printed, code = run_wanctl("review", "-C", str(harness.specs), "rain")
    assert (code, "has no job yet" in printed) == (1, True)


def test_only_the_named_checkpoints_are_fetched(harness: Harness) -> None:
    words = ("--checkpoint", "checkpoint-10", "--checkpoint", "checkpoint-40")
    printed, code = run_wanctl("review", "-C", str(harness.specs), "rain", *words)
    assert code == 0
    assert "checkpoint-20  " not in printed
    name = file_name(harness.jobs()[0]["job_id"])
    assert str(harness.specs / ".wanctl" / "reviews" / name / "index.html") in printed
