"""The store of a review: content has one place, only media come in."""

from pathlib import Path

import httpx
import pytest

from tests.review.making import still, video
from tests.studio.service import Service, serve
from wanctl.dataset.contents import MediaKind
from wanctl.review.store import MediaStore, StoredMedia, place_file
from wanctl.studio.errors import NotFound, Refused

LINK = "https://oss.example/ft-1/checkpoint-20/0.mp4?Expires=1&Signature=SIGNED"


def fetch(
    service: Service, folder: Path, link: str = LINK, kind: MediaKind = MediaKind.VIDEO, scope: str = "ft-1"
) -> StoredMedia:
    store = MediaStore(folder)
    return service.ask(lambda studio: store.fetch(studio, link, kind, scope))


def everything(folder: Path) -> str:
    """The names and the texts of all files."""
    files = [one for one in folder.rglob("*") if one.is_file()]
    return " ".join(f"{one} {one.read_bytes().decode('latin-1')}" for one in files)


def test_what_is_there_is_not_fetched_again_and_no_link_is_kept(tmp_path: Path) -> None:
    content = video(tmp_path, 0.5).path.read_bytes()
    service, folder = serve(httpx.Response(200, content=content)), tmp_path / "reviews"
    first = fetch(service, folder)
    again = fetch(service, folder, LINK.replace("SIGNED", "ANOTHER"))
    assert first == again
    assert len(service.requests) == 1
    assert first.path == folder / "media" / f"{first.digest}.mp4"
    assert first.path.read_bytes() == content
    said = everything(folder)
    assert not any(word in said for word in ("SIGNED", "ANOTHER", "oss.example", "Signature"))
    fetch(service, folder, scope="ft-2")
    assert len(service.requests) == 2


@pytest.mark.parametrize("damage", ["gone", "short", "unreadable note"])
def test_what_was_damaged_is_fetched_again(tmp_path: Path, damage: str) -> None:
    content = video(tmp_path, 0.5).path.read_bytes()
    service, folder = serve(httpx.Response(200, content=content)), tmp_path / "reviews"
    kept = fetch(service, folder).path
    if damage == "gone":
        kept.unlink()
    elif damage == "short":
        kept.write_bytes(content[:-1])
    else:
        for note in (folder / "links").iterdir():
            note.write_text("../../../etc/passwd 12\n", encoding="utf-8")
    assert fetch(service, folder).path.read_bytes() == content
    assert len(service.requests) == 2


@pytest.mark.parametrize("content", [b"<html>error</html>", b"", b"\x89PNG\r\n\x1a\n0000", b"GIF89a"])
def test_what_is_no_video_is_not_kept_as_one(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Refused, match="no video"):
        fetch(serve(httpx.Response(200, content=content)), tmp_path)
    assert list((tmp_path / "media").iterdir()) == []


def test_the_ending_is_the_contents_own(tmp_path: Path) -> None:
    content = still(tmp_path).path.read_bytes()
    kept = fetch(serve(httpx.Response(200, content=content)), tmp_path / "a", LINK, MediaKind.IMAGE)
    assert kept.path.suffix == ".png"


def test_a_lost_link_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        fetch(serve(httpx.Response(403)), tmp_path)
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == []


def test_a_link_in_the_place_of_a_file_is_replaced_and_not_followed(tmp_path: Path) -> None:
    source, other, place = tmp_path / "source", tmp_path / "other", tmp_path / "place"
    source.write_text("new", encoding="utf-8")
    other.write_text("mine", encoding="utf-8")
    place.symlink_to(other)
    place_file(source, place)
    assert (place.read_text(encoding="utf-8"), other.read_text(encoding="utf-8")) == ("new", "mine")
    assert not place.is_symlink()
