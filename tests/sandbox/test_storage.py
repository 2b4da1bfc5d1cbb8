"""Signed links, the videos behind them, and images that are posted by a form."""

import base64
import io
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import av
import httpx
import pytest
from PIL import Image, ImageChops, ImageStat

from tests.sandbox.conftest import DEPLOYMENTS, JOBS, Account
from wanctl.sandbox.media.whole import whole

SUBMIT = "/api/v1/services/aigc/video-generation/video-synthesis"
ASYNC = {"X-DashScope-Async": "enable"}


def details(account: Account, job_id: str, epoch: int) -> list[dict[str, str]]:
    path = f"{JOBS}/{job_id}/validation-details/checkpoint-{epoch}"
    return list(account.output("GET", path)["list"])


def frames(video: bytes) -> list[Image.Image]:
    with av.open(io.BytesIO(video), "r") as container:
        return [frame.to_image().convert("RGB") for frame in container.decode(video=0)]  # type: ignore[no-untyped-call]  # PyAV has no types here


def middling(picture: Image.Image) -> list[int]:
    """The median of each colour."""
    return [int(value) for value in ImageStat.Stat(picture).median]


def unlike(one: Image.Image, other: Image.Image) -> float:
    return sum(ImageStat.Stat(ImageChops.difference(one, other)).mean)


def png(colour: tuple[int, int, int]) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (320, 240), colour).save(stream, "PNG")
    return stream.getvalue()


