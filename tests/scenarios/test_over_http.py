"""The whole chain over real HTTP, as with the real service: provider model-studio, a key, an endpoint."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.datasets import small_dataset
from tests.scenarios.playing import quiet_surroundings, run_wanctl
from tests.serving import listening
from wanctl.sandbox import Sandbox

KEY = "sk-0123456789abcdef0123456789abcdef"


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[str]:
    """A served sandbox, in which hours are seconds."""
    sandbox = Sandbox.open(tmp_path / "account", speed=20_000, seed=3, strict=False)
    with listening(sandbox.app) as url:
        yield url
    sandbox.close()


@pytest.fixture
def project(tmp_path: Path, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in {**quiet_surroundings(), "DASHSCOPE_API_KEY": KEY}.items():
        monkeypatch.setenv(name, value)
    (tmp_path / ".git").mkdir()
    small_dataset(tmp_path / "data", clips=3)
    specs = tmp_path / "specs"
    specs.mkdir()
    head = {
        "version": 1,
        "project": "rain",
        "provider": "model-studio",
        "base_url": f"{endpoint}/api/v1",
        "workspace": "llm-1",
        "polling": "1s",
    }
    documents = [
        {"kind": "Dataset", "name": "train", "source": "../data"},
        {"kind": "FineTune", "name": "rain", "model": "wan2.5-i2v-preview", "training": ["train"]},
        {"kind": "Checkpoint", "name": "best", "finetune": "rain", "checkpoint": 200, "unseen": "allow"},
        {
            "kind": "Deployment",
            "name": "rain",
            "checkpoint": "best",
            "aigc_config": {
                "prompt": "Describe it. Then the s86b5p effect begins.",
                "lora_prompt_default": "Then the s86b5p effect begins.",
            },
        },
    ]
    (specs / "wanctl.yaml").write_text(yaml.safe_dump(head), encoding="utf-8")
    (specs / "all.yaml").write_text(yaml.safe_dump_all(documents), encoding="utf-8")
    return specs


def test_the_chain_converges_and_the_key_stays_where_it_is(project: Path) -> None:
    where = ("-C", str(project))
    said = []
    for words in (
        ("plan", "--format", "json"),
        ("apply", "--yes", "--wait"),
        ("previews", "FineTune/rain", "--to", str(project / "previews")),
        ("ledger", "show", "--format", "json"),
        ("ledger", "history", "--format", "json"),
    ):
        output, code = (
            run_wanctl("--debug", words[0], *where, *words[1:])
            if words[0] != "ledger"
            else (run_wanctl("--debug", *words[:2], *where, *words[2:]))
        )
        assert code == 0, output
        said.append(output)
    output, code = run_wanctl("plan", *where, "--detailed-exitcode")
    assert (output, code) == ("No changes. 4 resources are as the specs say.\n", 0)
    videos = list((project / "previews").rglob("*.mp4"))
    assert videos
    assert all(path.read_bytes()[4:8] == b"ftyp" for path in videos)
    everything = "".join(said) + (project / ".wanctl/ledger.json").read_text(encoding="utf-8")
    assert KEY not in everything
    assert "Signature=" not in everything


def test_a_host_that_only_the_specs_name_gets_no_key(project: Path) -> None:
    settings = project / "wanctl.yaml"
    data = yaml.safe_load(settings.read_text(encoding="utf-8"))
    settings.write_text(yaml.safe_dump({**data, "base_url": "https://dashscope.example"}), encoding="utf-8")
    output, code = run_wanctl("plan", "-C", str(project))
    assert code == 1
    assert "the API key is not sent to https://dashscope.example" in output


def test_a_wrong_path_is_an_error_and_no_empty_account(project: Path, endpoint: str) -> None:
    output, code = run_wanctl("plan", "-C", str(project), "--base-url", f"{endpoint}/elsewhere")
    assert code == 1
    assert output.startswith("error:")
