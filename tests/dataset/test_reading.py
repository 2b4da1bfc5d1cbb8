"""Reading a dataset: its facts, its faults, the refusals, and the memory of what was read."""

import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.dataset.making import annotations, clip, folder, good, image, packed, sample
from wanctl.dataset import reading
from wanctl.dataset.contents import DatasetError, DatasetFacts, Member
from wanctl.dataset.reading import hash_member, read_dataset
from wanctl.dataset.source import Listed


def read_both(place: Path, members: dict[str, bytes]) -> DatasetFacts:
    """The facts of the members, in a folder as in a zip."""
    facts = read_dataset(folder(place / "in_folder", members))
    zipped = read_dataset(packed(place / "in_zip.zip", members))
    assert zipped == facts
    return facts


def test_the_facts_of_a_good_dataset(tmp_path: Path) -> None:
    members = good(3)
    facts = read_both(tmp_path, members)
    assert len(facts.samples) == 3
    assert facts.prompts[0] == "Scene 1. Then the s86b5p effect begins."
    assert facts.seconds == (1.0, 2.0, 3.0)
    assert facts.total_seconds == 6.0
    assert facts.size == sum(map(len, members.values()))
    assert [member.name for member in facts.members] == sorted(members)
    assert facts.digest16 == facts.digest[:16]
    assert facts.unreadable == ()


def test_a_validation_set_has_no_clips(tmp_path: Path) -> None:
    members = {"data.jsonl": annotations(sample(video_path=None)), "frame_1.png": image()}
    facts = read_both(tmp_path, members)
    assert (len(facts.samples), facts.seconds, facts.unreadable) == (1, (), ())


def test_a_clip_that_two_samples_share_counts_twice(tmp_path: Path) -> None:
    members = good(1) | {"data.jsonl": annotations(sample(), sample(prompt="another"))}
    assert read_both(tmp_path, members).seconds == (1.0, 1.0)


def test_a_clip_whose_header_has_no_length_is_measured(tmp_path: Path) -> None:
    members = good(1) | {"clip_1.mp4": clip(2.0, movflags="frag_keyframe+empty_moov")}
    assert read_both(tmp_path, members).seconds == pytest.approx((2.0,))


def test_litter_is_left_out(tmp_path: Path) -> None:
    litter = {
        ".DS_Store": b"x",
        "__MACOSX/._clip_1.mp4": b"x",
        "sub/Thumbs.db": b"x",
        "desktop.ini": b"x",
        ".git/config": b"x",
    }
    clean = read_dataset(folder(tmp_path / "clean", good()))
    assert read_dataset(folder(tmp_path / "littered", good() | litter)) == clean
    assert read_dataset(packed(tmp_path / "littered.zip", good() | litter)) == clean


@pytest.mark.parametrize(
    "name",
    [
        "../a.png",
        "/a.png",
        "a/../../b.png",
        "a//b.png",
        "./a.png",
        "C:/a.png",
        "a\\b.png",
        "a\nb.png",
        "a\x00b",
    ],
)
def test_a_zip_with_an_unsafe_name_is_refused(tmp_path: Path, name: str) -> None:
    path = packed(tmp_path / "a.zip", good(1) | {"@@" + "x" * (len(name) - 2): b""})
    path.write_bytes(path.read_bytes().replace(b"@@" + b"x" * (len(name) - 2), name.encode()))
    with pytest.raises(DatasetError):
        read_dataset(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_with_a_name_twice_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.png", b"1")
        archive.writestr("a.png", b"2")
    with pytest.raises(DatasetError, match=r"a\.png more than once"):
        read_dataset(tmp_path / "a.zip")


def test_a_zip_with_a_link_or_a_secret_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("a.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DatasetError, match="is a link"):
        read_dataset(tmp_path / "a.zip")


@pytest.mark.parametrize("damage", [b"no zip at all", b"", None])
def test_a_damaged_zip_is_refused(tmp_path: Path, damage: bytes | None) -> None:
    path = packed(tmp_path / "a.zip", good(1), zipfile.ZIP_STORED)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"Scene", b"Scent") if damage is None else damage)
    with pytest.raises(DatasetError, match=r"a\.zip"):
        read_dataset(path)


def test_a_zip_that_unpacks_to_far_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wanctl.dataset.source._MOST_UNPACKED", 1000)
    with pytest.raises(DatasetError, match="unpack"):
        read_dataset(packed(tmp_path / "a.zip", {"data.jsonl": b"0" * 1001}))


@pytest.mark.parametrize(
    "target", ["outside.png", "/etc/hostname", "../../outside.png", "nowhere.png", "sub"]
)
def test_links_that_lead_out_or_nowhere_are_refused(tmp_path: Path, target: str) -> None:
    root = folder(tmp_path / "data" / "set", good(1) | {"sub/x.png": b"x"})
    folder(tmp_path, {"outside.png": b"x"})
    place = tmp_path / target if target == "outside.png" else Path(target)
    (root / "link.png").symlink_to(place)
    with pytest.raises(DatasetError, match=r"link\.png: a link"):
        read_dataset(root)


