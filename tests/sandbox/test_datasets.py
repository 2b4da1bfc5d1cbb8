"""What is uploaded is read: a bad archive fails in training, and says where; a good one is read once."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from tests.sandbox.conftest import JOBS, Account
from wanctl.sandbox.media import datasets

Members = dict[str, bytes]


def members(packed: bytes) -> Members:
    with zipfile.ZipFile(io.BytesIO(packed)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def packing(contents: Members) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in contents.items():
            opened.writestr(name, data)
    return stream.getvalue()


def entries(contents: Members) -> list[dict[str, Any]]:
    return [json.loads(line) for line in contents["data.jsonl"].decode().splitlines()]


def annotated(contents: Members, rows: list[dict[str, Any]]) -> Members:
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    return {**contents, "data.jsonl": lines.encode()}


def without(contents: Members, field: str) -> Members:
    first, *rest = entries(contents)
    return annotated(contents, [{key: value for key, value in first.items() if key != field}, *rest])


def picture(size: tuple[int, int], kind: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, (90, 120, 60)).save(stream, kind)
    return stream.getvalue()


def emptied(clip: bytes) -> bytes:
    """Its head is whole and says what it would be; of the pictures only zeros are left."""
    begin, end = clip.index(b"mdat") + 4, clip.index(b"moov") - 4
    return clip[:begin] + bytes(end - begin) + clip[end:]


BAD: dict[str, tuple[Callable[[Members], Members], str]] = {
    "in a folder": (lambda m: {f"set/{name}": data for name, data in m.items()}, "data.jsonl is not found"),
    "empty": (lambda m: {**m, "data.jsonl": b"\n\n"}, "data.jsonl has no entries"),
    "not JSON": (lambda m: {**m, "data.jsonl": b'{"prompt": "x",}'}, "line 1: not valid JSON"),
    "not an object": (lambda m: {**m, "data.jsonl": b"[1]"}, "line 1: prompt is missing"),
    "not UTF-8": (lambda m: {**m, "data.jsonl": b"\xff\xfe"}, "cannot be read"),
    "nested without end": (lambda m: {**m, "data.jsonl": b"[" * 100_000}, "cannot be read"),
    "no prompt": (lambda m: without(m, "prompt"), "line 1: prompt is missing"),
    "no image named": (lambda m: without(m, "first_frame_path"), "line 1: first_frame_path is missing"),
    "no video named": (lambda m: without(m, "video_path"), "line 1: video_path is missing"),
    "no such image": (
        lambda m: {name: data for name, data in m.items() if name != "frame_1.png"},
        "line 2: first_frame_path frame_1.png is not in the archive",
    ),
    "half an image": (lambda m: {**m, "frame_2.png": m["frame_2.png"][:60]}, "line 3: frame_2.png is no"),
    "an image that is a GIF": (lambda m: {**m, "frame_0.png": picture((9, 9), "GIF")}, "frame_0.png is GIF"),
    "a large image": (
        lambda m: {**m, "frame_0.png": picture((4097, 8), "PNG")},
        "frame_0.png is larger than 4096",
    ),
    "no clip": (lambda m: {**m, "clip_1.mp4": b"no clip"}, "line 2: clip_1.mp4 is no readable video"),
    "a clip of nothing": (
        lambda m: {**m, "clip_1.mp4": emptied(m["clip_1.mp4"])},
        "clip_1.mp4 is no readable video",
    ),
    "half a clip": (lambda m: {**m, "clip_1.mp4": m["clip_1.mp4"][:300]}, "clip_1.mp4 is no readable video"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_archive_fails_in_training(account: Account, name: str) -> None:
    change, words = BAD[name]
    job_id = account.create(packing(change(members(account.data))))
    account.pass_time(minutes=5)
    assert account.job(job_id)["status"] == "RUNNING"
    account.pass_time(minutes=10)
    job = account.job(job_id)
    assert (job["status"], job["code"]) == ("FAILED", "InvalidDataset")
    assert words in job["message"]
    assert words in account.output("GET", f"{JOBS}/{job_id}/logs")["logs"][-1]
    assert "usage" not in job


def test_no_archive_at_all(account: Account) -> None:
    job_id = account.trained(b"not a zip")
    assert "the archive cannot be read" in account.job(job_id)["message"]


def test_an_archive_that_would_unpack_without_bound(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets, "LARGEST_UNPACKED", 10 * 1024 * 1024)
    bomb = packing({**members(account.data), "zeros": bytes(11 * 1024 * 1024)})
    assert len(bomb) < 1024 * 1024
    assert "unpacks to more than" in account.job(account.trained(bomb))["message"]


def test_what_is_unusual_is_not_bad(account: Account) -> None:
    """A line separator inside a prompt, an empty last line, media in folders, QuickTime's name."""
    plain = members(account.data)
    rows = [{**row, "prompt": "one\u2028two"} for row in entries(plain)]
    rows[0] |= {"first_frame_path": "image/a.webp", "video_path": "video/a.mov"}
    changed = annotated(
        {**plain, "image/a.webp": picture((64, 36), "WEBP"), "video/a.mov": plain["clip_0.mp4"]}, rows
    )
    changed["data.jsonl"] += b"\n\n"
    assert account.job(account.trained(packing(changed)))["status"] == "SUCCEEDED"


def test_first_and_last_frames(account: Account) -> None:
    plain = members(account.data)
    missing = account.trained(model="wan2.2-kf2v-flash")
    assert "line 1: last_frame_path is missing" in account.job(missing)["message"]
    both = packing(annotated(plain, [{**row, "last_frame_path": "frame_2.png"} for row in entries(plain)]))
    job_id = account.trained(both, model="wan2.2-kf2v-flash")
    details = account.output("GET", f"{JOBS}/{job_id}/validation-details/checkpoint-40")
    last = account.link(details["list"][0]["last_frame_path"])
    assert (last.status_code, last.headers["content-type"]) == (200, "image/jpeg")


def test_a_validation_set_needs_no_videos(account: Account) -> None:
    plain = members(account.data)
    rows = [{"prompt": f"seen {number}", "first_frame_path": "frame_0.png"} for number in range(2)]
    seen = account.upload(packing(annotated({"frame_0.png": plain["frame_0.png"]}, rows)))
    job_id = account.trained(validation_file_ids=[seen])
    details = account.output("GET", f"{JOBS}/{job_id}/validation-details/checkpoint-40")
    assert [row["prompt"] for row in details["list"]] == ["seen 0", "seen 1"]


def test_several_sets_are_trained_on_together(account: Account) -> None:
    job_id = account.trained(training_file_ids=[account.upload(), account.upload()])
    assert account.job(job_id)["usage"] == (12 - 2) * 36 * 40


def test_an_upload_is_read_once(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    identifier = account.upload()
    first = account.create(training_file_ids=[identifier])

    def reads_again(*_: Any, **__: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(datasets, "read_archive", reads_again)
    second = account.create(training_file_ids=[identifier])
    account.pass_time(hours=9)
    assert account.job(first)["usage"] == account.job(second)["usage"]
    assert account.http.post(JOBS, json=account.asking()).status_code == 500  # another one is read


def test_an_image_named_often_is_decoded_once(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    original = Image.open

    def counting(stream: Any) -> Any:
        opened.append(stream)
        return original(stream)

    monkeypatch.setattr(Image, "open", counting)
    plain = members(account.data)
    rows = [{**entries(plain)[0], "prompt": f"{number}"} for number in range(100)]
    job_id = account.trained(packing(annotated(plain, rows)))
    assert account.job(job_id)["usage"] == (200 - 2 * 5) * 36 * 40
    assert len(opened) == 1
