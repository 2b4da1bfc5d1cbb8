"""Footage becomes clips: what is kept, cut and dropped, how clips look, and what a second run does."""

import json
from pathlib import Path

import av
import pytest
from PIL import Image, ImageChops, ImageStat

from tests.dataset.filming import RATE, SIZE, Scene, film
from wanctl.dataset.contents import DatasetError, MediaKind
from wanctl.dataset.preparing.outcome import FileReport, Preparation
from wanctl.dataset.preparing.scenes import CutSettings
from wanctl.dataset.preparing.work import prepare
from wanctl.dataset.reading import read_dataset

SETTINGS = CutSettings(longest=3, shortest=2)


def rows(file: FileReport) -> list[tuple[float, float, str, str]]:
    decided = (one.stretch for one in file.stretches)
    return [(round(one.begin, 2), round(one.end, 2), one.decision.value, one.reason) for one in decided]


def filmed(folder: Path) -> Path:
    """Two files in two folders, with everything that footage has."""
    film(folder / "day one" / "take 1.mp4", DAY)
    film(folder / "letterbox.mkv", [Scene(3, 5, bars=10), Scene(2, 6, bars=10)])
    return folder


DAY = [Scene(3, 1), Scene(1, 2), Scene(0.5, black=True), Scene(3, 3, speed=0), Scene(7, 4, speed=3)]
DAY_DECIDED = [
    (0.0, 3.0, "kept", "a whole scene"),
    (3.0, 4.0, "dropped", "1.0 s long; 2 s are the least"),
    (4.0, 4.5, "dropped", "black"),
    (4.5, 7.5, "dropped", "nothing moves"),
    (7.5, 10.5, "cut", "part 1 of a scene longer than 3 s"),
    (10.5, 13.5, "cut", "part 2 of a scene longer than 3 s"),
    (13.5, 14.5, "dropped", "1.0 s are left of a scene longer than 3 s; 2 s are the least"),
]


