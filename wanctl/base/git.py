"""git as a process, for the ledger on a branch and for checkouts: fixed words, no shell, and nothing
inherited that would point it at another repository.

What git says is turned into one sentence with a remedy, and no password in a URL gets through.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from wanctl.base.errors import WanctlError
from wanctl.base.redaction import without_secrets

_AT_ONCE = getattr(signal, "SIGKILL", signal.SIGTERM)
_LOOK_AROUND = 0.5  # seconds
_LAST_WORDS = 3.0  # seconds that git has to take its locks away
PATIENCE = 120.0  # seconds for one command; a push over a slow line takes a few

# What git sets for its own hooks and aliases, and what makes it write its secrets into a trace.
_NOT_INHERITED = re.compile(
    r"GIT_(DIR|WORK_TREE|INDEX_FILE|COMMON_DIR|NAMESPACE|PREFIX|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES"
    r"|SHALLOW_FILE|GRAFT_FILE|REPLACE_REF_BASE|QUARANTINE_PATH|EXTERNAL_DIFF|EDITOR|TRACE.*|CURL_VERBOSE"
    r"|(AUTHOR|COMMITTER)_.*)"
)
_CONFIG_BY_ENVIRONMENT = re.compile(r"GIT_CONFIG_(PARAMETERS|COUNT|KEY_\d+|VALUE_\d+)")
# What of the clone's own configuration says how the remote is reached and who we are to it.
_REACHING = (
    "http.",
    "https.",
    "url.",
    "credential.",
    "core.sshcommand",
    "core.askpass",
    "core.gitproxy",
    "ssh.",
)
_REMOTE_KEYS = ("url", "pushurl", "proxy", "proxyauthmethod", "uploadpack", "receivepack")
OURS = (
    ("core.hooksPath", "/dev/null"),  # a hook is for the user's own pushes
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("push.gpgSign", "false"),
    ("advice.pushUpdateRejected", "false"),
)
_USERINFO = re.compile(r"(?<=://)[^/\s]+@")  # to the last @: a password may hold one
_NO_ACCESS = (
    "could not read (Username|Password)|Authentication failed|Permission denied|denied to|error: 40[13]|"
    "Host key verification failed|not allowed to push|insufficient permission"
)
_NO_NETWORK = (
    "Could not resolve|Failed to connect|Connection (refused|timed out|reset)|unable to access|"
    "Network is unreachable|Operation timed out"
)
_NO_REMOTE = "does not appear to be a git repository|[Rr]epository .*not found|does not exist|No such file"
_REFUSED = r"protected branch|pre-receive hook declined|GH0\d\d|denied by|remote rejected"


def remedy(errors: str) -> str:
    """The next thing that a person can do about this failure of git."""
    if re.search(_NO_ACCESS, errors):
        return (
            "The remote does not let this machine in: give this clone credentials that may push "
            "(in GitHub Actions: permissions: contents: write, and actions/checkout with its token)."
        )
    if re.search(_NO_NETWORK, errors):
        return (
            "The remote cannot be reached: check the network and git remote -v, then run the command again."
        )
    if re.search(_NO_REMOTE, errors):
        return "The remote is not there: check it with git remote -v."
    if re.search(_REFUSED, errors):
        return "The remote refuses pushes to this branch: allow them, or name another branch."
    return "Run the same command again."


class GitError(WanctlError):
    """git is not there, or did not do what it always can."""


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    raw: bytes
    err: str

    @property
    def out(self) -> str:
        return self.raw.decode(errors="replace")


@dataclass(frozen=True)
class Git:
    """git in one folder, with one environment."""

    folder: Path
    environ: Mapping[str, str] = field(repr=False)  # it may hold keys
    patience: float = PATIENCE
    failure: type[WanctlError] = GitError
    stop: threading.Event | None = None  # once it is set, a command that is run in a thread is ended

    @classmethod
    def within(cls, folder: Path, environ: Mapping[str, str], failure: type[WanctlError] = GitError) -> "Git":
        """In the user's clone: with its own configuration, and only to ask."""
        kept = {key: value for key, value in environ.items() if not _NOT_INHERITED.fullmatch(key)}
        quiet = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
        return cls(folder, {**kept, **quiet}, failure=failure)

    def apart(self, git_dir: Path, settings: Sequence[tuple[str, str]]) -> "Git":
        """The same surroundings, in another repository; settings go by the environment, which ps hides."""
        kept = {
            key: value for key, value in self.environ.items() if not _CONFIG_BY_ENVIRONMENT.fullmatch(key)
        }
        for number, (key, value) in enumerate(settings):
            kept |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        kept |= {"GIT_CONFIG_COUNT": str(len(settings)), "GIT_DIR": str(git_dir)}
        return replace(self, environ=kept)

    def run(self, *words: str, stdin: str | None = None, also: Mapping[str, str] | None = None) -> Ran:
        """One command. It is out of reach of Ctrl-C, as a push that is cut off leaves its end unknown."""
        try:
            process = subprocess.Popen(  # noqa: S603 - no shell, and every word is checked or ours
                ["git", *words],  # noqa: S607 - the git that the person uses
                cwd=self.folder,
                env={**self.environ, **(also or {})},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise self.failure("git is not installed, and it is needed here. Install git.") from error
        with process:
            try:
                out, err = self._ended(process, (stdin or "").encode())
            except subprocess.TimeoutExpired as error:
                _end(process)
                raise self.failure(
                    f"git {words[0]} did not end within {self.patience:.0f} s. "
                    "Check the network and the remote, then run the same command again."
                ) from error
            except BaseException:
                _end(process)
                raise
        return Ran(process.returncode, out, err.decode(errors="replace"))

    def _ended(self, process: "subprocess.Popen[bytes]", stdin: bytes) -> tuple[bytes, bytes]:
        until = time.monotonic() + self.patience
        while self.stop is not None:
            try:
                return process.communicate(stdin, timeout=_LOOK_AROUND)
            except subprocess.TimeoutExpired:
                if self.stop.is_set() or time.monotonic() > until:
                    raise
        return process.communicate(stdin, timeout=self.patience)

    def ask(self, *words: str, stdin: str | None = None, also: Mapping[str, str] | None = None) -> str:
        """The output of a command that cannot fail but by a fault of the machine."""
        ran = self.run(*words, stdin=stdin, also=also)
        if ran.code:
            raise self.failure(f"git {words[0]} failed: {spoken(ran.err)}")
        return ran.out.strip()


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End git with all that it has started (ssh, a helper), so that it can take its locks away first."""
    for how in (signal.SIGTERM, _AT_ONCE):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_LAST_WORDS)


def masked(text: str) -> str:
    """Without the user and password of any URL."""
    return _USERINFO.sub("***@", text)


def spoken(errors: str) -> str:
    """git's own words on one line, without what only repeats."""
    lines = [line.strip() for line in masked(errors).splitlines()]
    told = [line for line in lines if line and not line.startswith(("hint:", "To "))]
    return without_secrets(" ".join(dict.fromkeys(told))) or "it gave no reason"


def settings_of(clone: Git, remote: str) -> list[tuple[str, str]]:
    """The clone's own settings for reaching the remote; those of the user and the machine apply anyway."""
    listed = clone.ask("config", "--list", "--null", "--show-scope", "--includes")
    parts = listed.split("\0")
    settings = []
    for scope, entry in zip(parts[::2], parts[1::2], strict=False):
        key, written, value = entry.partition("\n")
        value = value if written else "true"  # a key by itself is a yes
        wanted = key.startswith(_REACHING) or key in {f"remote.{remote}.{name}" for name in _REMOTE_KEYS}
        if scope in {"local", "worktree", "command"} and wanted:
            settings.append((key, value))
    keys = {key for key, _ in settings}
    own_ssh = "core.sshcommand" in keys or {"GIT_SSH", "GIT_SSH_COMMAND"} & set(clone.environ)
    if not own_ssh and not clone.run("config", "core.sshCommand").out:
        settings.append(("core.sshCommand", "ssh -o BatchMode=yes"))  # nobody is here to answer a question
    return settings
