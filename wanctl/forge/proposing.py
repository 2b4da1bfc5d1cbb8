"""A new pull or merge request from a branch that was pushed, at the forge that the remote leads to."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from wanctl.forge.forge import Forge, Token
from wanctl.forge.registry import GITHUB, GITLAB, forge_at
from wanctl.forge.wire import ForgeConnection, ForgeError

_SHORT = re.compile(r"(?:[^@/\s]+@)?(?P<host>[\w.-]+):(?P<path>[^:\s][^\s]*)")  # git@host:owner/name.git


@dataclass(frozen=True)
class Proposal:
    """What is to be merged, and the words for it."""

    branch: str
    title: str
    body: str


@dataclass(frozen=True)
class RepositoryHome:
    """A repository at its forge, and what may be asked of it from here."""

    forge: Forge
    page: str  # the repository's own page
    api: str
    repository: str
    token: Token | None

    def commit(self, identity: str) -> str:
        """The page of a commit."""
        return f"{self.page}/{'-/' if self.forge is GITLAB else ''}commit/{quote(identity, safe='')}"

    def by_hand(self, branch: str) -> str:
        """Where a person opens the request in a browser."""
        if self.forge is GITLAB:
            named = f"merge_request%5Bsource_branch%5D={quote(branch, safe='')}"
            return f"{self.page}/-/merge_requests/new?{named}"
        return f"{self.page}/compare/{quote(branch)}?expand=1"


def home_of(remote: str, environ: Mapping[str, str]) -> RepositoryHome | None:
    """The repository behind a remote's address; None where that is no host."""
    host, path = _place_of(remote)
    path = path.strip("/").removesuffix(".git")
    if not host or "/" not in path:
        return None
    forge, page = forge_at(host), f"https://{host}/{path}"
    if forge is GITLAB:
        token = environ.get("GITLAB_TOKEN", "").strip()
        api = environ.get("CI_API_V4_URL") or f"https://{host}/api/v4"
        return RepositoryHome(forge, page, api, path, Token("PRIVATE-TOKEN", token) if token else None)
    token = (environ.get("GITHUB_TOKEN") or environ.get("GH_TOKEN") or "").strip()
    own = "https://api.github.com" if host == "github.com" else f"https://{host}/api/v3"
    api = environ.get("GITHUB_API_URL") or own
    return RepositoryHome(
        forge, page, api, path, Token("Authorization", f"Bearer {token}") if token else None
    )


def _place_of(remote: str) -> tuple[str, str]:
    """Host and path, without whatever user or password stands in the address."""
    if "://" in remote:
        try:
            parts = urlsplit(remote)
        except ValueError:
            return "", ""
        known = parts.scheme in {"https", "http", "ssh", "git"}
        return (parts.hostname or "", parts.path) if known else ("", "")
    found = _SHORT.fullmatch(remote)
    return (found["host"], found["path"]) if found else ("", "")


def open_request(home: RepositoryHome, proposal: Proposal) -> str:
    """Open it into the default branch, with one try: a second one would be a second request. Its address."""
    if home.token is None:
        raise ForgeError(home.forge.without_token)
    wire = ForgeConnection(home.api, home.token, home.forge.headers)
    opened = _on_gitlab(wire, home, proposal) if home.forge is GITLAB else _on_github(wire, home, proposal)
    address = (
        opened.get("html_url" if home.forge is GITHUB else "web_url") if isinstance(opened, dict) else None
    )
    if not isinstance(address, str):
        raise ForgeError("the request was opened, and the forge does not say where")
    return address


def _on_github(wire: ForgeConnection, home: RepositoryHome, proposal: Proposal) -> Any:
    place = f"/repos/{home.repository}"
    base = _default_branch(wire.call("GET", place))
    body = {"title": proposal.title, "body": proposal.body, "head": proposal.branch, "base": base}
    return wire.once("POST", f"{place}/pulls", json=body)


def _on_gitlab(wire: ForgeConnection, home: RepositoryHome, proposal: Proposal) -> Any:
    place = f"/projects/{quote(home.repository, safe='')}"
    target = _default_branch(wire.call("GET", place))
    body = {
        "title": proposal.title,
        "description": proposal.body,
        "source_branch": proposal.branch,
        "target_branch": target,
        "remove_source_branch": True,
    }
    return wire.once("POST", f"{place}/merge_requests", json=body)


def _default_branch(found: Any) -> str:
    branch = found.get("default_branch") if isinstance(found, dict) else None
    if not isinstance(branch, str) or not branch:
        raise ForgeError("the forge does not say which branch is merged into")
    return branch