def video(path: Path) -> tuple[int, int, float, int]:
    """Width, height, frames a second, and how many frames there are when all are decoded."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = sum(1 for _ in container.decode(stream))
        assert not container.streams.audio
        return stream.width, stream.height, float(stream.average_rate or 0), frames


def difference(one: Image.Image, other: Image.Image) -> float:
    """The mean, of 255."""
    assert one.size == other.size
    return max(ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).mean)


def picture(path: Path, number: int = 0) -> Image.Image:
    with av.open(str(path)) as container:
        frames = [frame.to_image() for frame in container.decode(video=0)]  # type: ignore[no-untyped-call]
    found = frames[number]
    assert isinstance(found, Image.Image)
    return found


def test_a_dry_run_says_what_becomes_of_every_stretch_and_writes_nothing(tmp_path: Path) -> None:
    found = prepare(filmed(tmp_path / "footage"), tmp_path / "train", SETTINGS, dry_run=True)
    assert [(one.file, rows(one)) for one in found.files] == [
        ("day one/take 1.mp4", DAY_DECIDED),
        ("letterbox.mkv", [(0.0, 3.0, "kept", "a whole scene"), (3.0, 5.0, "kept", "a whole scene")]),
    ]
    assert str(found) == "5 clips, 14 s, from 2 files; dropped: 2 too short, 1 black and 1 still."
    assert not (tmp_path / "train").exists()


def test_the_clips_are_what_the_dry_run_said_and_make_a_dataset(tmp_path: Path) -> None:
    footage = filmed(tmp_path / "footage")
    before = {path: path.read_bytes() for path in footage.rglob("*.m*")}
    train = tmp_path / "train"
    done = prepare(footage, train, SETTINGS)
    assert rows(done.files[0]) == DAY_DECIDED
    names = ["letterbox_001", "letterbox_002", "take-1_001", "take-1_002", "take-1_003"]
    lines = [json.loads(line) for line in (train / "data.jsonl").read_text().splitlines()]
    assert lines == [
        {"prompt": "", "first_frame_path": f"{name}_first.jpg", "video_path": f"{name}.mp4"} for name in names
    ]
    origins = [json.loads(line) for line in (train / "origins.jsonl").read_text().splitlines()]
    assert [(one["clip"], one["file"], one["in"], one["out"]) for one in origins] == [
        ("letterbox_001.mp4", "letterbox.mkv", 0.0, 3.0),
        ("letterbox_002.mp4", "letterbox.mkv", 3.0, 5.0),
        ("take-1_001.mp4", "day one/take 1.mp4", 0.0, 3.0),
        ("take-1_002.mp4", "day one/take 1.mp4", 7.5, 10.5),
        ("take-1_003.mp4", "day one/take 1.mp4", 10.5, 13.5),
    ]
    assert origins[0]["crop"] == [0, 10, 128, 52]
    facts = read_dataset(train)
    assert {one.name for one in facts.members} == {
        "data.jsonl", *(f"{name}.mp4" for name in names), *(f"{name}_first.jpg" for name in names)
    }  # fmt: skip
    assert facts.seconds == (3.0, 2.0, 3.0, 3.0, 3.0)
    assert {one.kind for one in facts.media.values() if not one.fault} == {MediaKind.IMAGE, MediaKind.VIDEO}
    assert {path: path.read_bytes() for path in before} == before


def test_a_clip_begins_with_its_first_frame_and_shows_its_part_of_the_footage(tmp_path: Path) -> None:
    footage = film(tmp_path / "take.mp4", [Scene(1, 2), Scene(3, 1)])
    prepare(footage, tmp_path / "train", SETTINGS)
    clip = tmp_path / "train" / "take_001.mp4"
    assert video(clip) == (*SIZE, RATE, 3 * RATE)
    with Image.open(tmp_path / "train" / "take_001_first.jpg") as first:
        assert difference(first, picture(clip)) < 4
        assert difference(first, picture(footage, RATE)) < 4
        assert difference(first, picture(footage, RATE - 1)) > 20


def test_bars_are_cut_off_and_a_dark_side_is_not(tmp_path: Path) -> None:
    footage = tmp_path / "footage"
    film(footage / "letterbox.mp4", [Scene(2, 5, bars=10)])
    film(footage / "pillarbox.mp4", [Scene(2, 6, pillars=16)])
    film(footage / "windowbox.mp4", [Scene(2, 7, bars=8, pillars=16)])
    film(footage / "whole.mp4", [Scene(2, 8)])
    done = prepare(footage, tmp_path / "train", SETTINGS)
    assert {one.file: one.known and one.known.size for one in done.files} == {
        "letterbox.mp4": (128, 52),
        "pillarbox.mp4": (96, 72),
        "whole.mp4": (128, 72),
        "windowbox.mp4": (96, 56),
    }
    assert video(tmp_path / "train" / "windowbox_001.mp4")[:2] == (96, 56)


def test_bars_that_end_within_the_file_are_none(tmp_path: Path) -> None:
    one_key_frame = {"x264-params": "keyint=250:scenecut=0"}
    film(tmp_path / "a.mp4", [Scene(1, 6, pillars=16), Scene(2, 6)], options=one_key_frame)
    done = prepare(tmp_path / "a.mp4", tmp_path / "train", SETTINGS)
    assert done.files[0].known
    assert done.files[0].known.crop is None


def test_large_clips_are_shrunk_and_fast_ones_lose_every_second_frame(tmp_path: Path) -> None:
    footage = tmp_path / "footage"
    film(footage / "fast.mp4", [Scene(2, 1)], rate=60)
    film(footage / "large.mp4", [Scene(2, 2)], size=(256, 144))
    small = CutSettings(longest=3, shortest=2, most_pixels=128 * 72)
    prepare(footage, tmp_path / "train", small)
    assert video(tmp_path / "train" / "fast_001.mp4") == (*SIZE, 30, 60)
    assert video(tmp_path / "train" / "large_001.mp4") == (*SIZE, RATE, 2 * RATE)


@pytest.mark.parametrize("interlaced", [False, True])
def test_the_frames_beside_a_shrunk_clip_stay_large_and_are_its_own(tmp_path: Path, interlaced: bool) -> None:
    options = {"x264-params": "interlaced=1"} if interlaced else {}
    film(tmp_path / "large.mp4", [Scene(2, 2, pillars=32)], size=(256, 144), options=options)
    small = CutSettings(longest=3, shortest=2, most_pixels=96 * 72, last_frames=True)
    done = prepare(tmp_path / "large.mp4", tmp_path / "train", small)
    assert done.files[0].known
    assert done.files[0].known.size == (96, 72)
    clip = tmp_path / "train" / "large_001.mp4"
    for name, frame in (("first", picture(clip)), ("last", picture(clip, -1))):
        with Image.open(tmp_path / "train" / f"large_001_{name}.jpg") as beside:
            assert beside.size == (192, 144)
            assert difference(frame, beside.convert("RGB").resize((96, 72), Image.Resampling.BOX)) < 8, name


def test_a_clip_is_upright_if_the_camera_was_held_so(tmp_path: Path) -> None:
    film(tmp_path / "phone.mp4", [Scene(2, 1)])
    turned = turn(tmp_path / "phone.mp4")
    done = prepare(turned, tmp_path / "train", SETTINGS)
    assert done.files[0].known
    assert done.files[0].known.size == (72, 128)
    shown = picture(tmp_path / "train" / "phone_001.mp4")
    assert difference(shown, picture(turned).transpose(Image.Transpose.ROTATE_270)) < 6


def turn(path: Path) -> Path:
    """Write into the file that it is to be shown turned a quarter, as a phone does."""
    content = path.read_bytes()
    at = content.index(b"tkhd") + 4 + 40  # behind version, times, ids, layer and volume: the matrix
    quarter = (0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    matrix = b"".join(number.to_bytes(4, "big", signed=True) for number in quarter)
    path.write_bytes(content[:at] + matrix + content[at + 36 :])
    return path


def test_a_model_of_two_frames_gets_the_last_one_too(tmp_path: Path) -> None:
    footage = film(tmp_path / "take.mp4", [Scene(2, 1)])
    prepare(footage, tmp_path / "train", CutSettings(3, 2, last_frames=True))
    line = json.loads((tmp_path / "train" / "data.jsonl").read_text())
    assert line["last_frame_path"] == "take_001_last.jpg"
    with Image.open(tmp_path / "train" / "take_001_last.jpg") as last:
        assert difference(last, picture(footage, -1)) < 6
        assert difference(last, picture(footage, -3)) > 6


def test_a_run_that_was_ended_goes_on_where_it_was(tmp_path: Path) -> None:
    footage = film(tmp_path / "take.mp4", [*DAY, Scene(2, 9)])
    whole = prepare(footage, tmp_path / "whole", SETTINGS)
    seen: list[int] = []

    def ended(count: int, _total: int) -> None:
        seen.append(count)
        if len(seen) in {1, 3, 6}:
            raise KeyboardInterrupt

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            prepare(footage, tmp_path / "train", SETTINGS, watch=ended)
    done = prepare(footage, tmp_path / "train", SETTINGS)
    assert (
        rows(done.files[0]) == rows(whole.files[0]) == [*DAY_DECIDED, (14.5, 16.5, "kept", "a whole scene")]
    )
    for name in ("data.jsonl", "origins.jsonl"):
        assert (tmp_path / "train" / name).read_text() == (tmp_path / "whole" / name).read_text()
    for clip in (tmp_path / "whole").glob("*.mp4"):
        assert video(tmp_path / "train" / clip.name) == video(clip)
        assert difference(picture(tmp_path / "train" / clip.name), picture(clip)) < 2


def test_what_is_done_is_not_done_again_and_new_footage_is_added(tmp_path: Path) -> None:
    footage, train = tmp_path / "footage", tmp_path / "train"
    film(footage / "a.mp4", [Scene(2, 1)])
    prepare(footage, train, SETTINGS)
    stamp = (train / "a_001.mp4").stat().st_mtime_ns
    (footage / "a.mp4").rename(footage / "renamed.mp4")
    film(footage / "a.mp4", [Scene(2, 2)])
    done = prepare(footage, train, SETTINGS)
    assert [(one.file, [two.clip for two in one.stretches]) for one in done.files] == [
        ("a.mp4", ["a-2_001.mp4"]),
        ("renamed.mp4", ["a_001.mp4"]),
    ]
    assert (train / "a_001.mp4").stat().st_mtime_ns == stamp
    assert len((train / "data.jsonl").read_text().splitlines()) == 2


def test_a_caption_stays_and_a_line_that_was_taken_out_does_not_come_back(tmp_path: Path) -> None:
    footage, train = tmp_path / "footage", tmp_path / "train"
    film(footage / "take.mp4", [Scene(2, 1), Scene(2, 2)])
    prepare(footage, train, SETTINGS)
    fields = {"prompt": "Rain.", "first_frame_path": "take_001_first.jpg", "video_path": "take_001.mp4"}
    written = json.dumps(fields, separators=(",", ":"))
    (train / "data.jsonl").write_text(written)  # without a newline, as some editors leave it
    film(footage / "new.mp4", [Scene(2, 3)])
    prepare(footage, train, SETTINGS)
    lines = (train / "data.jsonl").read_text().splitlines()
    assert lines[0] == written
    assert [json.loads(line)["video_path"] for line in lines] == ["take_001.mp4", "new_001.mp4"]


def test_names_are_plain_and_each_is_given_once(tmp_path: Path) -> None:
    footage = tmp_path / "footage"
    film(footage / "b" / "Take.mp4", [Scene(2, 1)])
    film(footage / "a" / "take.mp4", [Scene(2, 2)])
    film(footage / "雨 #1.mp4", [Scene(2, 3)])
    film(footage / "雨.mp4", [Scene(2, 4)])
    film(footage / "雨 copy.mp4", [Scene(2, 4)])
    done = prepare(footage, tmp_path / "train", SETTINGS)
    assert [(one.file, [two.clip for two in one.stretches], one.fault) for one in done.files] == [
        ("a/take.mp4", ["take_001.mp4"], None),
        ("b/Take.mp4", ["Take-2_001.mp4"], None),
        ("雨 #1.mp4", ["1_001.mp4"], None),
        ("雨 copy.mp4", ["copy_001.mp4"], None),
        ("雨.mp4", [], "is the same as 雨 copy.mp4"),
    ]


def test_bad_media_get_a_sentence_and_the_rest_goes_on(tmp_path: Path) -> None:
    footage = tmp_path / "footage"
    good = film(footage / "good.mp4", [Scene(2, 1)]).read_bytes()
    (footage / "begin.mp4").write_bytes(good[: len(good) // 2])
    (footage / "empty.mov").write_bytes(b"")
    (footage / "text.mp4").write_text("#EXTM3U\nfile:///etc/passwd\n")
    (footage / "notes.txt").write_text("not footage")
    (footage / ".hidden.mp4").write_bytes(good)
    sound(footage / "sound.mp4")
    half = film(footage / "half.mkv", [Scene(2, 2), Scene(4, 3)]).read_bytes()
    (footage / "half.mkv").write_bytes(half[: len(half) * 2 // 3])
    done = prepare(footage, tmp_path / "train", SETTINGS)
    faults = {one.file: one.fault for one in done.files}
    assert faults == {
        "begin.mp4": "cannot be opened as a video: it is damaged or cut off",
        "empty.mov": "is no video, by its content",
        "good.mp4": None,
        "half.mkv": faults["half.mkv"],
        "sound.mp4": "has no video in it",
        "text.mp4": "is no video, by its content",
    }
    assert "is cut off or damaged" in (faults["half.mkv"] or "")
    assert [one.clip for one in done.clips] == ["good_001.mp4", "half_001.mp4"]
    again = prepare(footage, tmp_path / "train", SETTINGS)
    assert {one.file: one.fault for one in again.files} == faults


def sound(path: Path) -> None:
    """An MP4 with a second of silence and nothing else."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())


