"""Where the service surprises its callers, the sandbox does too."""

import io
import zipfile
from typing import Any

import av
import httpx
import pytest

from tests.clients.conftest import CONFIG, ServedSandbox
from tests.clients.test_documented_calls import call, create, output, trained
from tests.plain_http import http


def rig(served: ServedSandbox, **arranged: Any) -> httpx.Response:
    return call(served, "POST", "/_sandbox/rig", json=arranged)


def status(served: ServedSandbox, job_id: str) -> str:
    return str(output(call(served, "GET", f"/api/v1/fine-tunes/{job_id}"))["status"])


def details(served: ServedSandbox, job_id: str, label: str) -> list[dict[str, str]]:
    found = output(call(served, "GET", f"/api/v1/fine-tunes/{job_id}/validation-details/{label}"))
    return list(found["list"])


def repacked(archive: bytes, drop: str = "", replace: dict[str, bytes] | None = None) -> bytes:
    """The archive with a member gone or other bytes in it."""
    stream, changed = io.BytesIO(), replace or {}
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(stream, "w") as new:
        for name in old.namelist():
            if name != drop:
                new.writestr(name, changed.get(name, old.read(name)))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("drop", "replace", "word"),
    [
        ("data.jsonl", {}, "data.jsonl is not found"),
        ("frame_1.png", {}, "line 2: first_frame_path frame_1.png is not in the archive"),
        ("", {"clip_2.mp4": b"no clip"}, "line 3: clip_2.mp4 is no readable video"),
        ("", {"frame_0.png": b"no image"}, "line 1: frame_0.png is no readable image"),
        ("", {"data.jsonl": b"{"}, "line 1: not valid JSON"),
    ],
)
def test_bad_data_is_found_in_training(
    served: ServedSandbox, drop: str, replace: dict[str, bytes], word: str
) -> None:
    served.archive = repacked(served.archive, drop, replace)
    job_id = create(served)["job_id"]
    served.pass_time(minutes=5)
    assert status(served, job_id) == "RUNNING"
    served.pass_time(minutes=10)
    job = output(call(served, "GET", f"/api/v1/fine-tunes/{job_id}"))
    assert (job["status"], job["code"]) == ("FAILED", "InvalidDataset")
    assert word in job["message"]
    assert word in output(call(served, "GET", f"/api/v1/fine-tunes/{job_id}/logs"))["logs"][-1]


def test_usage_follows_the_formula(served: ServedSandbox) -> None:
    """Three clips of two seconds, one held back: 4 s × 36864 / 1024 × 400."""
    job = output(call(served, "GET", f"/api/v1/fine-tunes/{trained(served)}"))
    assert job["usage"] == 4 * 36864 // 1024 * 400


def test_one_job_trains_at_a_time(served: ServedSandbox) -> None:
    first, second = create(served)["job_id"], create(served)["job_id"]
    served.pass_time(minutes=30)
    assert (status(served, first), status(served, second)) == ("RUNNING", "QUEUING")
    served.pass_time(hours=7)
    assert status(served, first) == "SUCCEEDED"


def test_a_canceled_job_is_billed_for_what_it_used(served: ServedSandbox) -> None:
    job_id = create(served)["job_id"]
    served.pass_time(hours=1)
    call(served, "POST", f"/api/v1/fine-tunes/{job_id}/cancel")
    assert status(served, job_id) == "CANCELING"
    served.pass_time(minutes=5)
    job = output(call(served, "GET", f"/api/v1/fine-tunes/{job_id}"))
    assert job["status"] == "CANCELED"
    assert 0 < job["usage"] < 4 * 36864 // 1024 * 400
    again = call(served, "POST", f"/api/v1/fine-tunes/{job_id}/cancel")
    assert (again.status_code, again.json()["code"]) == (400, "UnsupportedOperation")


def test_the_quota_never_clears_by_waiting(served: ServedSandbox) -> None:
    rig(served, job_quota=1)
    trained(served)
    body = {"model": "wan2.6-i2v", "training_file_ids": [served.upload()], "training_type": "efficient_sft"}
    answer = call(served, "POST", "/api/v1/fine-tunes", json=body)
    assert answer.status_code == 429
    assert answer.json()["message"] == "Only 1 fine-tune job in running or succeeded allowed per user."


def test_previews_are_videos_that_differ(served: ServedSandbox) -> None:
    job_id = trained(served)
    videos = []
    for label in ("checkpoint-50", "checkpoint-400"):
        link = details(served, job_id, label)[0]["video_path"]
        videos.append(http.get(link).content)
    assert videos[0] != videos[1]
    for video in videos:
        with av.open(io.BytesIO(video), "r") as container:
            assert sum(1 for _ in container.decode(video=0)) == 36


