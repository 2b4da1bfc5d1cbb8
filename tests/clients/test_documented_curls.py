"""Each curl command of the service's guides and API references, run by curl: fine-tuning, deployment, videos.

The account is strict, and an answer has exactly the keys that the documents show, at every depth.
"""

import json
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import KEY, ServedSandbox
from tests.datasets import small_dataset

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")

SIX = {
    "wan2.6-i2v": {"n_epochs": 400, "batch_size": 2, "max_pixels": 36864},
    "wan2.2-kf2v-flash": {"n_epochs": 400, "batch_size": 4, "max_pixels": 262144},
}
TEN = {
    "wan2.7-i2v": {"batch_size": 1, "max_pixels": 147456},
    "wan2.6-i2v": {"batch_size": 1, "max_pixels": 36864},
    "wan2.5-i2v-preview": {"batch_size": 2, "max_pixels": 36864},
    "wan2.2-i2v-flash": {"batch_size": 4, "max_pixels": 262144},
    "wan2.2-kf2v-flash": {"batch_size": 4, "max_pixels": 262144},
}
ECHOED = {"n_epochs", "batch_size", "learning_rate", "split", "eval_epochs"}
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
NEWER = {"expire_time"}  # of a checkpoint: what newer pages add, and wanctl goes by
CONFIG = {
    "use_input_prompt": False,
    "prompt": "Provide a video description. It must include “Then she/he begins the s86b5p transformation.“\n"
    "Output Template:\nThe video begins with [subject description]. [Environment description].\nExample:\n…",
    "lora_prompt_default": "Then she/he begins the s86b5p transformation.",
}


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Ten samples, as few as the documents take."""
    return _archive(tmp_path_factory.mktemp("first"), last=False)


@pytest.fixture(scope="session")
def both_frames(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The same with last frames."""
    return _archive(tmp_path_factory.mktemp("both"), last=True)


def _archive(folder: Path, *, last: bool) -> bytes:
    data = small_dataset(folder / "train", clips=10, last=last)
    path = folder / "wan-i2v-training-dataset.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for member in sorted(data.iterdir()):
            packed.write(member, member.name)
    return path.read_bytes()


@pytest.fixture
def strict(served: ServedSandbox) -> ServedSandbox:
    served.call("POST", "/_sandbox/rig", json={"quirks": {"strict": True}})
    return served


