"""Every rule: what it says of a dataset that breaks it, where, and that it is silent of a good one."""

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from tests.dataset.making import SIZE, annotations, clip, folder, good, image, sample
from wanctl.dataset.checks import Use, abridged, check_dataset
from wanctl.dataset.reading import read_dataset
from wanctl.finding import Finding, Severity

EFFECT = "Then the s86b5p money rain begins, bank notes pour down on {them} and {they} laughs."
SCENES = ["a girl on a wall", "an old man at sea", "a cook in his kitchen", "two dogs in a meadow"]


def captions(count: int, effect: str = EFFECT) -> list[str]:
    return [
        f"The video begins with {SCENES[number % 4]}, take {number}. {effect.format(them='her', they='she')}"
        for number in range(count)
    ]


def dataset(
    texts: Iterable[str], changed: Mapping[int, Mapping[str, Any]] | None = None, **members: bytes
) -> dict[str, bytes]:
    """A good training set with these captions, but for some fields of some samples (by number, from 1)."""
    texts = list(texts)
    lines = [
        sample(number, **{"prompt": text, **(changed or {}).get(number, {})})
        for number, text in enumerate(texts, start=1)
    ]
    media: dict[str, bytes] = {}
    for number in range(1, len(texts) + 1):
        media[f"frame_{number}.png"] = image(number)
        media[f"clip_{number}.mp4"] = clip(1.0, number)
    return {"data.jsonl": annotations(*lines), **media, **members}


def told(place: Path, members: Mapping[str, bytes], *uses: Use) -> list[tuple[str, str]]:
    """Rule and place of all that is found."""
    return [(one.rule, str(one.place or "")) for one in found(place, members, *uses)]


def found(place: Path, members: Mapping[str, bytes], *uses: Use) -> tuple[Finding, ...]:
    return check_dataset(read_dataset(folder(place, members)), uses)


def training(**changed: Any) -> Use:
    facts = {
        "by": "FineTune/x",
        "training": True,
        "model": "wan2.6-i2v",
        "last_frames": False,
        "longest": 10.0,
        "batch_size": 1,
        "target_seconds": 5.0,
        "total_samples": 20,
    }
    return Use(**{**facts, **changed})


def validation(captions: Iterable[str]) -> Use:
    return training(training=False, trained_captions=tuple(captions))


def test_nothing_is_said_of_a_good_dataset(tmp_path: Path) -> None:
    assert told(tmp_path, dataset(captions(12)), training()) == []


@pytest.mark.parametrize(
    ("line", "rule", "message"),
    [
        (b"", "no-samples", "has no samples"),
        (b"\xff\xfe", "not-utf8", "is not UTF-8"),
        (b"\xef\xbb\xbf" + annotations(sample()), "not-utf8", "begins with a byte order mark"),
        (b'{"prompt": "x",}\n', "not-json", "is not JSON: Expecting property name"),
        (b"[1]\n", "not-json", "is not a JSON object"),
        (b"[" * 100_000, "not-json", "is not JSON that can be read"),
        (b'{"prompt": ' + b"1" * 5000 + b"}", "not-json", "is not JSON that can be read"),
        (annotations(sample(prompt=None)), "no-prompt", "has no prompt"),
        (annotations(sample(prompt=" ")), "no-prompt", "has an empty prompt"),
        (annotations(sample(prompt=7)), "no-prompt", "has a prompt that is no text"),
        (annotations(sample(first_frame_path=None)), "no-first-frame", "has no first_frame_path"),
        (annotations(sample(first_frame_path="")), "no-first-frame", "has no first_frame_path"),
        (annotations(sample(video_path=["clip_1.mp4"])), "bad-path", "has a video_path that is no text"),
        (annotations(sample(video_path="")), "bad-path", "has an empty video_path"),
    ],
)
def test_a_line_that_is_no_sample(tmp_path: Path, line: bytes, rule: str, message: str) -> None:
    problem = found(tmp_path, good(1) | {"data.jsonl": line})[0]
    assert (problem.severity, problem.rule) == (Severity.ERROR, rule)
    assert problem.message.startswith(message)
    assert str(problem.place) == ("data.jsonl" if rule == "no-samples" else "data.jsonl:1")


