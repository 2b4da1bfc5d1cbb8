"""destroy: delete what the specs hold, deployments unless others are named."""

from typing import Annotated

import typer

from wanctl.cli.app import app
from wanctl.cli.approving import Approver, approved_by, finish, show_only, watching
from wanctl.cli.options import AccountOptions, DryRun, RunOptions, grouped, open_project, plan_code
from wanctl.cli.publishing import failures_told, in_words
from wanctl.render.options import Command


@app.command()
@grouped
def destroy(
    place: AccountOptions,
    run: RunOptions,
    addresses: Annotated[
        list[str] | None,
        typer.Argument(metavar="KIND/NAME", help="What to destroy (default: every Deployment)."),
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Delete deployments (all, or those named). Jobs and datasets are worth money: only by name."""
    from wanctl.address import Address

    options = place.given()
    exactly = in_words(Command.DESTROY, *(addresses or []), options=options)
    run.check()
    with failures_told(run.format_, options):
        to_delete = [Address.parse(text) for text in addresses or []]
        approved = approved_by(run.digest, exactly)
        project = open_project(place)
        if dry_run:
            made = project.plan(to_delete)
            show_only(made, run.format_, Command.DESTROY, exactly)
            raise typer.Exit(plan_code(made, detailed=run.detailed))
        with watching() as watcher:
            approve = Approver(
                run.format_,
                Command.DESTROY,
                yes=run.yes,
                display=watcher,
                approved=approved,
                otherwise="look at it with --dry-run, then destroy with --yes",
            )
            outcome = project.apply(
                approve, run.patience, watcher, to_delete, run.queue, ignore_windows=run.ignore_windows
            )
    raise typer.Exit(finish(outcome, approve, run.format_, detailed=run.detailed))
