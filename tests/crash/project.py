"""The project that is crashed, phase by phase, and what the account truly holds afterwards.

A chain of one each: dataset, job, checkpoint, deployment; then another aigc_config, which is a replacement;
then the deployment's document is gone, which is a deletion. Beside it stands somebody else's chain.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from tests.datasets import small_dataset
from wanctl.project import run
from wanctl.project.provider import call_sandbox
from wanctl.sandbox import Sandbox

EFFECTS = {"create": "Then it rains.", "replace": "Then it pours."}
OURS = "crash--"
_PARAMETERS = {"n_epochs": 40, "eval_epochs": 10}


class Phase(StrEnum):
    """What one apply has to bring about."""

    CREATE = "create"
    REPLACE = "replace"
    REMOVE = "remove"


def write(specs: Path, phase: Phase, head: Mapping[str, Any] | None = None) -> None:
    """The specs as they stand in this phase."""
    documents: list[dict[str, Any]] = [
        {"kind": "Dataset", "name": "train", "source": "../data"},
        {
            "kind": "FineTune",
            "name": "rain",
            "model": "wan2.6-i2v",
            "training": ["train"],
            "hyper_parameters": _PARAMETERS,
        },
        {"kind": "Checkpoint", "name": "best", "finetune": "rain", "checkpoint": "checkpoint-20"},
    ]
    if phase is not Phase.REMOVE:
        config = {"prompt": "Describe it.", "lora_prompt_default": EFFECTS[phase]}
        documents.append({"kind": "Deployment", "name": "rain", "checkpoint": "best", "aigc_config": config})
    own = {
        "version": 1,
        "project": "crash",
        "polling": "6h",
        "sandbox": {"speed": "instant", "seed": 1, "start": "2026-03-18T09:00:00+08:00"},
    }
    specs.mkdir(exist_ok=True)
    (specs / "wanctl.yaml").write_text(yaml.safe_dump(head or own), encoding="utf-8")
    (specs / "all.yaml").write_text(yaml.safe_dump_all(documents), encoding="utf-8")


def begin(folder: Path, *, marks: bool) -> None:
    """An account that somebody else uses already, and the specs of the first phase."""
    (folder / ".git").mkdir(parents=True)
    small_dataset(folder / "data", clips=2)
    write(folder / "specs", Phase.CREATE)
    theirs = folder / "theirs"
    small_dataset(theirs, clips=2, note="theirs")
    archive = Path(shutil.make_archive(str(theirs), "zip", theirs)).read_bytes()
    sandbox = account(folder)
    try:
        call(sandbox, "POST", "/_sandbox/rig", {"quirks": {"keep_job_name": marks, "echo_file_ids": marks}})
        file = call(sandbox, "POST", "/compatible-mode/v1/files", upload=("theirs.zip", archive))
        job = {
            "model": "wan2.5-i2v-preview",
            "training_file_ids": [file["id"]],
            "training_type": "efficient_sft",
            "hyper_parameters": {**_PARAMETERS, "batch_size": 2, "learning_rate": 2e-5, "max_pixels": 36864},
        }
        made = call(sandbox, "POST", "/api/v1/fine-tunes", job)["output"]
        sandbox.advance(timedelta(hours=12))
        deployment = {
            "model_name": made["finetuned_output"],
            "capacity": 1,
            "plan": "lora",
            "aigc_config": {"use_input_prompt": False, "prompt": "x", "lora_prompt_default": "y"},
        }
        call(sandbox, "POST", "/api/v1/deployments", deployment)
        sandbox.advance(timedelta(hours=1))
    finally:
        sandbox.close()


def account(folder: Path) -> Sandbox:
    return Sandbox.open(folder / "specs" / ".wanctl" / "sandbox", speed="instant", seed=1)


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


@dataclass(frozen=True)
class Truth:
    """What the account holds, as its own store knows it, whatever its lists tell."""

    uploads: int
    jobs: int
    exports: int
    configs: tuple[str, ...]  # lora_prompt_default of each deployment of ours that is not on its way out
    intents: tuple[str, ...]  # calls that the ledger still takes for open
    foreign: str  # everything of somebody else's, to be the same for ever

    def wrong(self, phase: Phase, before: "Truth") -> list[str]:
        """What the phase should not have left."""
        said = [
            f"{count} {what} instead of 1"
            for what, count in (("uploads", self.uploads), ("jobs", self.jobs), ("exports", self.exports))
            if count != 1
        ]
        wanted = (EFFECTS[phase],) if phase in EFFECTS else ()
        if self.configs != wanted:
            said.append(f"deployments of {list(self.configs)} instead of {list(wanted)}")
        said += [f"the intent of {one} is still open" for one in self.intents]
        if self.foreign != before.foreign:
            said.append("something foreign was touched")
        return said


def truth(folder: Path) -> Truth:
    """Read past the API: through it a quirk could hide what is there."""
    sandbox = account(folder)
    try:
        store = sandbox._store
        files = call(sandbox, "GET", "/compatible-mode/v1/files")["data"]
        rows = call(sandbox, "GET", "/api/v1/deployments?page_size=100")["output"]["deployments"]
        standing = {row["deployed_model"]: row for row in rows if row["status"] != "DELETING"}
        jobs = [job for job in store.all("job") if not job.get("deleted")]
        kept = {one["deployed_model"]: one for one in store.all("deployment")}
    finally:
        sandbox.close()
    ours = [name for name in standing if standing[name]["base_model"] == "wan2.6-i2v"]
    foreign = {
        "files": [one for one in files if not one["filename"].startswith(OURS)],
        "jobs": [one for one in jobs if one["model"] != "wan2.6-i2v"],
        "deployments": [kept[name] for name in standing if name not in ours],
    }
    ledger = folder / "specs" / ".wanctl" / "ledger.json"
    record = json.loads(ledger.read_text(encoding="utf-8")) if ledger.exists() else {"intents": []}
    return Truth(
        uploads=sum(one["filename"].startswith(OURS) for one in files),
        jobs=sum(one["model"] == "wan2.6-i2v" for one in jobs),
        exports=len(store_exports(folder)),
        configs=tuple(sorted(str(kept[name]["aigc_config"]["lora_prompt_default"]) for name in ours)),
        intents=tuple(f"{one['verb']} {one['address']}" for one in record["intents"]),
        foreign=json.dumps(foreign, sort_keys=True),
    )


def store_exports(folder: Path) -> list[dict[str, Any]]:
    sandbox = account(folder)
    try:
        return sandbox._store.all("export")
    finally:
        sandbox.close()
