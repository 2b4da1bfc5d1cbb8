"""What the documents demand is refused, what they allow is taken, and both can be arranged otherwise."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.datasets import small_dataset
from tests.sandbox.conftest import CONFIG, DEPLOYMENTS, JOBS, START, Account
from wanctl.sandbox import Sandbox

GOOD = {"n_epochs": 80, "eval_epochs": 20}
FEW = {"n_epochs": 1}
MOUNT = {"region": "ap-southeast-1", "bucket": "clips", "file_path": "rain/train"}


def zipped(folder: Path) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        for path in sorted(folder.iterdir()):
            packed.write(path, path.name)
    return stream.getvalue()


@pytest.fixture(scope="module")
def ten(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """As few samples as the documents take."""
    return zipped(small_dataset(tmp_path_factory.mktemp("ten") / "train", clips=10))


@pytest.fixture
def strict(tmp_path: Path, ten: bytes) -> Iterator[Account]:
    sandbox = Sandbox.open(tmp_path / "account", speed="instant", seed=1, start=START)
    yield Account(sandbox, ten)
    sandbox.close()


def refusal(account: Account, path: str, body: dict[str, Any]) -> str:
    answer = account.http.post(path, json=body)
    return "" if answer.status_code == 200 else f"{answer.status_code} {answer.json()['message']}"


@pytest.mark.parametrize(
    ("model", "parameters", "said"),
    [
        ("wan2.6-i2v", GOOD, ""),
        ("wan2.6-i2v", {"n_epochs": 500}, ""),
        ("wan2.6-i2v", {"n_epochs": 800}, "400 eval_epochs must be at least n_epochs / 10"),
        ("wan2.6-i2v", {**GOOD, "lora_rank": 24}, "400 lora_rank must be a power of 2"),
        ("wan2.6-i2v", {**GOOD, "lora_alpha": 64}, ""),
        ("wan2.6-i2v", {**GOOD, "max_pixels": 36865}, "400 max_pixels must be between 16384 and 36864"),
        ("wan2.7-i2v", {**GOOD, "max_pixels": 36865}, ""),
        ("wan2.6-i2v", {**GOOD, "n_epochs": 79}, "400 The total number of steps is 790, at least 800"),
        ("wan2.5-i2v-preview", GOOD, "400 The total number of steps is 400, at least 800"),
        ("wan2.6-i2v", {**GOOD, "n_epoch": 4}, "400 Unknown hyper parameter: n_epoch"),
        ("wan2.7-i2v", {**GOOD, "task_type": "i2v"}, ""),
        ("wan2.7-i2v", {**GOOD, "task_type": "t2v"}, "400 task_type must be one of i2v, kf2v"),
        ("wan2.6-i2v", {**GOOD, "task_type": "i2v"}, "400 Unknown hyper parameter: task_type"),
    ],
)
def test_demands_of_a_training(strict: Account, model: str, parameters: dict[str, Any], said: str) -> None:
    found = refusal(strict, JOBS, strict.asking(model=model, hyper_parameters=parameters))
    assert found.startswith(said) if said else not found, found


def outcome(account: Account, data: bytes, **more: Any) -> str:
    job = account.job(
        account.trained(data, **{"hyper_parameters": {"n_epochs": 400, "eval_epochs": 50}, **more})
    )
    return str(job.get("message", job["status"]))


def test_too_few_entries_fail_in_training(strict: Account, tmp_path: Path, ten: bytes) -> None:
    nine = zipped(small_dataset(tmp_path / "nine", clips=9))
    assert outcome(strict, nine) == "data.jsonl has 9 entries, at least 10 are required"
    assert outcome(strict, ten) == "SUCCEEDED"
    strict.rig(quirks={"strict": False})
    assert outcome(strict, nine) == "SUCCEEDED"


def test_clips_over_the_cap_fail_in_training(strict: Account, tmp_path: Path) -> None:
    long = zipped(small_dataset(tmp_path / "long", clips=10, seconds=6))
    flash = {"model": "wan2.2-i2v-flash"}
    assert outcome(strict, long, **flash) == "a video lasts 6.0 s, at most 5 s are supported"
    assert outcome(strict, long) == "SUCCEEDED"


def test_a_display_name_may_have_dots(strict: Account) -> None:
    base = f"{JOBS}/{strict.trained(hyper_parameters=GOOD)}"
    assert strict.output("GET", f"{base}/export/checkpoint-20?model_name=wan2.5-checkpoint-20") is True
    assert strict.http.get(f"{base}/export/checkpoint-40?model_name=a/b").status_code == 400


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ""),
        ({"plan": "Lora"}, ""),
        ({"aigc_config": {}}, ""),
        ({"aigc_config": {"use_input_prompt": True}}, ""),
        ({"aigc_config": {"prompt": "p"}}, ""),
        ({"name": "Money rain"}, ""),
        ({"capacity": 2}, "400 Invalid capacity (2)"),
    ],
)
def test_demands_of_a_deployment(strict: Account, change: dict[str, Any], said: str) -> None:
    model = f"wan2.6-i2v-{strict.trained(hyper_parameters=GOOD)}"
    body = {"model_name": model, "capacity": 1, "plan": "lora", "aigc_config": CONFIG, **change}
    found = refusal(strict, DEPLOYMENTS, body)
    assert found.startswith(said) if said else not found, found


@pytest.mark.parametrize(
    "spelling", [{"oss_mount": MOUNT}, {"data_source_type": "oss_mount", "mount_storage": MOUNT}]
)
def test_a_folder_of_oss_is_trained_on(strict: Account, spelling: dict[str, Any]) -> None:
    body = strict.asking(hyper_parameters=GOOD, training_datasets=[spelling])
    del body["training_file_ids"]
    job_id = strict.output("POST", JOBS, json=body)["job_id"]
    strict.pass_time(hours=7)
    strict.rig(quirks={"newer_answers": True})
    job = strict.job(job_id)
    assert (job["status"], job["training_file_ids"]) == ("SUCCEEDED", [])
    assert job["training_datasets"] == [{"data_source_type": "oss_mount", "mount_storage": MOUNT}]
    details = strict.output("GET", f"{JOBS}/{job_id}/validation-details/checkpoint-20")
    assert strict.link(details["list"][0]["video_path"]).status_code == 200
    assert refusal(strict, JOBS, {**body, "training_datasets": [{}]}).startswith("400 training_datasets.0")


def test_answers_of_the_newer_pages(strict: Account) -> None:
    strict.rig(quirks={"newer_answers": True})
    job_id = strict.create(hyper_parameters={**GOOD, "learning_rate": 2e-5})
    early = strict.job(job_id)
    assert {"job_name", "finetuned_output"} & set(early) == set()
    assert early["hyper_parameters"] == {"n_epochs": "80", "learning_rate": "2e-05", "eval_epochs": "20"}
    assert early["training_datasets"][0]["data_source_type"] == "file_id"
    strict.pass_time(hours=7)
    model = strict.job(job_id)["finetuned_output"]
    row = strict.output("GET", f"{JOBS}/{job_id}/checkpoints")[1]
    assert (row["step"], row["checkpoint_id"], row["full_name"]) == (
        60,
        f"{job_id}-60",
        f"{job_id}:checkpoint-60",
    )
    made = strict.deploying(model).json()["output"]
    assert [made[key] for key in ("base_capacity", "capacity", "ready_capacity")] == [1, 1, 0]
    strict.pass_time(minutes=10)
    assert strict.output("GET", f"{DEPLOYMENTS}/{model}")["ready_capacity"] == 1


def test_what_a_checkpoint_and_a_deployment_may_refuse(strict: Account) -> None:
    job_id = strict.trained(hyper_parameters=GOOD)
    export = f"{JOBS}/{job_id}/export/checkpoint-20?model_name=one"
    strict.rig(next_export="UNSUPPORTED")
    assert [strict.output("GET", export) for _ in range(2)] == [False, False]
    status = {
        row["checkpoint"]: row["status"] for row in strict.output("GET", f"{JOBS}/{job_id}/checkpoints")
    }
    assert status["checkpoint-20"] == "UNSUPPORTED"
    name = strict.deployed(f"wan2.6-i2v-{job_id}")
    strict.rig(next_delete="REFUSED")
    assert [strict.http.delete(f"{DEPLOYMENTS}/{name}").status_code for _ in range(2)] == [400, 200]
    other = strict.deployed(f"wan2.6-i2v-{job_id}", suffix="b")
    strict.rig(quirks={"scalable": True}, next_scale="REFUSED")
    scaling = [strict.http.put(f"{DEPLOYMENTS}/{other}/scale", json={"capacity": 2}) for _ in range(2)]
    assert [one.status_code for one in scaling] == [400, 200]


def test_streams_and_the_list_of_models(strict: Account) -> None:
    job_id = strict.trained(hyper_parameters=GOOD)
    name = strict.deployed(f"wan2.6-i2v-{job_id}")
    for path in (f"{JOBS}/{job_id}/stream", f"{DEPLOYMENTS}/{name}/stream"):
        answer = strict.http.get(path)
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert '"status": ' in answer.text
    assert strict.http.get(f"{JOBS}/ft-none/stream").status_code == 404
    listed = strict.output("GET", f"{DEPLOYMENTS}/models?model_source=custom&version=v1.0")["models"]
    assert {"model_name": name, "base_model": "wan2.6-i2v", "plans": [{"plan": "lora"}]} in listed
    known = strict.output("GET", "/api/v1/models?page_no=1&page_size=100")
    assert {"wan2.6-i2v", name} <= {one["model"] for one in known["models"]}
    assert known["total"] == len(known["models"])
    assert [one["model"] for one in strict.output("GET", "/api/v1/models?model=wan2.6-i2v")["models"]] == [
        "wan2.6-i2v"
    ]


def test_strictness_outlives_a_reset(tmp_path: Path, ten: bytes) -> None:
    sandbox = Sandbox.open(tmp_path / "account", speed="instant", seed=1, start=START, strict=False)
    account = Account(sandbox, ten)
    account.rig(quirks={"strict": True})
    assert refusal(account, JOBS, account.asking(hyper_parameters=FEW))
    sandbox.reset()
    assert not refusal(account, JOBS, account.asking(hyper_parameters=FEW))
    sandbox.close()
    again = Account(Sandbox.open(tmp_path / "account", strict=True), ten)
    assert refusal(again, JOBS, again.asking(hyper_parameters=FEW))
    again.sandbox.close()
