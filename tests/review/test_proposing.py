"""A choice on a branch: committed beside a work tree that stays as it is, pushed, and opened as a request."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.forge.servers import Answer, Asked, GitHubServer, GitLabServer, served
from tests.harness import Harness, dataset, finetune
from tests.plain_http import http
from tests.scenarios.playing import run_wanctl
from wanctl.forge.proposing import home_of

DOCUMENT = "kind: Checkpoint\nname: best\nfinetune: rain # its training\n"


class Pulls(GitHubServer):
    """GitHub, that opens pull requests as well."""

    opened: list[Any]

    def routes(self) -> dict[str, Callable[..., Answer]]:
        return {
            "GET /repos/ours/models": lambda *_: (200, {"default_branch": "trunk"}),
            "POST /repos/ours/models/pulls": self.open,
        }

    def open(self, asked: Asked, *_: str) -> Answer:
        self.opened = [asked.body]
        return 201, {"number": 8, "html_url": "https://github.com/ours/models/pull/8"}


class Merges(GitLabServer):
    """GitLab, that opens merge requests as well."""

    opened: list[Any]

    def routes(self) -> dict[str, Callable[..., Answer]]:
        return {
            "GET /api/v4/projects/ours(/|%2F)models": lambda *_: (200, {"default_branch": "trunk"}),
            "POST /api/v4/projects/ours(/|%2F)models/merge_requests": self.open,
        }

    def open(self, asked: Asked, *_: str) -> Answer:
        self.opened = [asked.body]
        return 201, {"iid": 8, "web_url": "https://gitlab.com/ours/models/-/merge_requests/8"}


def git(harness: Harness, *words: str) -> str:
    command = ["git", *words]
    return subprocess.run(command, cwd=harness.specs, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Harness:
    for name, value in {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}.items():
        monkeypatch.setenv(name, value)
    for name in ("GITHUB_TOKEN", "GH_TOKEN", "GITLAB_TOKEN", "GITHUB_API_URL", "CI_API_V4_URL"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "project").mkdir()
    harness = Harness.begun(tmp_path / "project")
    (harness.specs.parent / ".git").rmdir()
    harness.write(dataset(), finetune())
    (harness.specs / "choice.yaml").write_text(DOCUMENT, encoding="utf-8")
    git(harness, "init", "--quiet", "--initial-branch", "trunk", "..")
    harness.apply()
    git(harness, "config", "user.name", "Ada")
    git(harness, "config", "user.email", "ada@models.example")
    git(harness, "add", "*.yaml")
    git(harness, "commit", "--quiet", "--message", "specs")
    return harness


def choose(harness: Harness, *words: str) -> tuple[str, int]:
    return run_wanctl("choose", "-C", str(harness.specs), "best", "checkpoint-20", *words)


def remote(harness: Harness, address: str) -> Path:
    """A remote of this address, whose pushes land in a folder here."""
    bare = harness.specs.parent.parent / "remote.git"
    git(harness, "init", "--quiet", "--bare", str(bare))
    git(harness, "remote", "add", "origin", address)
    git(harness, "config", f"url.{bare}.pushInsteadOf", address)
    return bare


def test_a_branch_has_the_choice_and_the_work_tree_nothing_of_it(harness: Harness) -> None:
    (harness.specs / "untracked.txt").write_text("mine", encoding="utf-8")
    (harness.specs / "all.yaml").write_text(
        (harness.specs / "all.yaml").read_text(encoding="utf-8") + "# mine\n", encoding="utf-8"
    )
    (harness.specs / "staged.txt").write_text("mine, too", encoding="utf-8")
    git(harness, "add", "staged.txt")
    stood = (harness.specs / "choice.yaml").stat()
    before = git(harness, "status", "--porcelain"), git(harness, "rev-parse", "HEAD")
    printed, code = choose(harness, "--branch", "choose-rain")
    assert code == 0, printed
    assert "chosen on the branch choose-rain" in printed
    assert (git(harness, "status", "--porcelain"), git(harness, "rev-parse", "HEAD")) == before
    assert (harness.specs / "choice.yaml").read_text(encoding="utf-8") == DOCUMENT
    now = (harness.specs / "choice.yaml").stat()
    assert (now.st_ino, now.st_mtime_ns) == (stood.st_ino, stood.st_mtime_ns), "not even for a moment"
    changed = git(harness, "diff", "--name-only", "HEAD", "choose-rain").split()
    assert changed == ["specs/choice.yaml"]
    shown = git(harness, "show", "choose-rain:specs/choice.yaml")
    assert shown.startswith(DOCUMENT)
    assert re.search(r"\ncheckpoint: checkpoint-20\nof: '?[0-9a-f]{8}'?\n", shown)
    assert git(harness, "log", "-1", "--format=%an %s", "choose-rain").strip() == (
        "Ada Checkpoint/best: checkpoint-20 is the choice"
    )


@pytest.mark.parametrize(
    ("words", "prepared", "said"),
    [
        (("--branch", "trunk"), "", "there is a branch trunk already"),
        (("--branch", "no good"), "", "no name of a branch"),
        (("--branch", "-d"), "", "no name of a branch"),
        (("--branch", "new"), "edit", "has changes that are not committed"),
        (("--open-pr",), "", "a request needs a branch"),
        (("--branch", "new", "--open-pr"), "", "origin is no repository at a forge"),
        (("--branch", "new", "--open-pr"), "remote", "there is no GITHUB_TOKEN"),
    ],
)
def test_what_is_in_the_way_is_said_and_nothing_is_written(
    harness: Harness, words: tuple[str, ...], prepared: str, said: str
) -> None:
    file = harness.specs / "choice.yaml"
    if prepared == "edit":
        file.write_text(DOCUMENT + "# more\n", encoding="utf-8")
    if prepared == "remote":
        remote(harness, "https://github.com/ours/models.git")
    before, branches = file.read_text(encoding="utf-8"), git(harness, "branch")
    printed, code = choose(harness, *words)
    assert (code != 0, said in printed) == (True, True), printed
    assert (file.read_text(encoding="utf-8"), git(harness, "branch")) == (before, branches)


def test_a_pull_request_is_opened_into_the_default_branch(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = remote(harness, "https://somebody:secret@github.com/ours/models.git")
    with served(Pulls()) as server:
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        monkeypatch.setenv("GITHUB_TOKEN", GitHubServer.token)
        printed, code = choose(harness, "--branch", "choose-rain", "--open-pr")
        assert code == 0, printed
        assert server.complaints == []
        assert isinstance(server, Pulls)
        [opened] = server.opened
    assert "https://github.com/ours/models/pull/8" in printed
    assert "secret" not in printed
    assert (opened["head"], opened["base"]) == ("choose-rain", "trunk")
    assert opened["title"] == "Checkpoint/best: checkpoint-20 is the choice"
    assert git(harness, f"--git-dir={bare}", "branch").strip() == "choose-rain"


def test_a_merge_request_is_opened_at_gitlab(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    remote(harness, "git@gitlab.com:ours/models.git")
    with served(Merges()) as server:
        monkeypatch.setenv("CI_API_V4_URL", f"{server.url}/api/v4")
        monkeypatch.setenv("GITLAB_TOKEN", server.token)  # type: ignore[attr-defined]  # GitLab's
        printed, code = choose(harness, "--branch", "choose-rain", "--open-pr")
        assert code == 0, printed
        assert isinstance(server, Merges)
        [opened] = server.opened
    assert "https://gitlab.com/ours/models/-/merge_requests/8" in printed
    assert (opened["source_branch"], opened["target_branch"]) == ("choose-rain", "trunk")


def test_a_push_that_is_refused_opens_nothing(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = remote(harness, "https://github.com/ours/models.git")
    hook = bare / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    with served(Pulls()) as server:
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        monkeypatch.setenv("GITHUB_TOKEN", GitHubServer.token)
        printed, code = choose(harness, "--branch", "choose-rain", "--open-pr")
        assert (code, "could not be pushed" in printed) == (1, True), printed
        assert server.asked == []


@pytest.mark.parametrize(
    ("remote_address", "api", "repository"),
    [
        ("https://github.com/ours/models.git", "https://api.github.com", "ours/models"),
        ("https://user:secret@github.com/ours/models", "https://api.github.com", "ours/models"),
        ("git@github.com:ours/models.git", "https://api.github.com", "ours/models"),
        (
            "ssh://git@github.models.example:2222/ours/models.git",
            "https://github.models.example/api/v3",
            "ours/models",
        ),
        ("git@gitlab.com:a/b/c.git", "https://gitlab.com/api/v4", "a/b/c"),
        ("https://gitlab.models.example/a/b", "https://gitlab.models.example/api/v4", "a/b"),
    ],
)
def test_a_remote_leads_to_its_forge(remote_address: str, api: str, repository: str) -> None:
    home = home_of(remote_address, {})
    assert home
    assert (home.api, home.repository, home.token) == (api, repository, None)
    assert "secret" not in home.by_hand("b")


@pytest.mark.parametrize(
    "address", ["/srv/models.git", "../models", "file:///srv/models", "", "https://[", "C:\\models"]
)
def test_other_remotes_are_no_forge(address: str) -> None:
    assert home_of(address, {}) is None


def test_the_button_of_the_gallery_opens_the_request_as_well(harness: Harness) -> None:
    bare = remote(harness, "https://github.com/ours/models.git")
    with served(Pulls()) as server:
        environ = {**os.environ, "GITHUB_API_URL": server.url, "GITHUB_TOKEN": GitHubServer.token}
        command = [sys.executable, "-m", "wanctl", "review", "-C", str(harness.specs), "rain", "--serve"]
        with subprocess.Popen(
            [*command, "--branch", "choose-rain", "--open-pr"],
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stderr
            address = next(
                found[0] for line in process.stderr if (found := re.search(r"http://127\S+/", line))
            )
            chosen = {"address": "Checkpoint/best", "column": 1, "notes": {"review": "x", "notes": {}}}
            origin = address.rpartition("/")[0].rpartition("/")[0]
            answer = http.post(f"{address}choose", json=chosen, headers={"Origin": origin}, timeout=60)
            assert answer.status_code == 200, answer.text
            process.wait(60)
        assert isinstance(server, Pulls)
        [opened] = server.opened
    assert opened["head"] == "choose-rain"
    assert "https://github.com/ours/models/pull/8" in answer.json()["said"]
    assert (harness.specs / "choice.yaml").read_text(encoding="utf-8") == DOCUMENT
    shown = git(harness, f"--git-dir={bare}", "show", "choose-rain:specs/choice.yaml")
    assert re.search(
        r"\ncheckpoint: checkpoint-20\nof: '?[0-9a-f]{8}'?\nevidence:\n  gallery: sha256:", shown
    )
