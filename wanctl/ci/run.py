"""Environment → Run, and what the run may do: apply, plan, or only check the specs that it has.

The environment is handed in, and git is only asked. Applying is for the default branch alone: what came by
another way was reviewed by nobody, and a run that anybody can set off (a comment, an issue) is not its own.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from wanctl.base.git import Git, spoken
from wanctl.forge.forge import Run, Trigger
from wanctl.forge.registry import FORGES
from wanctl.language.findings import SpecErrors
from wanctl.project import Project
from wanctl.project.errors import ProjectError
from wanctl.project.host import Host
from wanctl.project.provider import needs_key
from wanctl.render.made import Checked
from wanctl.studio.errors import NoKey

REMOTE = "origin"  # as the forges' runners call it
SHOWN = 12


class CiMode(StrEnum):
    """Whether a run plans or applies."""

    AUTO = "auto"
    PLAN = "plan"
    APPLY = "apply"


def run_of(host: Host) -> Run:
    """The run of this process; a generic one where no forge says that it is one."""
    environ, url = host.environ, host.run_url
    if url and not re.match(r"https?://[^\s/]", url):
        url = None  # nothing that a reader could follow
    runs = (forge.run(environ, url) for forge in FORGES)
    return next((run for run in runs if run), Run(None, Trigger.OTHER, "no known CI", url=url))


def mode_of(run: Run, asked: CiMode) -> CiMode:
    """Plan or apply. Only the default branch applies by itself, and no specs from outside ever do."""
    if asked is CiMode.APPLY and run.from_outside:
        raise ProjectError("specs from a fork are never applied", "merge them first")
    if asked is CiMode.AUTO:
        return CiMode.APPLY if run.trigger is Trigger.DEFAULT_BRANCH else CiMode.PLAN
    return asked


def why_offline(project: Project, run: Run) -> str | None:
    """The reason why specs from outside are only told of, offline; None where a plan can be made."""
    if not run.from_outside or not needs_key(project.desired.settings):
        return None
    try:
        project.host.api_key()
    except NoKey:
        return "this comes from a fork or a bot, whose runs get no API key"
    return None


def why_only_checked(project: Project, run: Run, asked: CiMode) -> str | None:
    """The reason why there is neither a plan nor an apply, though the specs may be sound; else None.

    Whoever says --mode apply means these specs, whichever commit's they are.
    """
    folder, environ = project.desired.directory, project.host.environ
    return why_overtaken(run, folder, environ) if asked is CiMode.AUTO else None


def checked(project: Project, why: str) -> Checked:
    """Check specs and datasets as `validate` does; SpecErrors where they are wrong."""
    found = project.validate()
    if not found.valid:
        raise SpecErrors(found.diagnostics)
    return Checked(project.name, project.desired.environment, found.resources, found.diagnostics, why)


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
