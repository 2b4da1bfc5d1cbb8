"""GitLab: jobs of its CI, and merge requests, with the notes and labels of its REST API v4."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from wanctl.forge.comments import Author, Comment, Label
from wanctl.forge.forge import Forge, ReviewRequest, Run, Token, Trigger
from wanctl.forge.wire import ForgeConnection, ForgeError

_LARGEST_UPLOAD = 10 * 1024 * 1024  # bytes: what a server takes whose owner has changed nothing
_OF_THE_BRANCH = {"push", "schedule", "web", "api", "trigger"}


class GitLab(Forge):
    """gitlab.com, and servers of one's own."""

    name = "gitlab"
    headers = MappingProxyType({"Accept": "application/json"})
    without_token = "there is no GITLAB_TOKEN; make a project access token with the scope api"  # noqa: S105 - an advice
    read_only = "GITLAB_TOKEN must be a project access token with the scope api (a job's own cannot)"
    next_steps = (
        "  set the variables that .gitlab-ci.yml names, and a pipeline schedule",
        "Then every merge request gets its plan, and what is merged is applied.",
    )

    def run(self, environ: Mapping[str, str], url: str | None) -> Run | None:
        if environ.get("GITLAB_CI") != "true":
            return None
        source, default = environ.get("CI_PIPELINE_SOURCE", ""), environ.get("CI_DEFAULT_BRANCH")
        number = environ.get("CI_MERGE_REQUEST_IID", "")
        review = source == "merge_request_event" or number.isdigit()
        trigger = Trigger.REVIEW if review else Trigger.OTHER
        if not review and default and environ.get("CI_COMMIT_BRANCH") == default:
            trigger = Trigger.DEFAULT_BRANCH if source in _OF_THE_BRANCH else Trigger.OTHER
        target = environ.get("CI_MERGE_REQUEST_PROJECT_ID")
        return Run(
            self,
            trigger,
            source or "an unknown event",
            request=_merge_request(environ, target, int(number)) if target and number.isdigit() else None,
            from_outside=review and environ.get("CI_MERGE_REQUEST_SOURCE_PROJECT_ID") != target,
            url=url,
            commit=environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or environ.get("CI_COMMIT_SHA"),
            branch=default if trigger is Trigger.DEFAULT_BRANCH else None,
        )

    def reviewed(self, wire: ForgeConnection, request: ReviewRequest) -> "GitLabRequest":
        return GitLabRequest(wire, request)

    def workflow(self, name: str) -> PurePosixPath:  # noqa: ARG002 - GitLab knows but one
        return PurePosixPath(".gitlab-ci.yml")


def _merge_request(environ: Mapping[str, str], project: str, number: int) -> ReviewRequest:
    api = environ.get("CI_API_V4_URL") or "https://gitlab.com/api/v4"
    if given := environ.get("GITLAB_TOKEN", "").strip():
        return ReviewRequest(api, project, number, Token("PRIVATE-TOKEN", given))
    of_job = environ.get("CI_JOB_TOKEN", "").strip()
    token = Token("JOB-TOKEN", of_job) if of_job else None
    return ReviewRequest(api, project, number, token, environ.get("GITLAB_USER_LOGIN") or None)


class GitLabRequest:
    """One merge request."""

    def __init__(self, wire: ForgeConnection, request: ReviewRequest) -> None:
        self._wire = wire
        self._known_author = request.author
        self._project = f"/projects/{quote(request.repository, safe='')}"
        self._request = f"{self._project}/merge_requests/{request.number}"

    def author(self) -> Author:
        """A job's token stands for the person whose run it is; any other says whose it is."""
        if self._known_author:
            return Author(self._known_author)
        return Author(str(self._wire.call("GET", "/user")["username"]))

    def head(self) -> str | None:
        sha: str | None = self._wire.call("GET", self._request)["sha"]
        return sha

    def comments(self) -> list[Comment]:
        notes = self._wire.pages(f"{self._request}/notes", sort="asc", order_by="created_at")
        return [_comment(one) for one in notes if not one.get("system")]

    def create(self, body: str) -> None:
        self._wire.once("POST", f"{self._request}/notes", json={"body": body})

    def update(self, comment: Comment, body: str) -> None:
        self._wire.call("PUT", f"{self._request}/notes/{comment.id}", json={"body": body})

    def delete(self, comment: Comment) -> None:
        self._wire.call("DELETE", f"{self._request}/notes/{comment.id}")

    def attach(self, path: Path, name: str) -> str | None:
        """One try: a second one would be a second file."""
        if path.stat().st_size > _LARGEST_UPLOAD:
            return None
        with path.open("rb") as stream:
            made = self._wire.once("POST", f"{self._project}/uploads", files={"file": (name, stream)})
        address = made.get("url") if isinstance(made, dict) else None
        return address if isinstance(address, str) else None

    def labels(self) -> frozenset[str]:
        return frozenset(map(str, self._wire.call("GET", self._request)["labels"]))

    def relabel(self, add: Collection[Label], remove: Collection[str]) -> None:
        """The labels that are new are made first, in their colours; GitLab would make grey ones itself."""
        for label in add:
            self._make(label)
        changes = {
            "add_labels": ",".join(one.name for one in add),
            "remove_labels": ",".join(remove),
        }
        self._wire.call("PUT", self._request, json={key: names for key, names in changes.items() if names})

    def _make(self, label: Label) -> None:
        made = {"name": label.name, "color": f"#{label.color}", "description": label.description}
        with suppress(ForgeError):  # it is there already, or the token may only use labels, not make them
            self._wire.call("POST", f"{self._project}/labels", json=made)


def _comment(one: dict[str, Any]) -> Comment:
    author = one.get("author") or {}
    return Comment(int(one["id"]), str(author.get("username") or ""), one.get("body") or "")