def curl(served: ServedSandbox, path: str, *options: str) -> Any:
    """As the documents write it: --location, the key, JSON where there is a body."""
    command = ["curl", "--silent", "--noproxy", "*", "--location", *options, f"{served.url}{path}"]
    command += ["--header", f"Authorization: Bearer {KEY}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout)


def posted(body: dict[str, Any]) -> tuple[str, ...]:
    return ("--header", "Content-Type: application/json", "--data", json.dumps(body, ensure_ascii=False))


def output(answer: Any) -> Any:
    assert set(answer) == {"request_id", "output"}, answer
    return answer["output"]


def uploaded(served: ServedSandbox, folder: Path, data: bytes | None = None) -> str:
    path = folder / "wan-i2v-training-dataset.zip"
    path.write_bytes(data or served.archive)
    form = ("--request", "POST", "--form", f'file=@"{path}"', "--form", 'purpose="fine-tune"')
    file = curl(served, "/compatible-mode/v1/files", *form)
    assert set(file) == {"id", "object", "bytes", "filename", "purpose", "status", "created_at"}
    assert (file["object"], file["filename"], file["purpose"]) == ("file", path.name, "fine-tune")
    return str(file["id"])


def created(served: ServedSandbox, model: str, files: list[str], **more: Any) -> dict[str, Any]:
    parameters = {
        "n_epochs": 400,
        "learning_rate": 2e-5,
        "split": 0.9,
        "eval_epochs": 50,
        **more.pop("with_"),
    }
    body = {
        "model": model,
        "training_file_ids": files,
        "training_type": "efficient_sft",
        "hyper_parameters": parameters,
        **more,
    }
    job: dict[str, Any] = output(curl(served, "/api/v1/fine-tunes", *posted(body)))
    assert set(job) == JOB
    assert set(job["hyper_parameters"]) == ECHOED
    assert (job["status"], job["training_file_ids"]) == ("PENDING", files)
    return job


REST = {"max_split_val_dataset_sample": 5, "save_total_limit": 10, "lora_rank": 32, "lora_alpha": 32}
IN_THE_GUIDE = list(SIX.items())
IN_THE_REFERENCE = [(model, {**own, **REST}) for model, own in TEN.items()]


@pytest.mark.parametrize(("model", "parameters"), [*IN_THE_GUIDE, *IN_THE_REFERENCE])
def test_creating_a_job(
    strict: ServedSandbox, both_frames: bytes, tmp_path: Path, model: str, parameters: dict[str, int]
) -> None:
    file = uploaded(strict, tmp_path, both_frames if "kf2v" in model else None)
    job = created(strict, model, [file], with_=parameters)
    strict.pass_time(hours=9)
    assert output(curl(strict, f"/api/v1/fine-tunes/{job['job_id']}"))["status"] == "SUCCEEDED"


def test_several_training_and_validation_sets(strict: ServedSandbox, tmp_path: Path) -> None:
    files = [uploaded(strict, tmp_path) for _ in range(4)]
    job = created(
        strict,
        "wan2.5-i2v-preview",
        files[:2],
        validation_file_ids=files[2:],
        with_=TEN["wan2.5-i2v-preview"],
    )
    assert job["validation_file_ids"] == files[2:]


def rows(keys: set[str]) -> Callable[[Any], None]:
    def check(found: Any) -> None:
        assert found
        for row in found:
            assert set(row) == keys

    return check


def checkpoint_rows(found: Any) -> None:
    first, *others = found
    plain = {"create_time", "full_name", "job_id", "checkpoint", "status"} | NEWER
    assert set(first) == plain | {"model_name", "model_display_name"}
    assert first["status"] == "SUCCEEDED"
    for row in others:
        assert (set(row), row["status"]) == (plain, "PENDING")


def detail_rows(found: Any) -> None:
    assert set(found) == {"page_no", "page_size", "total", "list"}
    rows({"video_path", "prompt", "first_frame_path"})(found["list"])


def log_lines(found: Any) -> None:
    assert set(found) == {"total", "logs"}
    assert found["logs"][-1].endswith("##FT_COMPLETE##")


def job_list(found: Any) -> None:
    assert set(found) == {"page_no", "page_size", "total", "jobs"}
    rows(ENDED)(found["jobs"])


def ended(found: Any) -> None:
    assert set(found) == ENDED


READS: dict[str, Callable[[Any], None]] = {
    "/api/v1/fine-tunes/{job}": ended,
    "/api/v1/fine-tunes/{job}/validation-results": rows({"checkpoint"}),
    "/api/v1/fine-tunes/{job}/validation-details/checkpoint-100?page_no=1&page_size=10": detail_rows,
    "/api/v1/fine-tunes/{job}/checkpoints": checkpoint_rows,
    "/api/v1/fine-tunes/{job}/logs": log_lines,
    "/api/v1/fine-tunes": job_list,
}


def test_reading_exporting_and_deleting_a_job(strict: ServedSandbox, tmp_path: Path) -> None:
    job_id = created(strict, "wan2.6-i2v", [uploaded(strict, tmp_path)], with_=SIX["wan2.6-i2v"])["job_id"]
    strict.pass_time(hours=9)
    for path, check in READS.items():
        check(output(curl(strict, path.format(job=job_id))))
    export = f"/api/v1/fine-tunes/{job_id}/export/checkpoint-100?model_name=wan2.5-checkpoint-160"
    assert output(curl(strict, export)) is True
    strict.pass_time(minutes=10)
    (row,) = (
        row
        for row in output(curl(strict, f"/api/v1/fine-tunes/{job_id}/checkpoints"))
        if row["checkpoint"] == "checkpoint-100"
    )
    assert (row["status"], row["model_name"]) == ("SUCCEEDED", f"wan2.6-i2v-{job_id}-c100")
    done = output(curl(strict, f"/api/v1/fine-tunes/{job_id}", "--request", "DELETE"))
    assert done == {"status": "success"}


def test_canceling_a_job(strict: ServedSandbox, tmp_path: Path) -> None:
    job_id = created(strict, "wan2.6-i2v", [uploaded(strict, tmp_path)], with_=SIX["wan2.6-i2v"])["job_id"]
    cancel = curl(strict, f"/api/v1/fine-tunes/{job_id}/cancel", "--request", "POST")
    assert output(cancel) == {"status": "success"}


@pytest.mark.parametrize("model", ["wan2.6-i2v", "wan2.2-kf2v-flash"])
def test_deploying_reading_and_deleting(
    strict: ServedSandbox, both_frames: bytes, tmp_path: Path, model: str
) -> None:
    file = uploaded(strict, tmp_path, both_frames if "kf2v" in model else None)
    name = created(strict, model, [file], with_=SIX[model])["finetuned_output"]
    strict.pass_time(hours=9)
    body = {"model_name": name, "aigc_config": CONFIG, "capacity": 1, "plan": "lora"}
    made = output(curl(strict, "/api/v1/deployments", *posted(body)))
    assert (set(made), made["status"], made["plan"]) == (DEPLOYMENT, "PENDING", "lora")
    strict.pass_time(minutes=10)
    path = f"/api/v1/deployments/{made['deployed_model']}"
    found = output(curl(strict, path))
    assert (set(found), found["status"]) == (DEPLOYMENT, "RUNNING")
    leaving = output(curl(strict, path, "--request", "DELETE"))
    assert (set(leaving), leaving["status"]) == (DEPLOYMENT, "DELETING")
    strict.pass_time(minutes=2)
    gone = curl(strict, path)
    assert {key: gone[key] for key in gone if key != "request_id"} == {
        "code": "NotFound",
        "message": "Not found.",
    }


FRAME = "https://help-static-aliyun-doc.aliyuncs.com/first.webp"
ALWAYS = {"task_id", "task_status", "submit_time", "scheduled_time", "end_time", "orig_prompt", "video_url"}


def generated(served: ServedSandbox, path: str, body: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """The task in the end, and the usage."""
    url = f"/api/v1/services/aigc/{path}/video-synthesis"
    task = output(curl(served, url, *posted(body), "--header", "X-DashScope-Async: enable"))
    assert (set(task), task["task_status"]) == ({"task_status", "task_id"}, "PENDING")
    served.pass_time(minutes=5)
    answer = curl(served, f"/api/v1/tasks/{task['task_id']}", "-X", "GET")
    assert set(answer) == {"request_id", "output", "usage"}
    assert (set(answer["output"]), answer["output"]["task_status"]) == (ALWAYS, "SUCCEEDED")
    return answer["output"], answer["usage"]


@pytest.mark.parametrize(
    ("model", "path", "given"),
    [
        ("wan2.6-i2v", "video-generation", {"img_url": FRAME}),
        ("wan2.2-kf2v-flash", "image2video", {"first_frame_url": FRAME, "last_frame_url": FRAME}),
    ],
)
def test_calling_a_deployed_model(
    strict: ServedSandbox,
    both_frames: bytes,
    tmp_path: Path,
    model: str,
    path: str,
    given: dict[str, str],
) -> None:
    file = uploaded(strict, tmp_path, both_frames if "kf2v" in model else None)
    name = created(strict, model, [file], with_=SIX[model])["finetuned_output"]
    strict.pass_time(hours=9)
    body = {"model_name": name, "aigc_config": CONFIG, "capacity": 1, "plan": "lora"}
    deployed = output(curl(strict, "/api/v1/deployments", *posted(body)))["deployed_model"]
    strict.pass_time(minutes=10)
    parameters = {"resolution": "720P", "prompt_extend": False}
    task, usage = generated(strict, path, {"model": deployed, "input": given, "parameters": parameters})
    assert (task["orig_prompt"], usage) == ("", {"duration": 5, "video_count": 1, "SR": 720})


@pytest.mark.parametrize("more", [{}, {"shot_type": "multi", "prompt_extend": True}], ids=["one", "shots"])
def test_a_video_from_words(strict: ServedSandbox, more: dict[str, Any]) -> None:
    prompt = "A kitten running in the moonlight"
    body = {
        "model": "wan2.6-t2v",
        "input": {"prompt": prompt},
        "parameters": {"size": "1280*720", "duration": 5, **more},
    }
    task, usage = generated(strict, "video-generation", body)
    assert (task["orig_prompt"], usage["duration"]) == (prompt, 5)
