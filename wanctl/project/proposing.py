"""A choice on a branch of its own: committed beside the work tree, which stays as it is, pushed, proposed."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wanctl.base.git import Git, GitError, spoken
from wanctl.forge.proposing import Proposal, RepositoryHome, home_of, open_request
from wanctl.project.choosing import ChosenEdit, check_chosen
from wanctl.project.errors import ProjectError

if TYPE_CHECKING:
    from wanctl.project import Project

REMOTE = "origin"
_NOTHING = "0" * 40


@dataclass(frozen=True)
class Committed:
    """The branch with the choice on it, and the address of the request, if one was opened."""

    branch: str
    commit: str
    request: str | None = None


def commit_choice(project: "Project", edit: ChosenEdit, branch: str) -> Committed:
    """Commit the edit on a new branch from HEAD. The person is git's author; no file of theirs changes."""
    git = Git.within(edit.path.resolve().parent, project.host.environ)
    top = Path(git.ask("rev-parse", "--show-toplevel"))
    name = edit.path.resolve().relative_to(top.resolve()).as_posix()
    whole = Git.within(top, project.host.environ)
    _check_branch(whole, branch)
    mode = _unchanged(whole, name, edit)
    check_chosen(project, edit)
    blob = whole.ask("hash-object", "-w", "--stdin", stdin=edit.after)
    with tempfile.TemporaryDirectory(prefix="wanctl-") as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        whole.ask("read-tree", "HEAD", also=index)
        whole.ask("update-index", "--cacheinfo", f"{mode},{blob},{name}", also=index)
        tree = whole.ask("write-tree", also=index)
    commit = whole.ask("commit-tree", tree, "-p", "HEAD", stdin=message_of(edit))
    whole.ask("update-ref", f"refs/heads/{branch}", commit, _NOTHING)
    return Committed(branch, commit)


def message_of(edit: ChosenEdit) -> str:
    return f"{edit.address}: {edit.label} is the choice\n"


def _check_branch(git: Git, branch: str) -> None:
    if git.run("check-ref-format", "--branch", branch).code or branch.startswith("-"):
        raise ProjectError(f"{branch} is no name of a branch")
    if git.run("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}").code == 0:
        raise ProjectError(f"there is a branch {branch} already", "name another one")


def _unchanged(git: Git, name: str, edit: ChosenEdit) -> str:
    """The file's mode, if it is committed as it stands: what else was changed in it is not the choice."""
    listed = git.run("ls-tree", "HEAD", "--", name)
    if listed.code or not listed.out:
        raise ProjectError(f"{name} is not committed", "commit it first")
    if git.run("show", f"HEAD:{name}").raw != edit.before.encode():
        raise ProjectError(
            f"{name} has changes that are not committed", "commit them first, or put them aside"
        )
    return listed.out.split()[0]


def home_for_requests(project: "Project") -> RepositoryHome:
    """The forge to open a request at, known before anything is pushed."""
    git = Git.within(project.desired.directory, project.host.environ)
    found = git.run("remote", "get-url", REMOTE)
    home = None if found.code else home_of(found.out.strip(), project.host.environ)
    if home is None:
        raise ProjectError(
            f"{REMOTE} is no repository at a forge", "push the branch, and open the request by hand"
        )
    if home.token is None:
        raise ProjectError(
            f"no request can be opened: {home.forge.without_token.partition(';')[0]}",
            f"set one, or use --branch alone, push it, and open the request at {home.page}",
        )
    return home


def propose(
    project: "Project", edit: ChosenEdit, made: Committed, home: RepositoryHome, body: str
) -> Committed:
    """Push the branch, and open the request."""
    git = Git.within(project.desired.directory, project.host.environ, GitError)
    pushed = git.run("push", "--quiet", REMOTE, f"refs/heads/{made.branch}")
    if pushed.code:
        raise ProjectError(f"{made.branch} could not be pushed: {spoken(pushed.err)}", "it is committed here")
    proposal = Proposal(made.branch, message_of(edit).strip(), body)
    return Committed(made.branch, made.commit, open_request(home, proposal))
