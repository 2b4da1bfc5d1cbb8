"""The same request is paid once: kept, under way, unanswered, canceled, lost, asked for anew."""

import json
from datetime import timedelta

import pytest

from tests.generation.conftest import MODEL, VideoStage
from wanctl.sandbox import Sandbox

SUBMIT = "/video-synthesis"


def test_a_video_is_made_and_kept_with_its_record(stage: VideoStage) -> None:
    printed, code = stage.generate(*stage.image)
    assert code == 0, printed
    [file] = stage.videos.glob("*.mp4")
    assert printed.splitlines()[-1] == str(file.relative_to(stage.folder))
    assert file.read_bytes()[4:8] == b"ftyp"
    assert "cost unknown" in printed
    assert "1 to 5 minutes" in printed
    [record] = stage.records()
    assert (record["state"], record["model"], record["video"]) == ("done", MODEL, file.name)
    assert "Signature" not in file.with_suffix(".json").read_text(encoding="utf-8")
    assert "Signature" not in printed


def test_the_same_request_is_paid_once(stage: VideoStage) -> None:
    first = stage.made(*stage.image)
    second = stage.made(*stage.image)
    assert (first["cached"], second["cached"], len(stage.tasks())) == (False, True, 1)
    assert first["video_url"].startswith("http")
    assert second["video_url"].startswith("file://")
    assert {**second, "cached": False, "video_url": first["video_url"]} == first


@pytest.mark.parametrize(
    "other",
    [
        ("--seed", "7"),
        ("--negative-prompt", "snow"),
        ("--duration", "6"),
        ("--resolution", "1080P"),
        ("--prompt", "it snows"),
        ("--image", "end.png"),
        ("--prompt-extend",),
    ],
)
def test_another_input_is_another_video(stage: VideoStage, other: tuple[str, ...]) -> None:
    stage.made(*stage.image)
    assert stage.made(*stage.image, *other)["cached"] is False
    assert len(stage.tasks()) == 2


def test_the_image_counts_by_its_bytes_and_not_by_its_name(stage: VideoStage) -> None:
    stage.made(*stage.image)
    (stage.folder / "face.png").rename(stage.folder / "renamed.png")
    assert stage.made(*stage.image[:3], "renamed.png", *stage.image[4:])["cached"] is True
    (stage.folder / "face.png").write_bytes((stage.folder / "end.png").read_bytes())
    assert stage.made(*stage.image)["cached"] is False


def test_again_makes_another_beside_it(stage: VideoStage) -> None:
    first, second = stage.made(*stage.image), stage.made(*stage.image, "--again")
    assert first["file"] != second["file"]
    assert len(stage.tasks()) == len(list(stage.videos.glob("*.mp4"))) == 2
    assert stage.made(*stage.image)["task_id"] == second["task_id"]


def test_a_dry_run_calls_nothing_and_shows_the_call(stage: VideoStage) -> None:
    printed, code = stage.generate(*stage.image, "--dry-run", "--duration", "5", "--size", "1280*720")
    assert code == 0
    assert "POST /api/v1/services/aigc/video-generation/video-synthesis" in printed
    shown = json.loads(printed[printed.index("\n{\n") :])
    assert shown["parameters"] == {"duration": 5, "resolution": "720P"}
    assert "data: URL" in shown["input"]["img_url"]
    assert not stage.videos.exists()
    document = stage.made(*stage.image, "--dry-run")
    assert document["cost"]["amount"] is None
    assert document["mode"] == "i2v"
    assert stage.calls("POST", "") == 0


def test_a_lost_answer_is_looked_for_and_not_paid_twice(stage: VideoStage) -> None:
    stage.arrange("reset", when="after", method="POST", path=f"*{SUBMIT}", nth=1)
    printed, code = stage.generate(*stage.image)
    assert (code, len(stage.tasks())) == (0, 1), printed
    assert "looking for the task" in printed


def test_a_call_that_was_lost_before_its_effect_says_so(stage: VideoStage) -> None:
    stage.arrange("reset", when="before", method="POST", path=f"*{SUBMIT}", nth=1)
    printed, code = stage.generate(*stage.image)
    assert (code, len(stage.tasks())) == (1, 0), printed
    assert "no task was started" in printed
    assert stage.records() == []
    assert stage.made(*stage.image)["cached"] is False


