"""Each request of the service's documents, and exactly the fields that they show in the answer.

`tests/clients` sends them over a wire; here is what must not be missing and what must not be added.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.conftest import CONFIG, DEPLOYMENTS, FILES, JOBS, Account

SIX = {"n_epochs": 400, "learning_rate": 2e-5, "split": 0.9, "eval_epochs": 50}
TEN = {**SIX, "max_split_val_dataset_sample": 5, "save_total_limit": 10, "lora_rank": 32, "lora_alpha": 32}
SIZES = {
    "wan2.7-i2v": (1, 147456),
    "wan2.6-i2v": (1, 36864),
    "wan2.5-i2v-preview": (2, 36864),
    "wan2.2-i2v-flash": (4, 262144),
    "wan2.2-kf2v-flash": (4, 262144),
}
FILE = {"id", "object", "bytes", "filename", "purpose", "status", "created_at"}
JOB = {
    *("job_id", "job_name", "status", "finetuned_output", "model", "base_model", "training_file_ids"),
    *("validation_file_ids", "hyper_parameters", "training_type", "create_time", "workspace_id"),
    *("user_identity", "modifier", "creator", "group", "max_output_cnt"),
}
ENDED = JOB | {"end_time", "usage", "output_cnt"}
DEPLOYMENT = {
    *("deployed_model", "gmt_create", "gmt_modified", "status", "model_name", "base_model"),
    *("workspace_id", "charge_type", "creator", "modifier", "plan"),
}
ROW = {
    "create_time",
    "full_name",
    "job_id",
    "checkpoint",
    "expire_time",
    "status",
}  # expire_time: newer pages
DETAIL = {"video_path", "prompt", "first_frame_path"}
TASK = {"task_id", "task_status", "submit_time", "scheduled_time", "end_time", "orig_prompt", "video_url"}


@pytest.mark.parametrize("base", [SIX, TEN], ids=["six parameters", "all ten"])
@pytest.mark.parametrize("model", SIZES)
def test_create(account: Account, model: str, base: dict[str, Any]) -> None:
    batch, pixels = SIZES[model]
    sent = {**base, "batch_size": batch, "max_pixels": pixels}
    job = account.output("POST", JOBS, json=account.asking(model=model, hyper_parameters=sent))
    assert set(job) == JOB
    assert (job["status"], job["job_name"], job["group"], job["max_output_cnt"]) == (
        "PENDING",
        job["job_id"],
        "llm",
        10,
    )
    assert job["finetuned_output"] == f"{model}-{job['job_id']}"
    assert job["job_id"].startswith("ft-202603180900-")
    assert job["create_time"] == "2026-03-18 09:00:00"
    echoed = ("n_epochs", "batch_size", "learning_rate", "split", "eval_epochs")
    assert list(job["hyper_parameters"].items()) == [(name, sent[name]) for name in echoed]


def test_upload(account: Account) -> None:
    files, data = {"file": ("wan-i2v-training-dataset.zip", account.data)}, {"purpose": "fine-tune"}
    file = account.ask("POST", FILES, files=files, data=data)
    assert set(file) == FILE
    assert file["filename"] == "wan-i2v-training-dataset.zip"
    assert (file["bytes"], file["created_at"]) == (len(account.data), 1773795600)


# What is asked of a job that has trained → the fields of what is answered.
READS: dict[str, tuple[str, Callable[[Any], Any], Any]] = {
    "job": ("", set, ENDED),
    "logs": ("/logs", set, {"total", "logs"}),
    "validation results": (
        "/validation-results",
        lambda found: {field for row in found for field in row},
        {"checkpoint"},
    ),
    "validation details": (
        "/validation-details/checkpoint-20?page_no=1&page_size=10",
        lambda found: (set(found), set(found["list"][0])),
        ({"page_no", "page_size", "total", "list"}, DETAIL),
    ),
    "export": ("/export/checkpoint-20?model_name=my-checkpoint-20", lambda found: found, True),
    "checkpoints": (
        "/checkpoints",
        lambda found: (set(found[0]), set(found[1])),
        (ROW | {"model_name", "model_display_name"}, ROW),
    ),
}


@pytest.mark.parametrize("name", READS)
def test_reads_of_a_trained_job(account: Account, name: str) -> None:
    path, fields, expected = READS[name]
    answer = account.ask("GET", f"{JOBS}/{account.trained()}{path}")
    assert set(answer) == {"request_id", "output"}
    assert fields(answer["output"]) == expected


def test_lists(account: Account) -> None:
    account.deployed(f"wan2.6-i2v-{account.trained()}")
    jobs = account.output("GET", JOBS)
    assert {key: value for key, value in jobs.items() if key != "jobs"} == {
        "page_no": 1,
        "page_size": 10,
        "total": 1,
    }
    assert [set(job) for job in jobs["jobs"]] == [ENDED]
    deployments = account.output("GET", f"{DEPLOYMENTS}?page_no=1&page_size=10")
    assert set(deployments) == {"page_no", "page_size", "total", "deployments"}
    assert [set(one) for one in deployments["deployments"]] == [DEPLOYMENT]
    assert set(account.ask("GET", FILES)) == {"object", "data", "has_more"}


def test_cancel_and_delete(account: Account) -> None:
    path = f"{JOBS}/{account.create()}"
    assert account.output("POST", f"{path}/cancel") == {"status": "success"}
    assert account.output("DELETE", path) == {"status": "success"}
    gone = account.http.get(path)
    assert (gone.status_code, set(gone.json())) == (404, {"code", "message", "request_id"})


def test_a_deployment_from_create_to_not_found(account: Account) -> None:
    model = f"wan2.6-i2v-{account.trained()}"
    path = f"{DEPLOYMENTS}/{model}"
    made = account.deploying(model).json()["output"]
    assert set(made) == DEPLOYMENT
    assert (made["status"], made["deployed_model"], made["charge_type"]) == ("PENDING", model, "post_paid")
    account.pass_time(minutes=4)
    assert account.output("GET", path)["status"] == "PENDING"
    account.pass_time(minutes=6)
    assert account.output("GET", path) == made | {"status": "RUNNING"}
    deleted = account.output("DELETE", path)
    assert (set(deleted), deleted["status"]) == (DEPLOYMENT, "DELETING")
    account.pass_time(minutes=2)
    gone = account.http.get(path)
    assert gone.status_code == 404
    assert gone.json() == {
        "code": "NotFound",
        "message": "Not found.",
        "request_id": gone.headers["x-request-id"],
    }


@pytest.mark.parametrize(
    ("model", "path", "given"),
    [
        ("wan2.6-i2v", "video-generation", {"img_url": "https://example.com/lora.webp"}),
        (
            "wan2.7-i2v",
            "video-generation",
            {"media": [{"type": "first_frame", "url": "https://example.com/lora.webp"}]},
        ),
        (
            "wan2.2-kf2v-flash",
            "image2video",
            {
                "first_frame_url": "https://example.com/first.webp",
                "last_frame_url": "https://example.com/last.webp",
            },
        ),
    ],
)
def test_a_video(account: Account, model: str, path: str, given: dict[str, Any]) -> None:
    body = {"model": model, "input": given, "parameters": {"resolution": "720P", "prompt_extend": False}}
    headers = {"X-DashScope-Async": "enable"}
    url = f"/api/v1/services/aigc/{path}/video-synthesis"
    task = account.output("POST", url, json=body, headers=headers)
    assert set(task) == {"task_status", "task_id"}
    account.pass_time(minutes=3)
    answer = account.ask("GET", f"/api/v1/tasks/{task['task_id']}")
    assert set(answer) == {"request_id", "output", "usage"}
    assert set(answer["output"]) == TASK
    assert (answer["output"]["task_status"], answer["output"]["orig_prompt"]) == ("SUCCEEDED", "")
    assert answer["output"]["submit_time"] == "2026-03-18 09:00:00.000"
    assert answer["usage"] == {"duration": 5, "video_count": 1, "SR": 720}


# What is wrong with a request → the status, the code, and a part of the message.
REFUSALS: dict[str, tuple[str, dict[str, Any], tuple[int, str, str]]] = {
    "no model": (JOBS, {"model": None}, (400, "InvalidParameter", "Missing model")),
    "unknown base": (JOBS, {"model": "wan1"}, (400, "InvalidParameter", "wan1 does not support")),
    "no files": (JOBS, {"training_file_ids": []}, (400, "InvalidParameter", "Missing training files")),
    "unknown file": (JOBS, {"training_file_ids": ["file-ft-x"]}, (400, "InvalidParameter", "file-ft-x")),
    "training type": (
        JOBS,
        {"training_type": "sft"},
        (400, "InvalidParameter", "does not support training_type: sft"),
    ),
    "epochs": (JOBS, {"hyper_parameters": {"n_epochs": 0}}, (400, "InvalidParameter", "n_epochs")),
    "unknown model": (DEPLOYMENTS, {"model_name": "m"}, (404, "NotFound", "Model: m not found!")),
    "no capacity": (DEPLOYMENTS, {"capacity": None}, (400, "InvalidParameter", "capacity")),
    "capacity": (DEPLOYMENTS, {"capacity": 0}, (400, "InvalidParameter", "Invalid capacity (0)")),
    "no plan": (DEPLOYMENTS, {"plan": None}, (400, "InvalidParameter", "plan")),
    "plan": (DEPLOYMENTS, {"plan": "ptu"}, (400, "InvalidParameter", "ptu")),
    "no config": (DEPLOYMENTS, {"aigc_config": None}, (400, "InvalidParameter", "aigc_config")),
    "a config of other things": (
        DEPLOYMENTS,
        {"aigc_config": {"prompt": 7}},
        (400, "InvalidParameter", "aigc_config.prompt"),
    ),
    "suffix": (DEPLOYMENTS, {"suffix": "ninechars"}, (400, "InvalidParameter", "suffix")),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(account: Account, name: str) -> None:
    path, change, expected = REFUSALS[name]
    good = {"model_name": "m", "capacity": 1, "plan": "lora", "aigc_config": CONFIG}
    body = (account.asking() if path == JOBS else good) | change
    answer = account.http.post(path, json={key: value for key, value in body.items() if value is not None})
    found = answer.json()
    assert (answer.status_code, found["code"]) == expected[:2]
    assert expected[2] in found["message"]


def test_a_name_serves_one_deployment(account: Account) -> None:
    model = f"wan2.6-i2v-{account.trained()}"
    codes = [account.deploying(model, suffix=suffix).status_code for suffix in (None, None, "b", "b")]
    assert codes == [200, 409, 200, 409]
    refused = account.deploying(model).json()
    message = f"Deployed model {model} already exists, please specify a suffix."
    assert (refused["code"], refused["message"]) == ("Conflict", message)
    account.ask("DELETE", f"{DEPLOYMENTS}/{model}")
    assert account.deploying(model).status_code == 409  # until it is gone
    account.pass_time(minutes=2)
    assert account.deploying(model).status_code == 200


def test_files_are_one_namespace(account: Account) -> None:
    parts = [("files", (name, b"{}")) for name in ("a.jsonl", "b.jsonl")]
    sent = account.ask("POST", "/api/v1/files", files=parts, data={"descriptions": "first"})["data"]
    assert (len(sent["uploaded_files"]), sent["failed_uploads"]) == (2, [])
    first, second = (one["file_id"] for one in sent["uploaded_files"])
    listed = account.ask("GET", "/api/v1/files?page_no=1&page_size=1")["data"]
    assert (listed["total"], [file["file_id"] for file in listed["files"]]) == (2, [second])
    native = account.ask("GET", f"/api/v1/files/{first}")["data"]
    assert (native["description"], native["md5"]) == ("first", "mZFLkyvTelC5g8XnyQrpOw==")
    assert account.link(native["url"]).content == b"{}"
    assert account.ask("GET", f"{FILES}/{first}")["filename"] == "a.jsonl"
    assert set(account.ask("DELETE", f"/api/v1/files/{first}")) == {"request_id"}
    assert account.ask("DELETE", f"{FILES}/{second}") == {"id": second, "object": "file", "deleted": True}
    assert account.http.get(f"/api/v1/files/{first}").json()["message"] == "File not found."


def test_the_list_of_files_is_cut_and_filtered(account: Account) -> None:
    ids = []
    for number in range(3):
        ids.append(account.upload(name=f"{number}.zip"))
        account.pass_time(days=1)

    def listed(query: str) -> list[int]:
        return [ids.index(file["id"]) for file in account.ask("GET", f"{FILES}?{query}")["data"]]

    assert listed("") == [2, 1, 0]
    assert listed("limit=2") == [2, 1]
    assert listed(f"after={ids[1]}") == [0]
    assert listed("purpose=batch") == []
    assert listed("create_after=2026-03-19") == [2, 1]
    assert listed("create_before=20260319090000") == [1, 0]
    assert account.http.get(f"{FILES}?limit=2001").json()["error"]["param"] == "limit"
    assert account.http.get(f"{FILES}?create_after=soon").status_code == 400