def inline(data: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(data).decode()


def submit(account: Account, url: str, model: str = "wan2.6-i2v", **headers: str) -> httpx.Response:
    return account.http.post(
        SUBMIT, json={"model": model, "input": {"img_url": url}}, headers=ASYNC | headers
    )


def task(account: Account, answer: httpx.Response) -> dict[str, Any]:
    """The task once it is over."""
    account.pass_time(minutes=3)
    return dict(account.output("GET", f"/api/v1/tasks/{answer.json()['output']['task_id']}"))


def test_previews_show_the_still_and_more_of_the_effect_each_time(account: Account) -> None:
    job_id = account.trained()
    link = details(account, job_id, 10)[0]["first_frame_path"]
    still = Image.open(io.BytesIO(account.link(link).content)).resize((320, 180))
    changes = []
    for epoch in (10, 20, 30, 40):
        answer = account.link(details(account, job_id, epoch)[0]["video_path"])
        assert answer.headers["content-type"] == "video/mp4"
        assert len(answer.content) < 300_000
        film = frames(answer.content)
        assert len(film) == 36
        assert film[0].size == (320, 180)
        changes.append(unlike(film[0], still))
        assert unlike(film[0], film[-1]) > 1  # and it moves
    assert changes == sorted(changes)
    assert changes[-1] > 1.5 * changes[0]


def test_a_preview_is_drawn_once(account: Account, tmp_path: Path) -> None:
    link = details(account, account.trained(), 40)[0]["video_path"]
    first = account.link(link)
    [drawn] = (tmp_path / "account" / "cache").iterdir()
    inode = drawn.stat().st_ino
    assert account.link(link).content == first.content
    assert drawn.stat().st_ino == inode
    part = account.link(link, range="bytes=0-99")
    assert (part.status_code, part.content) == (206, first.content[:100])


def test_a_link_is_good_for_a_day_and_for_itself(account: Account) -> None:
    job_id = account.trained()
    link = details(account, job_id, 40)[0]["video_path"]
    query = parse_qs(urlsplit(link).query)
    assert int(query["Expires"][0]) == account.sandbox.now().timestamp() + 24 * 3600
    other = details(account, job_id, 10)[0]["video_path"]
    swapped = link.partition("?")[0] + "?" + other.partition("?")[2]
    for bad in (swapped, link.partition("?")[0], link.replace("Expires=1", "Expires=2"), link + "0"):
        refused = account.link(bad)
        assert (refused.status_code, "SignatureDoesNotMatch" in refused.text) == (403, True)
    account.pass_time(hours=23, minutes=59)
    assert account.link(link).status_code == 200
    account.pass_time(minutes=2)
    refused = account.link(link)
    assert (refused.status_code, refused.headers["content-type"]) == (403, "application/xml")
    assert account.link(details(account, job_id, 40)[0]["video_path"]).status_code == 200


def test_a_link_refuses_a_key_and_leads_where_it_was_asked_for(account: Account) -> None:
    path = f"{JOBS}/{account.trained()}/validation-details/checkpoint-40"
    found = account.output("GET", path, headers={"host": "studio.example:8787"})["list"][0]
    assert found["first_frame_path"].startswith("http://studio.example:8787/_oss/")
    refused = account.link(found["first_frame_path"], authorization="Bearer any")
    assert (refused.status_code, "<Error><Code>" in refused.text) == (403, True)


def test_previews_outlive_the_upload(account: Account) -> None:
    identifier = account.upload()
    job_id = account.trained(training_file_ids=[identifier])
    account.ask("DELETE", f"/compatible-mode/v1/files/{identifier}")
    row = details(account, job_id, 40)[0]
    assert len(frames(account.link(row["video_path"]).content)) == 36
    assert account.link(row["first_frame_path"]).status_code == 200


def test_a_video_is_of_the_image_that_was_given(account: Account) -> None:
    done = task(account, submit(account, inline(png((200, 30, 40)))))
    first = frames(account.link(done["video_url"]).content)[0]
    assert middling(first) == pytest.approx([200, 30, 40], abs=25)


def test_an_address_is_left_alone(account: Account) -> None:
    done = task(account, submit(account, "http://127.0.0.1:9/never-asked.png"))
    assert len(frames(account.link(done["video_url"]).content)) == 40


@pytest.mark.parametrize(
    "url", [inline(b"no image"), "data:image/png;base64,!", "data:text/plain;base64,eA=="]
)
def test_an_image_that_cannot_be_read_fails_the_task(account: Account, url: str) -> None:
    done = task(account, submit(account, url))
    assert (done["task_status"], done["code"]) == ("FAILED", "InvalidImage.FileFormat")


def test_a_local_image_by_the_form(account: Account) -> None:
    policy = account.ask("GET", "/api/v1/uploads?action=getPolicy&model=wan2.6-i2v")["data"]
    key = f"{policy['upload_dir']}/first.png"
    form = {
        "OSSAccessKeyId": policy["oss_access_key_id"],
        "Signature": policy["signature"],
        "policy": policy["policy"],
        "key": key,
        "x-oss-object-acl": policy["x_oss_object_acl"],
        "x-oss-forbid-overwrite": policy["x_oss_forbid_overwrite"],
        "success_action_status": "200",
    }

    def post(**changes: str) -> int:
        files = {"file": ("first.png", png((20, 180, 40)))}
        return account.http.post(policy["upload_host"], data=form | changes, files=files).status_code

    assert post(Signature="guessed") == 403
    assert post(key="elsewhere/first.png") == 403
    assert post() == 200
    assert post() == 409  # it is there
    account.pass_time(minutes=6)
    assert post(key=f"{policy['upload_dir']}/late.png") == 403
    resolve = {"X-DashScope-OssResourceResolve": "enable"}
    assert submit(account, f"oss://{key}").status_code == 400
    other = task(account, submit(account, f"oss://{key}", "wan2.5-i2v-preview", **resolve))
    assert other["task_status"] == "FAILED"
    done = task(account, submit(account, f"oss://{key}", **resolve))
    first = frames(account.link(done["video_url"]).content)[0]
    assert middling(first) == pytest.approx([20, 180, 40], abs=25)
    account.pass_time(hours=49)
    assert task(account, submit(account, f"oss://{key}", **resolve))["task_status"] == "FAILED"


def test_what_is_called_has_to_run_and_be_called_rightly(account: Account) -> None:
    model = f"wan2.6-i2v-{account.trained()}"
    account.deploying(model)
    image = inline(png((1, 2, 3)))
    assert submit(account, image, model).status_code == 400  # PENDING
    account.pass_time(minutes=10)
    assert submit(account, image, model).status_code == 200
    missing = submit(account, image, "nobody")
    assert (missing.status_code, missing.json()["code"]) == (404, "ModelNotFound")
    body: dict[str, Any] = {"model": model, "input": {"img_url": image}}
    wrong = account.http.post(SUBMIT.replace("video-generation", "image2video"), json=body, headers=ASYNC)
    assert (wrong.status_code, "url error" in wrong.json()["message"]) == (400, True)
    small = account.http.post(SUBMIT, json=body | {"parameters": {"resolution": "480P"}}, headers=ASYNC)
    assert (small.status_code, "720P, 1080P" in small.json()["message"]) == (400, True)
    nothing = account.http.post(SUBMIT, json=body | {"input": {"prompt": "x"}}, headers=ASYNC)
    assert "input.img_url" in nothing.json()["message"]
    at_once = account.http.post(SUBMIT, json=body)
    assert (at_once.status_code, at_once.json()["code"]) == (403, "AccessDenied")
    account.ask("DELETE", f"{DEPLOYMENTS}/{model}")
    assert submit(account, image, model).status_code == 400


@pytest.mark.parametrize(("uses", "expected"), [(False, "Then it rains."), (True, "mine")])
def test_a_deployment_may_ignore_the_prompt(account: Account, uses: bool, expected: str) -> None:
    config = {"use_input_prompt": uses, "prompt": "Describe it.", "lora_prompt_default": "Then it rains."}
    model = account.deployed(f"wan2.6-i2v-{account.trained()}", aigc_config=config)
    body = {"model": model, "input": {"img_url": "https://example.com/a.png", "prompt": "mine"}}
    account.ask("POST", SUBMIT, json=body, headers=ASYNC)
    assert account.sandbox.status()["tasks"][0]["prompt"] == expected


def test_a_task_in_time(account: Account) -> None:
    identifier = submit(account, "https://example.com/a.png").json()["output"]["task_id"]
    path, seen = f"/api/v1/tasks/{identifier}", []
    for minutes in (0, 1, 1, 24 * 60):
        account.pass_time(minutes=minutes)
        seen.append(account.output("GET", path)["task_status"])
    assert seen == ["PENDING", "RUNNING", "SUCCEEDED", "UNKNOWN"]
    assert account.output("GET", "/api/v1/tasks/never")["task_status"] == "UNKNOWN"


def test_tasks_are_listed_canceled_and_made_to_fail(account: Account) -> None:
    account.rig(next_task="FAILED")
    failing, canceled = (
        submit(account, "https://example.com/a.png").json()["output"]["task_id"] for _ in range(2)
    )
    assert set(account.ask("POST", f"/api/v1/tasks/{canceled}/cancel")) == {"request_id"}
    account.pass_time(minutes=3)
    refused = account.http.post(f"/api/v1/tasks/{failing}/cancel")
    assert (refused.status_code, refused.json()["code"]) == (400, "UnsupportedOperation")
    listed = account.ask("GET", "/api/v1/tasks?page_size=1")
    assert set(listed) == {"request_id", "total", "total_page", "page_no", "page_size", "data"}
    assert (listed["total"], listed["total_page"], listed["data"][0]["task_id"]) == (2, 2, canceled)

    def found(query: str) -> list[str]:
        return [row["task_id"] for row in account.ask("GET", f"/api/v1/tasks?{query}")["data"]]

    assert found("status=FAILED") == [failing]
    assert found("model_name=other") == []
    assert found("start_time=20260318090000&end_time=20260318090001") == [canceled, failing]
    assert found("start_time=20260318090001") == []
    assert account.http.get("/api/v1/tasks?start_time=now").status_code == 400


def test_a_file_is_whole_at_every_moment(tmp_path: Path) -> None:
    place = tmp_path / "frame"
    place.write_text("the first", encoding="utf-8")
    with whole(place) as unfinished:
        unfinished.write_text("the sec", encoding="utf-8")
        assert place.read_text(encoding="utf-8") == "the first"
        unfinished.write_text("the second", encoding="utf-8")
    assert place.read_text(encoding="utf-8") == "the second"
    assert list(tmp_path.iterdir()) == [place]
