"""The one place that reads the process's environment: the key, overrides, who runs this, in which CI run."""

import getpass
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from wanctl.base.errors import WanctlError
from wanctl.language.resources import Desired
from wanctl.language.root import Root

if TYPE_CHECKING:
    from wanctl.engine.journal import Stamp
    from wanctl.studio.credentials import Key

NOT_AS_COMMITTED = "+"  # behind a commit that does not hold what was applied
STATE_FOLDER = ".wanctl"  # what the machine keeps beside the specs: the default ledger, caches, the sandbox
_UNTRACKED = "??"


@dataclass(frozen=True)
class Host:
    """Facts of this machine, as values that can be passed on (and replaced in a test)."""

    environ: Mapping[str, str] = field(
        default_factory=lambda: dict(os.environ), repr=False
    )  # it may hold the key
    home: Path = field(default_factory=lambda: _home())
    key: "Key | None" = None  # that was handed over, and goes before what is found

    @classmethod
    def here(cls, base_url: str | None = None, key: str | None = None) -> Self:
        """This machine, with an endpoint and a key that a person named."""
        environ = dict(os.environ)
        if base_url:
            environ["WANCTL_BASE_URL"] = base_url
        if key is None:
            return cls(environ=environ)
        from wanctl.studio.credentials import Key

        return cls(environ=environ, key=Key(key))

    def api_key(self) -> "Key":
        """The key that was handed over, or is found here."""
        from wanctl.studio.credentials import find_key

        return self.key or find_key(self.environ, self.home)

    @property
    def base_url(self) -> str | None:
        """An endpoint named outside the specs, by a person or an operator."""
        return self.environ.get("WANCTL_BASE_URL") or None

    @property
    def run_url(self) -> str | None:
        """The CI run, where a reader finds its log."""
        env = self.environ
        if env.get("GITHUB_RUN_ID") and env.get("GITHUB_REPOSITORY"):
            server = env.get("GITHUB_SERVER_URL", "https://github.com")
            return f"{server}/{env['GITHUB_REPOSITORY']}/actions/runs/{env['GITHUB_RUN_ID']}"
        return env.get("CI_JOB_URL") or env.get("BUILD_URL") or None

    @property
    def actor(self) -> str:
        env = self.environ
        return env.get("GITHUB_ACTOR") or env.get("GITLAB_USER_LOGIN") or env.get("USER") or _login()

    @property
    def holder(self) -> str:
        """Who holds a lease: a person looks for this machine and process."""
        return f"{self.actor}@{platform.node() or 'unknown'} (process {os.getpid()})"

    def commit(self, directory: Path) -> str | None:
        """The commit of the specs; None outside a git work tree."""
        for name in ("GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT"):
            if self.environ.get(name):
                return self.environ[name]
        command = ["git", "-C", str(directory), "rev-parse", "--verify", "--quiet", "HEAD"]
        try:
            found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5)  # noqa: S603 - fixed words, no shell
        except (OSError, subprocess.TimeoutExpired):
            return None
        return found.stdout.strip() or None

    def stamp(self, desired: Desired) -> "Stamp":
        """Whom the history credits; the commit with a + where the specs are not as it has them."""
        from wanctl.engine.journal import Stamp

        commit = self.commit(desired.directory)
        if commit and uncommitted(desired, self.environ):
            commit += NOT_AS_COMMITTED
        return Stamp(by=self.actor, commit=commit, run=self.run_url)


def uncommitted(desired: Desired, environ: Mapping[str, str]) -> bool:
    """Something that the specs read differs from the commit: a YAML file, a text, or the media of a Dataset.

    Where git cannot be asked, nothing is said. Media that git does not keep at all are known by their digest.
    """
    from wanctl.base.git import Git

    git = Git.within(desired.directory, environ)
    places = {str(path) for path in (desired.directory, *desired.sources.values())}
    words = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=normal", "--", *sorted(places))
    try:
        top, ran = git.run("rev-parse", "--show-toplevel"), git.run(*words)
    except WanctlError:
        return False
    if top.code or ran.code:
        return False
    root = Path(top.out.rstrip("\n")).resolve()
    entries = [(entry[:2], root / entry[3:].rstrip("/")) for entry in ran.out.split("\0") if entry]
    read = files_read(desired)
    for state, path in entries:
        tracked = state != _UNTRACKED and not _is_own(path.relative_to(root), desired)
        if tracked or any(file.is_relative_to(path) for file in read):
            return True
        if any(path.is_relative_to(source) and path != source for source in desired.sources.values()):
            return True
    return False


def _is_own(path: Path, desired: Desired) -> bool:
    """wanctl writes it itself: the ledger may be committed, and differs from the commit after each apply."""
    ledger = desired.directory.relative_to(desired.root) / desired.settings.ledger
    beside = path.parent == ledger.parent and path.name.startswith(ledger.stem)
    return beside or STATE_FOLDER in path.parts


def files_read(desired: Desired) -> set[Path]:
    """The YAML files of the specs, and the texts that they name."""
    folders = (desired.directory, desired.root)
    texts = {name for resource in desired.resources.values() for name in resource.texts.values()}
    named = {next((folder / name for folder in folders if (folder / name).exists()), None) for name in texts}
    return {*Root.around(desired.directory).specs(), *(one.resolve() for one in named if one)}


def _home() -> Path:
    """A container may run as a user whom no list of users knows, without HOME: nothing is found there."""
    try:
        return Path.home()
    except RuntimeError:
        return Path(os.devnull) / "home"


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