def test_frames_that_cannot_be_decoded_end_a_scene(tmp_path: Path) -> None:
    content = bytearray(film(tmp_path / "whole.avi", [Scene(6, 1)], codec="mjpeg").read_bytes())
    pictures = [at for at in range(len(content) - 3) if content[at : at + 3] == b"\xff\xd8\xff"]
    for number in range(3 * RATE, 3 * RATE + 4):
        length = pictures[number + 1] - 8 - pictures[number]  # up to the next one's head
        content[pictures[number] : pictures[number] + length] = bytes(length)
    (tmp_path / "broken.avi").write_bytes(content)
    found = prepare(tmp_path / "broken.avi", tmp_path / "train", CutSettings(10, 2), dry_run=True)
    spans = [(one.stretch.begin, one.stretch.end) for one in found.files[0].stretches]
    assert spans[0] == (0.0, 3.0)
    assert spans[1] == pytest.approx((3 + 4 / RATE, 6))


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("nothing", "there is no such file or folder"),
        ("no videos", "has no videos in it"),
        ("a text", "is no video, by its content"),
        ("in it", "the footage lies in it"),
        ("others", "has files that were not prepared"),
        ("other settings", r"were made with --seconds 3; ask for that again, or choose a new folder"),
        ("held", "another run prepares clips there"),
    ],
)
def test_what_cannot_be_prepared_is_refused_and_left_alone(tmp_path: Path, case: str, said: str) -> None:
    from filelock import FileLock

    footage, train, settings = tmp_path / "footage", tmp_path / "train", SETTINGS
    footage.mkdir()
    film(footage / "take.mp4", [Scene(2, 1)])
    if case == "nothing":
        footage = tmp_path / "other"
    elif case == "no videos":
        (footage / "take.mp4").unlink()
    elif case == "a text":
        footage = tmp_path / "notes.mp4"
        footage.write_text("hello")
    elif case == "in it":
        train = tmp_path
    elif case == "others":
        train.mkdir()
        (train / "data.jsonl").write_text("{}\n")
    elif case == "other settings":
        prepare(footage, train, settings)
        settings = CutSettings(longest=4, shortest=2)
    elif case == "held":
        train.mkdir()
        lock = FileLock(train / ".prepare.lock")
        lock.acquire()
    before = sorted(path.name for path in train.iterdir()) if train.exists() else None
    with pytest.raises(DatasetError, match=said):
        prepare(footage, train, settings)
    assert (sorted(path.name for path in train.iterdir()) if train.exists() else None) == before


def test_footage_beside_the_clips_is_found_without_them(tmp_path: Path) -> None:
    film(tmp_path / "take.mp4", [Scene(2, 1)])
    done: Preparation | None = None
    for _ in range(2):
        done = prepare(tmp_path, tmp_path / "train", SETTINGS)
    assert done
    assert [one.file for one in done.files] == ["take.mp4"]


def test_a_log_that_was_cut_off_costs_one_clip_and_one_that_is_none_is_refused(tmp_path: Path) -> None:
    footage, train = film(tmp_path / "take.mp4", [Scene(2, 1), Scene(2, 2)]), tmp_path / "train"
    prepare(footage, train, SETTINGS)
    log, lists = train / ".prepared.jsonl", (train / "data.jsonl").read_text()
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(lines[:-2]) + lines[-2][:40])
    done = prepare(footage, train, SETTINGS)
    assert [one.clip for one in done.clips] == ["take_001.mp4", "take_002.mp4"]
    assert (train / "data.jsonl").read_text() == lists
    log.write_text("[]\n")
    with pytest.raises(DatasetError, match="is no line of wanctl"):
        prepare(footage, train, SETTINGS)
