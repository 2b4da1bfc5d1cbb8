"""Simulated CI: a bare remote, a clone for each run, and the environment that a forge gives it."""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.forge.servers import PROJECT, PULL, REPOSITORY, ForgeServer, GitHubServer, GitLabServer
from tests.ledger.ledger_files import clone, git, remote_with_one_commit
from tests.scenarios.playing import DATA, quiet_surroundings, run_wanctl
from tests.serving import listening
from wanctl.sandbox import Sandbox

BASE = Path(__file__).parents[1] / "scenarios" / "base" / "specs"
START = datetime.fromisoformat("2026-03-18T09:00:00+08:00")
CHOICE = "\ncheckpoint: checkpoint-200"


@contextmanager
def account(folder: Path) -> Iterator[tuple[str, Sandbox]]:
    """A sandbox that other processes reach, whose clock moves only when it is told to."""
    sandbox = Sandbox.open(folder, speed="instant", seed=7, start=START)
    try:
        with listening(sandbox.app) as url:
            yield url, sandbox
    finally:
        sandbox.close()


@dataclass
class EndedJob:
    """How a run ended: what it printed, its code, and the folder in which it ran."""

    printed: str
    code: int
    folder: Path
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""

    def artefact(self, name: str) -> str:
        return (self.folder / "wanctl-artifacts" / name).read_text(encoding="utf-8")


class Repository:
    """A remote with specs, and people and runs that clone it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bare = remote_with_one_commit(folder)
        self.author = folder / "first"
        self._runs = 0

    def add_project(self, settings: str) -> None:
        """The scenarios' own project, with nothing chosen yet, on main."""
        shutil.copytree(BASE, self.author / "specs")
        shutil.copytree(DATA / "train", self.author / "data" / "train")
        (self.author / "specs" / "wanctl.yaml").write_text(settings, encoding="utf-8")
        self.edit("specs/money-rain.yaml", CHOICE, "")

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.author / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def push(self, branch: str) -> str:
        """Everything that the author has, as a commit on a branch."""
        git(self.author, "checkout", "--quiet", "-B", branch)
        git(self.author, "add", ".")
        git(self.author, "commit", "--quiet", "--allow-empty", "-m", branch)
        git(self.author, "push", "--quiet", "--force", "origin", f"HEAD:{branch}")
        return git(self.author, "rev-parse", "HEAD")

    def refuse_pushes_after(self, count: int) -> None:
        """The remote takes so many more pushes of the ledger, and then none."""
        hook = self.bare / "hooks" / "pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(
            "#!/bin/sh\n"
            "read old new ref; [ $ref = refs/heads/wanctl-ledger ] || exit 0\n"
            f'echo x >> pushes; [ "$(wc -l < pushes)" -le {count} ]\n',
            encoding="utf-8",
        )
        hook.chmod(0o755)

    def run(
        self,
        branch: str,
        environ: Mapping[str, str],
        *arguments: str,
        before: tuple[str, ...] = (),
        at: str | None = None,
    ) -> EndedJob:
        """`wanctl ci` on a machine of its own, at the branch's newest commit or another one."""
        self._runs += 1
        folder = self.folder / f"run-{self._runs}"
        clone(self.bare, folder.name, *(() if at else ("--depth=1",)), "--branch", branch)
        if at:
            git(folder, "checkout", "--quiet", at)
        outside = self.folder / f"runner-{self._runs}"
        outside.mkdir()
        whole = {
            **quiet_surroundings(),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            **environ,
        }
        if environ.get("GITHUB_ACTIONS"):
            (outside / "event.json").write_text(environ.get("EVENT", "{}"), encoding="utf-8")
            for name, file in (
                ("GITHUB_EVENT_PATH", "event.json"),
                ("GITHUB_STEP_SUMMARY", "summary.md"),
                ("GITHUB_OUTPUT", "outputs"),
            ):
                whole[name] = str(outside / file)
        with contextlib.chdir(folder), _only(whole):
            printed, code = run_wanctl(*before, "ci", *arguments)
        return EndedJob(printed, code, folder, _outputs(outside / "outputs"), _text(outside / "summary.md"))


@contextmanager
def _only(environ: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _outputs(path: Path) -> dict[str, str]:
    """As GitHub reads them: NAME<<END, the value, END."""
    found, lines = {}, iter(_text(path).splitlines())
    for line in lines:
        name, _, end = line.partition("<<")
        value = []
        while (line := next(lines)) != end:
            value.append(line)
        found[name] = "\n".join(value)
    return found


def _event(**more: Any) -> str:
    return json.dumps({"repository": {"default_branch": "main", "full_name": REPOSITORY}, **more})


def github(server: ForgeServer, commit: str, **more: str) -> dict[str, str]:
    """The environment of a run of any event."""
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_API_URL": server.url,
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_RUN_ID": "4711",
        "GITHUB_ACTOR": "ada",
        "GITHUB_SHA": commit,
        "GITHUB_TOKEN": GitHubServer.token,
        **more,
    }


def pull_request(server: ForgeServer, commit: str, head: str = REPOSITORY, **more: str) -> dict[str, str]:
    server.head = commit
    sides = {
        "head": {"sha": commit, "repo": {"full_name": head} if head else None},
        "base": {"repo": {"full_name": REPOSITORY}},
    }
    return github(
        server,
        commit,
        GITHUB_EVENT_NAME="pull_request",
        GITHUB_REF=f"refs/pull/{PULL}/merge",
        EVENT=_event(pull_request={"number": PULL, **sides}),
        **more,
    )


def pushed(server: ForgeServer, commit: str, branch: str = "main", **more: str) -> dict[str, str]:
    return github(
        server,
        commit,
        GITHUB_EVENT_NAME="push",
        GITHUB_REF=f"refs/heads/{branch}",
        EVENT=_event(),
        **more,
    )


def scheduled(server: ForgeServer, commit: str) -> dict[str, str]:
    event = json.dumps({"schedule": "17 * * * *"})
    return github(server, commit, GITHUB_EVENT_NAME="schedule", GITHUB_REF="refs/heads/main", EVENT=event)


def gitlab(server: ForgeServer, commit: str, source: str, **more: str) -> dict[str, str]:
    return {
        "GITLAB_CI": "true",
        "CI_API_V4_URL": f"{server.url}/api/v4",
        "CI_DEFAULT_BRANCH": "main",
        "CI_PIPELINE_SOURCE": source,
        "CI_COMMIT_SHA": commit,
        "CI_JOB_URL": "https://gitlab.com/ours/models/-/jobs/4711",
        "CI_JOB_TOKEN": "64-of-this-job",
        "GITLAB_USER_LOGIN": "ada",
        "GITLAB_TOKEN": GitLabServer.token,
        **more,
    }


def merge_request(server: ForgeServer, commit: str, source: str = PROJECT, **more: str) -> dict[str, str]:
    server.head = commit
    return gitlab(
        server,
        commit,
        "merge_request_event",
        CI_MERGE_REQUEST_IID=str(PULL),
        CI_MERGE_REQUEST_PROJECT_ID=PROJECT,
        CI_MERGE_REQUEST_SOURCE_PROJECT_ID=source,
        **more,
    )
