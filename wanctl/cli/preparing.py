"""dataset prepare: from footage to a folder of clips that a Dataset can name."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from wanctl.cli.datasets import dataset
from wanctl.cli.options import Format, FormatOption
from wanctl.cli.specs import DEFAULT_MODEL


@dataset.command()
def prepare(
    footage: Annotated[
        Path, typer.Argument(metavar="FOOTAGE", help="A folder of videos, or one. It is only read.")
    ],
    to: Annotated[
        Path, typer.Option("--to", metavar="DIR", help="Where the clips go: new, or prepared before.")
    ],
    trigger: Annotated[
        str | None, typer.Option("--trigger", metavar="WORD", help="The trigger word, for the next step.")
    ] = None,
    model: Annotated[
        str, typer.Option("--model", metavar="MODEL", help="The base model: how long clips may be.")
    ] = DEFAULT_MODEL,
    seconds: Annotated[
        float | None,
        typer.Option("--seconds", metavar="5", help="Clips at most so long (default: the model's)."),
    ] = None,
    shortest: Annotated[float, typer.Option("--shortest", metavar="2", help="Drop what is shorter.")] = 2.0,
    most_pixels: Annotated[
        int,
        typer.Option(
            "--max-pixels", metavar="N", min=4096, help="Larger clips are shrunk; none is enlarged."
        ),
    ] = 1280 * 720,
    page: Annotated[
        Path | None,
        typer.Option("--page", metavar="FILE", help="The page to look through (default: DIR.html)."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be kept, cut and dropped; write nothing.")
    ] = False,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Cut footage into clips. At its scenes, without black bars, each with its first frame and its origin."""
    from wanctl.project.preparing import cut_settings, prepare_footage
    from wanctl.render.json.documents import preparation_json
    from wanctl.render.text.console import emit, err
    from wanctl.render.text.preparing import next_lines, preparation_lines, work_bar
    from wanctl.render.visible import json_text

    settings = cut_settings(model, longest=seconds, shortest=shortest, most_pixels=most_pixels)
    with work_bar("looking through the footage" if dry_run else "preparing") as watch:
        done = prepare_footage(footage, to, settings, dry_run=dry_run, watch=watch)
    if format_ is Format.JSON:
        sys.stdout.write(json_text(preparation_json(done)))
    else:
        emit(preparation_lines(done))
    if not dry_run:
        from wanctl.render.html.preparing import write_prepared_page

        page = page or to.with_name(f"{to.name}.html")
        write_prepared_page(done, page)
        emit(next_lines(done, page, trigger), err())
    raise typer.Exit(0 if done.clips else 1)
