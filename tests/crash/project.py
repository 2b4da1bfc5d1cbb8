"""The project that is crashed: its documents, its folder, and the account beside somebody else's chain.

A chain of one each: dataset, job, checkpoint, deployment. What is done to it is in `scenes`.
"""

import json
import shutil
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from tests.datasets import small_dataset
from wanctl.base.running import run
from wanctl.project.provider import call_sandbox
from wanctl.sandbox import Sandbox

Documents = Mapping[str, Mapping[str, Any]]  # by a name of the test's own
EFFECT = "Then it rains."
MODEL, THEIR_MODEL = "wan2.6-i2v", "wan2.5-i2v-preview"
LIST_LAG = 20.0  # seconds for which lists do not show what is new
PARAMETERS = {"n_epochs": 40, "eval_epochs": 10}


def config(effect: str) -> dict[str, Any]:
    return {"prompt": "Describe it.", "lora_prompt_default": effect}


CHAIN: Documents = {
    "train": {"kind": "Dataset", "name": "train", "source": "../data"},
    "job": {
        "kind": "FineTune",
        "name": "rain",
        "model": MODEL,
        "training": ["train"],
        "hyper_parameters": PARAMETERS,
        "allow": ["few-steps"],
    },
    "best": {
        "kind": "Checkpoint",
        "name": "best",
        "finetune": "rain",
        "checkpoint": "checkpoint-20",
        "unseen": "allow",
    },
    "live": {"kind": "Deployment", "name": "rain", "checkpoint": "best", "aigc_config": config(EFFECT)},
}
START = datetime.fromisoformat("2026-03-18T09:00:00+08:00")
HEAD: Mapping[str, Any] = {
    "version": 1,
    "project": "crash",
    "polling": "6h",
    "sandbox": {"speed": "instant", "seed": 1, "start": START.isoformat(), "strict": False},
}


def write(specs: Path, documents: Documents = CHAIN, head: Mapping[str, Any] | None = None) -> None:
    """The specs as they stand; the settings too, if they are given or there are none yet."""
    specs.mkdir(exist_ok=True)
    settings = specs / "wanctl.yaml"
    if head or not settings.exists():
        settings.write_text(yaml.safe_dump(dict(head or HEAD)), encoding="utf-8")
    plain = json.loads(json.dumps(list(documents.values())))  # no aliases in the YAML
    (specs / "all.yaml").write_text(yaml.safe_dump_all(plain), encoding="utf-8")


def begin(folder: Path, *, marks: bool, ledger: str | None = None) -> None:
    """A folder with its data, and an account that somebody else uses already."""
    small_dataset(folder / "data", clips=2)
    write(folder / "specs", head={**HEAD, **({"ledger": ledger} if ledger else {})})
    theirs = folder / "theirs"
    small_dataset(theirs, clips=2, note="theirs")
    archive = Path(shutil.make_archive(str(theirs), "zip", theirs)).read_bytes()
    sandbox = account(folder)
    try:
        quirks = {"keep_job_name": marks, "echo_file_ids": marks, "list_lag": LIST_LAG}
        call(sandbox, "POST", "/_sandbox/rig", {"quirks": quirks})
        file = call(sandbox, "POST", "/compatible-mode/v1/files", upload=("theirs.zip", archive))
        job = {
            "model": THEIR_MODEL,
            "training_file_ids": [file["id"]],
            "training_type": "efficient_sft",
            "hyper_parameters": {**PARAMETERS, "batch_size": 2, "learning_rate": 2e-5, "max_pixels": 36864},
        }
        made = call(sandbox, "POST", "/api/v1/fine-tunes", job)["output"]
        sandbox.advance(timedelta(hours=12))
        deploy(sandbox, made["finetuned_output"])
        sandbox.advance(timedelta(hours=1))
    finally:
        sandbox.close()


def deploy(sandbox: Sandbox, model: str) -> None:
    """As somebody does it by hand."""
    body = {
        "model_name": model,
        "capacity": 1,
        "plan": "lora",
        "aigc_config": {"use_input_prompt": False, "prompt": "x", "lora_prompt_default": "y"},
    }
    call(sandbox, "POST", "/api/v1/deployments", body)


def account(folder: Path) -> Sandbox:
    place = folder / "specs" / ".wanctl" / "sandbox"
    return Sandbox.open(place, speed="instant", seed=1, start=START, strict=False)


def call(
    sandbox: Sandbox,
    method: str,
    path: str,
    body: object | None = None,
    upload: tuple[str, bytes] | None = None,
) -> Any:
    code, text = run(call_sandbox(sandbox, method, path, body, upload))
    assert code == 200, f"{method} {path}: {code} {text}"
    return json.loads(text)


def pass_time(folder: Path, **span: float) -> None:
    sandbox = account(folder)
    sandbox.advance(timedelta(**span))
    sandbox.close()


def start_twin(folder: Path, mine: str, *, marked: bool = True) -> str:
    """Another run starts the same job at the very same moment, and gets a lesser id: the earlier."""
    sandbox = account(folder)
    try:
        job = sandbox._store.get("job", mine)
        assert job
        body = {key: job[key] for key in ("model", "training_file_ids", "hyper_parameters")}
        body |= {"training_type": "efficient_sft", "job_name": job["job_name"] if marked else None}
        for _ in range(30):
            made = str(call(sandbox, "POST", "/api/v1/fine-tunes", body)["output"]["job_id"])
            if made < mine:
                return made
            call(sandbox, "POST", f"/api/v1/fine-tunes/{made}/cancel")
    finally:
        sandbox.close()
    raise AssertionError("no lesser id came up")
