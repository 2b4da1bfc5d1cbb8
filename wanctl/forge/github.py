"""GitHub's pull requests: issue comments and labels, as the REST API of 2022-11-28 has them."""

from collections.abc import Collection
from typing import Any
from urllib.parse import quote

from wanctl.forge.comments import Author, Comment
from wanctl.forge.labels import Label
from wanctl.forge.run import ReviewRequest
from wanctl.forge.wire import ForgeConnection, ForgeError, RefusedError

WORKFLOW = "github-actions[bot]"  # whose the token of a workflow is
HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}


class GitHubRequest:
    """One pull request."""

    def __init__(self, wire: ForgeConnection, request: ReviewRequest) -> None:
        self._wire = wire
        self._beside = request.api.rstrip("/").removesuffix("/v3")  # where a server of one's own has GraphQL
        self._repo = f"/repos/{request.repository}"
        self._issue = f"{self._repo}/issues/{request.number}"
        self._pull = f"{self._repo}/pulls/{request.number}"

    def author(self) -> Author:
        """A person's token tells whose it is. An app's may not ask so, but by GraphQL."""
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
