"""GitLab's merge requests: notes and labels, as its REST API v4 has them."""

from collections.abc import Collection
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from wanctl.forge.comments import Author, Comment
from wanctl.forge.labels import Label
from wanctl.forge.run import ReviewRequest
from wanctl.forge.wire import ForgeConnection, ForgeError

HEADERS = {"Accept": "application/json"}


class GitLabRequest:
    """One merge request."""

    def __init__(self, wire: ForgeConnection, request: ReviewRequest) -> None:
        self._wire = wire
        self._known_author = request.author
        self._project = f"/projects/{quote(request.repository, safe='')}"
        self._request = f"{self._project}/merge_requests/{request.number}"

    def author(self) -> Author:
        """A job's token stands for the person whose run it is; any other tells whose it is."""
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
