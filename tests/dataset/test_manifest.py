"""The changes between two contents: by the bytes of the media and the words of the captions."""

from pathlib import Path

import pytest

from tests.dataset.making import annotations, clip, folder, good, image, sample
from wanctl.dataset import manifest as manifests
from wanctl.dataset.contents import DatasetFacts
from wanctl.dataset.manifest import CaptionChange, ContentChanges, changes_since, manifest
from wanctl.dataset.reading import read_dataset


def read(place: Path, members: dict[str, bytes]) -> DatasetFacts:
    return read_dataset(folder(place, members))


def changes(place: Path, before: dict[str, bytes], after: dict[str, bytes]) -> ContentChanges:
    kept = manifest(read(place / "before", before))["samples"]
    return changes_since(kept, read(place / "after", after))


def test_nothing_changed_where_only_order_and_names_did(tmp_path: Path) -> None:
    renamed = {
        "data.jsonl": annotations(sample(2), sample(1, first_frame_path="other.png")),
        "other.png": image(1),
        "frame_2.png": image(2),
        "clip_1.mp4": clip(1),
        "clip_2.mp4": clip(2),
    }
    found = changes(tmp_path, good(2), renamed)
    assert (bool(found), str(found)) == (False, "")


def test_captions_samples_and_clips(tmp_path: Path) -> None:
    after = good(4)
    lines = [sample(1, prompt="new words"), sample(2), sample(4)]
    found = changes(tmp_path, good(3), after | {"data.jsonl": annotations(*lines), "clip_2.mp4": clip(5)})
    assert found.captions == (CaptionChange("clip_1.mp4", sample(1)["prompt"], "new words"),)
    assert (found.added, found.removed) == (("clip_2.mp4", "clip_4.mp4"), ("clip_2.mp4", "clip_3.mp4"))
    assert str(found) == "1 caption changed, 2 samples added, 2 samples removed"


def test_of_large_sets_only_digests_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifests, "_MOST_TEXT", 10)
    kept = manifest(read(tmp_path / "before", good(2)))
    assert all("caption" not in one for one in kept["samples"])
    after = good(2) | {"data.jsonl": annotations(sample(1), sample(2, prompt="new words"))}
    found = changes_since(kept["samples"], read(tmp_path / "after", after))
    assert found.captions == (CaptionChange("clip_2.mp4", None, "new words"),)


def test_a_clip_that_two_samples_share_keeps_its_captions_apart(tmp_path: Path) -> None:
    before = good(1) | {"data.jsonl": annotations(sample(), sample(prompt="two"))}
    after = good(1) | {"data.jsonl": annotations(sample(prompt="two"), sample(prompt="three"))}
    found = changes(tmp_path, before, after)
    assert [one.after for one in found.captions] == ["three"]
