"""Whatever the service plants in its answers, no secret comes out: not printed, not logged, not in any file.

Every command, at every verbosity, against a service that plants marked secrets in every field; then all that
was written anywhere is searched. And what may hold private data is for its owner alone.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.datasets import small_dataset
from tests.hostile.planting import FORGE_TOKEN, KEY, MARK
from tests.hostile.playing import Met, begun, run

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(1200),  # some eighty commands, on a machine that may be busy
]

DOCUMENTS = """\
kind: Dataset
name: train
source: ../clips
---
kind: FineTune
name: rain
model: wan2.6-i2v
training: [train]
hyper_parameters: {n_epochs: 40, eval_epochs: 10}
allow: [few-steps]
---
kind: Checkpoint
name: best
finetune: rain
---
kind: Deployment
name: rain
checkpoint: best
aigc_config:
  use_input_prompt: false
  prompt: Describe it.
  lora_prompt_default: Then it rains.
"""
READING = (
    ("validate",),
    ("plan",),
    ("plan", "--format", "json", "--out", "plan.json", "--out-markdown", "plan.md"),
    ("plan", "--format", "markdown", "--out-html", "plan.html"),
    ("status",),
    ("drift",),
    ("graph",),
    ("import", "--dry-run"),
    ("history", "FineTune/rain"),
    ("ledger", "show"),
    ("ledger", "history"),
    ("prune", "--all", "--dry-run"),
    ("destroy", "--dry-run"),
    ("dataset", "inspect", "train"),
    ("adopt", "FineTune/rain", "ft-nothing"),
    ("previews", "rain", "--to", "previews"),
    ("review", "rain", "--to", "gallery"),
    ("generate", "Deployment/rain", "--image", "../clips/frame_1.png", "--dry-run"),
    ("ci", "--mode", "plan", "--artifacts", "artifacts"),
)
ACTING = (
    ("apply", "--yes", "--wait"),
    ("choose", "Checkpoint/best", "checkpoint-20"),
    ("apply", "--yes", "--wait", "--format", "json"),
    ("output",),
    ("dataset", "annotate", "train"),
    ("generate", "Deployment/rain", "--image", "../clips/frame_1.png", "--to", "videos"),
    ("watch", "--once", "--ref", "origin/main"),
    ("prune", "ft-stranger", "--yes"),
    ("ledger", "unlock"),
    ("destroy", "--yes", "--wait"),
)
VERBOSITIES: tuple[tuple[str, ...], ...] = ((), ("-v",), ("--debug",))


@pytest.fixture(scope="module")
def planting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the service."""
    folder = tmp_path_factory.mktemp("service")
    port_file = folder / "port"
    command = [sys.executable, "-m", "tests.hostile.planting", str(folder / "state"), str(port_file)]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[2])
    try:
        while not (port_file.exists() and port_file.read_text("ascii")):
            assert process.poll() is None
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port_file.read_text('ascii')}"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def played(planting: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[str, Met]]]:
    """Everything played once: the folder in which all files are, and what was said."""
    folder = tmp_path_factory.mktemp("planted")
    root = folder / "root"
    begun(root)
    small_dataset(root / "clips", clips=2)
    settings = {"version": 1, "project": "rain", "provider": "model-studio", "base_url": planting}
    (root / "specs/wanctl.yaml").write_text(yaml.safe_dump({**settings, "polling": "1s"}), encoding="utf-8")
    (root / "specs/all.yaml").write_text(DOCUMENTS, encoding="utf-8")
    for name in ("home", "tmp"):
        (folder / name).mkdir()
    environ = {
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "DASHSCOPE_API_KEY": KEY,
        "GITHUB_TOKEN": FORGE_TOKEN,
    }
    met: list[tuple[str, Met]] = []

    def play(*commands: tuple[str, ...]) -> None:
        for command in commands:
            for verbosity in VERBOSITIES:
                words = (*verbosity, *command)
                met.append((" ".join(words), run(words, root, environ)))

    play(ACTING[0])  # refused the first time, and the upload the second
    play(*READING, *ACTING[1:])
    return folder, met


def test_no_secret_is_printed(played: tuple[Path, list[tuple[str, Met]]]) -> None:
    _, met = played
    told = {words: [line for line in one.said.splitlines() if MARK in line][:3] for words, one in met}
    assert not {words: lines for words, lines in told.items() if lines}


def test_no_secret_is_written(played: tuple[Path, list[tuple[str, Met]]]) -> None:
    folder, _ = played
    files = [one for one in folder.rglob("*") if one.is_file() and not one.is_symlink()]
    assert len(files) > 20
    assert not [str(one.relative_to(folder)) for one in files if MARK.encode() in one.read_bytes()]
    assert not [str(one.relative_to(folder)) for one in files if MARK in str(one)]


def test_what_may_be_private_is_for_its_owner_alone(played: tuple[Path, list[tuple[str, Met]]]) -> None:
    """The project's state, but for what a gallery shows to those who are to choose, and locks."""
    folder, _ = played
    state = folder / "root/specs/.wanctl"
    files = [one for one in state.rglob("*") if one.is_file() and not one.name.endswith("lock")]
    shown = {".mp4", ".jpeg", ".png", ".html"}
    kept = [one for one in files if one.suffix not in shown and one.parent.name != "pictures"]
    assert kept
    assert not [str(one.relative_to(state)) for one in kept if one.stat().st_mode & 0o077]


def test_it_was_played(played: tuple[Path, list[tuple[str, Met]]]) -> None:
    """What ends at its first line has shown nothing."""
    folder, met = played
    codes = {words: one.code for words, one in met}
    good = {words for words, code in codes.items() if code == 0}
    assert {"plan", "status", "previews rain --to previews", "choose Checkpoint/best checkpoint-20"} <= good
    refused = [one.said for words, one in met if words == "apply --yes --wait"]
    assert any("InvalidParameter" in said for said in refused)
    assert (folder / "root/specs/plan.html").exists()
