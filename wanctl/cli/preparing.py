"""dataset prepare, dataset captions: clips from footage, and changes of many captions at once."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from wanctl.cli.approving import confirmed
from wanctl.cli.datasets import Name, dataset
from wanctl.cli.options import Format, FormatOption, SpecsOptions, Yes, grouped, open_project
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
    ] = 512 * 512,
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


@dataset.command()
@grouped
def captions(
    place: SpecsOptions,
    name: Name,
    set_effect: Annotated[
        Path | None,
        typer.Option(
            "--set-effect", metavar="FILE", help="The effect's description, from the trigger on, for all."
        ),
    ] = None,
    prefix: Annotated[
        str | None, typer.Option("--prefix", metavar="WORD", help="A word in front of each caption, once.")
    ] = None,
    replace: Annotated[
        tuple[str, str] | None, typer.Option("--replace", metavar="A B", help="One text for another.")
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take the last change back.")] = False,
    yes: Yes = False,
) -> None:
    """Change many captions at once. Shows every change first; nothing else of a line is touched."""
    from wanctl.base.words import counted
    from wanctl.project.captions import Wanted, caption_changes
    from wanctl.render.text.console import emit, err
    from wanctl.render.text.dataset import edit_lines

    changes = caption_changes(open_project(place), name, Wanted(set_effect, prefix, replace, undo=undo))
    if not changes.edits:
        emit([f"{changes.address}: every caption is so already."])
        return
    emit(edit_lines(changes.edits))
    count = counted(len(changes.edits), "caption")
    if not yes and not confirmed(f"Change {count}?", "add --yes"):
        raise typer.Exit(1)
    changes.write()
    emit([f"{count} changed. To take it back: wanctl dataset captions {changes.address.name} --undo"], err())
