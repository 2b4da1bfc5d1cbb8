"""A validation set is drawn by origin, the same one each time; and both sides are datasets of their own."""

import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dataset.making import annotations, folder, good, packed, sample
from wanctl.dataset.archive import write_archive
from wanctl.dataset.checks import check_dataset
from wanctl.dataset.contents import DatasetError
from wanctl.dataset.reading import read_dataset
from wanctl.dataset.splitting import DrawnPart, Side, drawn, read_origins

TRAINING, VALIDATION = Side


def clips(count: int) -> list[tuple[str, ...]]:
    return [(f"frame_{number}.png", f"clip_{number}.mp4") for number in range(count)]


def test_the_draw_is_the_same_everywhere_and_always() -> None:
    assert sorted(drawn(clips(20), {}, 0.1, 7)) == [3, 15]
    assert sorted(drawn(clips(20), {}, 0.1, 8)) == [1, 2]
    assert sorted(drawn(clips(20), {}, 0.25, 7)) == [3, 6, 12, 13, 15], (
        "a larger share has the smaller one in it"
    )


@given(
    st.lists(st.integers(0, 9), min_size=2, max_size=60),
    st.sampled_from([0.05, 0.1, 0.5]),
    st.integers(0, 99),
)
def test_no_source_file_is_on_both_sides(files: list[int], share: float, seed: int) -> None:
    samples = clips(len(files))
    origins = {f"clip_{number}.mp4": f"IMG_{file}.mov" for number, file in enumerate(files)}
    if len(set(files)) < 2:
        with pytest.raises(DatasetError, match="all samples are of one source file"):
            drawn(samples, origins, share, seed)
        return
    chosen = drawn(samples, origins, share, seed)
    inside, outside = (
        {files[n] for n in range(len(files)) if (n in chosen) is side} for side in (True, False)
    )
    assert inside
    assert outside
    assert not inside & outside
    smallest = min(files.count(file) for file in files)
    assert len(chosen) <= max(round(share * len(files)), smallest, 1)
    order = list(reversed(range(len(files))))
    again = drawn([samples[n] for n in order], origins, share, seed)
    assert {order[n] for n in again} == chosen, "the order of the lines says nothing"


def test_samples_that_share_a_frame_stay_together() -> None:
    samples = [("face.png", f"clip_{number}.mp4") for number in range(6)] + [("b.png", "b.mp4")]
    for seed in range(9):
        assert drawn(samples, {}, 0.5, seed) == {6}


def test_origins_by_fingerprint_else_by_name() -> None:
    lines = [
        {"clip": "a.mp4", "file": "x.mov", "fingerprint": "12"},
        {"clip": "b.mp4", "file": "copy of x.mov", "fingerprint": "12"},
        {"clip": "c.mp4", "file": "x.mov"},
        {"clip": 5, "file": "x.mov"},
        {"clip": "d.mp4"},
        ["a.mp4"],
    ]
    content = "".join(json.dumps(line) + "\n" for line in lines).encode() + b"{\n\xff\n"
    assert read_origins(content) == {"a.mp4": "12", "b.mp4": "12", "c.mp4": "x.mov"}


def origin_lines(count: int) -> bytes:
    lines = ({"clip": f"clip_{n}.mp4", "file": f"{n % 3}.mov"} for n in range(1, count + 1))
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


@pytest.mark.parametrize("as_zip", [False, True])
def test_both_sides_are_datasets(tmp_path: Path, as_zip: bool) -> None:
    members = good(6) | {"origins.jsonl": origin_lines(6), "notes.txt": b"x"}
    source = packed(tmp_path / "a.zip", members) if as_zip else folder(tmp_path / "a", members)
    parts = {side: DrawnPart(side, 0.34, 1) for side in Side}
    training, validation = (read_dataset(source, part=parts[side]) for side in Side)
    assert sorted(one.line for one in (*training.samples, *validation.samples)) == [1, 2, 3, 4, 5, 6]
    assert len(validation.samples) == 2
    assert len({one.line % 3 for one in validation.samples}) == 1, "of one source file"
    assert {one.line % 3 for one in validation.samples}.isdisjoint(one.line % 3 for one in training.samples)
    lines = [one.line for one in validation.samples]
    assert {one.name for one in validation.members} == {"data.jsonl", *(f"frame_{n}.png" for n in lines)}
    assert {one.name for one in training.members} == {
        "data.jsonl",
        "notes.txt",
        *(f"{what}" for n in range(1, 7) if n not in lines for what in (f"frame_{n}.png", f"clip_{n}.mp4")),
    }
    assert [one.video for one in validation.samples] == [None, None]
    assert not [one for one in check_dataset(training) if one.severity == "error"]
    plain = folder(
        tmp_path / "b",
        {name: members[name] for name in (one.name for one in validation.members) if name != "data.jsonl"}
        | {"data.jsonl": annotations(*(sample(n, video_path=None) for n in lines))},
    )
    assert validation.digest == read_dataset(plain).digest
    for side, facts in zip(Side, (training, validation), strict=True):
        write_archive(source, facts, tmp_path / f"{side}.zip", part=parts[side])
        with zipfile.ZipFile(tmp_path / f"{side}.zip") as archive:
            assert set(archive.namelist()) == {one.name for one in facts.members}
            assert len(archive.read("data.jsonl").splitlines()) == len(facts.samples)


def test_what_is_excluded_is_drawn_for_neither_side(tmp_path: Path) -> None:
    source = folder(tmp_path, good(8))
    sides = [read_dataset(source, exclude=("/clip_3.mp4",), part=DrawnPart(side, 0.5, 2)) for side in Side]
    assert sorted(one.line for facts in sides for one in facts.samples) == [1, 2, 4, 5, 6, 7, 8]


def test_a_set_of_one_source_file_cannot_be_split(tmp_path: Path) -> None:
    origins = b"".join(
        json.dumps({"clip": f"clip_{n}.mp4", "file": "a.mov"}).encode() + b"\n" for n in (1, 2)
    )
    source = folder(tmp_path, good(2) | {"origins.jsonl": origins})
    with pytest.raises(DatasetError, match="no validation set can be drawn: all samples are of one source"):
        read_dataset(source, part=DrawnPart(TRAINING, 0.1, 7))
    (source / "data.jsonl").unlink()
    with pytest.raises(DatasetError, match="no validation set can be drawn: it has no samples"):
        read_dataset(source, part=DrawnPart(VALIDATION, 0.1, 7))
