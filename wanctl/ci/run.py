"""Environment → Run: which forge this is, whose pull request, what may be done from here, with this checkout.

The environment is handed in, and git is only asked. Applying is for the default branch alone: what came by
another way was reviewed by nobody, and a run that anybody can set off (a comment, an issue) is not its own.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from wanctl.base.git import Git, spoken
from wanctl.forge.forge import Run, Trigger
from wanctl.forge.registry import FORGES
from wanctl.project.errors import ProjectError
from wanctl.project.host import Host

REMOTE = "origin"  # as the forges' runners call it
SHOWN = 12


def run_of(host: Host) -> Run:
    """The run of this process; a generic one where no forge says that it is one."""
    environ, url = host.environ, host.run_url
    if url and not re.match(r"https?://[^\s/]", url):
        url = None  # nothing that a reader could follow
    runs = (forge.run(environ, url) for forge in FORGES)
    return next((run for run in runs if run), Run(None, Trigger.OTHER, "no known CI", url=url))


def why_overtaken(run: Run, folder: Path, environ: Mapping[str, str]) -> str | None:
    """The reason why these specs are not to be applied; None where they are the branch's newest.

    A run that waited, or is started again, would take back what was merged since.
    """
    if run.branch is None:
        return None
    git = Git.within(folder, environ)
    here = git.run("rev-parse", "--verify", "HEAD")
    ref = f"refs/heads/{run.branch}"
    found = git.run("ls-remote", REMOTE, ref)
    tip = next((line.split()[0] for line in found.out.splitlines() if line.endswith(f"\t{ref}")), None)
    if here.code or found.code or tip is None:
        why = spoken(found.err or here.err) if here.code or found.code else f"{REMOTE} has no {run.branch}"
        raise ProjectError(
            f"nobody can tell whether these specs are still the newest of {run.branch}: {why}. Give the "
            "checkout its credentials (in GitHub Actions: not persist-credentials: false), or say "
            "--mode apply if older ones may be applied, too"
        )
    if here.out.strip() == tip:
        return None
    return f"{run.branch} has moved on to {tip[:SHOWN]}, and the run of that commit applies it"


def require_reviewed_specs(run: Run, folder: Path, environ: Mapping[str, str]) -> None:
    """Refuse to plan the base's specs as if they were the pull request's."""
    if run.base and Git.within(folder, environ).run("rev-parse", "HEAD").out.strip() == run.base:
        raise ProjectError(
            f"{run.event} checks out the branch that is merged into, so that there is nothing of the pull "
            "request to plan: let the workflow run on pull_request instead"
        )
