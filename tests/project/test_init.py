"""wanctl init: what it writes is a project that works, and it never writes over anything."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.datasets import small_dataset
from tests.ledger.ledger_files import git
from tests.scenarios.playing import quiet_surroundings, run_wanctl
from wanctl.catalogue.packaged import packaged_models
from wanctl.init.answers import ProjectOptions, forge_for, name_for
from wanctl.init.scaffold import IGNORED, Scaffold
from wanctl.project.errors import ProjectError
from wanctl.studio.regions import REGIONS


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for key, value in quiet_surroundings().items():
        monkeypatch.setenv(key, value)
    monkeypatch.delenv("DASHSCOPE_API_KEY", raising=False)
    folder = tmp_path / "rain"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def files_of(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


def test_the_project_is_valid_but_for_the_data_that_is_still_to_come(here: Path) -> None:
    printed, code = run_wanctl("init", "--yes", "--forge", "github")
    assert code == 0, printed
    assert list(files_of(here)) == [
        ".github/workflows/wanctl.yml",
        ".gitignore",
        "data/README.md",
        "specs/prompts/rain.txt",
        "specs/rain.yaml",
        "specs/wanctl.yaml",
    ]
    printed, code = run_wanctl("validate")
    assert code == 1
    assert "there is no folder or file ../data/train" in printed
    assert "1 error" in printed
    assert printed.count("error:") == 1
    small_dataset(here / "data" / "train", clips=10)
    printed, code = run_wanctl("validate")
    assert code == 0, printed


def test_the_next_steps_work_as_they_are_printed(here: Path) -> None:
    printed, _ = run_wanctl("init", "--yes", "--forge", "none")
    steps = [line.strip().partition("#")[0].strip() for line in printed.splitlines() if line.startswith("  ")]
    assert steps[0].startswith("put clips, frames and data.jsonl into data/train")
    small_dataset(here / "data" / "train", clips=10)
    git(here, "config", "user.name", "Ada")
    git(here, "config", "user.email", "ada@example.com")
    for step in steps[1:4]:
        ended = subprocess.run(step, shell=True, cwd=here, capture_output=True, text=True, check=False)  # noqa: S602 - the words that a person would copy
        assert ended.returncode == 0, (step, ended.stdout, ended.stderr)
    tracked = git(here, "ls-files")
    assert "specs/wanctl.yaml" in tracked
    assert ".wanctl" not in tracked


@pytest.mark.parametrize(
    ("model", "region"),
    [
        *((model, "singapore") for model in packaged_models()),
        *(("wan2.5-i2v-preview", region.name) for region in REGIONS),
    ],
)
def test_every_model_in_every_region_makes_a_sound_project(here: Path, model: str, region: str) -> None:
    arguments = ["--yes", "--model", model, "--region", region, "--workspace", "llm-1", "--forge", "none"]
    printed, code = run_wanctl("init", *arguments)
    assert code == 0, printed
    train = small_dataset(here / "data" / "train", clips=10)
    if "kf2v" in model:
        lines = (train / "data.jsonl").read_text(encoding="utf-8")
        both = re.sub(r'"(frame_\d+.png)", "video', r'"\1", "last_frame_path": "\1", "video', lines)
        (train / "data.jsonl").write_text(both, encoding="utf-8")
    printed, code = run_wanctl("validate")
    assert code == 0, printed


@pytest.mark.parametrize("name", ["123", "1e5", "yes", "null", "2026-03-18", "0x1f", "a_b-c", "x" * 40])
def test_names_that_yaml_reads_as_something_else_stay_names(here: Path, name: str) -> None:
    assert run_wanctl("init", "--yes", "--name", name, "--forge", "github", "--pre-commit")[1] == 0
    small_dataset(here / "data" / "train", clips=10)
    printed, code = run_wanctl("--env", "rehearsal", "validate")
    assert code == 0, printed


@pytest.mark.parametrize("taken", ["specs/wanctl.yaml", "specs/rain.yaml", ".gitlab-ci.yml"])
def test_nothing_is_written_where_something_is_in_the_way(here: Path, taken: str) -> None:
    (here / taken).parent.mkdir(exist_ok=True)
    (here / taken).write_text("mine\n", encoding="utf-8")
    before = files_of(here)
    printed, code = run_wanctl("init", "--yes", "--forge", "gitlab")
    assert code == 1
    assert f"there already:\n  {taken}\n" in printed
    assert ("--forge none" in printed) == taken.startswith(".gitlab")
    assert files_of(here) == before
    assert not (here / ".git").exists()


def test_a_link_that_leads_nowhere_is_in_the_way_too(here: Path) -> None:
    (here / ".gitlab-ci.yml").symlink_to("/nonexistent/elsewhere")
    assert run_wanctl("init", "--yes", "--forge", "gitlab")[1] == 1


@pytest.mark.parametrize(
    ("taken", "told"),
    [
        ("specs", "specs"),
        ("data", "data"),
        (".gitignore/", ".gitignore"),
        ("wanctl.yaml", "wanctl.yaml"),
        ("specs/more/of-before.yml", "specs/more/of-before.yml"),
    ],
)
def test_what_would_make_it_fail_halfway_or_not_valid_is_in_the_way(
    here: Path, taken: str, told: str
) -> None:
    path = here / taken
    path.parent.mkdir(parents=True, exist_ok=True)
    if taken.endswith("/"):
        path.mkdir()
    else:
        path.write_text("kind: Dataset\n", encoding="utf-8")
    before = sorted(here.rglob("*"))
    printed, code = run_wanctl("init", "--yes", "--forge", "none")
    assert (code, f"there already:\n  {told}\n" in printed) == (1, True), printed
    assert sorted(here.rglob("*")) == before


@pytest.mark.parametrize("place", ["notes.txt", "notes.txt/below"])
def test_a_file_in_the_place_of_the_folder_is_named(here: Path, place: str) -> None:
    (here / "notes.txt").write_text("mine\n", encoding="utf-8")
    printed, code = run_wanctl("init", place, "--yes", "--forge", "none")
    assert (code, "notes.txt is there already, and is no folder" in printed) == (1, True), printed


def test_a_gitignore_in_another_encoding_keeps_its_bytes(here: Path) -> None:
    (here / ".gitignore").write_bytes(b"caf\xe9\n")
    assert run_wanctl("init", "--yes", "--forge", "none")[1] == 0
    assert (here / ".gitignore").read_bytes().splitlines() == [b"caf\xe9", *map(str.encode, IGNORED)]


def test_a_gitignore_keeps_its_lines_and_gets_those_that_it_lacks(here: Path) -> None:
    (here / ".gitignore").write_text("*.psd\n.wanctl/", encoding="utf-8")
    assert run_wanctl("init", "--yes", "--forge", "none")[1] == 0
    lines = (here / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert lines == ["*.psd", ".wanctl/", *IGNORED[1:]]


def test_in_a_folder_of_a_repository_the_workflow_goes_where_the_forge_looks(here: Path) -> None:
    (here / ".git").mkdir()
    assert run_wanctl("init", "models/storm", "--yes", "--forge", "github", "--pre-commit")[1] == 0
    written = files_of(here)
    workflow = written[".github/workflows/wanctl-storm.yml"]
    assert "wanctl ci -C models/storm --artifacts" in workflow
    assert "path: models/storm/specs/.wanctl/cache" in workflow
    assert "-C models/storm" in written[".pre-commit-config.yaml"]
    assert "models/storm/specs/wanctl.yaml" in written


def test_the_steps_commit_the_files_at_the_root_too(here: Path) -> None:
    git(here, "init", "--quiet")
    git(here, "config", "user.name", "Ada")
    git(here, "config", "user.email", "ada@example.com")
    printed, _ = run_wanctl("init", "models/big storm", "--yes", "--forge", "none", "--name", "storm")
    assert "  cd 'models/big storm'\n" in printed
    printed, _ = run_wanctl("init", "models/storm", "--yes", "--forge", "github", "--pre-commit")
    steps = [line for line in printed.splitlines() if re.match("  (cd|git add) ", line)]
    subprocess.run("\n".join(["set -e", *steps]), shell=True, cwd=here, check=True)  # noqa: S602 - the words that a person would copy
    tracked = git(here, "ls-files")
    assert ".github/workflows/wanctl-storm.yml" in tracked
    assert ".pre-commit-config.yaml" in tracked
    assert "models/storm/specs/wanctl.yaml" in tracked


def test_a_folder_that_no_workflow_could_name_is_refused(here: Path) -> None:
    (here / ".git").mkdir()
    printed, code = run_wanctl("init", "a; rm -rf $HOME", "--yes", "--name", "x", "--forge", "github")
    assert code == 1
    assert "cannot be written into a workflow file" in printed


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--model", "wan2.6-i2w"], "did you mean wan2.6-i2v?"),
        (["--region", "singapur"], "did you mean singapore?"),
        (["--region", "frankfurt"], "add --workspace ID"),
        (["--name", "a--b"], '"a--b" is no name'),
        (["--forge", "githup"], "did you mean github?"),
        (["--region", "frankfurt", "--workspace", "a b"], "is not a workspace id"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_written(
    here: Path, arguments: list[str], told: str
) -> None:
    printed, code = run_wanctl("init", "--yes", *arguments)
    assert (code, told in printed) == (1, True), printed
    assert files_of(here) == {}


@pytest.mark.parametrize(
    ("remote", "forge"),
    [
        ("git@gitlab.example.com:ours/models.git", "gitlab"),
        ("https://gitlab.com/ours/models", "gitlab"),
        ("git@github.com:ours/gitlab-tools.git", "github"),
        ("https://github.com/ours/gitlab", "github"),
    ],
)
def test_the_forge_is_the_remotes_host(here: Path, remote: str, forge: str) -> None:
    git(here, "init", "--quiet")
    git(here, "remote", "add", "origin", remote)
    assert forge_for(here) == forge


def test_where_nobody_can_be_asked_the_flags_are_named() -> None:
    printed, code = run_wanctl("init", "--name", "rain")
    assert code == 1
    assert "or say --yes" in printed


def test_on_a_terminal_it_asks_until_the_answer_can_be(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(
        [
            "a--b",
            "storm",
            "wan2.6-i2v",
            "singapur",
            "frankfurt",
            "",
            "llm-1",
            "gitlub",
            "gitlab",
            "wanctl",
            f"git+https://gitlab.example/ours/wanctl@{'a' * 40}",
        ]
    )
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.prompt", lambda *_, **__: next(answers))
    printed, code = run_wanctl("init")
    assert code == 0, printed
    assert all(told in printed for told in ("is no name", "did you mean singapore?", "is not a workspace id"))
    assert "workspace: llm-1" in (here / "specs" / "wanctl.yaml").read_text(encoding="utf-8")
    assert (here / "specs" / "storm.yaml").exists()
    assert (
        "WANCTL_PACKAGE: git+https://gitlab.example/ours/wanctl@aaaa" in (here / ".gitlab-ci.yml").read_text()
    )


def test_the_names_of_folders_become_names(tmp_path: Path) -> None:
    names = [name_for(tmp_path / folder) for folder in ("Money Rain", "--x--", "ä", "a--b")]
    assert names == ["Money-Rain", "x", "my-model", "a-b"]


def test_templates_leave_no_bracket_behind(tmp_path: Path) -> None:
    for forge in ("github", "gitlab"):
        options = ProjectOptions("rain", "wan2.2-kf2v-flash", "frankfurt", forge, "llm-1", pre_commit=True)
        for path, text in Scaffold.of(options, tmp_path / "x").files.items():
            assert "[[" not in text, path
            assert "[%" not in text, path
            if path.suffix in {".yaml", ".yml"}:
                assert list(yaml.safe_load_all(text))


def test_without_git_it_says_so(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    printed, code = run_wanctl("init", "--yes")
    assert code == 1
    assert "git is not installed" in printed
    assert files_of(here) == {}


def test_a_file_that_comes_up_meanwhile_is_not_written_over(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = Scaffold.of(ProjectOptions("rain", "wan2.6-i2v", "singapore", "none"), here)
    (here / "specs").mkdir()
    mine = here / "specs" / "rain.yaml"
    mine.write_text("mine\n", encoding="utf-8")
    with pytest.raises(ProjectError, match="nothing was written"):
        planned.write()
    assert files_of(here) == {"specs/rain.yaml": "mine\n"}
    monkeypatch.setattr(Scaffold, "require_room", lambda _: None)
    with pytest.raises(ProjectError, match="cannot be written: File exists"):
        planned.write()
    assert mine.read_text(encoding="utf-8") == "mine\n"


def test_what_ci_installs_is_what_was_said_or_is_asked_for(here: Path) -> None:
    (here / ".git").mkdir()
    pin = f"git+https://github.com/ours/wanctl@{'0' * 40}"
    printed, code = run_wanctl("init", "a", "--yes", "--forge", "github", "--package", pin)
    assert code == 0
    assert "WANCTL_PACKAGE" not in printed
    printed, code = run_wanctl("init", "b", "--yes", "--forge", "github")
    assert code == 0
    assert "write into ../.github/workflows/wanctl-b.yml what CI installs wanctl from" in printed
    read = {
        name: yaml.safe_load((here / f".github/workflows/wanctl-{name}.yml").read_text(encoding="utf-8"))
        for name in "ab"
    }
    assert [read[name]["env"] for name in "ab"] == [{"WANCTL_PACKAGE": pin}, {"WANCTL_PACKAGE": ""}]
    printed, code = run_wanctl("init", "c", "--yes", "--forge", "github", "--package", "wanctl")
    assert (code, "'wanctl' is not pinned" in printed) == (1, True)


@pytest.mark.parametrize("branch", ["main", "master", "trunk"])
def test_the_workflow_watches_the_branch_that_there_is(here: Path, branch: str) -> None:
    git(here, "init", "--quiet", "-b", branch)
    assert run_wanctl("init", "--yes", "--forge", "github")[1] == 0
    assert f"      - {branch}  " in (here / ".github/workflows/wanctl.yml").read_text(encoding="utf-8")


def test_the_workflow_watches_the_remotes_default_branch(here: Path) -> None:
    git(here.parent, "init", "--quiet", "--bare", "-b", "trunk", "remote.git")
    git(here, "init", "--quiet", "-b", "main")
    git(here, "commit", "--quiet", "--allow-empty", "-m", "first")
    git(here, "push", "--quiet", str(here.parent / "remote.git"), "HEAD:trunk")
    git(here.parent, "clone", "--quiet", "remote.git", "clone")
    git(here.parent / "clone", "checkout", "--quiet", "-b", "main")
    assert run_wanctl("init", str(here.parent / "clone"), "--yes", "--forge", "github")[1] == 0
    written = (here.parent / "clone" / ".github/workflows/wanctl.yml").read_text(encoding="utf-8")
    assert "      - trunk  " in written
