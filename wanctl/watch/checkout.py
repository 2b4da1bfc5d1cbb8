"""The specs as they stand on a ref of the remote: a clone of our own, which the user's never feels.

The user's clone is only asked for its remote and how it is reached, as for a ledger on a branch. Ours lies
in the project's state folder, shallow, and is brought to the ref before each round, whatever is in it.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from wanctl.base.errors import WanctlError
from wanctl.base.git import OURS, Git, GitError, settings_of, spoken
from wanctl.forge.proposing import home_of
from wanctl.language.resources import Desired
from wanctl.language.root import SETTINGS_FILE
from wanctl.project.local import shown_path
from wanctl.project.promotion import load_specs
from wanctl.watch.policy import APPROVALS_FILE, read_approvals

PATIENCE = 1800.0  # seconds for one command of git: data sets may lie in the repository
_TIP = "refs/wanctl/watched"
_PATIENT = (("http.lowSpeedLimit", "1000"), ("http.lowSpeedTime", "60"))  # but not with a line that is dead
_PLAIN = (  # whatever this machine is used to: the same commit is the same files everywhere, and nothing runs
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("core.fsmonitor", "false"),
    ("core.autocrlf", "false"),
)
_FRUGAL = (
    ("core.logAllRefUpdates", "false"),  # a log would keep every commit alive
    ("fetch.unpackLimit", "1"),  # each fetch is a pack, and packs are counted
    ("gc.auto", "1000"),
    ("gc.autoPackLimit", "8"),
    ("gc.autoDetach", "false"),
)


class WatchError(WanctlError):
    """The loop cannot begin, or the ref cannot be had."""


class _BrokenError(GitError):
    """Our own clone is not what it should be."""


@dataclass(frozen=True)
class Commit:
    """The commit that the specs are read from."""

    id: str
    subject: str = ""
    page: str | None = None  # at the forge, where that has one


@dataclass(frozen=True)
class Checkout:
    """One ref of one remote, and the folder in which it is laid out."""

    tree: Path
    remote: str
    branch: str  # as the remote spells it: refs/heads/main
    within: Path  # the project's folder, from the work tree's top
    clone: Git

    @classmethod
    def of(cls, project: Path, ref: str, tree: Path, environ: Mapping[str, str]) -> "Checkout":
        """For the project in this folder of the user's clone; `ref` is written REMOTE/BRANCH."""
        clone = Git.within(project, environ)
        top = clone.run("rev-parse", "--show-toplevel")
        if top.code and "not a git repository" in top.err:
            raise WatchError(f"{project} is in no clone of git: watch follows a ref of a remote")
        if top.code:
            raise WatchError(f"git cannot be asked in {project}: {spoken(top.err)}")
        root = Path(top.out.rstrip("\n"))
        clone = replace(clone, folder=root)  # a remote's relative path starts from here
        remotes = clone.ask("remote").split()
        remote = max((one for one in remotes if ref.startswith(f"{one}/")), key=len, default=None)
        branch = ref.removeprefix(f"{remote}/")
        if remote is None or not branch or branch.startswith("-"):
            if not remotes:
                advice = "git remote add origin …, and push"
                raise WatchError(f"this clone has no remote, so there is no {ref} to follow: {advice}")
            known = f"{', '.join(remotes)}; write {remotes[0]}/main"
            raise WatchError(f"--ref {ref} names no branch of a remote; there is: {known}")
        full = branch if branch.startswith("refs/") else f"refs/heads/{branch}"
        return cls(tree, remote, full, project.resolve().relative_to(root.resolve()), clone)

    @property
    def directory(self) -> Path:
        """The project's folder in our checkout."""
        return self.tree / self.within

    def as_committed(self, text: str) -> str:
        """Files of the checkout by the names that they have for those who committed them."""
        return text.replace(f"{self.tree}/", "").replace(f"{shown_path(self.tree)}/", "")

    def require_project(self) -> None:
        """It may have been moved or deleted on the ref, which is no mistake in the specs."""
        if not (self.directory / SETTINGS_FILE).exists():
            raise WatchError(
                f"{(self.within / SETTINGS_FILE).as_posix()} is not on {self.branch} of {self.remote}: "
                "if the project was moved there, start the loop in its new folder. "
                "Nothing is changed until then."
            )

    def load(self, environment: str | None) -> Desired:
        """The project as it is laid out; SpecErrors tells everything that is wrong."""
        self.require_project()
        return load_specs(self.directory, environment)

    def approved(self) -> frozenset[str]:
        """The digests of the approvals file; a link is none, since it may lead anywhere."""
        path = self.directory / APPROVALS_FILE
        if path.is_symlink() or not path.is_file():
            return frozenset()
        return read_approvals(path.read_text(encoding="utf-8", errors="replace"))

    def tip(self) -> str | None:
        """The commit that the ref has now, as far as the remote tells without a fetch."""
        try:
            found = self.clone.run("ls-remote", "--exit-code", self.remote, self.branch)
        except GitError as error:
            raise WatchError(str(error)) from error
        return found.out.split()[0] if not found.code and found.out.strip() else None

    def update(self) -> Commit:
        """Fetch the ref and lay it out: exactly its files, and nothing else.

        Ours can be had again at any time. What a killed run has broken is deleted, not repaired.
        """
        try:
            self._sweep()
            try:
                commit = self._laid_out()
            except _BrokenError:
                shutil.rmtree(self.tree)
                commit = self._laid_out()
        except GitError as error:
            raise WatchError(str(error)) from error
        except OSError as error:
            raise WatchError(f"the checkout in {self.tree} cannot be written: {error}") from error
        if not self.directory.resolve().is_relative_to(self.tree.resolve()):
            raise WatchError(f"{self.within} leads out of the repository: it is a symlink on {self.branch}")
        return commit

    def _sweep(self) -> None:
        """Delete what killed processes have left: nobody else works here, so nobody holds these locks."""
        if self.tree.is_symlink() or self.tree.is_file():
            self.tree.unlink()
        for left in ("*.lock", "gc.pid", "tmp_*"):
            for path in (self.tree / ".git").rglob(left):
                if path.is_file():
                    path.unlink()

    def _laid_out(self) -> Commit:
        git_dir = self.tree / ".git"
        settings = [*_PATIENT, *settings_of(self.clone, self.remote), *OURS, *_PLAIN, *_FRUGAL]
        ours = replace(self.clone.apart(git_dir, settings), patience=PATIENCE)
        if not (git_dir / "HEAD").exists():
            self.tree.mkdir(parents=True, exist_ok=True)
            ours.ask("init", "--quiet", "--template=", str(self.tree))
        self._fetch(ours)
        inside = replace(ours, folder=self.tree, environ={**ours.environ, "GIT_WORK_TREE": str(self.tree)})
        try:
            before = inside.run("rev-parse", "--verify", "--quiet", "HEAD").out
            inside.ask("checkout", "--quiet", "--force", "--detach", _TIP)
            inside.ask("clean", "-ffdxq")
            shown = inside.ask("log", "-1", "--no-show-signature", "--format=%H %s", _TIP)
        except GitError as error:
            raise _BrokenError(str(error)) from error
        found, _, subject = shown.partition(" ")
        if found != before.strip():
            inside.run("gc", "--auto", "--quiet", "--prune=now")  # or every commit ever fetched would stay
        address = self.clone.run("remote", "get-url", self.remote).out.strip()
        return Commit(found, subject, commit_page(address, found))

    def _fetch(self, ours: Git) -> None:
        words = ("--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
        ran = ours.run("fetch", *words, self.remote, f"+{self.branch}:{_TIP}")
        if not ran.code:
            return
        if not self.clone.run("ls-remote", "--exit-code", self.remote, self.branch).code:
            raise _BrokenError(f"git fetch failed: {spoken(ran.err)}")  # the remote is well, so it is ours
        raise WatchError(
            f"{self.branch} of {self.remote} cannot be fetched: {spoken(ran.err)}. "
            f"Look at it by hand: git fetch {self.remote} {self.branch}"
        )


def commit_page(remote: str, commit: str) -> str | None:
    """Where a browser shows a commit of this remote; None where the remote is no host."""
    home = home_of(remote, {})
    return home.commit(commit) if home and commit else None
