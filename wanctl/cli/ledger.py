"""history, and ledger show, history, move, unlock: what was applied, by whom; and where that is kept."""

import re
import sys
from datetime import UTC, datetime, timedelta, tzinfo
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
        sys.stdout.write(record.model_dump_json(indent=2, exclude={"history", "configs"}) + "\n")
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
    from wanctl.render.text.history import history_lines
    from wanctl.render.visible import json_text

    lines = open_project(place).record().history[-limit:]
    if format_ is Format.JSON:
        data = [line.model_dump(mode="json") for line in lines]
        sys.stdout.write(json_text(data))
    else:
        emit(history_lines(lines))


@app.command("history")
@grouped
def history_of(
    place: SpecsOptions,
    address: Annotated[
        str, typer.Argument(metavar="KIND/NAME", help="Of what; of a Deployment its name will do.")
    ],
    at: Annotated[
        str | None,
        typer.Option(
            "--at", metavar="DATE", help="What stood then, in full: 2026-03-18 or 2026-03-18T14:00."
        ),
    ] = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Show what served when, and what it was made from. Clips, captions, parameters, prompt, commit."""
    from wanctl.engine.history import known_addresses, standings
    from wanctl.kinds.registry import called_kind
    from wanctl.language.resources import resource_named
    from wanctl.project.promotion import ledger_of
    from wanctl.render.json.history import standings_json
    from wanctl.render.text.console import emit
    from wanctl.render.text.history import origin_lines, standing_lines
    from wanctl.render.visible import json_text

    project = open_project(place)
    record = project.record()
    known = {**dict.fromkeys(project.desired.resources), **known_addresses(record)}
    resource = resource_named(address, known, called_kind())
    record = ledger_of(project, resource)
    found = standings(record, resource)
    if at is not None:
        first, last = _span(at, record.zone)
        found = tuple(one for one in found if one.within(first, last))
    if format_ is Format.JSON:
        sys.stdout.write(json_text(standings_json(record, resource, found)))
    elif not found:
        emit([f"The ledger knows of nothing that stood for {resource}{f' at {at}' if at else ''}."])
    elif at is None:
        emit(standing_lines(resource, found))
    else:
        emit(origin_lines(record, resource, found))


def _span(text: str, zone: tzinfo) -> tuple[datetime, datetime]:
    """A moment; or, of a date alone, the whole day. Without a zone it is that of the history."""
    try:
        first = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text} is no date: write 2026-03-18 or 2026-03-18T14:00") from None
    first = first if first.tzinfo else first.replace(tzinfo=zone)
    whole_day = re.fullmatch(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}", text)
    return first, first + timedelta(days=1) if whole_day else first


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