def test_links_are_signed_and_pass_away(served: ServedSandbox) -> None:
    link = details(served, trained(served), "checkpoint-50")[0]["first_frame_path"]
    assert http.get(link).status_code == 200
    assert http.get(link, headers={"Authorization": "Bearer x"}).status_code == 403
    assert http.get(link[:-1] + ("0" if link[-1] != "0" else "1")).status_code == 403
    served.pass_time(hours=25)
    assert http.get(link).status_code == 403


def test_labels_come_in_the_order_of_their_letters_and_only_afterwards(served: ServedSandbox) -> None:
    job_id = create(served)["job_id"]
    path = f"/api/v1/fine-tunes/{job_id}/validation-results"
    assert output(call(served, "GET", path)) == []
    served.pass_time(hours=9)
    labels = [row["checkpoint"] for row in output(call(served, "GET", path))]
    assert labels == sorted(labels)
    assert labels[0] == "checkpoint-100"


def test_a_display_name_serves_once(served: ServedSandbox) -> None:
    base = f"/api/v1/fine-tunes/{trained(served)}/export"
    assert output(call(served, "GET", f"{base}/checkpoint-50?model_name=one")) is True
    assert output(call(served, "GET", f"{base}/checkpoint-100?model_name=one")) is False
    assert output(call(served, "GET", f"{base}/checkpoint-50?model_name=two")) is True


@pytest.mark.parametrize(("suffix", "code"), [(None, 409), ("b", 200), ("ninechars", 400)])
def test_a_second_deployment_needs_a_suffix(served: ServedSandbox, suffix: str | None, code: int) -> None:
    model = f"wan2.5-i2v-preview-{trained(served)}"
    served.deploy(model)
    body = {"model_name": model, "capacity": 1, "plan": "lora", "aigc_config": CONFIG, "suffix": suffix}
    answer = call(served, "POST", "/api/v1/deployments", json=body)
    assert answer.status_code == code
    if code == 200:
        assert output(answer)["deployed_model"] == f"{model}-b"


@pytest.mark.parametrize("missing", ["model_name", "capacity", "plan", "aigc_config"])
def test_a_deployment_needs_its_fields(served: ServedSandbox, missing: str) -> None:
    body = {"model_name": "m", "capacity": 1, "plan": "lora", "aigc_config": CONFIG}
    del body[missing]
    answer = call(served, "POST", "/api/v1/deployments", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")


def test_each_family_has_its_own_envelope(served: ServedSandbox) -> None:
    native = call(served, "GET", "/api/v1/files/file-ft-none")
    assert (native.status_code, native.json()["message"]) == (400, "File not found.")
    compatible = call(served, "GET", "/compatible-mode/v1/files/file-ft-none")
    assert compatible.status_code == 404
    assert set(compatible.json()["error"]) == {"message", "type", "param", "code"}
    for path, key in (("/api/v1/fine-tunes", "code"), ("/compatible-mode/v1/files", "error")):
        nobody = call(served, "GET", path, headers={})
        assert nobody.status_code == 401
        assert key in nobody.json()


def test_what_is_not_echoed_and_not_kept(served: ServedSandbox) -> None:
    rig(served, quirks={"keep_job_name": False, "echo_file_ids": False})
    job = create(served, job_name="mine")
    assert (job["job_name"], job["training_file_ids"]) == (job["job_id"], [])
    rig(served, quirks={"keep_job_name": "reject"})
    body = {"model": "wan2.6-i2v", "training_file_ids": [served.upload()], "training_type": "efficient_sft"}
    refused = call(served, "POST", "/api/v1/fine-tunes", json={**body, "job_name": "mine"})
    assert refused.status_code == 400
    assert "job_name" in refused.json()["message"]


def test_an_outage_begins_and_ends(served: ServedSandbox) -> None:
    rig(served, outage={"status": 502, "after": 1, "count": 2})
    codes = [call(served, "GET", "/api/v1/deployments").status_code for _ in range(4)]
    assert codes == [200, 502, 502, 200]


def test_only_what_is_known_is_arranged(served: ServedSandbox) -> None:
    assert rig(served, next_jbo="FAILED").status_code == 400
    assert rig(served, quirks={"echo": False}).status_code == 400


def test_an_upload_is_kept_as_it_came_and_the_state_lasts(served: ServedSandbox) -> None:
    identifier = served.upload()
    found = call(served, "GET", f"/compatible-mode/v1/files/{identifier}/content")
    assert found.content == served.archive
    assert served.sandbox.status()["files"][0]["id"] == identifier
    served.sandbox.reset()
    assert served.sandbox.status()["files"] == []
