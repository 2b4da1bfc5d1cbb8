"""The one place that reads the process's environment: the key, overrides, who runs this, in which CI run."""

import getpass
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from wanctl.engine.journal import Stamp
from wanctl.studio.credentials import Key, find_key


@dataclass(frozen=True)
class Host:
    """Facts of this machine, as values that can be passed on (and replaced in a test)."""

    environ: Mapping[str, str] = field(
        default_factory=lambda: dict(os.environ), repr=False
    )  # it may hold the key
    home: Path = field(default_factory=lambda: _home())
    key: Key | None = None  # that was handed over, and goes before what is found

    @classmethod
    def here(cls, base_url: str | None = None, key: str | None = None) -> Self:
        """This machine, with an endpoint and a key that a person named."""
        environ = dict(os.environ)
        if base_url:
            environ["WANCTL_BASE_URL"] = base_url
        return cls(environ=environ, key=None if key is None else Key(key))

    def api_key(self) -> Key:
        """The key that was handed over, or is found here."""
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

    def stamp(self, directory: Path) -> Stamp:
        return Stamp(by=self.actor, commit=self.commit(directory), run=self.run_url)


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
