"""Captions by a vision model: the request, and its words in data.jsonl without touching others'."""

import base64
import io
from pathlib import Path

import pytest
from PIL import Image

from tests.dataset.making import annotations, clip, folder, good, image, sample
from wanctl.dataset import captioning
from wanctl.dataset.captioning import Brief, Captions, parts_of, unwritten
from wanctl.dataset.contents import DatasetError
from wanctl.dataset.reading import read_dataset

BRIEF = Brief("s86b5p", "Then the s86b5p rain begins.")


def test_samples_without_a_prompt_and_with_something_to_see(tmp_path: Path) -> None:
    lines = [sample(1, prompt=None), sample(2), sample(3, prompt=" "), sample(4, prompt="")]
    members = good(3) | {"data.jsonl": annotations(*lines)}
    assert [one.line for one in unwritten(read_dataset(folder(tmp_path, members)))] == [1, 3]


def test_a_clip_is_shown_whole_and_a_long_one_by_its_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = folder(tmp_path, good(1) | {"clip_1.mp4": clip(4.0)})
    facts = read_dataset(root)
    shown, asked = parts_of(facts.samples[0], BRIEF, root, facts)
    assert shown["type"] == "video_url"
    assert base64.b64decode(shown["video_url"]["url"].partition(",")[2]) == clip(4.0)
    assert asked["text"] == BRIEF.instruction
    monkeypatch.setattr(captioning, "_MOST_SENT", 10)
    shown, _ = parts_of(facts.samples[0], BRIEF, root, facts)
    frames = [Image.open(io.BytesIO(base64.b64decode(one.partition(",")[2]))) for one in shown["video"]]
    assert (shown["type"], len(frames), frames[0].size) == ("video", 16, (64, 36))


def test_a_validation_sample_is_shown_by_its_frame(tmp_path: Path) -> None:
    members = {"data.jsonl": annotations(sample(video_path=None)), "frame_1.png": image()}
    root = folder(tmp_path, members)
    facts = read_dataset(root)
    shown, _ = parts_of(facts.samples[0], BRIEF, root, facts)
    assert base64.b64decode(shown["image_url"]["url"].removeprefix("data:image/png;base64,")) == image()


def test_every_other_byte_stays(tmp_path: Path) -> None:
    """Spaces, line ends, key order, an empty line, the missing last line's end: all as a person left them."""
    before = b'{ "video_path":"a.mp4" ,"prompt":"" }\r\n\n{"prompt":  "mine" }\n{"first_frame_path": "b"}'
    root = folder(tmp_path, {"data.jsonl": before})
    Captions(root).write({1: "one “é”", 4: "four"})
    assert (root / "data.jsonl").read_bytes() == (
        '{"video_path": "a.mp4", "prompt": "one “é”"}\r\n\n{"prompt":  "mine" }\n'
        '{"prompt": "four", "first_frame_path": "b"}'
    ).encode()


def test_a_persons_text_is_never_replaced(tmp_path: Path) -> None:
    root = folder(tmp_path, good(1))
    captions = Captions(root)
    with pytest.raises(DatasetError, match="never replaced"):
        captions.write({1: "drafted"})
    (root / "data.jsonl").write_bytes(b"changed by a person\n")
    with pytest.raises(DatasetError, match="changed by somebody else"):
        captions.write({1: "drafted"})
    assert (root / "data.jsonl").read_bytes() == b"changed by a person\n"


def test_the_instruction_fixes_the_effect_where_it_is_known() -> None:
    assert "Then the s86b5p rain begins." in BRIEF.instruction
    assert "[detailed motion description]" not in BRIEF.instruction
    assert "Then the s86b5p effect begins, [detailed motion description]" in Brief("s86b5p").instruction
