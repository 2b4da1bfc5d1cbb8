"""status, output, previews, adopt: look at what is live, take from it, and say what is ours."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from wanctl.cli.app import app
from wanctl.cli.opening import open_project
from wanctl.cli.options import AccountOptions, Format, FormatOption, grouped


class OutputFormat(StrEnum):
    """How a name is written."""

    TEXT = "text"
    JSON = "json"
    DOTENV = "dotenv"


@app.command()
@grouped
def status(
    place: AccountOptions,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Show what is live and what it waits for. With the trainings' progress."""
    from wanctl.render.text.account import status_lines
    from wanctl.render.text.console import emit
    from wanctl.render.visible import json_text

    found = open_project(place).status()
    if format_ is Format.JSON:
        sys.stdout.write(json_text(found.to_dict()))
    else:
        emit(status_lines(found.plan))


@app.command()
@grouped
def output(
    place: AccountOptions,
    address: Annotated[
        str, typer.Argument(metavar="KIND/NAME", help="Whose name; of a Deployment its name will do.")
    ],
    format_: Annotated[
        OutputFormat, typer.Option("--format", metavar="FORMAT", help="text, json or dotenv.")
    ] = OutputFormat.TEXT,
) -> None:
    """Print the name that callers need. A Deployment's is its deployed model, once it serves."""
    found = open_project(place).output(address)
    sys.stdout.write(found.render(format_.value))


@app.command()
@grouped
def previews(
    place: AccountOptions,
    address: Annotated[str, typer.Argument(metavar="FINETUNE", help="Whose: FineTune/NAME, or its name.")],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where the videos go.")],
    checkpoint: Annotated[
        list[str] | None,
        typer.Option("--checkpoint", metavar="NAME", help="Only this checkpoint (may be repeated)."),
    ] = None,
) -> None:
    """Download previews to choose a checkpoint. The service keeps them for a day."""
    from wanctl.base.running import run
    from wanctl.kinds.registry import previewed_kind
    from wanctl.project.outputs import download, named
    from wanctl.render.text.console import emit, err

    project = open_project(place)
    training = named(project, address, previewed_kind())
    saved = run(download(project, training, to, checkpoint or [], lambda line: emit([line], err())))
    emit(str(one.video) for one in saved if one.video)


@app.command()
@grouped
def adopt(
    place: AccountOptions,
    address: Annotated[str, typer.Argument(metavar="KIND/NAME", help="The resource of the specs.")],
    remote_id: Annotated[str | None, typer.Argument(metavar="ID", help="The live object that is it.")] = None,
    stranger: Annotated[
        str | None,
        typer.Option("--not", metavar="ID", help="This live object is not it, whatever it looks like."),
    ] = None,
) -> None:
    """Say which live object a resource is. Or which one it is not."""
    from wanctl.address import Address
    from wanctl.project.outputs import bind
    from wanctl.render.text.console import emit

    if (remote_id is None) == (stranger is None):
        raise typer.BadParameter("give either the ID that it is, or --not ID")
    project = open_project(place)
    sentence = bind(project, Address.parse(address), remote_id, stranger)
    emit([sentence + "."])
