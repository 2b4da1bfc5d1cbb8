"""review: a training's previews as a page to choose by."""

from pathlib import Path
from typing import Annotated

import typer

from wanctl.cli.app import app
from wanctl.cli.options import AccountOptions, grouped, open_project


@app.command()
@grouped
def review(
    place: AccountOptions,
    address: Annotated[str, typer.Argument(metavar="FINETUNE", help="Whose: FineTune/NAME, or its name.")],
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIR", help="Where the gallery goes (default: .wanctl/reviews/)."),
    ] = None,
    checkpoint: Annotated[
        list[str] | None,
        typer.Option("--checkpoint", metavar="NAME", help="Only this checkpoint (may be repeated)."),
    ] = None,
) -> None:
    """Make a gallery of previews to choose by. A folder with an index.html, which needs no network."""
    from wanctl.base.running import run
    from wanctl.kinds.registry import previewed_kind
    from wanctl.project.local import shown_path
    from wanctl.project.outputs import named
    from wanctl.project.reviews import collected, told, written_gallery
    from wanctl.render.text.console import emit, err

    project = open_project(place)
    training = named(project, address, previewed_kind())
    found = run(collected(project, training, checkpoint or [], lambda line: emit([line], err())))
    page = written_gallery(project, training, found, to)
    emit([shown_path(page)])
    if found.faults:
        emit([f"error: {told(found.faults)}; run the command again to fetch what is missing"], err())
        raise typer.Exit(1)
