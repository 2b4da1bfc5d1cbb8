"""The archive: always the same bytes, and never other than what was planned."""

import os
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from tests.dataset.making import folder, good, packed
from wanctl.dataset.archive import write_archive
from wanctl.dataset.contents import ChangedDuringReadError
from wanctl.dataset.reading import read_dataset


def test_the_archive_of_a_folder_holds_it_and_is_always_the_same(tmp_path: Path) -> None:
    root = folder(tmp_path / "a", good() | {"sub/ünï.png": b"x", ".DS_Store": b"x"})
    facts = read_dataset(root)
    write_archive(root, facts, tmp_path / "one.zip")
    for path in root.rglob("*"):
        os.utime(path, (0, 0))
    (root / "data.jsonl").chmod(0o600)
    write_archive(root, read_dataset(root), tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    assert read_dataset(tmp_path / "one.zip") == facts
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [member.name for member in facts.members]
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}


def test_a_zip_is_uploaded_as_it_is(tmp_path: Path) -> None:
    source = packed(tmp_path / "a.zip", good())
    write_archive(source, read_dataset(source), tmp_path / "b.zip")
    assert (tmp_path / "b.zip").read_bytes() == source.read_bytes()


def test_a_zip_with_litter_or_exclusions_is_packed_anew(tmp_path: Path) -> None:
    littered = packed(tmp_path / "a.zip", good() | {"__MACOSX/._clip_1.mp4": b"x", "raw/notes.psd": b"x"})
    exclude = ("raw/", "*.psd")
    write_archive(littered, read_dataset(littered, exclude=exclude), tmp_path / "b.zip", exclude=exclude)
    root = folder(tmp_path / "a", good())
    write_archive(root, read_dataset(root), tmp_path / "c.zip")
    assert (tmp_path / "b.zip").read_bytes() == (tmp_path / "c.zip").read_bytes()


def test_a_wrong_memory_is_never_uploaded(tmp_path: Path) -> None:
    """A memory with a wrong checksum is not believed; the bytes that are packed are hashed, and compared."""
    cache, root = tmp_path / "cache", folder(tmp_path / "a", good())
    right = read_dataset(root, cache)
    memory = next(cache.iterdir())
    lie = right.by_name["clip_1.mp4"].sha256[::-1]
    memory.write_text(memory.read_text().replace(right.by_name["clip_1.mp4"].sha256, lie), encoding="utf-8")
    assert read_dataset(root, cache) == right
    members = tuple(replace(one, sha256=lie) if one.name == "clip_1.mp4" else one for one in right.members)
    wrong = replace(right, members=members)
    with pytest.raises(ChangedDuringReadError, match="clip_1"):
        write_archive(root, wrong, tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()
    assert read_dataset(root) == right


@pytest.mark.parametrize("change", ["content", "shorter", "added", "removed"])
@pytest.mark.parametrize("as_zip", [False, True])
def test_a_dataset_that_changed_since_it_was_read_is_not_packed(
    tmp_path: Path, change: str, as_zip: bool
) -> None:
    members = good()
    source = packed(tmp_path / "a.zip", members) if as_zip else folder(tmp_path / "a", members)
    facts = read_dataset(source, tmp_path / "cache")
    frame = members["frame_1.png"]
    changed = {
        "content": members | {"frame_1.png": frame[:-1] + b"!"},
        "shorter": members | {"frame_1.png": frame[:-1]},
        "added": members | {"new.png": b"x"},
        "removed": {name: content for name, content in members.items() if name != "frame_1.png"},
    }[change]
    if as_zip:
        packed(source, changed)
    else:
        for name in members.keys() - changed.keys():
            (source / name).unlink()
        folder(source, changed)
    place = tmp_path / "out"
    place.mkdir()
    with pytest.raises(ChangedDuringReadError):
        write_archive(source, facts, place / "a.zip")
    assert list(place.iterdir()) == []
