"""destroy: delete what the specs hold, deployments unless others are named."""

from typing import Annotated

import typer

from wanctl.cli.app import BaseUrl, Environment, Folder, app
from wanctl.cli.approving import Approver, approved_by, finish, show_only, watching
from wanctl.cli.opening import open_project
from wanctl.cli.options import (
    Approve,
    Detailed,
    DryRun,
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


@app.command()
def destroy(
    addresses: Annotated[
        list[str] | None,
        typer.Argument(metavar="KIND/NAME", help="What to destroy (default: every Deployment)."),
    ] = None,
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
    ignore_windows: IgnoreWindows = False,
) -> None:
    """Delete deployments (all, or those named). Jobs and datasets are worth money: only by name."""
    from wanctl.address import Address

    options = same_project(folder, environment, base_url)
    exactly = in_words(Command.DESTROY, *(addresses or []), options=options)
    patience, queue = patience_of(wait, max_wait), span(lock_wait, "--lock-wait")
    with failures_told(format_, options):
        to_delete = [Address.parse(text) for text in addresses or []]
        approved = approved_by(digest, exactly)
        project = open_project(folder, environment, base_url)
        if dry_run:
            made = project.plan(to_delete)
            show_only(made, format_, Command.DESTROY, exactly)
            raise typer.Exit(plan_code(made, detailed=detailed))
        with watching() as watcher:
            approve = Approver(
                format_,
                Command.DESTROY,
                yes=yes,
                display=watcher,
                approved=approved,
                otherwise="look at it with --dry-run, then destroy with --yes",
            )
            outcome = project.apply(
                approve, patience, watcher, to_delete, queue, ignore_windows=ignore_windows
            )
    raise typer.Exit(finish(outcome, approve, format_, detailed=detailed))
