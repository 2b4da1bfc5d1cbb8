"""Which run this is, from the environment alone: what may be applied, whose request, with which token."""

import json
from pathlib import Path

import pytest

from tests.forge.servers import GitHubServer, GitLabServer
from tests.project.ci_runs import github, gitlab, merge_request, pull_request, pushed, scheduled
from wanctl.ci.run import CiMode, mode_of, run_of
from wanctl.forge.forge import Run, Trigger
from wanctl.forge.registry import GITHUB
from wanctl.project.errors import ProjectError
from wanctl.project.host import Host

SHA = "0123456789abcdef0123456789abcdef01234567"
HUB, LAB = GitHubServer(url="https://github.example/api/v3"), GitLabServer(url="https://gitlab.example")


def run(environ: dict[str, str], folder: Path) -> Run:
    if "EVENT" in environ:
        (folder / "event.json").write_text(environ["EVENT"], encoding="utf-8")
        environ = {**environ, "GITHUB_EVENT_PATH": str(folder / "event.json")}
    return run_of(Host(environ=environ))


@pytest.mark.parametrize(
    ("event", "ref", "trigger"),
    [
        ("push", "refs/heads/main", Trigger.DEFAULT_BRANCH),
        ("push", "refs/heads/maintenance", Trigger.OTHER),
        ("push", "refs/tags/main", Trigger.OTHER),
        ("workflow_dispatch", "refs/heads/main", Trigger.DEFAULT_BRANCH),
        ("workflow_dispatch", "refs/heads/feature", Trigger.OTHER),
        ("schedule", "refs/heads/main", Trigger.DEFAULT_BRANCH),
        ("pull_request", "refs/pull/7/merge", Trigger.REVIEW),
        ("pull_request_target", "refs/heads/main", Trigger.REVIEW),
        ("merge_group", "refs/heads/main", Trigger.OTHER),
        ("issue_comment", "refs/heads/main", Trigger.OTHER),  # which anybody can set off
        ("workflow_run", "refs/heads/main", Trigger.OTHER),
    ],
)
def test_only_the_default_branchs_own_events_apply(
    tmp_path: Path, event: str, ref: str, trigger: Trigger
) -> None:
    environ = github(HUB, SHA, GITHUB_EVENT_NAME=event, GITHUB_REF=ref)
    environ["EVENT"] = json.dumps({"repository": {"default_branch": "main"}, "pull_request": {"number": 7}})
    found = run(environ, tmp_path)
    assert found.trigger is trigger
    wanted = CiMode.APPLY if trigger is Trigger.DEFAULT_BRANCH else CiMode.PLAN
    assert mode_of(found, CiMode.AUTO) is wanted


@pytest.mark.parametrize("payload", [None, "", "[]", "null", '{"repository": 1}', "{", '{"repository": {}}'])
def test_an_event_that_cannot_be_read_applies_nothing(tmp_path: Path, payload: str | None) -> None:
    environ = pushed(HUB, SHA)
    environ.pop("EVENT")
    if payload is not None:
        environ["EVENT"] = payload
    found = run(environ, tmp_path)
    assert (found.forge, found.trigger, found.request) == (GITHUB, Trigger.OTHER, None)


def test_a_pull_request_has_its_number_its_commit_and_its_own_server(tmp_path: Path) -> None:
    found = run(pull_request(HUB, SHA), tmp_path)
    assert found.request is not None
    assert (found.request.api, found.request.repository, found.request.number) == (
        "https://github.example/api/v3",
        "ours/models",
        7,
    )
    assert found.commit == SHA
    assert found.url == "https://github.com/ours/models/actions/runs/4711"
    assert found.request.token is not None
    assert found.request.token.header == "Authorization"
    assert GitHubServer.token not in repr(found)
    assert not found.from_outside


@pytest.mark.parametrize("head", ["mallory/models", ""])
def test_a_fork_is_told_by_its_head_and_so_is_one_that_is_gone(tmp_path: Path, head: str) -> None:
    found = run(pull_request(HUB, SHA, head), tmp_path)
    assert found.from_outside
    with pytest.raises(ProjectError, match="never applied"):
        mode_of(found, CiMode.APPLY)


def test_an_empty_token_is_none(tmp_path: Path) -> None:
    found = run(pull_request(HUB, SHA, GITHUB_TOKEN=" "), tmp_path)
    assert found.request is not None
    assert found.request.token is None


def test_a_schedule_needs_no_name_of_the_branch(tmp_path: Path) -> None:
    assert run(scheduled(HUB, SHA), tmp_path).trigger is Trigger.DEFAULT_BRANCH


@pytest.mark.parametrize(
    ("source", "branch", "trigger"),
    [
        ("push", "main", Trigger.DEFAULT_BRANCH),
        ("schedule", "main", Trigger.DEFAULT_BRANCH),
        ("web", "main", Trigger.DEFAULT_BRANCH),
        ("push", "feature", Trigger.OTHER),
        ("schedule", "feature", Trigger.OTHER),
        ("push", "", Trigger.OTHER),  # a tag
        ("external_pull_request_event", "main", Trigger.OTHER),
    ],
)
def test_gitlab_applies_on_its_default_branch(
    tmp_path: Path, source: str, branch: str, trigger: Trigger
) -> None:
    assert run(gitlab(LAB, SHA, source, CI_COMMIT_BRANCH=branch), tmp_path).trigger is trigger


def test_a_merge_request_goes_to_the_project_that_it_would_change(tmp_path: Path) -> None:
    found = run(merge_request(LAB, SHA), tmp_path)
    assert found.request is not None
    assert (found.request.repository, found.request.number, found.from_outside) == ("42", 7, False)
    assert found.request.api == "https://gitlab.example/api/v4"
    assert found.request.token is not None
    assert (found.request.token.header, found.request.author) == ("PRIVATE-TOKEN", None)
    assert run(merge_request(LAB, SHA, source="99"), tmp_path).from_outside


def test_without_a_token_of_its_own_gitlab_gets_the_jobs(tmp_path: Path) -> None:
    found = run(merge_request(LAB, SHA, GITLAB_TOKEN=""), tmp_path)
    assert found.request is not None
    assert found.request.token is not None
    assert (found.request.token.header, found.request.author) == ("JOB-TOKEN", "ada")


def test_anywhere_else_nothing_is_known_and_nothing_applied(tmp_path: Path) -> None:
    found = run({"BUILD_URL": "https://jenkins.example/1"}, tmp_path)
    assert (found.forge, found.place, found.trigger) == (None, "generic", Trigger.OTHER)
    assert found.url == "https://jenkins.example/1"
    assert mode_of(found, CiMode.AUTO) is CiMode.PLAN
    assert mode_of(found, CiMode.APPLY) is CiMode.APPLY
    assert run({"BUILD_URL": "javascript:alert(1)"}, tmp_path).url is None
