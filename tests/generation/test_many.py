"""Many requests at once: read from images and tables, checked together, few at a time, each paid once."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.generation.conftest import MODEL, VideoStage
from wanctl.generation.batch import BatchError, rows_of
from wanctl.generation.request import RequestError

WORDS = ("--model", MODEL, "--prompt", "it rains", "--duration", "2")


@pytest.fixture
def images(stage: VideoStage) -> Path:
    folder = stage.folder / "images"
    folder.mkdir()
    for number, colour in enumerate(("red", "green", "blue")):
        Image.new("RGB", (640, 360), colour).save(folder / f"{number}.png")
    (folder / "notes.txt").write_text("no image", encoding="utf-8")
    return folder


def read(*sources: str, **common: Any) -> list[dict[str, Any]]:
    rows = rows_of(sources, common, lambda: '{"prompt": "from input"}\n')
    return [
        {name: getattr(row.request, name) for name in row.request.given if name != "model"} for row in rows
    ]


@pytest.mark.usefixtures("images")
def test_images_come_from_files_folders_and_patterns() -> None:
    three = [{"image": Path(f"images/{number}.png")} for number in range(3)]
    assert (
        read("images")
        == read("images/*.png")
        == read("images/0.png", "images/1.png", "images/2.png")
        == three
    )
    assert read("images/0.png", prompt="p") == [{"prompt": "p", **three[0]}]


def test_a_table_has_a_request_in_each_row(stage: VideoStage) -> None:
    table = (
        "image,prompt,duration,seed,prompt_extend,references\na.png,It rains.,4,7,no,\n,,,,,a.png; b.png\n"
    )
    (stage.folder / "requests.csv").write_text(table, encoding="utf-8")
    first, second = read("requests.csv", prompt="common", resolution="720P")
    assert first == {
        "prompt": "It rains.",
        "image": "a.png",
        "duration": 4,
        "resolution": "720P",
        "seed": 7,
        "prompt_extend": False,
    }
    assert second == {"prompt": "common", "references": ("a.png", "b.png"), "resolution": "720P"}


def test_a_list_has_a_request_in_each_line(stage: VideoStage) -> None:
    lines = '{"prompt": "one", "model": "wan2.6-t2v"}\n\n{"prompt": "two"}\n'
    (stage.folder / "requests.jsonl").write_text(lines, encoding="utf-8")
    assert [one["prompt"] for one in read("requests.jsonl", "-")] == ["one", "two", "from input"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.jsonl", "{", "a.jsonl:1 is not JSON"),
        ("a.jsonl", "[]", "a.jsonl:1 is no JSON object"),
        ("a.jsonl", "", "no image and no request"),
        ("a.csv", "prompt\n", "no image and no request"),
        ("a.csv", "promt\nx\n", "did you mean prompt?"),
        ("a.csv", "duration\nlong\n", "duration:"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(
    stage: VideoStage, name: str, text: str, words: str
) -> None:
    (stage.folder / name).write_text(text, encoding="utf-8")
    with pytest.raises((RequestError, BatchError)) as told:
        read(name)
    assert words in str(told.value)


def test_many_are_made_and_kept_with_a_list_and_a_page(stage: VideoStage, images: Path) -> None:
    shell = [f"images/{number}.png" for number in range(3)]  # as a shell writes images/*.png out
    printed, code = stage.generate(*WORDS, "--each", *shell)
    assert code == 0, printed
    assert "3 videos, 6 s, 5 at a time; cost unknown" in printed
    assert len(stage.tasks()) == 3
    lines = (stage.videos / "results.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["source"] for line in lines] == shell
    assert not any("Signature" in line for line in lines)
    page = (stage.videos / "index.html").read_text(encoding="utf-8")
    assert page.count("<video") == 3
    assert all(f'src="{path.name}"' in page for path in stage.videos.glob("*.mp4"))
    again, code = stage.generate(*WORDS, "--each", "images", "--format", "json")
    found = [json.loads(line) for line in again.splitlines() if line.startswith("{")]
    assert (code, [one["cached"] for one in found], len(stage.tasks())) == (0, [True] * 3, 3)
    assert (images / "notes.txt").exists()


@pytest.mark.usefixtures("images")
def test_all_are_checked_before_the_first_is_paid(stage: VideoStage) -> None:
    (stage.folder / "images" / "2.png").write_bytes(b"no image")
    rows = ["images/0.png", "images/nowhere.png", "images/2.png"]
    printed, code = stage.generate(*WORDS, "--seed", "-1", "--each", *rows)
    assert code == 1
    assert "1. images/0.png: error: a seed is 0 to" in printed
    assert "2. images/nowhere.png: error: image: images/nowhere.png is not there" in printed
    assert "3. images/2.png: error: image: images/2.png is not an image" in printed
    assert "Nothing was sent." in printed
    assert stage.tasks() == []


@pytest.mark.usefixtures("images")
def test_one_that_fails_holds_up_no_other(stage: VideoStage) -> None:
    stage.rig(next_task="FAILED")
    printed, code = stage.generate(*WORDS, "--each", "images", "--at-once", "1")
    assert (code, printed.count("failed: task"), printed.count(" made: ")) == (1, 1, 2), printed
    assert "1 request failed" in (stage.videos / "index.html").read_text(encoding="utf-8")
    printed, code = stage.generate(*WORDS, "--each", "images")
    assert (code, len(stage.tasks())) == (0, 4), printed  # the one that failed, once more


@pytest.mark.usefixtures("images")
def test_no_more_at_once_than_was_said(stage: VideoStage) -> None:
    printed, _ = stage.generate(*WORDS, "--each", "images", "--at-once", "1")
    news = [line for line in printed.splitlines() if ". images/" in line]
    order = [line.split(". images/")[1][0] for line in news]
    assert order == sorted(order), printed
    limited, _ = stage.generate(
        "--model", "wan2.2-kf2v-flash", "--each", "images", "--last-image", "end.png", "--dry-run"
    )
    assert "2 at a time" in limited


@pytest.mark.usefixtures("images")
def test_the_same_twice_in_a_batch_is_paid_once(stage: VideoStage) -> None:
    printed, code = stage.generate(*WORDS, "--each", "images/0.png", "--each", "images/0.png")
    assert (code, len(stage.tasks())) == (0, 1), printed


@pytest.mark.usefixtures("images")
def test_a_dry_run_of_many_calls_nothing(stage: VideoStage) -> None:
    printed, code = stage.generate(*WORDS, "--each", "images", "--dry-run")
    assert (code, printed.count("POST /api/v1/services")) == (0, 3)
    assert not stage.videos.exists()


@pytest.mark.parametrize("more", [("--request", "x"), ("--task", "x"), ("--extend", "1")])
def test_what_is_of_one_request_is_refused_for_many(stage: VideoStage, more: tuple[str, ...]) -> None:
    printed, code = stage.generate(*WORDS, "--each", "images", *more)
    assert (code, "is of one request" in printed) == (1, True)


def test_a_word_that_is_no_deployment_is_told(stage: VideoStage) -> None:
    printed, code = stage.generate(*WORDS, "face.png")
    assert (code, "face.png: name one Deployment/NAME" in printed) == (1, True)