def test_a_list_that_cannot_be_read_stops_before_anything_is_paid_twice(stage: VideoStage) -> None:
    stage.arrange("reset", when="after", method="POST", path=f"*{SUBMIT}", nth=1)
    stage.arrange("status", method="GET", path="/api/v1/tasks", count="all")
    printed, code = stage.generate(*stage.image)
    assert (code, [one["state"] for one in stage.records()]) == (1, ["asking"]), printed
    sandbox = stage.sandbox()
    sandbox.clear_faults()
    sandbox.close()
    assert stage.made(*stage.image)["cached"] is False
    assert len(stage.tasks()) == 1


def test_two_tasks_that_may_be_its_own_need_a_person(stage: VideoStage) -> None:
    """Somebody else calls the same model with the same words at that moment."""
    stage.arrange("reset", when="after", method="POST", path=f"*{SUBMIT}", count=2)
    stage.arrange("status", method="GET", path="/api/v1/tasks", count="all")
    stage.generate(*stage.image)
    stage.generate(*stage.image, "--to", "elsewhere")
    sandbox = stage.sandbox()
    sandbox.clear_faults()
    sandbox.close()
    printed, code = stage.generate(*stage.image)
    assert (code, "any of these tasks may be its own" in printed) == (1, True), printed
    mine = stage.tasks()[0]["id"]
    assert stage.made(*stage.image, "--task", mine)["task_id"] == mine
    assert len(stage.tasks()) == 2


def test_a_refusal_leaves_nothing_behind_and_is_translated(stage: VideoStage) -> None:
    stage.arrange("quota", method="POST", path=f"*{SUBMIT}")
    printed, code = stage.generate(*stage.image)
    assert (code, stage.records()) == (1, [])
    assert "error:" in printed


def test_a_task_that_failed_is_told_and_may_be_made_again(stage: VideoStage) -> None:
    stage.rig(next_task="FAILED")
    printed, code = stage.generate(*stage.image)
    assert code == 1
    assert "InternalError.Algo: The video could not be generated." in printed
    assert "nothing is billed" in printed
    assert stage.records()[0]["state"] == "failed"
    assert stage.made(*stage.image)["cached"] is False


def test_a_task_older_than_a_day_is_lost_and_not_made_anew_by_itself(stage: VideoStage) -> None:
    stage.arrange("status", method="GET", path="/api/v1/tasks/*", count="all")
    printed, code = stage.generate(*stage.image)
    assert (code, "it goes on; run the same command again" in printed) == (1, True), printed
    sandbox = stage.sandbox()
    sandbox.clear_faults()
    sandbox.advance(timedelta(hours=25))
    sandbox.close()
    for _ in range(2):
        printed, code = stage.generate(*stage.image)
        assert (code, "--again" in printed, len(stage.tasks())) == (1, True, 1), printed
    assert stage.made(*stage.image, "--again")["cached"] is False
    assert len(stage.tasks()) == 2


def test_a_file_that_is_gone_is_fetched_again_for_a_day(stage: VideoStage) -> None:
    first = stage.made(*stage.image)
    (stage.folder / first["file"]).unlink()
    assert stage.made(*stage.image)["task_id"] == first["task_id"]
    (stage.folder / first["file"]).unlink()
    sandbox: Sandbox = stage.sandbox()
    sandbox.advance(timedelta(hours=25))
    sandbox.close()
    printed, code = stage.generate(*stage.image)
    assert (code, "its file is gone" in printed, len(stage.tasks())) == (1, True, 1)


def test_a_task_is_fetched_by_its_id(stage: VideoStage) -> None:
    first = stage.made(*stage.image)
    assert stage.made("--task", first["task_id"])["file"] == first["file"]
    other = stage.made("--task", first["task_id"], "--to", "elsewhere")
    assert (stage.folder / other["file"]).read_bytes() == (stage.folder / first["file"]).read_bytes()
    printed, code = stage.generate("--task", "nobody")
    assert (code, "knows no task nobody" in printed) == (1, True)


def test_a_record_that_cannot_be_read_stops_before_anything_is_paid(stage: VideoStage) -> None:
    stage.made(*stage.image)
    [record] = stage.videos.glob("*.json")
    record.write_text("{", encoding="utf-8")
    printed, code = stage.generate(*stage.image)
    assert (code, "cannot be read as the record" in printed, len(stage.tasks())) == (1, True, 1)