def test_a_link_that_stays_inside_is_the_file_it_leads_to(tmp_path: Path) -> None:
    root = folder(tmp_path / "a", good(1))
    (root / "again.png").symlink_to("frame_1.png")
    plain = folder(tmp_path / "b", good(1) | {"again.png": good(1)["frame_1.png"]})
    assert read_dataset(root).digest == read_dataset(plain).digest


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    root = folder(tmp_path / "a", good(1))
    os.mkfifo(root / "pipe.png")
    with pytest.raises(DatasetError, match="not a regular file"):
        read_dataset(root)


def test_a_source_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no such file"):
        read_dataset(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="neither a folder nor"):
        read_dataset(folder(tmp_path, {"a.tar": b""}) / "a.tar")


def hashing_forbidden(*_: Any) -> Any:
    raise AssertionError("it was read again")


def test_an_unchanged_dataset_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    sources = [folder(tmp_path / "a", good()), packed(tmp_path / "a.zip", good())]
    facts = [read_dataset(source, cache) for source in sources]
    monkeypatch.setattr(reading, "hash_member", hashing_forbidden)
    assert [read_dataset(source, cache) for source in sources] == facts


@pytest.mark.parametrize("change", ["content", "added", "removed", "renamed"])
def test_a_changed_dataset_is_read_again(tmp_path: Path, change: str) -> None:
    cache, root = tmp_path / "cache", folder(tmp_path / "a", good())
    before = read_dataset(root, cache)
    frame = root / "frame_1.png"
    if change == "content":
        times = frame.stat()
        frame.write_bytes(frame.read_bytes()[:-1] + b"!")
        os.utime(frame, ns=(times.st_atime_ns, times.st_mtime_ns))
    elif change == "added":
        folder(root, {"new.png": b"x"})
    elif change == "removed":
        frame.unlink()
    else:
        frame.rename(root / "frame_one.png")
    after = read_dataset(root, cache)
    assert after.digest != before.digest
    assert after == read_dataset(root)


@pytest.mark.parametrize("content", [b"", b"{}", b"no json", b'{"version": 1}'])
def test_a_memory_that_cannot_be_read_is_none(tmp_path: Path, content: bytes) -> None:
    cache, root = tmp_path / "cache", folder(tmp_path / "a", good())
    facts = read_dataset(root, cache)
    next(cache.iterdir()).write_bytes(content)
    assert read_dataset(root, cache) == facts


def test_only_what_changed_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, root = tmp_path / "cache", folder(tmp_path / "a", good(3))
    read_dataset(root, cache)
    (root / "data.jsonl").write_bytes(annotations(*(sample(number, prompt="new") for number in (1, 2, 3))))
    hashed: list[str] = []

    def hashing(listed: Listed, *arguments: Any, **more: Any) -> Member:
        hashed.append(listed.name)
        return hash_member(listed, *arguments, **more)

    monkeypatch.setattr(reading, "hash_member", hashing)
    assert read_dataset(root, cache).prompts == ("new",) * 3
    assert hashed == ["data.jsonl"]


@pytest.mark.parametrize("as_zip", [False, True])
def test_what_is_excluded_is_not_there(tmp_path: Path, as_zip: bool) -> None:
    more = good() | {"raw/a.mov": b"x", "clip_1.psd": b"x", "deep/er/b.tmp": b"x"}
    source = packed(tmp_path / "a.zip", more) if as_zip else folder(tmp_path / "a", more)
    found = read_dataset(source, exclude=("raw/", "*.psd", "**/*.tmp"))
    assert found.digest == read_dataset(folder(tmp_path / "b", good())).digest


def test_bytes_are_counted_as_they_are_read_or_remembered(tmp_path: Path) -> None:
    cache, root = tmp_path / "cache", folder(tmp_path / "a", good())
    for _ in range(2):
        ticks: list[int] = []
        facts = read_dataset(root, cache, tick=ticks.append)
        assert sum(ticks) == facts.size


def test_a_cache_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    root = folder(tmp_path / "a", good(1))
    assert read_dataset(root, root / "data.jsonl") == read_dataset(root)


def test_far_too_many_members_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for number in range(100_000):
            archive.writestr(zipfile.ZipInfo(f"{number}"), b"")
    with pytest.raises(DatasetError, match="has 100,000 members; 20,000 are the most"):
        read_dataset(tmp_path / "many.zip")
    deep = tmp_path / "deep"
    (deep / "/".join(["a"] * 40)).mkdir(parents=True)
    with pytest.raises(DatasetError, match="more than 32 folders deep"):
        read_dataset(deep)
