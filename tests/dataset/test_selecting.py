"""What is excluded goes with its line of data.jsonl and its frames, and no other byte changes."""

import json
from pathlib import Path

import pytest

from tests.dataset.making import annotations, clip, folder, good, image, packed, sample
from wanctl.dataset.archive import write_archive
from wanctl.dataset.checks import check_dataset
from wanctl.dataset.reading import read_dataset
from wanctl.dataset.selecting import dataset_at, exclusion_of


@pytest.mark.parametrize("as_zip", [False, True])
@pytest.mark.parametrize("pattern", ["/clip_2.mp4", "clip_2.*", "/frame_2.png"])
def test_a_clip_goes_with_its_line_and_its_frame(tmp_path: Path, as_zip: bool, pattern: str) -> None:
    source = packed(tmp_path / "a.zip", good(3)) if as_zip else folder(tmp_path / "a", good(3))
    found = read_dataset(source, exclude=(pattern,))
    without = {name: content for name, content in good(3).items() if "_2" not in name}
    without["data.jsonl"] = annotations(sample(1), sample(3))
    plain = read_dataset(folder(tmp_path / "b", without))
    assert found.digest == plain.digest
    assert [one.line for one in found.samples] == [1, 3]  # as in the file of the person
    assert not any(one.severity == "error" for one in check_dataset(found))
    write_archive(source, found, tmp_path / "found.zip", exclude=(pattern,))
    write_archive(tmp_path / "b", plain, tmp_path / "plain.zip")
    assert (tmp_path / "found.zip").read_bytes() == (tmp_path / "plain.zip").read_bytes()
    assert found.archive_size >= (tmp_path / "found.zip").stat().st_size - 200
    if not as_zip:
        assert (source / "data.jsonl").read_bytes() == good(3)["data.jsonl"], "the file itself stays"


def test_a_frame_that_another_line_uses_stays(tmp_path: Path) -> None:
    members = good(2) | {
        "clip_3.mp4": clip(1, 3),
        "data.jsonl": annotations(sample(1), sample(3, first_frame_path="frame_1.png"), sample(2)),
    }
    found = read_dataset(folder(tmp_path, members), exclude=("/clip_3.mp4",))
    assert {one.name for one in found.members} == set(good(2))


def test_lines_that_stay_keep_their_bytes(tmp_path: Path) -> None:
    odd = (
        b'{ "video_path":"clip_1.mp4" ,"prompt" : "A \\u00e9", "first_frame_path": "frame_1.png", "x": 1.50}'
    )
    broken = b'{"prompt": '
    lines = [json.dumps(sample(2)).encode(), b"", odd, broken]
    source = folder(tmp_path / "a", good(2) | {"data.jsonl": b"\r\n".join(lines)})
    with dataset_at(source, ("clip_2.mp4",)) as opened, opened.open("data.jsonl") as file:
        assert file.read() == odd + b"\r\n" + broken + b"\n"


def test_nothing_changes_where_no_line_names_what_is_excluded(tmp_path: Path) -> None:
    source = folder(tmp_path / "a", good() | {"raw/x.mov": b"x", "data.jsonl": good()["data.jsonl"].strip()})
    assert read_dataset(source, exclude=("raw/",)).by_name["data.jsonl"].size == len(
        (source / "data.jsonl").read_bytes()
    )


def test_everything_may_be_excluded(tmp_path: Path) -> None:
    found = read_dataset(folder(tmp_path, good()), exclude=("*.mp4",))
    assert [one.rule for one in check_dataset(found)] == ["no-samples"]


def test_an_exclusion_names_one_member_alone(tmp_path: Path) -> None:
    names = ["a.mp4", "deep/a.mp4", "a?.mp4", "ab.mp4", "#a.mp4", "!a.mp4", "a [1].mp4", "a*.mp4", " a.mp4 "]
    source = folder(tmp_path, dict.fromkeys(names, b"x"))
    for name in names:
        left = {one.name for one in read_dataset(source, exclude=(exclusion_of(name),)).members}
        assert left == {*names} - {name}, name


def test_what_was_read_of_one_part_is_known_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, source = tmp_path / "cache", folder(tmp_path / "a", good(3))
    read_dataset(source, cache)
    monkeypatch.setattr("wanctl.dataset.reading._probe", lambda *_: pytest.fail("a medium is read again"))
    for exclude in (("/clip_2.mp4",), ("/clip_1.mp4",), ()):
        found = read_dataset(source, cache, exclude=exclude)
        assert found == read_dataset(source, cache, exclude=exclude)
    assert len(found.samples) == 3


def test_another_caption_is_seen_though_lines_are_left_out(tmp_path: Path) -> None:
    cache, members = tmp_path / "cache", good(2) | {"image.png": image(9)}
    source = folder(tmp_path / "a", members)
    before = read_dataset(source, cache, exclude=("/clip_2.mp4",))
    (source / "data.jsonl").write_bytes(annotations(sample(1, prompt="Scene 9. Then."), sample(2)))
    after = read_dataset(source, cache, exclude=("/clip_2.mp4",))
    assert before.digest != after.digest
