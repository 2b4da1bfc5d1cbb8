"""Longer than one call: segments that go on from the last picture, each paid once, and joined."""

from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image, ImageChops, ImageStat

from tests.generation.conftest import VideoStage
from wanctl.generation.extending import join, last_picture


def facts(path: Path) -> tuple[float, int, bool]:
    with av.open(str(path), "r") as container:
        stream = container.streams.video[0]
        assert stream.duration is not None
        assert stream.time_base is not None
        seconds = float(stream.duration * stream.time_base)
        sounds = bool(container.streams.audio)
        return seconds, sum(1 for _ in container.decode(video=0)), sounds


def clip(path: Path, colour: str, *, size: tuple[int, int] = (64, 48), frames: int = 10) -> Path:
    with av.open(str(path), "w", format="mp4") as container:
        track = container.add_stream("libx264", rate=10)
        track.width, track.height, track.pix_fmt = *size, "yuv420p"
        for _ in range(frames):
            frame = av.VideoFrame.from_image(Image.new("RGB", size, colour))  # type: ignore[no-untyped-call]
            container.mux(track.encode(frame))
        container.mux(track.encode())
    return path


def pictures(path: Path) -> list[Any]:
    with av.open(str(path), "r") as container:
        return [frame.to_image().convert("RGB") for frame in container.decode(video=0)]  # type: ignore[no-untyped-call]


def test_segments_go_on_from_the_last_picture(stage: VideoStage) -> None:
    words = (*stage.image, "--duration", "2", "--extend", "2")
    made = stage.made(*words)
    assert len(stage.tasks()) == len(made["segments"]) == 3
    seconds, _, sounds = facts(stage.folder / made["file"])
    assert seconds == pytest.approx(6, abs=0.2)
    assert sounds
    first, second = (pictures(stage.folder / one["file"]) for one in made["segments"][:2])
    apart = ImageStat.Stat(ImageChops.difference(first[-1], second[0])).mean
    assert sum(apart) < sum(ImageStat.Stat(ImageChops.difference(first[0], second[0])).mean)
    again = stage.made(*words)
    assert (again["cached"], again["file"], len(stage.tasks())) == (True, made["file"], 3)


def test_a_chain_that_broke_goes_on_where_it_was(stage: VideoStage) -> None:
    stage.made(*stage.image, "--duration", "2")
    stage.arrange("quota", method="POST", path="*/video-synthesis", count=1)
    words = (*stage.image, "--duration", "2", "--extend", "1")
    printed, code = stage.generate(*words)
    assert (code, len(stage.tasks())) == (1, 1), printed
    assert len(stage.made(*words)["segments"]) == 2
    assert len(stage.tasks()) == 2


def test_words_are_followed_by_the_image_model_of_their_generation(stage: VideoStage) -> None:
    made = stage.made(
        "--model", "wan2.6-t2v", "--prompt", "p", "--size", "1280*720", "--duration", "2", "--extend", "1"
    )
    assert [one["model"] for one in made["segments"]] == ["wan2.6-t2v", "wan2.6-i2v"]
    assert made["duration"] == pytest.approx(4, abs=0.2)


REFUSED = [
    (
        ("--model", "wan2.2-kf2v-flash", "--image", "face.png", "--last-image", "end.png"),
        "go on from a last picture",
    ),
    (("--model", "wan2.1-t2v-plus", "--prompt", "p"), "no i2v model goes on from"),
]


@pytest.mark.parametrize(("words", "told"), REFUSED)
def test_what_cannot_be_made_longer_is_told(stage: VideoStage, words: tuple[str, ...], told: str) -> None:
    printed, code = stage.generate(*words, "--extend", "1")
    assert (code, "last picture" in printed or told in printed, stage.calls("POST", "synthesis")) == (
        1,
        True,
        0,
    )


def test_a_sound_and_too_many_segments_are_refused(stage: VideoStage) -> None:
    printed, code = stage.generate(*stage.image, "--audio", "https://example.com/a.mp3", "--extend", "1")
    assert (code, "would begin anew" in printed) == (1, True)
    printed, code = stage.generate(*stage.image, "--extend", "20")
    assert (code, "1 to 19 more segments" in printed) == (1, True)


def test_alike_is_copied_and_unlike_is_coded_anew(tmp_path: Path) -> None:
    one, two = clip(tmp_path / "1.mp4", "red"), clip(tmp_path / "2.mp4", "blue")
    assert join([one, two], tmp_path / "copied.mp4") is True
    assert facts(tmp_path / "copied.mp4") == (2.0, 20, False)
    other = clip(tmp_path / "3.mp4", "green", size=(96, 64))
    assert join([one, other], tmp_path / "coded.mp4") is False
    seen = pictures(tmp_path / "coded.mp4")
    assert len(seen) == 20
    assert {picture.size for picture in seen} == {(64, 48)}
    assert seen[15].getpixel((20, 20))[1] > 80


def test_a_last_picture_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    one = clip(tmp_path / "1.mp4", "red")
    assert last_picture(one) == last_picture(one)
