"""Environment → Run: which forge this is, whose pull request, what may be done from here, with this checkout.

The environment is handed in, and git is only asked. Applying is for the default branch alone: what came by
another way was reviewed by nobody, and a run that anybody can set off (a comment, an issue) is not its own.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wanctl.base.git import Git, spoken
from wanctl.forge.run import Forge, ReviewRequest, Run, Token, Trigger
from wanctl.project.errors import ProjectError
from wanctl.project.host import Host

_GITHUB_REVIEWS = {"pull_request", "pull_request_target"}
_GITHUB_OF_THE_BRANCH = {"push", "schedule", "workflow_dispatch", "repository_dispatch"}
_GITLAB_OF_THE_BRANCH = {"push", "schedule", "web", "api", "trigger"}
_WITHOUT_SECRETS = "dependabot[bot]"  # its runs get a token that only reads, and none of the secrets


def run_of(host: Host) -> Run:
    """The run of this process; a generic one where no forge says that it is one."""
    environ, url = host.environ, host.run_url
    if url and not re.match(r"https?://[^\s/]", url):
        url = None  # nothing that a reader could follow
    if environ.get("GITHUB_ACTIONS") == "true":
        return _github(environ, url)
    if environ.get("GITLAB_CI") == "true":
        return _gitlab(environ, url)
    return Run(Forge.GENERIC, Trigger.OTHER, "no known CI", url=url)


def _github(environ: Mapping[str, str], url: str | None) -> Run:
    event, payload = environ.get("GITHUB_EVENT_NAME", ""), _payload(environ)
    pull, trigger = _mapping(payload, "pull_request"), _github_trigger(environ, event, payload)
    branch = environ.get("GITHUB_REF", "").removeprefix("refs/heads/") or None
    return Run(
        Forge.GITHUB,
        trigger,
        event or "an unknown event",
        request=_pull_request(environ, pull) if event in _GITHUB_REVIEWS else None,
        from_outside=event in _GITHUB_REVIEWS
        and (_from_fork(pull) or environ.get("GITHUB_ACTOR") == _WITHOUT_SECRETS),
        url=url,
        commit=_mapping(pull, "head").get("sha") or environ.get("GITHUB_SHA"),
        branch=branch if trigger is Trigger.DEFAULT_BRANCH else None,
        base=environ.get("GITHUB_SHA") if event == "pull_request_target" else None,
        summary=_path(environ, "GITHUB_STEP_SUMMARY"),
        outputs=_path(environ, "GITHUB_OUTPUT"),
    )


def _github_trigger(environ: Mapping[str, str], event: str, payload: Mapping[str, Any]) -> Trigger:
    if event in _GITHUB_REVIEWS:
        return Trigger.REVIEW
    if event == "schedule":
        return Trigger.DEFAULT_BRANCH  # it runs nowhere else, and tells no branch's name
    default = _mapping(payload, "repository").get("default_branch")
    ours = event in _GITHUB_OF_THE_BRANCH and environ.get("GITHUB_REF") == f"refs/heads/{default}"
    return Trigger.DEFAULT_BRANCH if default and ours else Trigger.OTHER


def _pull_request(environ: Mapping[str, str], pull: Mapping[str, Any]) -> ReviewRequest | None:
    repository, number = environ.get("GITHUB_REPOSITORY"), pull.get("number")
    if not repository or not isinstance(number, int):
        return None
    token = environ.get("GITHUB_TOKEN", "").strip()
    return ReviewRequest(
        environ.get("GITHUB_API_URL") or "https://api.github.com",
        repository,
        number,
        Token("Authorization", f"Bearer {token}") if token else None,
    )


def _from_fork(pull: Mapping[str, Any]) -> bool:
    """The head is in another repository than the base, or in one that is gone."""
    head, base = (_mapping(_mapping(pull, side), "repo").get("full_name") for side in ("head", "base"))
    return not head or head != base


def _gitlab(environ: Mapping[str, str], url: str | None) -> Run:
    source, default = environ.get("CI_PIPELINE_SOURCE", ""), environ.get("CI_DEFAULT_BRANCH")
    number = environ.get("CI_MERGE_REQUEST_IID", "")
    review = source == "merge_request_event" or number.isdigit()
    trigger = Trigger.REVIEW if review else Trigger.OTHER
    if not review and default and environ.get("CI_COMMIT_BRANCH") == default:
        trigger = Trigger.DEFAULT_BRANCH if source in _GITLAB_OF_THE_BRANCH else Trigger.OTHER
    target = environ.get("CI_MERGE_REQUEST_PROJECT_ID")
    return Run(
        Forge.GITLAB,
        trigger,
        source or "an unknown event",
        request=_merge_request(environ, target, int(number)) if target and number.isdigit() else None,
        from_outside=review and environ.get("CI_MERGE_REQUEST_SOURCE_PROJECT_ID") != target,
        url=url,
        commit=environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or environ.get("CI_COMMIT_SHA"),
        branch=default if trigger is Trigger.DEFAULT_BRANCH else None,
    )


def _merge_request(environ: Mapping[str, str], project: str, number: int) -> ReviewRequest:
    api = environ.get("CI_API_V4_URL") or "https://gitlab.com/api/v4"
    if given := environ.get("GITLAB_TOKEN", "").strip():
        return ReviewRequest(api, project, number, Token("PRIVATE-TOKEN", given))
    of_job = environ.get("CI_JOB_TOKEN", "").strip()
    token = Token("JOB-TOKEN", of_job) if of_job else None
    return ReviewRequest(api, project, number, token, environ.get("GITLAB_USER_LOGIN") or None)


def _payload(environ: Mapping[str, str]) -> Mapping[str, Any]:
    """The event that set the run off, as GitHub wrote it down; empty where that cannot be read."""
    try:
        found = json.loads(Path(environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
    except (KeyError, OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _mapping(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _path(environ: Mapping[str, str], name: str) -> Path | None:
    return Path(environ[name]) if environ.get(name) else None


REMOTE = "origin"  # as the forges' runners call it
SHOWN = 12


def why_overtaken(run: Run, folder: Path, environ: Mapping[str, str]) -> str | None:
    """The reason why these specs are not to be applied; None where they are the branch's newest.

    A run that waited, or is started again, would take back what was merged since.
    """
    if run.branch is None:
        return None
    git = Git.within(folder, environ)
    here = git.run("rev-parse", "--verify", "HEAD")
    ref = f"refs/heads/{run.branch}"
    found = git.run("ls-remote", REMOTE, ref)
    tip = next((line.split()[0] for line in found.out.splitlines() if line.endswith(f"\t{ref}")), None)
    if here.code or found.code or tip is None:
        why = spoken(found.err or here.err) if here.code or found.code else f"{REMOTE} has no {run.branch}"
        raise ProjectError(
            f"nobody can tell whether these specs are still the newest of {run.branch}: {why}. Give the "
            "checkout its credentials (in GitHub Actions: not persist-credentials: false), or say "
            "--mode apply if older ones may be applied, too"
        )
    if here.out.strip() == tip:
        return None
    return f"{run.branch} has moved on to {tip[:SHOWN]}, and the run of that commit applies it"


def require_reviewed_specs(run: Run, folder: Path, environ: Mapping[str, str]) -> None:
    """Refuse to plan the base's specs as if they were the pull request's."""
    if run.base and Git.within(folder, environ).run("rev-parse", "HEAD").out.strip() == run.base:
        raise ProjectError(
            f"{run.event} checks out the branch that is merged into, so that there is nothing of the pull "
            "request to plan: let the workflow run on pull_request instead"
        )
