"""ci: what a CI job needs, in one command."""

import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from wanctl.cli.app import app
from wanctl.cli.approving import Approver, approved_by, finish, watching
from wanctl.cli.options import (
    AccountOptions,
    Detailed,
    Exit,
    Format,
    MaxWait,
    NoCache,
    Wait,
    grouped,
    offline_code,
    open_project,
    patience_of,
    plan_code,
)
from wanctl.cli.publishing import failed_plan, in_words
from wanctl.render.options import Command

if TYPE_CHECKING:
    from wanctl.ci.run import CiMode
    from wanctl.engine.converge import Outcome, Patience
    from wanctl.forge.forge import Run
    from wanctl.project import Project
    from wanctl.render.made import Made

MODES = ("auto", "plan", "apply")
Artifacts = Annotated[
    Path, typer.Option("--artifacts", metavar="DIR", help="Where plan.json, plan.md, plan.html and more go.")
]


def _mode(text: str) -> str:
    if text not in MODES:
        raise typer.BadParameter(f"must be one of {', '.join(MODES)}")
    return text


@app.command()
@grouped
def ci(
    place: AccountOptions,
    mode: Annotated[
        str,
        typer.Option(
            "--mode",
            metavar="auto|plan|apply",
            callback=_mode,
            help="auto: apply on the default branch, plan everywhere else.",
        ),
    ] = "auto",
    artifacts: Artifacts = Path("wanctl-artifacts"),
    comment: Annotated[
        bool, typer.Option("--comment/--no-comment", help="Keep one comment, and labels, on the request.")
    ] = True,
    previews: Annotated[
        bool, typer.Option("--previews/--no-previews", help="Download previews while a choice is waiting.")
    ] = True,
    approved: Annotated[
        str | None,
        typer.Option("--approve", metavar="DIGEST", help="Apply this plan only: its output digest."),
    ] = None,
    wait: Wait = None,
    max_wait: MaxWait = None,
    detailed: Detailed = False,
    no_cache: NoCache = False,
) -> None:
    """Plan a pull request, apply the default branch: on GitHub Actions, GitLab CI or elsewhere."""
    from wanctl.ci.report import CiOptions, Publisher
    from wanctl.ci.run import (
        CiMode,
        mode_of,
        require_reviewed_specs,
        run_of,
        why_offline,
        why_only_checked,
    )
    from wanctl.project.host import Host

    patience = patience_of(wait, max_wait)
    run, options = run_of(Host()), place.given()
    publisher = Publisher(run, CiOptions(artifacts, comment, previews), options, _warn)
    approve = Approver(Format.TEXT, Command.CI, yes=True, display=None)
    with _no_commands(run):
        try:
            chosen = mode_of(run, CiMode(mode))
            if approved is not None:
                approve = _approver_of(approved, chosen, in_words(Command.CI, options=options))
            _say(f"{run.place}, {run.event}: {chosen.value}")
            project = open_project(place, no_cache=no_cache)
            require_reviewed_specs(run, project.desired.directory, project.host.environ)
            if why := why_offline(project, run):
                ended = _offline(project, why, detailed=detailed)
            elif why := why_only_checked(project, run, CiMode(mode)):
                ended = _check(project, why)
            elif chosen is CiMode.APPLY:
                ended = _apply(project, patience, approve, detailed=detailed)
            else:
                ended = _plan(project, detailed=detailed)
        except Exception as error:
            if failure := failed_plan(error, options, begun=approve.said_yes):
                publisher.publish(failure, None)
            raise
        publisher.publish(ended.made, project, ended.outcome)
    raise typer.Exit(ended.code)


class _Ended(NamedTuple):
    """How the run ended: the result to publish, and the exit code."""

    made: "Made"
    code: Exit
    outcome: "Outcome | None" = None


@contextmanager
def _no_commands(run: "Run") -> Iterator[None]:
    """Some runners obey lines of a log, and what specs say is in the log.

    They stop doing so until they read a word, which nobody can guess. An error is printed by whoever catches
    it: then the word is not said, and the step ends anyway.
    """
    muting = run.forge.muting(uuid.uuid4().hex) if run.forge else None
    if muting is None:
        yield
        return
    _put(muting[0])
    yield
    sys.stderr.flush()
    _put(f"\n{muting[1]}")


def _put(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _approver_of(digest: str, chosen: "CiMode", exactly: str) -> Approver:
    """One that says yes to this plan alone."""
    from wanctl.ci.run import CiMode
    from wanctl.project.errors import ProjectError

    if chosen is not CiMode.APPLY:
        raise ProjectError("--approve is for an apply, and this run only plans")
    same = approved_by(digest, exactly)
    return Approver(Format.TEXT, Command.CI, yes=True, display=None, approved=same)


def _check(project: "Project", why: str) -> _Ended:
    from wanctl.ci.run import checked
    from wanctl.render.text.console import emit

    made = checked(project, why)
    emit([f"{made.project}: {made.sentence()}."])
    return _Ended(made, Exit.DONE)


def _offline(project: "Project", why: str, *, detailed: bool) -> _Ended:
    """A plan needs the key. What the specs alone tell needs nothing."""
    from wanctl.project.offline import planned_offline
    from wanctl.render.text.console import columns, emit
    from wanctl.render.text.offline import offline_lines

    made = planned_offline(project, why)
    emit(offline_lines(made, columns=columns()))
    emit([f"{made.project}: {made.sentence()}."])
    return _Ended(made, offline_code(detailed=detailed))


def _plan(project: "Project", *, detailed: bool) -> _Ended:
    from wanctl.render.text.console import columns, emit
    from wanctl.render.text.plan import plan_lines

    made = project.plan()
    emit(plan_lines(made, columns=columns()))
    return _Ended(made, plan_code(made, detailed=detailed))


def _apply(project: "Project", patience: "Patience", approve: Approver, *, detailed: bool) -> _Ended:
    """Reviewed means merged: the default branch's run asks nobody. `limits:` are what stops it."""
    with watching() as watcher:
        outcome = project.apply(approve, patience, watcher)
    return _Ended(outcome.plan, finish(outcome, approve, Format.TEXT, detailed=detailed), outcome)


def _say(sentence: str) -> None:
    from wanctl.render.text.console import emit, err

    emit([f"wanctl ci: {sentence}"], err())


def _warn(sentence: str) -> None:
    from wanctl.render.text.console import emit, err

    emit([f"warning: {sentence}"], err())