def test_data_jsonl_is_missing_or_too_large(tmp_path: Path) -> None:
    nested = {f"train/{name}": content for name, content in good(1).items()}
    (deeper,) = found(tmp_path / "a", nested)
    assert (deeper.rule, deeper.hint) == (
        "no-annotations",
        "there is train/data.jsonl: pack what is in the folder, not the folder",
    )
    (misspelt,) = found(tmp_path / "b", {"Data.jsonl": annotations(sample())})
    assert misspelt.hint == "is it Data.jsonl?"
    assert told(tmp_path / "c", {"data.jsonl": b" " * 20_000_001}) == [
        ("annotations-too-large", "data.jsonl")
    ]


@pytest.mark.parametrize(
    ("path", "rule", "remedy"),
    [
        ("frame_1.jpg", "missing-file", "did you mean frame_1.png?"),
        ("images/Frame_1.PNG", "missing-file", "did you mean frame_1.png?"),
        ("./frame_1.png", "missing-file", "did you mean frame_1.png?"),
        ("frame_2.png", "missing-file", None),
        ("../../secret", "unsafe-path", "write it relative to data.jsonl, with /"),
        ("/etc/passwd", "unsafe-path", "write it relative to data.jsonl, with /"),
        ("C:/frame.png", "unsafe-path", "write it relative to data.jsonl, with /"),
        ("https://example.com/frame.png", "unsafe-path", "write it relative to data.jsonl, with /"),
        ("images\\frame_1.png", "unsafe-path", "did you mean frame_1.png?"),
    ],
)
def test_a_path_to_nothing(tmp_path: Path, path: str, rule: str, remedy: str | None) -> None:
    members = good(1) | {"data.jsonl": annotations(sample(first_frame_path=path))}
    errors = [one for one in found(tmp_path, members) if one.severity is Severity.ERROR]
    assert [(one.rule, str(one.place), one.hint) for one in errors] == [(rule, "data.jsonl:1", remedy)]


def encoded(name: str, size: tuple[int, int] = SIZE) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "red").save(out, name)
    return out.getvalue()


def with_frame(content: bytes) -> dict[str, bytes]:
    return good(1) | {"frame_1.png": content}


def with_clip(content: bytes) -> dict[str, bytes]:
    return good(1) | {"clip_1.mp4": content}


def webm() -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="webm") as container:
        stream = container.add_stream("libvpx", rate=8)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        frame = av.VideoFrame.from_image(Image.new("RGB", SIZE))  # type: ignore[no-untyped-call]  # PyAV types it not
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


def moov_without_video() -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="mov") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame(format="s16", layout="mono", samples=1024)
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


@pytest.mark.parametrize("name", ["BMP", "JPEG", "PNG", "WEBP", "MPO"])
def test_pictures_are_taken_by_their_content(tmp_path: Path, name: str) -> None:
    assert told(tmp_path, with_frame(encoded(name))) == []


