"""prune: delete what is ours, live, and in no spec."""

from typing import TYPE_CHECKING, Annotated

import typer

from wanctl.cli.app import BaseUrl, Environment, Folder, NoCache, app
from wanctl.cli.approving import Approver, approved_by, finish, show_only, watching
from wanctl.cli.opening import open_project
from wanctl.cli.options import (
    Approve,
    Detailed,
    DryRun,
    Exit,
    Format,
    FormatOption,
    IgnoreWindows,
    LockWait,
    MaxWait,
    Wait,
    Yes,
    patience_of,
    plan_code,
    span,
)
from wanctl.cli.publishing import failures_told, in_words, same_project
from wanctl.render.options import Command

if TYPE_CHECKING:
    from wanctl.plan import Plan


@app.command()
def prune(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID|KIND/NAME", help="The orphans that are to go (default: list them)."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All of them, but what is in flight: that goes only by name.")
    ] = False,
    dry_run: DryRun = False,
    folder: Folder = None,
    environment: Environment = None,
    base_url: BaseUrl = None,
    yes: Yes = False,
    wait: Wait = None,
    max_wait: MaxWait = None,
    lock_wait: LockWait = None,
    format_: FormatOption = Format.TEXT,
    digest: Approve = None,
    detailed: Detailed = False,
    no_cache: NoCache = False,
    ignore_windows: IgnoreWindows = False,
) -> None:
    """Delete orphans: uploads, trainings and deployments of ours that are in no spec."""
    from wanctl.project.pruning import Choice, pruning_plan
    from wanctl.project.pruning import prune as prune_orphans

    if names and everything:
        raise typer.BadParameter("give names or --all, not both", param_hint="--all")
    options = same_project(folder, environment, base_url)
    exactly = in_words(Command.PRUNE, *(["--all"] if everything else names or []), options=options)
    patience, queue = patience_of(wait, max_wait), span(lock_wait, "--lock-wait")
    choice = Choice(tuple(names or ()), everything)
    with failures_told(format_, options):
        approved = approved_by(digest, exactly)
        project = open_project(folder, environment, base_url, no_cache=no_cache)
        if dry_run or not (names or everything):
            made = pruning_plan(project, choice)
            _show(made, format_, exactly, chosen=everything)
            raise typer.Exit(plan_code(made, detailed=detailed))
        with watching() as watcher:
            approve = Approver(
                format_,
                Command.PRUNE,
                yes=yes,
                display=watcher,
                approved=approved,
                otherwise="look at it with --dry-run, then prune with --yes",
            )
            outcome = prune_orphans(
                project, choice, approve, patience, watcher, queue, ignore_windows=ignore_windows
            )
    nothing = not (outcome.plan.steps or outcome.done or outcome.failures)
    if outcome.approved and nothing and format_ is Format.TEXT:
        _show(outcome.plan, format_, exactly, chosen=True)
        raise typer.Exit(Exit.DONE)
    raise typer.Exit(finish(outcome, approve, format_, detailed=detailed))


def _show(made: "Plan", format_: Format, exactly: str, *, chosen: bool) -> None:
    """Until something is chosen that can go there is no plan, only a list."""
    from wanctl.render.text.account import orphan_lines
    from wanctl.render.text.console import emit

    if format_ is Format.TEXT and not made.steps:
        emit(orphan_lines(made, chosen=chosen))
    else:
        show_only(made, format_, Command.PRUNE, exactly)
