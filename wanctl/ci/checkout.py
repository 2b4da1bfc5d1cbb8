"""What is checked out, held against what the run is for. git is only asked; used by `wanctl ci`."""

from collections.abc import Mapping
from pathlib import Path

from wanctl.base.git import Git, spoken
from wanctl.forge.run import Run
from wanctl.project.errors import ProjectError

REMOTE = "origin"  # as the forges' runners call it
SHOWN = 12


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
