"""`dataset annotate` on a folder of clips alone: data.jsonl is begun, and a draft is paid once."""

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.dataset.filming import Scene, film, landscape
from tests.harness import Harness, dataset, finetune
from tests.scenarios.playing import run_wanctl
from wanctl.dataset.beginning import beginning_of
from wanctl.dataset.contents import DatasetError
from wanctl.dataset.reading import read_dataset
from wanctl.sandbox import Sandbox


@pytest.fixture
def specs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose dataset is three clips, of which one has its first frame."""
    harness = Harness.begun(tmp_path)
    harness.write(dataset(), finetune())
    data = tmp_path / "data"
    for path in data.iterdir():
        path.unlink()
    for look in (1, 2, 3):
        film(data / f"take_{look}.mp4", [Scene(1, look)])
    landscape(2).crop((0, 0, 128, 72)).save(data / "take_2.png")
    monkeypatch.chdir(harness.specs)
    return harness.specs


def lines(specs: Path) -> list[dict[str, str]]:
    text = (specs.parent / "data" / "data.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def asked(specs: Path) -> int:
    sandbox = Sandbox.open(specs / ".wanctl" / "sandbox")
    try:
        return sum(1 for one in sandbox.requests() if "chat/completions" in one.path)
    finally:
        sandbox.close()


def test_a_folder_of_clips_gets_its_lines_frames_and_captions(specs: Path) -> None:
    said, code = run_wanctl("dataset", "annotate", "train", "--trigger", "s86b5p")
    assert code == 1
    assert "has no data.jsonl; it is begun with 3 lines; 2 frames are taken from the clips." in said
    assert "3 prompts to draft with qwen3-vl-plus, billed by the token: about " in said
    assert not (specs.parent / "data" / "data.jsonl").exists(), "nobody said yes"
    said, code = run_wanctl("dataset", "annotate", "train", "--trigger", "s86b5p", "--yes")
    assert code == 0, said
    assert "3 of 3 written." in said
    assert [(one["video_path"], one["first_frame_path"]) for one in lines(specs)] == [
        ("take_1.mp4", "take_1_first.jpg"),
        ("take_2.mp4", "take_2.png"),
        ("take_3.mp4", "take_3_first.jpg"),
    ]
    assert all("s86b5p" in one["prompt"] for one in lines(specs))
    with Image.open(specs.parent / "data" / "take_1_first.jpg") as frame:
        assert frame.size == (128, 72)
    assert asked(specs) == 3


def test_the_same_clip_is_asked_about_once(specs: Path) -> None:
    data = specs.parent / "data" / "data.jsonl"
    assert run_wanctl("dataset", "annotate", "train", "--trigger", "s86b5p", "--yes")[1] == 0
    first = lines(specs)
    emptied = [json.dumps({**one, "prompt": ""}) + "\n" for one in first]
    data.write_text("".join(emptied), encoding="utf-8")
    assert run_wanctl("dataset", "annotate", "train", "--trigger", "s86b5p", "--yes")[1] == 0
    assert lines(specs) == first
    assert asked(specs) == 3
    data.write_text("".join(emptied), encoding="utf-8")
    assert run_wanctl("dataset", "annotate", "train", "--trigger", "m01aa", "--yes")[1] == 0
    assert asked(specs) == 6, "another trigger is another question"


def test_a_model_of_two_frames_gets_last_frames_too(specs: Path) -> None:
    Harness(specs).write(dataset(), {**finetune(), "model": "wan2.2-kf2v-flash"})
    assert run_wanctl("dataset", "annotate", "train", "--trigger", "s86b5p", "--yes")[1] == 0
    assert [one["last_frame_path"] for one in lines(specs)] == [f"take_{look}_last.jpg" for look in (1, 2, 3)]


def test_a_folder_without_media_is_refused(specs: Path) -> None:
    for path in (specs.parent / "data").iterdir():
        path.unlink()
    (specs.parent / "data" / "notes.txt").write_text("nothing", encoding="utf-8")
    said, code = run_wanctl("dataset", "annotate", "train", "--trigger", "s86b5p", "--yes")
    assert code == 1
    assert "has no data.jsonl, and no clip or image that could be read" in said


def test_images_alone_begin_a_validation_set_and_no_name_is_taken_twice(specs: Path) -> None:
    data = specs.parent / "data"
    images = data.parent / "valid"
    images.mkdir()
    (images / "b.png").write_bytes((data / "take_2.png").read_bytes())
    begun = beginning_of(read_dataset(images), last_frames=False)
    assert [(one.first_frame, one.video) for one in begun.samples] == [("b.png", None)]
    (data / "take_1_first.jpg").write_text("no picture", encoding="utf-8")
    begun = beginning_of(read_dataset(data), last_frames=False)
    assert begun.samples[0].first_frame == "take_1_first_2.jpg"
    begun.write(data)
    with pytest.raises(DatasetError, match="was written by somebody else meanwhile"):
        begun.write(data)
