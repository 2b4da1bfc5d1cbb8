"""Every call of the service's guide and API reference, as they show it, and the answers they document."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.clients.conftest import CONFIG, KEY, ServedSandbox
from tests.plain_http import http

AUTH = {"Authorization": f"Bearer {KEY}"}
JSON = {**AUTH, "Content-Type": "application/json"}
MODELS = {
    "wan2.7-i2v": (1, 147456),
    "wan2.6-i2v": (1, 36864),
    "wan2.5-i2v-preview": (2, 36864),
    "wan2.2-i2v-flash": (4, 262144),
}
JOB_FIELDS = {
    "job_id": str,
    "job_name": str,
    "status": str,
    "finetuned_output": str,
    "model": str,
    "base_model": str,
    "training_file_ids": list,
    "validation_file_ids": list,
    "hyper_parameters": dict,
    "training_type": str,
    "create_time": str,
    "workspace_id": str,
    "user_identity": str,
    "modifier": str,
    "creator": str,
    "group": str,
    "max_output_cnt": int,
}
ENDED_FIELDS = {**JOB_FIELDS, "end_time": str, "output_cnt": int, "usage": int}
DEPLOYMENT_FIELDS = {
    "deployed_model": str,
    "gmt_create": str,
    "gmt_modified": str,
    "status": str,
    "model_name": str,
    "base_model": str,
    "workspace_id": str,
    "charge_type": str,
    "creator": str,
    "modifier": str,
    "plan": str,
}


def call(served: ServedSandbox, method: str, path: str, **more: Any) -> httpx.Response:
    return http.request(method, served.url + path, **{"headers": JSON, **more})


def output(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert isinstance(body["request_id"], str)
    return body["output"]


def require(found: dict[str, Any], fields: Mapping[str, type]) -> None:
    assert {name: type(found.get(name)) for name in fields} == dict(fields)


def parameters(model: str, **more: Any) -> dict[str, Any]:
    batch, pixels = MODELS[model]
    return {
        "n_epochs": 400,
        "batch_size": batch,
        "learning_rate": 2e-5,
        "split": 0.9,
        "eval_epochs": 50,
        "max_pixels": pixels,
        "max_split_val_dataset_sample": 5,
        "save_total_limit": 10,
        "lora_rank": 32,
        "lora_alpha": 32,
        **more,
    }


def create(served: ServedSandbox, model: str = "wan2.5-i2v-preview", **more: Any) -> dict[str, Any]:
    body = {
        "model": model,
        "training_file_ids": [served.upload()],
        "training_type": "efficient_sft",
        "hyper_parameters": more.pop("hyper_parameters", None) or parameters(model),
        **more,
    }
    return dict(output(call(served, "POST", "/api/v1/fine-tunes", json=body)))


def trained(served: ServedSandbox, **more: Any) -> str:
    job_id = str(create(served, **more)["job_id"])
    served.pass_time(hours=9)
    return job_id


def test_upload(served: ServedSandbox) -> None:
    files, data = {"file": ("wan-i2v-training-dataset.zip", served.archive)}, {"purpose": "fine-tune"}
    answer = call(served, "POST", "/compatible-mode/v1/files", headers=AUTH, files=files, data=data)
    fields = {
        "id": str,
        "object": str,
        "bytes": int,
        "filename": str,
        "purpose": str,
        "status": str,
        "created_at": int,
    }
    require(answer.json(), fields)
    assert answer.json()["status"] == "processed"
    assert answer.json()["id"].startswith("file-ft-")


@pytest.mark.parametrize("model", MODELS)
def test_create_a_job(served: ServedSandbox, model: str) -> None:
    job = create(served, model)
    require(job, JOB_FIELDS)
    assert job["status"] == "PENDING"
    assert job["finetuned_output"] == f"{model}-{job['job_id']}"
    echoed = {
        "n_epochs": 400,
        "batch_size": MODELS[model][0],
        "learning_rate": 2e-5,
        "split": 0.9,
        "eval_epochs": 50,
    }
    assert job["hyper_parameters"] == echoed


def test_several_sets(served: ServedSandbox) -> None:
    sets: dict[str, Any] = {
        "training_file_ids": [served.upload(), served.upload()],
        "validation_file_ids": [served.upload()],
    }
    job = create(served, **sets)
    assert {key: job[key] for key in sets} == sets


def test_read_a_job_until_it_has_succeeded(served: ServedSandbox) -> None:
    job_id = trained(served)
    job = output(call(served, "GET", f"/api/v1/fine-tunes/{job_id}"))
    require(job, ENDED_FIELDS)
    assert job["status"] == "SUCCEEDED"


def test_list_jobs(served: ServedSandbox) -> None:
    job_id = trained(served)
    found = output(call(served, "GET", "/api/v1/fine-tunes"))
    assert {key: found[key] for key in ("page_no", "page_size", "total")} == {
        "page_no": 1,
        "page_size": 10,
        "total": 1,
    }
    require(found["jobs"][0], ENDED_FIELDS)
    assert found["jobs"][0]["job_id"] == job_id


def test_logs(served: ServedSandbox) -> None:
    found = output(call(served, "GET", f"/api/v1/fine-tunes/{trained(served)}/logs"))
    assert found["total"] == len(found["logs"]) == 25
    assert found["logs"][0].endswith("INFO - data process succeeded, start to fine-tune")
    assert found["logs"][1].startswith(" Actual number of consumed tokens is ")
    assert found["logs"][-1].endswith("##FT_COMPLETE##")


def test_cancel_and_delete(served: ServedSandbox) -> None:
    job_id = create(served)["job_id"]
    assert output(call(served, "POST", f"/api/v1/fine-tunes/{job_id}/cancel")) == {"status": "success"}
    served.pass_time(minutes=5)
    assert output(call(served, "DELETE", f"/api/v1/fine-tunes/{job_id}")) == {"status": "success"}
    gone = call(served, "GET", f"/api/v1/fine-tunes/{job_id}")
    assert (gone.status_code, gone.json()["code"]) == (404, "NotFound")


def test_checkpoints_from_the_preview_to_the_export(served: ServedSandbox) -> None:
    base = f"/api/v1/fine-tunes/{trained(served)}"
    listed = output(call(served, "GET", f"{base}/validation-results"))
    assert {"checkpoint": "checkpoint-150"} in listed
    path = f"{base}/validation-details/checkpoint-150?page_no=1&page_size=10"
    details = output(call(served, "GET", path, headers=AUTH))
    require(details, {"page_no": int, "page_size": int, "total": int, "list": list})
    require(details["list"][0], {"video_path": str, "prompt": str, "first_frame_path": str})
    assert output(call(served, "GET", f"{base}/export/checkpoint-150?model_name=my-checkpoint-150")) is True
    served.pass_time(minutes=10)
    rows = {row["checkpoint"]: row for row in output(call(served, "GET", f"{base}/checkpoints"))}
    exported = rows["checkpoint-150"]
    fields = (
        "create_time",
        "full_name",
        "job_id",
        "checkpoint",
        "model_name",
        "model_display_name",
        "status",
    )
    require(exported, dict.fromkeys(fields, str))
    assert (exported["status"], exported["model_display_name"]) == ("SUCCEEDED", "my-checkpoint-150")
    assert rows["checkpoint-100"]["status"] == "PENDING"
    assert "model_name" not in rows["checkpoint-100"]


def test_deploy_read_and_delete(served: ServedSandbox) -> None:
    model = f"wan2.5-i2v-preview-{trained(served)}"
    body = {"model_name": model, "aigc_config": CONFIG, "capacity": 1, "plan": "lora"}
    made = output(call(served, "POST", "/api/v1/deployments", json=body))
    require(made, DEPLOYMENT_FIELDS)
    assert (made["status"], made["charge_type"], made["deployed_model"]) == ("PENDING", "post_paid", model)
    assert "aigc_config" not in made
    served.pass_time(minutes=11)
    path = f"/api/v1/deployments/{model}"
    assert output(call(served, "GET", path))["status"] == "RUNNING"
    assert output(call(served, "DELETE", path))["status"] == "DELETING"
    served.pass_time(minutes=2)
    gone = call(served, "GET", path)
    assert gone.status_code == 404
    assert set(gone.json()) == {"request_id", "message", "code"}
    assert gone.json()["code"] == "NotFound"


def test_generate_a_video(served: ServedSandbox) -> None:
    model = served.deploy(f"wan2.5-i2v-preview-{trained(served)}")
    served.pass_time(minutes=11)
    body = {
        "model": model,
        "input": {"img_url": "https://example.com/lora.webp"},
        "parameters": {"resolution": "720P", "prompt_extend": False},
    }
    path = "/api/v1/services/aigc/video-generation/video-synthesis"
    headers = {**JSON, "X-DashScope-Async": "enable"}
    task = output(call(served, "POST", path, json=body, headers=headers))
    require(task, {"task_status": str, "task_id": str})
    served.pass_time(minutes=5)
    answer = call(served, "GET", f"/api/v1/tasks/{task['task_id']}", headers=AUTH)
    fields = (
        "task_id",
        "task_status",
        "submit_time",
        "scheduled_time",
        "end_time",
        "orig_prompt",
        "video_url",
    )
    require(output(answer), dict.fromkeys(fields, str))
    assert answer.json()["usage"] == {"duration": 5, "video_count": 1, "SR": 720}
    refused = call(served, "POST", path, json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "AccessDenied")


def test_first_and_last_frame(served: ServedSandbox, tmp_path: Path) -> None:
    """The other mode: its own data, its own preview field, its own path to call."""
    folder = Path(__file__).parents[2] / "examples" / "data" / "transitions"
    served.archive = Path(shutil.make_archive(str(tmp_path / "kf2v"), "zip", folder)).read_bytes()
    hyper = parameters("wan2.2-i2v-flash")
    job_id = create(served, "wan2.2-kf2v-flash", hyper_parameters=hyper)["job_id"]
    served.pass_time(hours=9)
    details = output(call(served, "GET", f"/api/v1/fine-tunes/{job_id}/validation-details/checkpoint-50"))
    assert details["list"][0]["last_frame_path"].startswith("http")
    model = served.deploy(f"wan2.2-kf2v-flash-{job_id}")
    served.pass_time(minutes=11)
    body = {"model": model, "input": {"first_frame_url": "https://example.com/a.webp"}}
    headers = {**JSON, "X-DashScope-Async": "enable"}
    path = "/api/v1/services/aigc/{}/video-synthesis"
    there = call(served, "POST", path.format("image2video"), json=body, headers=headers)
    assert output(there)["task_status"] == "PENDING"
    elsewhere = call(served, "POST", path.format("video-generation"), json=body, headers=headers)
    assert elsewhere.status_code == 400
