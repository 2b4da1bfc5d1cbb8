"""What is to be seen in clips: measured numbers against those of a golden file, and what is said of them."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.dataset.filming import Scene, film, landscape
from tests.dataset.making import annotations, packed
from tests.harness import Harness
from wanctl.dataset.checks.content import check_content, viewed_clips
from wanctl.dataset.clip_measures import ClipMeasures, MeasureCache
from wanctl.dataset.contents import DatasetFacts
from wanctl.dataset.looking import view_clips
from wanctl.dataset.reading import read_dataset
from wanctl.dataset.thresholds import ContentThresholds
from wanctl.dataset.viewing import shift_of, view_clip
from wanctl.finding import Finding, Severity
from wanctl.rules import Rule

GOLDEN = Path(__file__).with_name("measures.golden.json")
CLIPS: dict[str, list[Scene]] = {
    "plain": [Scene(2, 1)],
    "cut": [Scene(1, 1), Scene(1, 2)],
    "black": [Scene(1, 1), Scene(1, black=True), Scene(1, 1)],
    "still": [Scene(3, 1, speed=0)],
    "half-still": [Scene(3, 1, speed=0), Scene(2, 1)],
    "blurred": [Scene(2, 1, blur=3)],
    "bars": [Scene(2, 1, bars=10)],
    "pillars": [Scene(2, 2, pillars=16)],
    "to-the-left": [Scene(2, 3, speed=2)],
    "to-the-right": [Scene(2, 3, speed=-2)],
    "fast": [Scene(2, 3, speed=5)],
    "logo": [Scene(2, 4, logo=True)],
}


def measured(folder: Path, scenes: Sequence[Scene]) -> ClipMeasures:
    with film(folder / "clip.mp4", scenes).open("rb") as file:
        return view_clip(file)


@pytest.mark.parametrize("name", CLIPS)
def test_the_numbers_are_those_of_the_golden_file(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    found = measured(tmp_path, CLIPS[name])
    numbers: dict[str, Any] = {
        "cuts": [list(cut) for cut in found.cuts],
        "black": found.black,
        "still": found.still,
        "motion": found.motion,
        "edge_width": found.blur,
        "bars": list(found.bars) if found.bars else None,
        "sweep": found.sweep,
        "marked_cells": int(found.marks or "0", 16).bit_count(),
    }
    if request.config.getoption("--update"):
        kept = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
        GOLDEN.write_text(json.dumps({**kept, name: numbers}, indent=2) + "\n", encoding="utf-8")
    golden = json.loads(GOLDEN.read_text())[name]
    near = {"cuts", "black", "still", "motion", "edge_width", "sweep", "marked_cells"}
    assert {key: value for key, value in numbers.items() if key not in near} == {
        key: value for key, value in golden.items() if key not in near
    }
    for key in near - {"cuts"}:
        assert numbers[key] == pytest.approx(golden[key], rel=0.1, abs=0.02), key
    assert [cut[0] for cut in numbers["cuts"]] == [cut[0] for cut in golden["cuts"]]
    assert [cut[1] for cut in numbers["cuts"]] == [pytest.approx(cut[1], rel=0.1) for cut in golden["cuts"]]


def training_set(folder: Path, clips: dict[str, list[Scene]]) -> Path:
    """A dataset of these clips; each begins with a picture of its own."""
    lines = []
    for number, (name, scenes) in enumerate(clips.items()):
        film(folder / f"{name}.mp4", scenes)
        landscape(number).crop((0, 0, 128, 72)).save(folder / f"{name}.png")
        prompt = f"Scene {number} in town. Then the s86b5p effect begins."
        lines.append({"prompt": prompt, "first_frame_path": f"{name}.png", "video_path": f"{name}.mp4"})
    (folder / "data.jsonl").write_bytes(annotations(*lines))
    return folder


def found_in(folder: Path, thresholds: ContentThresholds | None = None) -> list[Finding]:
    facts = read_dataset(folder)
    wanted = {sha256: name for name, sha256 in viewed_clips(facts).items()}
    return list(check_content(facts, view_clips(folder, wanted), thresholds or ContentThresholds()))


def said(findings: Sequence[Finding]) -> list[tuple[str, str, str]]:
    return [(str(one.rule), str(one.place or ""), one.message) for one in findings]


def test_each_fault_of_a_clip_is_named_with_its_number_and_threshold(tmp_path: Path) -> None:
    names = ("plain", "cut", "black", "still", "half-still", "blurred", "bars")
    looks = {name: [replace(one, look=number) for one in CLIPS[name]] for number, name in enumerate(names)}
    looks["cut"][1] = Scene(1, 12)
    findings = found_in(training_set(tmp_path, looks))
    assert {one.severity for one in findings} == {Severity.ADVICE}
    rules = [(str(one.rule), str(one.place)) for one in findings if one.place]
    assert rules == [
        ("scene-cut", "cut.mp4"),
        ("black-stretch", "black.mp4"),
        ("little-motion", "still.mp4"),
        ("still-stretch", "half-still.mp4"),
        ("blurred", "blurred.mp4"),
        ("black-bars", "bars.mp4"),
    ]
    texts = {str(one.rule): one.message for one in findings}
    assert texts["scene-cut"].startswith("has 1 scene cut, the first at 1.0 s (score ")
    assert texts["scene-cut"].endswith("; 10 is a cut)")
    assert texts["black-stretch"] == "is black for 0.92 s (0.25 s are too much)"
    assert texts["little-motion"] == "hardly moves: 0.00 of 100 from frame to frame (0.1 is little)"
    assert texts["still-stretch"] == "stands still for 2.9 s (2 s are long)"
    assert texts["black-bars"] == "has black bars: 128×52 of its 128×72 pixels show something"
    assert "pixels wide (8 are too much)" in texts["blurred"]


def test_a_good_set_is_told_nothing(tmp_path: Path) -> None:
    good = {f"take_{look}": [Scene(2, look)] for look in range(8)}
    assert said(found_in(training_set(tmp_path, good))) == []


def test_other_thresholds_say_other_things(tmp_path: Path) -> None:
    folder = training_set(tmp_path, {"cut": CLIPS["cut"], "black": CLIPS["black"]})
    assert [str(one.rule) for one in found_in(folder)] == ["scene-cut", "black-stretch"]
    lax = ContentThresholds(scene_score=60, black_seconds=1.5)
    assert found_in(folder, lax) == []
    strict = ContentThresholds(edge_width=2)
    assert [str(one.rule) for one in found_in(folder, strict)].count("blurred") == 2


def test_a_logo_in_most_clips_is_named_with_its_place(tmp_path: Path) -> None:
    marked = {f"take_{look}": [Scene(2, look, logo=look != 5)] for look in range(6)}
    found = said(found_in(training_set(tmp_path / "marked", marked)))
    assert [rule for rule, _, _ in found] == ["standing-mark"]
    assert found[0][2].startswith("something stands still at the top right in 5 of 6 clips that move")
    few = {f"take_{look}": [Scene(2, look, logo=look < 2)] for look in range(6)}
    assert said(found_in(training_set(tmp_path / "few", few))) == []


def test_clips_that_look_alike_are_named_once_as_a_group(tmp_path: Path) -> None:
    clips = {f"take_{look}": [Scene(2, look)] for look in range(4)}
    clips |= {"copy_a": [Scene(2, 2, blur=1)], "copy_b": [Scene(23 / 12, 2)]}
    found = found_in(training_set(tmp_path, clips))
    assert [(str(one.rule), str(one.place)) for one in found] == [("near-duplicate", "copy_a.mp4")]
    assert found[0].message.startswith("take_2.mp4, copy_a.mp4, copy_b.mp4 look nearly the same (")


def test_one_subject_in_most_clips_is_named(tmp_path: Path) -> None:
    one = [Scene(2, 7, speed=speed) for speed in (2, 4, 6, 8)]
    clips = {f"same_{number}": [scene] for number, scene in enumerate(one)}
    clips |= {f"other_{look}": [Scene(2, look)] for look in (1, 2)}
    found = [
        text for rule, _, text in said(found_in(training_set(tmp_path, clips))) if rule == "few-subjects"
    ]
    names = "same_0.mp4, same_1.mp4, same_2.mp4, same_3.mp4"
    assert found == [f"4 of 6 clips begin with nearly the same picture ({names}); 50% are many"]


def test_the_rarer_direction_is_named(tmp_path: Path) -> None:
    clips = {f"take_{look}": [Scene(2, look, speed=-3 if look == 4 else 3)] for look in range(6)}
    found = said(found_in(training_set(tmp_path, clips)))
    assert [rule for rule, _, _ in found] == ["mixed-directions"]
    assert found[0][2].startswith("1 clip moves to the right (take_4.mp4, up to 0.2")
    assert "and 5 to the left; 0.03 is a direction" in found[0][2]


def test_a_rare_size_is_named(tmp_path: Path) -> None:
    folder = training_set(tmp_path, {f"take_{look}": [Scene(1, look)] for look in range(10)})
    film(folder / "take_3.mp4", [Scene(1, 3)], size=(384, 216))
    found = [one for one in said(found_in(folder)) if one[0] == "uneven-sizes"]
    assert [text for _, _, text in found] == [
        "1 clip has 4 times more or fewer pixels than the others (take_3.mp4): 10% of all; up to 10% is rare"
    ]


def test_a_shift_is_found_in_both_directions_and_noise_is_none() -> None:
    row = bytes((number * number * 7 + number * 31) % 251 for number in range(240))
    for shift in (-20, -3, 0, 5, 24):
        assert shift_of(row[40:200], row[40 - shift : 200 - shift]) == shift
    assert shift_of(row[40:200], bytes(reversed(row[40:200]))) == 0


def test_a_clip_that_ends_in_the_middle_has_a_fault_and_says_nothing(tmp_path: Path) -> None:
    folder = training_set(tmp_path, {"take": [Scene(2, 1)]})
    content = (folder / "take.mp4").read_bytes()
    measured_whole = view_clips(folder, {"a": "take.mp4"})
    assert measured_whole["a"].fault is None
    (folder / "take.mp4").write_bytes(content[:300] + bytes(len(content) - 300))
    broken = view_clips(folder, {"a": "take.mp4"})["a"]
    assert broken.fault
    facts = read_dataset(folder)
    assert (
        list(check_content(facts, dict.fromkeys(viewed_clips(facts).values(), broken), ContentThresholds()))
        == []
    )


def test_a_zip_is_looked_at_as_its_folder_is(tmp_path: Path) -> None:
    folder = training_set(tmp_path / "data", {"cut": CLIPS["cut"]})
    members = {path.name: path.read_bytes() for path in folder.iterdir()}
    zipped = packed(tmp_path / "data.zip", members)
    assert said(found_in(zipped)) == said(found_in(folder)) != []


SEEN = {"kind": "Dataset", "name": "seen", "source": "seen"}


@pytest.fixture
def project(tmp_path: Path) -> Harness:
    harness = Harness.begun(tmp_path)
    training_set(harness.specs / "seen", {"cut": CLIPS["cut"], "plain": [Scene(2, 6)]})
    harness.write(SEEN)
    return harness


def test_validate_and_inspect_look_once_and_a_plan_never(
    project: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wanctl.dataset import looking
    from wanctl.project import Project
    from wanctl.project.datasets import inspect

    looked: list[int] = []
    plainly: Callable[..., ClipMeasures] = looking.view_clip

    def counting(file: Any, stopped: Any) -> ClipMeasures:
        looked.append(1)
        return plainly(file, stopped)

    monkeypatch.setattr(looking, "view_clip", counting)

    def opened(**options: Any) -> Project:
        return Project.open(project.specs, **options)

    def rules(findings: Sequence[Finding]) -> list[str]:
        return [str(one.rule) for one in findings if one.rule is Rule.SCENE_CUT]

    assert rules([one for data in opened().local.values() for one in data.problems]) == []
    assert looked == []
    assert rules(opened().validate().diagnostics) == ["scene-cut"]
    assert len(looked) == 2
    assert rules(inspect(opened(), "seen").problems) == ["scene-cut"]
    assert rules(opened().validate().diagnostics) == ["scene-cut"]
    assert len(looked) == 2
    (project.specs / "seen" / "cut.mp4").rename(project.specs / "seen" / "other.mp4")
    data = project.specs / "seen" / "data.jsonl"
    data.write_text(data.read_text().replace("cut.mp4", "other.mp4"))
    assert rules(opened().validate().diagnostics) == ["scene-cut"]
    assert len(looked) == 2, "the same bytes under another name"
    opened(trust_cache=False).validate()
    assert len(looked) == 4


def test_a_spec_sets_its_own_thresholds(project: Harness) -> None:
    project.write({**SEEN, "thresholds": {"scene_score": 90}})
    found = project.project().validate()
    assert [one for one in found.diagnostics if one.rule is Rule.SCENE_CUT] == []


def test_a_cache_of_another_version_or_of_none_counts_as_none(tmp_path: Path) -> None:
    cache = MeasureCache(tmp_path / "cache")
    assert cache.recall() == {}
    cache.remember({"a": ClipMeasures(motion=1)})
    cache.remember({"b": ClipMeasures(motion=2)})
    assert {key: one.motion for key, one in cache.recall().items()} == {"a": 1, "b": 2}
    file = next((tmp_path / "cache").iterdir())
    file.write_text(file.read_text().replace('"version":1', '"version":0'))
    assert cache.recall() == {}
    file.write_text("{")
    assert cache.recall() == {}


def test_facts_without_clips_are_no_trouble() -> None:
    assert list(check_content(DatasetFacts("0" * 64, (), 0), {}, ContentThresholds())) == []
