"""fleet status: many projects at once, and the options that say which they are."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wanctl.cli.app import app
from wanctl.cli.options import AccountOptions, Exit, Format, FormatOption, grouped, host_of, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wanctl.fleet.fleet_file import FleetScope
    from wanctl.fleet.overview import Overview
    from wanctl.render.text.line import TextLine

FleetRoot = Annotated[
    Path | None,
    typer.Option("--root", metavar="DIR", help="All projects in this folder of a clone, in one process."),
]
FleetPath = Annotated[
    Path | None,
    typer.Option("--fleet", metavar="FILE", help="The projects that a fleet.yaml names, in one process."),
]
State = Annotated[str, typer.Option("--state", metavar="STATE", help="Only projects in this state.")]

_STYLES = {
    "converged": "green",
    "in_progress": "cyan",
    "waiting_for_person": "magenta",
    "failing": "bold red",
    "error": "bold red",
    "blocked": "bold red",
}

fleet = typer.Typer(no_args_is_help=True, help="Many projects of one account at once.")
app.add_typer(fleet, name="fleet")


def fleet_of(place: AccountOptions, root: Path | None, file: Path | None, ref: str) -> "FleetScope":
    """The projects that the options name."""
    from wanctl.fleet.fleet_file import FleetScope

    if root and file:
        raise typer.BadParameter("--root and --fleet exclude each other", param_hint="--fleet")
    if place.folder:
        raise typer.BadParameter("name a folder by --root alone", param_hint="-C")
    if file:
        if place.environment:
            advice = "fleet.yaml names the environments itself"
            raise typer.BadParameter(advice, param_hint="--env")
        return FleetScope.read(file)
    return FleetScope.below(root or Path.cwd(), ref, place.environment)


@fleet.command()
@grouped
def status(
    place: AccountOptions,
    root: FleetRoot = None,
    file: FleetPath = None,
    state: State = "",
    format_: FormatOption = Format.TEXT,
) -> None:
    """What trains, what waits for whom, and what it costs, over all projects. Changes nothing.

    Looks at the projects as they stand in their folders; without --root or --fleet in this one.
    """
    import asyncio

    from wanctl.cli.faults import spelt
    from wanctl.fleet.looking import look, named
    from wanctl.fleet.overview import STATES
    from wanctl.render.text.console import emit
    from wanctl.render.visible import json_text

    if state and state not in STATES:
        raise typer.BadParameter(f"there are {', '.join(STATES)}", param_hint="--state")
    names = named(fleet_of(place, root, file, "origin/main"))
    overview = asyncio.run(look(names, host_of(place), tell, spelt))
    if format_ is Format.JSON:
        sys.stdout.write(json_text(overview.as_json(state)))
    else:
        emit(_lines(overview, state))
    if overview.failed:
        raise typer.Exit(Exit.FAILED)


def _lines(overview: "Overview", state: str) -> "Iterator[TextLine]":
    from wanctl.fleet.overview import spell
    from wanctl.render.text.line import TextLine

    rows = [(one, str(one.name), spell(one.state)) for one in overview.only(state)]
    widths = [max((len(row[column]) for row in rows), default=0) for column in (1, 2)]  # type: ignore[arg-type]
    for one, name, word in rows:
        said = " · ".join(part for part in (one.sentence, one.money) if part)
        yield TextLine.assemble(
            (name.ljust(widths[0]), "bold"),
            "  ",
            (word.ljust(widths[1]), _STYLES.get(one.state, "yellow")),
            f"  {said}".rstrip(),
        )
    if rows:
        yield TextLine()
    money = f" Trainings so far: {overview.money}." if overview.money else ""
    yield TextLine(f"{overview.sentence}.{money}")
