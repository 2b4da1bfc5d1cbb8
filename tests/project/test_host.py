"""The facts of the machine, also where it tells little."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from wanctl.language.load import load_project
from wanctl.project.host import Host
from wanctl.studio.credentials import find_key
from wanctl.studio.errors import StudioError


def test_a_user_whom_nobody_knows_has_no_home_and_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is in a container that runs as any uid."""

    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr(Path, "home", nowhere)
    monkeypatch.setattr("getpass.getuser", nobody)
    host = Host(environ={})
    assert host.actor == "unknown"
    find_key({"DASHSCOPE_API_KEY": "sk-one"}, host.home)
    with pytest.raises(StudioError, match="DASHSCOPE_API_KEY"):
        find_key({}, host.home)


SPECS = {
    "specs/wanctl.yaml": "version: 1\nproject: rain\n",
    "specs/all.yaml": "kind: Dataset\nname: train\nsource: ../data\n---\n"
    "kind: Deployment\nname: rain\nmodel_name: a-model\naigc_config:\n"
    "  prompt: {file: prompts/rain.txt}\n  lora_prompt_default: It rains.\n",
    "specs/prompts/rain.txt": "Describe it.\n",
    "specs/README.md": "Ours.\n",
    "data/data.jsonl": "{}\n",
    "elsewhere/notes.txt": "Not read.\n",
    "specs/.wanctl/ledger.json": "{}\n",
}


@pytest.fixture
def committed(tmp_path: Path) -> Path:
    for name, text in SPECS.items():
        _write(tmp_path / name, text)
    for words in (("init", "-q"), ("add", "-f", "."), ("commit", "-qm", "begun")):
        _git(tmp_path, *words)
    return tmp_path


def _git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=ci", "-c", "user.email=ci@example.com", "-c", "core.hooksPath=/dev/null")
    command = ["git", "-C", str(folder), *who, *words]
    subprocess.run(command, check=True, capture_output=True)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _credited(root: Path) -> str:
    desired = load_project(root / "specs")
    return Host(environ={"PATH": os.environ["PATH"], "HOME": str(root)}).stamp(desired).commit or ""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "specs/all.yaml",
            SPECS["specs/all.yaml"] + "---\n" + "kind: Dataset\nname: valid\nsource: ../data\n",
        ),
        ("specs/more.yaml", "kind: Dataset\nname: valid\nsource: ../data\n"),
        ("specs/more/clips.yaml", "kind: Dataset\nname: valid\nsource: ../data\n"),
        ("specs/prompts/rain.txt", "Describe it well.\n"),
        ("data/data.jsonl", '{"prompt": "x"}\n'),
        ("data/clip_01.mp4", "another clip"),
    ],
)
def test_a_commit_that_does_not_hold_what_is_applied_is_marked(committed: Path, name: str, text: str) -> None:
    clean = _credited(committed)
    assert re.fullmatch(r"[0-9a-f]{40}", clean)
    _write(committed / name, text)
    assert _credited(committed) == f"{clean}+"
    _git(committed, "add", "-f", ".")
    assert _credited(committed) == f"{clean}+", "what is only staged is in no commit"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("elsewhere/notes.txt", "Changed.\n"),
        ("specs/.wanctl/ledger.json", "{}\n\n"),
        ("specs/.wanctl/cache/one", "x"),
        ("specs/plan.json", "{}\n"),
        ("specs/previews/checkpoint-20.mp4", "x"),
    ],
)
def test_what_the_specs_do_not_read_marks_nothing(committed: Path, name: str, text: str) -> None:
    _write(committed / name, text)
    assert not _credited(committed).endswith("+")


def test_media_that_git_does_not_keep_mark_nothing(committed: Path) -> None:
    """Their digest is in the history."""
    _git(committed, "rm", "-rq", "--cached", "data")
    _git(committed, "commit", "-qm", "the media lie elsewhere")
    assert not _credited(committed).endswith("+")


def test_a_ledger_of_another_name_is_wanctls_own(committed: Path) -> None:
    _write(committed / "specs/wanctl.yaml", SPECS["specs/wanctl.yaml"] + "ledger: state/kept.json\n")
    for name in ("kept.json", "kept.prod.json"):
        _write(committed / "specs/state" / name, "{}\n")
    _git(committed, "add", ".")
    _git(committed, "commit", "-qm", "another place")
    for name in ("kept.json", "kept.prod.json", "kept.json.lease"):
        _write(committed / "specs/state" / name, "{}\n\n")
    assert not _credited(committed).endswith("+")


def test_without_git_nobody_is_credited(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()  # damaged, as far as git can say
    for name, text in SPECS.items():
        _write(tmp_path / name, text)
    assert _credited(tmp_path) == ""