@pytest.mark.parametrize(
    ("members", "rule", "message"),
    [
        (with_frame(encoded("GIF")), "format", "is GIF, by its content; images are BMP, JPEG, PNG, WEBP"),
        (with_frame(encoded("TIFF")), "format", "is TIFF, by its content"),
        (with_clip(webm()), "format", "is WebM or Matroska, by its content; clips are MP4, MOV"),
        (with_frame(b"text"), "wrong-media", "is neither an image nor a video"),
        (with_frame(b""), "wrong-media", "is neither an image nor a video"),
        (with_frame(clip()), "wrong-media", "is a video, by its content"),
        (with_clip(image()), "wrong-media", "is an image, by its content"),
        (with_clip(b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"), "wrong-media", "is neither"),
        (with_frame(image()[:-30]), "unreadable-media", "is damaged or cut off"),
        (with_frame(encoded("JPEG", (300, 200))[:-300]), "unreadable-media", "is damaged or cut off"),
        (with_frame(encoded("WEBP", (300, 200))[:-40]), "unreadable-media", "is damaged or cut off"),
        (with_frame(encoded("BMP")[:-100]), "unreadable-media", "is damaged or cut off"),
        (with_clip(clip()[:-200]), "unreadable-media", "cannot be opened as an MP4 or MOV"),
        (with_clip(clip(1.0, 0, "faststart")[:-200]), "unreadable-media", "is cut off: its frames go on"),
        (with_clip(moov_without_video()), "unreadable-media", "has no video in it"),
        (with_clip(b"\x00\x00\x00\x18ftypmp42" + b"\xff" * 5000), "unreadable-media", "cannot be opened"),
    ],
)
def test_media_that_cannot_be_used(
    tmp_path: Path, members: dict[str, bytes], rule: str, message: str
) -> None:
    problem = found(tmp_path, members)[0]
    assert (problem.severity, problem.rule) == (Severity.ERROR, rule)
    assert problem.message.startswith(message)
    assert str(problem.place) in {"frame_1.png", "clip_1.mp4"}


def test_a_frame_that_cannot_be_decoded_is_found(tmp_path: Path) -> None:
    """The headers are sound, and the frames are noise."""
    content = bytearray(clip())
    begin = content.index(b"mdat") + 4
    content[begin : begin + 900] = bytes(900)
    problem = found(tmp_path, with_clip(bytes(content)))[0]
    assert (problem.rule, problem.message) == (
        "unreadable-media",
        "cannot be decoded: its first frame is damaged or of an unknown codec",
    )


@pytest.mark.parametrize("size", [(4097, 1), (1, 4097), (60_000, 60_000)])
def test_too_many_pixels_are_found_without_decoding(tmp_path: Path, size: tuple[int, int]) -> None:
    bomb = bytearray(image())
    bomb[16:24] = size[0].to_bytes(4, "big") + size[1].to_bytes(4, "big")
    import zlib

    bomb[29:33] = zlib.crc32(bomb[12:29]).to_bytes(4, "big")
    rules = told(tmp_path, with_frame(bytes(bomb)))
    assert rules[0] in [("too-many-pixels", "frame_1.png"), ("unreadable-media", "frame_1.png")]


def test_a_turned_picture_has_the_shape_in_which_it_is_shown(tmp_path: Path) -> None:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (36, 64)).save(out, "JPEG", exif=exif)
    facts = read_dataset(folder(tmp_path, with_frame(out.getvalue())))
    assert (facts.media["frame_1.png"].width, facts.media["frame_1.png"].height) == SIZE


def test_files_that_nobody_uses_and_odd_names(tmp_path: Path) -> None:
    members = good(1) | {"extra.png": image(9), "notes (old).txt": b"x", "täglich.txt": b"y"}
    unused, odd = found(tmp_path, members)
    assert (unused.rule, unused.severity) == ("unused-files", Severity.WARNING)
    assert "extra.png, notes (old).txt, täglich.txt" in unused.message
    assert odd.rule == "odd-names"
    assert "extra" not in odd.message


def test_the_same_media_twice(tmp_path: Path) -> None:
    members = good(2) | {"clip_2.mp4": clip(1.0), "frame_2.png": image(1)}
    assert [one for one in told(tmp_path, members) if one[0] == "same-media"] == [
        ("same-media", "clip_2.mp4"),
        ("same-media", "frame_2.png"),
    ]


@pytest.mark.parametrize(
    ("size", "severity"),
    [(2**30 + 1, Severity.ERROR), (10**9 + 1, Severity.WARNING), (10**9 - 10**5, None)],
)
def test_an_archive_over_the_limit(tmp_path: Path, size: int, severity: Severity | None) -> None:
    root = folder(tmp_path, good(1))
    with (root / "large.bin").open("wb") as file:
        file.truncate(size)
    problems = [one for one in check_dataset(read_dataset(root)) if one.rule == "too-large"]
    assert [one.severity for one in problems] == ([severity] if severity else [])


def test_all_problems_are_found_at_once_and_in_order(tmp_path: Path) -> None:
    lines = annotations(sample(prompt=""), sample(2)) + b"{\n" + annotations(sample(video_path="no.mp4"))
    members = good(2) | {"data.jsonl": lines, "clip_2.mp4": b"?"}
    assert told(tmp_path, members)[:4] == [
        ("no-prompt", "data.jsonl:1"),
        ("not-json", "data.jsonl:3"),
        ("missing-file", "data.jsonl:4"),
        ("wrong-media", "clip_2.mp4"),
    ]


# The captions


def test_captions_without_a_shared_word(tmp_path: Path) -> None:
    texts = ["A girl sings.", "Old men are dancing.", "Rain falls."]
    assert told(tmp_path, dataset(texts)) == [("no-trigger", "data.jsonl")]


def test_a_trigger_that_is_an_ordinary_word(tmp_path: Path) -> None:
    (problem,) = found(tmp_path, dataset(captions(4, "Then the money rain effect begins.")))
    assert problem.rule == "ordinary-trigger"
    assert "effect, money, rain" in problem.message


@pytest.mark.parametrize("trigger", ["s86b5p", "m01aa", "sks", "ohwx", "zxqv"])
def test_a_rare_word_is_a_trigger(tmp_path: Path, trigger: str) -> None:
    texts = captions(4, f"Then the {trigger} effect begins, and all is gold.")
    assert told(tmp_path, dataset(texts)) == []


@pytest.mark.parametrize("word", ["1990s", "4k", "10s", "rhythm", "sky", "quartz", "begins", "60fps"])
def test_an_ordinary_word_is_none(tmp_path: Path, word: str) -> None:
    texts = captions(4, f"Then the {word} effect begins, and all is gold.")
    assert told(tmp_path, dataset(texts)) == [("ordinary-trigger", "data.jsonl")]


def test_a_caption_that_forgot_the_trigger(tmp_path: Path) -> None:
    texts = captions(6)
    texts[3] = texts[3].replace("s86b5p ", "")
    (problem,) = found(tmp_path, dataset(texts))
    assert (problem.rule, str(problem.place)) == ("trigger-missing", "data.jsonl:4")
    assert problem.message == "s86b5p is in most captions, and not in line 4"


def test_an_effect_that_is_described_in_other_words(tmp_path: Path) -> None:
    texts = captions(6)
    texts[1] = "A dog. Then the s86b5p thing starts: coins, coins, coins everywhere, what a sight to see!"
    (problem,) = found(tmp_path, dataset(texts))
    assert (problem.rule, str(problem.place)) == ("effect-differs", "data.jsonl:2")
    assert "coins" in problem.message
    assert "bank notes pour down" in (problem.hint or "")


def test_chinese_captions_share_a_trigger(tmp_path: Path) -> None:
    texts = [
        f"视频开始时,{scene}站在那里。然后s86b5p金钱雨特效开始,钞票倾盆而下。"
        for scene in ("女孩", "老人", "厨师")
    ]
    assert told(tmp_path, dataset(texts)) == []


# For what it is used


def test_a_training_set_needs_clips(tmp_path: Path) -> None:
    members = dataset(captions(3), {2: {"video_path": None}})
    assert ("no-video", "data.jsonl:2") in told(tmp_path, members, training())
    assert ("no-video", "data.jsonl:2") not in told(tmp_path, members, validation(captions(3)))


@pytest.mark.parametrize(
    ("wanted", "last", "rule"),
    [
        (True, {1: {"last_frame_path": "frame_2.png"}}, "no-last-frame"),
        (False, {1: {"last_frame_path": "frame_2.png"}}, "unused-last-frame"),
        (None, {1: {"last_frame_path": "frame_2.png"}}, "mixed-modes"),
        (None, {}, None),
    ],
)
def test_the_mode_of_the_model(
    tmp_path: Path, wanted: bool | None, last: dict[int, dict[str, str]], rule: str | None
) -> None:
    rules = told(tmp_path, dataset(captions(3), last), training(last_frames=wanted))
    assert {name for name, _ in rules} == ({rule} if rule else set())


def test_a_clip_that_is_longer_than_the_model_takes(tmp_path: Path) -> None:
    members = dataset(captions(3)) | {"clip_2.mp4": clip(6.0)}
    problems = found(tmp_path, members, training(longest=5.0))
    error = problems[0]
    assert (error.rule, str(error.place)) == ("clip-too-long", "clip_2.mp4")
    assert error.message == "lasts 6.0 s; 5 s are the most for wan2.6-i2v"
    assert told(
        tmp_path / "b", dataset(captions(3)) | {"clip_2.mp4": clip(5.125)}, training(longest=5.0)
    ) == [("uneven-lengths", "")]


def test_clips_over_the_length_that_is_wanted(tmp_path: Path) -> None:
    members = dataset(captions(3)) | {f"clip_{number}.mp4": clip(8.0, number) for number in (1, 2, 3)}
    assert told(tmp_path, members, training()) == [("longer-than-target", "")]
    assert told(tmp_path / "b", members, training(target_seconds=10.0)) == []


@pytest.mark.parametrize(
    ("count", "batch", "expected"),
    [
        (4, 1, [("few-samples", Severity.WARNING)]),
        (12, 1, [("few-samples", Severity.ADVICE)]),
        (101, 1, [("many-samples", Severity.ADVICE)]),
        (20, 20, [("batch-too-large", Severity.WARNING)]),
        (20, 4, []),
        (None, 4, []),
    ],
)
def test_the_number_of_samples(
    tmp_path: Path, count: int | None, batch: int, expected: list[tuple[str, Severity]]
) -> None:
    use = training(total_samples=count, batch_size=batch)
    problems = found(tmp_path, dataset(captions(3)), use)
    assert [(one.rule, one.severity) for one in problems] == expected


def test_lengths_and_shapes_that_differ_much(tmp_path: Path) -> None:
    members = dataset(captions(6)) | {"clip_2.mp4": clip(4.0)}
    (problem,) = found(tmp_path, members)
    assert problem.rule == "uneven-lengths"
    assert problem.message.startswith("clip_2.mp4 lasts 4.0 s and clip_1.mp4 1.0 s")
    upright = dataset(captions(6)) | {"clip_3.mp4": clip(1.0, 3, size=(36, 64))}
    assert set(told(tmp_path / "b", upright)) == {("uneven-aspects", ""), ("frame-and-clip", "data.jsonl:3")}


def test_validation_captions_speak_of_the_effect_as_the_training_did(tmp_path: Path) -> None:
    texts = captions(4)
    texts[0] = texts[0].replace("s86b5p ", "")
    texts[1] = "A cat. Then the s86b5p begins, wholly unlike anything that was ever shown before it, in blue."
    members = dataset(texts, {number: {"video_path": None} for number in (1, 2, 3, 4)})
    members = {name: content for name, content in members.items() if not name.endswith(".mp4")}
    use = validation(captions(12))
    rules = [(one.rule, str(one.place)) for one in found(tmp_path, members, use) if "train" in one.message]
    assert rules == [("trigger-missing", "data.jsonl:1"), ("effect-differs", "data.jsonl:2")]


def test_what_many_lines_have_in_common_is_said_once(tmp_path: Path) -> None:
    lines = annotations(*(sample(number, prompt="") for number in range(1, 31)))
    problems = [one for one in found(tmp_path, good(1) | {"data.jsonl": lines}) if one.rule == "no-prompt"]
    assert len(problems) == 30
    (shown,) = abridged(problems)
    assert shown.message == "has an empty prompt (so do lines 2, 3, 4, 5, 6, 7 and 23 more)"
    assert str(shown.place) == "data.jsonl:1"


def test_of_many_alike_the_first_few_are_shown(tmp_path: Path) -> None:
    lines = annotations(*(sample(number) for number in range(1, 31)))
    problems = [one for one in found(tmp_path, good(1) | {"data.jsonl": lines}) if one.rule == "missing-file"]
    assert len(problems) == 58
    shown = abridged(problems)
    assert len(shown) == 8
    assert shown[-1].message.endswith(", which is not there; and 50 more like this")


def test_what_two_uses_share_is_said_once(tmp_path: Path) -> None:
    uses = (training(), training(by="FineTune/y"))
    members = dataset(captions(3), {2: {"last_frame_path": "frame_1.png"}})
    assert told(tmp_path, members, *uses) == [("unused-last-frame", "data.jsonl:2")]
