"""prune: delete what is ours, live, and in no spec."""

from typing import TYPE_CHECKING, Annotated

import typer

from wanctl.cli.app import app
from wanctl.cli.approving import Approver, approved_by, finish, show_only, watching
from wanctl.cli.options import (
    AccountOptions,
    DryRun,
    Exit,
    Format,
    NoCache,
    RunOptions,
    grouped,
    open_project,
    plan_code,
)
from wanctl.cli.publishing import failures_told, in_words
from wanctl.render.options import Command

if TYPE_CHECKING:
    from wanctl.plan import Plan


@app.command()
@grouped
def prune(
    place: AccountOptions,
    run: RunOptions,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID|KIND/NAME", help="The orphans that are to go (default: list them)."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All of them, but what is in flight: that goes only by name.")
    ] = False,
    dry_run: DryRun = False,
    no_cache: NoCache = False,
) -> None:
    """Delete orphans: uploads, trainings and deployments of ours that are in no spec."""
    from wanctl.project.pruning import Choice, pruning_plan
    from wanctl.project.pruning import prune as prune_orphans

    if names and everything:
        raise typer.BadParameter("give names or --all, not both", param_hint="--all")
    options = place.given()
    exactly = in_words(Command.PRUNE, *(["--all"] if everything else names or []), options=options)
    run.check()
    choice = Choice(tuple(names or ()), everything)
    with failures_told(run.format_, options):
        approved = approved_by(run.digest, exactly)
        project = open_project(place, no_cache=no_cache)
        if dry_run or not (names or everything):
            made = pruning_plan(project, choice)
            _show(made, run.format_, exactly, chosen=everything)
            raise typer.Exit(plan_code(made, detailed=run.detailed))
        with watching() as watcher:
            approve = Approver(
                run.format_,
                Command.PRUNE,
                yes=run.yes,
                display=watcher,
                approved=approved,
                otherwise="look at it with --dry-run, then prune with --yes",
            )
            outcome = prune_orphans(
                project,
                choice,
                approve,
                run.patience,
                watcher,
                run.queue,
                ignore_windows=run.ignore_windows,
            )
    nothing = not (outcome.plan.steps or outcome.done or outcome.failures)
    if outcome.approved and nothing and run.format_ is Format.TEXT:
        _show(outcome.plan, run.format_, exactly, chosen=True)
        raise typer.Exit(Exit.DONE)
    raise typer.Exit(finish(outcome, approve, run.format_, detailed=run.detailed))


def _show(made: "Plan", format_: Format, exactly: str, *, chosen: bool) -> None:
    """Until something is chosen that can go there is no plan, only a list."""
    from wanctl.render.text.account import orphan_lines
    from wanctl.render.text.console import emit

    if format_ is Format.TEXT and not made.steps:
        emit(orphan_lines(made, chosen=chosen))
    else:
        show_only(made, format_, Command.PRUNE, exactly)
