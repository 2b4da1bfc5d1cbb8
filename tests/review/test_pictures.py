"""What is drawn of previews comes from their pixels: strips, motion, differences, and the contact sheet."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from tests.datasets import _clip
from tests.review.making import review, stored, video
from wanctl.review.collecting import Candidate, Review, Showing
from wanctl.review.pictures import FRAMES, Filmstrip, difference, filmstrip, filmstrips, frames_of
from wanctl.review.sheet import CELL, SheetError, write_sheet
from wanctl.review.store import StoredMedia


def film(one: StoredMedia, folder: Path) -> Filmstrip:
    found = filmstrip(one, folder)
    assert found
    return found


def test_more_of_the_effect_is_more_motion(tmp_path: Path) -> None:
    little, much = (film(video(tmp_path, strength), tmp_path / "p") for strength in (0.1, 1.0))
    assert 0 < little.motion < much.motion < 0.2
    assert (little.width, little.height, little.seconds) == (320, 180, 3.0)
    assert len(frames_of(little)) == FRAMES


def test_a_strip_shows_the_video_from_its_beginning_on(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(_clip(90))  # it gets redder from frame to frame
    frames = frames_of(film(stored(path), tmp_path / "p"))
    reds = [ImageStat.Stat(frame).mean[0] for frame in frames]
    assert reds == sorted(reds)
    assert reds[0] < 10
    assert reds[-1] > 150


def test_the_difference_says_how_much_and_where(tmp_path: Path) -> None:
    films = [film(video(tmp_path, strength), tmp_path / "p") for strength in (0.2, 0.3, 1.0)]
    same = difference(films[0], films[0], tmp_path / "p")
    near, far = (difference(films[0], one, tmp_path / "p") for one in films[1:])
    assert same
    assert near
    assert far
    assert same.share == 0
    assert 0 < near.share < far.share
    with Image.open(same.heat) as still, Image.open(far.heat) as heat:
        assert ImageStat.Stat(ImageChops.difference(still.convert("L"), heat.convert("L"))).mean[0] > 5


def test_videos_of_another_shape_are_not_compared(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(_clip(90))
    wide = film(stored(path), tmp_path / "p")
    tall = replace(wide, width=36, height=64)
    assert difference(wide, tall, tmp_path / "p") is None


@pytest.mark.parametrize("content", [b"", b"\0\0\0\x18ftypmp42" + b"\0" * 100, b"no video"])
def test_what_cannot_be_decoded_has_no_pictures(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.mp4"
    path.write_bytes(content)
    assert filmstrip(stored(path), tmp_path / "p") is None


def test_a_cut_video_is_not_shown_as_if_it_were_whole(tmp_path: Path) -> None:
    whole = video(tmp_path, 1.0)
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole.path.read_bytes()[: whole.size // 2])
    assert filmstrip(stored(path), tmp_path / "p") is None


def test_what_was_drawn_is_not_drawn_again(tmp_path: Path) -> None:
    one = video(tmp_path, 0.5)
    first = film(one, tmp_path / "p")
    one.path.unlink()
    assert film(one, tmp_path / "p") == first


def sheet(made: Review, tmp_path: Path, name: str) -> Image.Image:
    return Image.open(write_sheet(made, filmstrips(made, tmp_path / "p"), tmp_path / "out" / name))


def test_the_sheet_has_a_cell_for_every_video(tmp_path: Path) -> None:
    made = review(tmp_path / "v", ("checkpoint-9", "checkpoint-10"), ("one", "two", "three"), "checkpoint-10")
    with sheet(made, tmp_path, "sheet.png") as picture:
        assert picture.format == "PNG"
        wide, tall = CELL
        assert picture.size == (3 * (wide + 6) + 6, 26 + 3 * (tall + 6) + 6)
        face = picture.getpixel((6 + (wide + 6) + wide // 2, 26 + tall // 2))
        assert isinstance(face, tuple)
        assert all(abs(a - b) < 40 for a, b in zip(face, (220, 190, 160), strict=True)), face


def test_a_webp_moves(tmp_path: Path) -> None:
    made = review(tmp_path / "v", ("checkpoint-9",), ("one",))
    with sheet(made, tmp_path, "sheet.webp") as picture:
        assert (picture.format, getattr(picture, "n_frames", 1)) == ("WEBP", FRAMES)


def test_a_sheet_is_bounded_and_takes_any_name(tmp_path: Path) -> None:
    one = video(tmp_path, 0.5)
    showings = tuple(Showing(f"{number}", one) for number in range(60))
    many = Review("ft-1", None, tuple(Candidate(f"\u202e数{number}\n", showings) for number in range(60)))
    with sheet(many, tmp_path, "sheet.png") as picture:
        assert picture.size == (25 * 206 + 6, 26 + 40 * 156 + 6)


def test_a_sheet_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SheetError, match=r"name it \.png"):
        sheet(Review("ft-1", None, ()), tmp_path, "sheet.gif")
