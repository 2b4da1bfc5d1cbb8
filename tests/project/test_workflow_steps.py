"""The shell steps of the workflows that `wanctl init` writes, run as a runner runs them.

Everything is the real thing but pip, which only says what it was asked for.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.datasets import small_dataset
from tests.forge.servers import GitHubServer, GitLabServer, served
from tests.ledger.ledger_files import clone, git, remote_with_one_commit
from tests.project.ci_runs import account, gitlab, merge_request, pull_request, pushed
from tests.scenarios.playing import quiet_surroundings, run_wanctl

PIN = f"git+https://github.com/ours/wanctl@{'0' * 40}"
KEY = "sk-0123456789abcdef0123456789abcdef"
BIN = Path(sys.executable).parent


@dataclass
class Runner:
    """A remote with a new project, and the machines on which its jobs run."""

    folder: Path
    bare: Path
    author: Path
    account: str

    def push(self, branch: str) -> str:
        git(self.author, "add", ".")
        git(self.author, "commit", "--quiet", "--allow-empty", "-m", branch)
        git(self.author, "push", "--quiet", "origin", f"HEAD:{branch}")
        return git(self.author, "rev-parse", "HEAD")

    def job(self, branch: str, lines: list[str], environ: Mapping[str, str]) -> tuple[str, int, Path]:
        """The lines of a job in one clone, each as a step: the first that fails is the last."""
        machine = self.folder / f"machine-{len(list(self.folder.glob('machine-*')))}"
        clone(self.bare, machine.name, "--depth=1", "--branch", branch)
        whole = {
            **quiet_surroundings(),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "PATH": f"{self.folder / 'bin'}:{BIN}:{os.environ['PATH']}",
            "DASHSCOPE_API_KEY": KEY,
            "WANCTL_BASE_URL": self.account,
            **environ,
        }
        printed = ""
        for line in lines:
            command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", line]
            ended = subprocess.run(
                command, cwd=machine, env=whole, capture_output=True, text=True, check=False, timeout=60
            )
            printed += ended.stdout + ended.stderr
            if ended.returncode:
                return printed, ended.returncode, machine
        return printed, 0, machine


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    bare = remote_with_one_commit(tmp_path)
    (tmp_path / "bin").mkdir()
    pip = tmp_path / "bin" / "pip"
    pip.write_text('#!/bin/sh\necho "pip $*"\n', encoding="utf-8")
    pip.chmod(0o755)
    with account(tmp_path / "account") as (url, _):
        yield Runner(tmp_path, bare, tmp_path / "first", url)


def begin(runner: Runner, forge: str, *more: str) -> dict[str, Any]:
    """`wanctl init` with data; the workflow that it wrote."""
    words = ["init", str(runner.author), "--yes", "--name", "rain", "--forge", forge, *more]
    printed, code = run_wanctl(*words)
    assert code == 0, printed
    small_dataset(runner.author / "data" / "train", clips=10)
    file = {"github": ".github/workflows/wanctl.yml", "gitlab": ".gitlab-ci.yml"}[forge]
    found: dict[str, Any] = yaml.safe_load((runner.author / file).read_text(encoding="utf-8"))
    return found


def steps(workflow: Mapping[str, Any], job: str) -> list[str]:
    return [step["run"] for step in workflow["jobs"][job]["steps"] if "run" in step]


def on_github(runner: Runner, environ: dict[str, str], workflow: Mapping[str, Any]) -> dict[str, str]:
    """The files that a runner gives, and the workflow's own env."""
    (runner.folder / "event.json").write_text(environ.pop("EVENT"), encoding="utf-8")
    (runner.folder / "summary.md").unlink(missing_ok=True)
    files = {
        "GITHUB_EVENT_PATH": str(runner.folder / "event.json"),
        "GITHUB_STEP_SUMMARY": str(runner.folder / "summary.md"),
        "GITHUB_OUTPUT": str(runner.folder / "outputs"),
    }
    return {**environ, **files, **workflow["env"]}


def test_the_steps_of_github_plan_a_request_and_apply_what_is_merged(runner: Runner) -> None:
    server = GitHubServer()
    with served(server):
        workflow = begin(runner, "github", "--package", PIN)
        commit = runner.push("feature")
        environ = on_github(runner, pull_request(server, commit), workflow)
        printed, code, machine = runner.job("feature", steps(workflow, "plan"), environ)
        assert code == 0, printed
        assert f"pip install {PIN}\n" in printed
        [body] = server.bodies()
        assert "1 upload, 1 training" in body
        assert (machine / "wanctl-artifacts" / "plan.json").exists()
        commit = runner.push("main")
        environ = on_github(runner, pushed(server, commit), workflow)
        printed, code, _ = runner.job("main", steps(workflow, "apply"), environ)
        assert code == 0, printed
        assert "**2 calls made:**" in (runner.folder / "summary.md").read_text(encoding="utf-8")
        assert "wanctl-ledger" in git(runner.bare, "branch", "--format=%(refname:short)")
    assert server.complaints == []


def test_the_steps_of_gitlab_plan_a_request_and_apply_what_is_merged(runner: Runner) -> None:
    server = GitLabServer(me="project_42_bot")
    with served(server):
        pipeline = begin(runner, "gitlab", "--package", PIN)
        there = {
            **pipeline["variables"],
            "CI_SERVER_PROTOCOL": "https",
            "CI_SERVER_HOST": "gitlab.example",
            "CI_SERVER_PORT": "443",
            "CI_PROJECT_PATH": "ours/models",
            "GIT_CONFIG_COUNT": "1",  # the remote with its token is the one on this machine
            "GIT_CONFIG_KEY_0": f"url.file://{runner.bare}.insteadOf",
            "GIT_CONFIG_VALUE_0": f"https://wanctl:{server.token}@gitlab.example:443/ours/models.git",
        }

        def lines(job: str) -> list[str]:
            return [*pipeline[job]["before_script"], *pipeline[job]["script"]]

        commit = runner.push("feature")
        environ = {**there, **merge_request(server, commit)}
        printed, code, _ = runner.job("feature", lines("wanctl-plan"), environ)
        assert code == 0, printed
        assert len(server.bodies()) == 1
        commit = runner.push("main")
        environ = {**there, **gitlab(server, commit, "push", CI_COMMIT_BRANCH="main")}
        printed, code, machine = runner.job("main", lines("wanctl-apply"), environ)
        assert code == 0, printed
        assert server.token not in printed
        variables = (machine / "wanctl-artifacts" / "wanctl.env").read_text(encoding="utf-8")
        assert "WANCTL_STATUS=in_progress\n" in variables
        assert "wanctl-ledger" in git(runner.bare, "branch", "--format=%(refname:short)")
    assert server.complaints == []


@pytest.mark.parametrize("forge", ["github", "gitlab"])
def test_without_a_package_the_install_step_stops_and_says_so(runner: Runner, forge: str) -> None:
    workflow = begin(runner, forge)
    runner.push("main")
    found = steps(workflow, "plan") if forge == "github" else workflow["wanctl-plan"]["before_script"]
    variables = workflow["env"] if forge == "github" else workflow["variables"]
    printed, code, _ = runner.job("main", found, variables)
    assert code != 0
    assert "WANCTL_PACKAGE: is empty, see the top of this file" in printed
    assert "pip install" not in printed
