"""apply, destroy, prune: make a plan, ask, and carry it out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
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
from wanctl.cli.publishing import (
    failures_told,
    in_words,
)
from wanctl.render.options import Command

if TYPE_CHECKING:
    from wanctl.plan import Plan


@app.command()
@grouped
def apply(
    place: AccountOptions,
    run: RunOptions,
    saved: Annotated[
        Path | None, typer.Argument(metavar="PLAN.json", help="A plan saved by plan --out.")
    ] = None,
    no_cache: NoCache = False,
) -> None:
    """Plan, ask, and converge the account. Uploads, trains, exports, deploys, scales, deletes."""
    run.check()
    options = place.given()
    with failures_told(run.format_, options):
        approved = _approved(saved, run.digest, in_words(Command.APPLY, options=options))
        project = open_project(place, no_cache=no_cache)
        with _acting(run, Command.APPLY, approved) as approve:
            outcome = project.apply(
                approve, run.patience, approve.display, lock_wait=run.queue, ignore_windows=run.ignore_windows
            )
    raise typer.Exit(finish(outcome, approve, run.format_, detailed=run.detailed))


def _approved(path: Path | None, digest: str | None, exactly: str) -> "Callable[[Plan], None] | None":
    """The check that the plan made now is the reviewed one; None where no plan was reviewed."""
    from wanctl.project.approved import load_plan, require_same

    if path is not None and digest is not None:
        raise typer.BadParameter("a saved plan and --approve exclude each other", param_hint="--approve")
    if path is not None:
        return partial(require_same, load_plan(path))
    return approved_by(digest, exactly)


@contextmanager
def _acting(
    run: RunOptions, command: Command, approved: "Callable[[Plan], None] | None"
) -> Iterator[Approver]:
    """Who says yes to a run that acts, with the display that is there meanwhile."""
    with watching() as display:
        yield Approver(run.format_, command, yes=run.yes, display=display, approved=approved)


@app.command()
@grouped
def destroy(
    place: AccountOptions,
    run: RunOptions,
    addresses: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KIND/NAME",
            help="What to destroy; of a Deployment its name will do (default: every Deployment).",
        ),
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Delete deployments (all, or those named). Jobs and datasets are worth money: only by name."""
    from wanctl.kinds.registry import address_called

    options = place.given()
    exactly = in_words(Command.DESTROY, *(addresses or []), options=options)
    run.check()
    with failures_told(run.format_, options):
        to_delete = [address_called(text) for text in addresses or []]
        approved = approved_by(run.digest, exactly)
        project = open_project(place)
        if dry_run:
            made = project.plan(to_delete)
            show_only(made, run.format_, Command.DESTROY, exactly)
            raise typer.Exit(plan_code(made, detailed=run.detailed))
        with _acting(run, Command.DESTROY, approved) as approve:
            outcome = project.apply(
                approve,
                run.patience,
                approve.display,
                to_delete,
                run.queue,
                ignore_windows=run.ignore_windows,
            )
    raise typer.Exit(finish(outcome, approve, run.format_, detailed=run.detailed))


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
            _show_orphans(made, run.format_, exactly, chosen=everything)
            raise typer.Exit(plan_code(made, detailed=run.detailed))
        with _acting(run, Command.PRUNE, approved) as approve:
            outcome = prune_orphans(
                project,
                choice,
                approve,
                run.patience,
                approve.display,
                run.queue,
                ignore_windows=run.ignore_windows,
            )
    nothing = not (outcome.plan.steps or outcome.done or outcome.failures)
    if outcome.approved and nothing and run.format_ is Format.TEXT:
        _show_orphans(outcome.plan, run.format_, exactly, chosen=True)
        raise typer.Exit(Exit.DONE)
    raise typer.Exit(finish(outcome, approve, run.format_, detailed=run.detailed))


def _show_orphans(made: "Plan", format_: Format, exactly: str, *, chosen: bool) -> None:
    """Until something is chosen that can go there is no plan, only a list."""
    from wanctl.render.text.account import orphan_lines
    from wanctl.render.text.console import emit

    if format_ is Format.TEXT and not made.steps:
        emit(orphan_lines(made, chosen=chosen))
    else:
        show_only(made, format_, Command.PRUNE, exactly)
