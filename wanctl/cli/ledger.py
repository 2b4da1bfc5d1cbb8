"""ledger show, history, move, unlock: what was applied, by whom; and where that is kept."""

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from wanctl.cli.app import app
from wanctl.cli.approving import confirmed
from wanctl.cli.options import Format, FormatOption, SpecsOptions, Yes, grouped, open_project

ledger = typer.Typer(
    no_args_is_help=True, help="Look at the ledger: what was applied and cannot be read back."
)
app.add_typer(ledger, name="ledger")


@ledger.command()
@grouped
def show(place: SpecsOptions, format_: FormatOption = Format.TEXT) -> None:
    """Show what is known of each resource. And the calls whose result is open."""
    from wanctl.render.text.console import emit
    from wanctl.render.text.ledger import ledger_lines

    project = open_project(place)
    record = project.record()
    if format_ is Format.JSON:
        sys.stdout.write(record.model_dump_json(indent=2, exclude={"history"}) + "\n")
    else:
        emit(ledger_lines(record, project.store.location))


@ledger.command()
@grouped
def history(
    place: SpecsOptions,
    format_: FormatOption = Format.TEXT,
    limit: Annotated[
        int, typer.Option("-n", "--limit", metavar="N", min=1, help="How many of the last lines.")
    ] = 50,
) -> None:
    """Show each call. When, who, commit, run, request id, result."""
    from wanctl.render.text.console import emit
    from wanctl.render.text.ledger import history_lines
    from wanctl.render.visible import json_text

    lines = open_project(place).record().history[-limit:]
    if format_ is Format.JSON:
        data = [line.model_dump(mode="json") for line in lines]
        sys.stdout.write(json_text(data))
    else:
        emit(history_lines(lines))


@ledger.command()
@grouped
def move(
    place: SpecsOptions,
    location: Annotated[
        str, typer.Argument(metavar="LOCATION", help="As in ledger: of wanctl.yaml, e.g. git:wanctl-ledger.")
    ],
) -> None:
    """Copy the ledger to another store. The old one is set aside."""
    from wanctl.project.ledgers import move as move_ledger
    from wanctl.render.text.console import emit
    from wanctl.render.text.ledger import move_lines

    moved = move_ledger(open_project(place), location)
    emit([*move_lines(moved.old, moved.new, moved.kept), *moved.todo])


@ledger.command()
@grouped
def unlock(place: SpecsOptions, yes: Yes = False) -> None:
    """Break the lease of a dead run. Shows who holds it, and asks."""
    from wanctl.project.ledgers import look_at_lock
    from wanctl.project.ledgers import unlock as unlock_ledger
    from wanctl.render.text.console import emit, err
    from wanctl.render.text.ledger import lock_lines

    project = open_project(place)
    lock = look_at_lock(project)
    emit(lock_lines(lock.location, lock.lease, datetime.now(UTC), damaged=lock.damaged), err())
    if lock.free:
        return
    if not yes and not confirmed("Break it?", "make sure that this run is dead, then add --yes"):
        emit(["Nothing was done."])
        raise typer.Exit(1)
    emit([f"Done: {unlock_ledger(project, lock)}."])
