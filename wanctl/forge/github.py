"""GitHub: runs of its Actions; pull requests, with the comments and labels of its REST API of 2022-11-28."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from wanctl.forge.comments import Author, Comment, Label
from wanctl.forge.forge import Forge, ReviewRequest, Run, Token, Trigger
from wanctl.forge.wire import ForgeConnection, ForgeError, RefusedError

WORKFLOW = "github-actions[bot]"  # whose the token of a workflow is
_REVIEWS = {"pull_request", "pull_request_target"}
_OF_THE_BRANCH = {"push", "schedule", "workflow_dispatch", "repository_dispatch"}
_WITHOUT_SECRETS = "dependabot[bot]"  # its runs get a token that only reads, and none of the secrets


class GitHub(Forge):
    """GitHub, and servers of one's own that speak as it does."""

    name = "github"
    headers = MappingProxyType(
        {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    )
    without_token = "there is no GITHUB_TOKEN; give the step one in env:"  # noqa: S105 - an advice
    read_only = "GITHUB_TOKEN needs permissions: pull-requests: write (a fork's never has them)"
    next_steps = (
        "  gh secret set DASHSCOPE_API_KEY  # or: Settings > Secrets and variables > Actions",
        "Then every pull request gets its plan, and what is merged is applied.",
    )

    def run(self, environ: Mapping[str, str], url: str | None) -> Run | None:
        if environ.get("GITHUB_ACTIONS") != "true":
            return None
        event, payload = environ.get("GITHUB_EVENT_NAME", ""), _payload(environ)
        pull, trigger = _mapping(payload, "pull_request"), _trigger(environ, event, payload)
        branch = environ.get("GITHUB_REF", "").removeprefix("refs/heads/") or None
        return Run(
            self,
            trigger,
            event or "an unknown event",
            request=_pull_request(environ, pull) if event in _REVIEWS else None,
            from_outside=event in _REVIEWS
            and (_from_fork(pull) or environ.get("GITHUB_ACTOR") == _WITHOUT_SECRETS),
            url=url,
            commit=_mapping(pull, "head").get("sha") or environ.get("GITHUB_SHA"),
            branch=branch if trigger is Trigger.DEFAULT_BRANCH else None,
            base=environ.get("GITHUB_SHA") if event == "pull_request_target" else None,
            summary=_path(environ, "GITHUB_STEP_SUMMARY"),
            outputs=_path(environ, "GITHUB_OUTPUT"),
        )

    def reviewed(self, wire: ForgeConnection, request: ReviewRequest) -> "GitHubRequest":
        return GitHubRequest(wire, request)

    def workflow(self, name: str) -> PurePosixPath:
        return PurePosixPath(".github", "workflows", f"{name}.yml")

    def muting(self, word: str) -> tuple[str, str]:
        """The runner obeys lines that look like ::commands::, until the word comes again."""
        return f"::stop-commands::{word}", f"::{word}::"


def _trigger(environ: Mapping[str, str], event: str, payload: Mapping[str, Any]) -> Trigger:
    if event in _REVIEWS:
        return Trigger.REVIEW
    if event == "schedule":
        return Trigger.DEFAULT_BRANCH  # it runs nowhere else, and tells no branch's name
    default = _mapping(payload, "repository").get("default_branch")
    ours = event in _OF_THE_BRANCH and environ.get("GITHUB_REF") == f"refs/heads/{default}"
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


class GitHubRequest:
    """One pull request."""

    def __init__(self, wire: ForgeConnection, request: ReviewRequest) -> None:
        self._wire = wire
        self._beside = request.api.rstrip("/").removesuffix("/v3")  # where a server of one's own has GraphQL
        self._repo = f"/repos/{request.repository}"
        self._issue = f"{self._repo}/issues/{request.number}"
        self._pull = f"{self._repo}/pulls/{request.number}"

    def author(self) -> Author:
        """A person's token says whose it is. An app's may not ask so, but by GraphQL."""
        try:
            return Author(str(self._wire.call("GET", "/user")["login"]))
        except RefusedError:
            return Author(self._app() or WORKFLOW)

    def _app(self) -> str | None:
        asked = {"query": "query { viewer { login } }"}
        try:
            answer = self._wire.call("POST", "/graphql", api=self._beside, json=asked)
        except ForgeError:
            return None
        viewer = (answer.get("data") or {}).get("viewer") or {}
        return str(viewer["login"]) if viewer.get("login") else None

    def head(self) -> str | None:
        sha: str | None = self._wire.call("GET", self._pull)["head"]["sha"]
        return sha

    def comments(self) -> list[Comment]:
        return [_comment(one) for one in self._wire.pages(f"{self._issue}/comments")]

    def create(self, body: str) -> None:
        self._wire.once("POST", f"{self._issue}/comments", json={"body": body})

    def update(self, comment: Comment, body: str) -> None:
        self._wire.call("PATCH", f"{self._repo}/issues/comments/{comment.id}", json={"body": body})

    def delete(self, comment: Comment) -> None:
        self._wire.call("DELETE", f"{self._repo}/issues/comments/{comment.id}")

    def attach(self, path: Path, name: str) -> str | None:  # noqa: ARG002 - its API takes no files
        return None

    def labels(self) -> frozenset[str]:
        return frozenset(str(one["name"]) for one in self._wire.pages(f"{self._issue}/labels"))

    def relabel(self, add: Collection[Label], remove: Collection[str]) -> None:
        """The labels that are new are made first, in their colours."""
        for label in add:
            self._make(label)
        if add:
            self._wire.call("POST", f"{self._issue}/labels", json={"labels": [one.name for one in add]})
        for name in remove:
            self._take_away(name)

    def _take_away(self, name: str) -> None:
        try:
            self._wire.call("DELETE", f"{self._issue}/labels/{quote(name, safe='')}")
        except RefusedError as error:
            if error.status != 404:  # somebody was faster
                raise

    def _make(self, label: Label) -> None:
        made = {"name": label.name, "color": label.color, "description": label.description}
        try:
            self._wire.call("POST", f"{self._repo}/labels", json=made)
        except ForgeError as error:
            if error.status != 422:  # it is there already
                raise


def _comment(one: dict[str, Any]) -> Comment:
    user = one.get("user") or {}  # the author's account may be gone
    return Comment(
        int(one["id"]), str(user.get("login") or ""), one.get("body") or "", user.get("type") == "Bot"
    )
