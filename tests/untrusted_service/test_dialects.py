"""A whole life at services that answer otherwise: one billed job, and no call that no document allows."""

from pathlib import Path

import pytest
import yaml

from tests.datasets import small_dataset
from tests.scenarios.playing import quiet_surroundings, run_wanctl
from tests.untrusted_service.service import GONE, Dialect, served

_BARE = frozenset({"job_id", "status", "finetuned_output"})
_DIALECTS = (
    Dialect("as documented"),
    Dialect("says little", job_keys=_BARE, deployment_keys=frozenset({"deployed_model", "status"})),
    Dialect("echoes no files", job_keys=_BARE | {"model"}, takes_unknown=False),
    Dialect("other containers", jobs_under="data", deployments_under="items"),
    Dialect("bare lists", jobs_under="", deployments_under=""),
    Dialect("one a page, no total", page=1, totals=False),
    Dialect("no lists", unlisted=(404, GONE)),
    Dialect("no lists, 405", unlisted=(405, {"detail": "Method Not Allowed"})),
    Dialect("gone is a 400", missing=(400, {**GONE, "code": "InvalidParameter"})),
    Dialect("gone is a 200", missing=(200, GONE)),
    Dialect("lists only exports", checkpoints_listed=False),
    Dialect("small letters", lower=True),
    Dialect("names of its own", hashed=True),
    Dialect("slow", looks=4),
)


def _write(folder: Path, *, prompt: str) -> None:
    head = {"version": 1, "project": "rain", "provider": "model-studio", "polling": "20ms"}
    config = {"use_input_prompt": False, "prompt": prompt, "lora_prompt_default": "Then it rains."}
    documents = [
        {"kind": "Dataset", "name": "train", "source": "data"},
        {"kind": "FineTune", "name": "rain", "model": "wan2.6-i2v", "training": ["train"]},
        {
            "kind": "Checkpoint",
            "name": "best",
            "finetune": "rain",
            "checkpoint": "checkpoint-160",
            "unseen": "allow",
        },
        {"kind": "Deployment", "name": "rain", "checkpoint": "best", "aigc_config": config},
    ]
    (folder / "wanctl.yaml").write_text(yaml.safe_dump(head), encoding="utf-8")
    (folder / "all.yaml").write_text(yaml.safe_dump_all(documents), encoding="utf-8")


@pytest.mark.parametrize("dialect", _DIALECTS, ids=lambda one: one.name)
def test_a_life(dialect: Dialect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_dataset(tmp_path / "data", clips=3)
    with served(dialect) as (untrusted, url):
        named = {"DASHSCOPE_API_KEY": "sk-0123456789abcdef", "WANCTL_BASE_URL": url}
        for name, value in {**quiet_surroundings(), **named}.items():
            monkeypatch.setenv(name, value)
        for prompt in ("Describe it.", "Describe it well."):  # the second is a replacement
            _write(tmp_path, prompt=prompt)
            said, code = run_wanctl("apply", "-C", str(tmp_path), "--yes", "--max-wait", "20s")
            assert code == 0, said
            said, code = run_wanctl("plan", "-C", str(tmp_path), "--detailed-exitcode")
            assert code == 0, said
        assert [one["aigc_config"]["prompt"] for one in untrusted.deployments.values()] == [prompt]
        (tmp_path / ".wanctl/ledger.json").unlink()
        said, _ = run_wanctl("apply", "-C", str(tmp_path), "--yes", "--max-wait", "1s")
        assert untrusted.billed == 1, said
        assert untrusted.faults == [], said
