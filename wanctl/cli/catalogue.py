"""catalogue, catalogue diff: the editions of the catalogue, and what another one would change."""

import sys
from typing import Annotated

import typer

from wanctl.cli.app import app
from wanctl.cli.options import Format, FormatOption, SpecsOptions, grouped, open_project

catalogue = typer.Typer(
    invoke_without_command=True, help="What the documents said of the base models, by date."
)
app.add_typer(catalogue, name="catalogue")


@catalogue.callback()
@grouped
def list_editions(place: SpecsOptions, context: typer.Context, format_: FormatOption = Format.TEXT) -> None:
    """The editions of the catalogue of base models. Without a command: lists them, and the project's."""
    from wanctl.catalogue.packaged import editions
    from wanctl.render.text.catalogue import edition_lines
    from wanctl.render.text.console import emit
    from wanctl.render.visible import json_text

    if context.invoked_subcommand:
        return
    desired = open_project(place).desired
    known, named = editions(), desired.settings.catalogue.edition
    if format_ is Format.JSON:
        found = {"editions": list(known), "named": named, "used": desired.catalogue.edition}
        sys.stdout.write(json_text(found))
    else:
        emit(edition_lines(known, desired.catalogue.edition, named=named is not None))


@catalogue.command()
@grouped
def diff(
    place: SpecsOptions,
    edition: Annotated[
        str | None, typer.Argument(metavar="EDITION", help="Its date; left out, the newest.")
    ] = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """What another edition would change for the trainings of these specs. In tokens and money; offline."""
    from wanctl.base.words import listed
    from wanctl.catalogue.packaged import editions, newest_edition
    from wanctl.project.errors import ProjectError
    from wanctl.render.json.documents import edition_json
    from wanctl.render.text.catalogue import change_lines
    from wanctl.render.text.console import emit
    from wanctl.render.visible import json_text

    project = open_project(place)
    wanted = edition or newest_edition()
    if wanted not in editions():
        raise ProjectError(f"there is no edition of {wanted}", f"there is {listed(editions())}")
    here, changes = project.desired.catalogue.edition, project.edition_changes(wanted)
    if format_ is Format.JSON:
        sys.stdout.write(json_text(edition_json(here, wanted, changes)))
    else:
        emit(change_lines(here, wanted, changes))
