"""import, status, output, previews, adopt, graph, drift: look at what is live, use it, and take it over."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from wanctl.cli.app import app
from wanctl.cli.approving import confirmed
from wanctl.cli.options import (
    AccountOptions,
    Exit,
    Format,
    FormatOption,
    NoCache,
    Yes,
    complete_training,
    grouped,
    open_project,
)
from wanctl.cli.publishing import failures_told
from wanctl.render.options import GraphFormat


class OutputFormat(StrEnum):
    """How a name is written."""

    TEXT = "text"
    JSON = "json"
    DOTENV = "dotenv"


@app.command("import")
@grouped
def import_(
    place: AccountOptions,
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ID", help="Jobs, exported models and deployments (default: all that are in no spec)."
        ),
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="A new file (default: imported.yaml).")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the file; write nothing.")] = False,
    adopts: Annotated[
        bool,
        typer.Option("--adopt/--no-adopt", help="Tell the ledger, too (default), or write the file only."),
    ] = True,
    yes: Yes = False,
) -> None:
    """Write specs for what is live, so that the next plan is empty. Nothing is changed at the service."""
    from wanctl.project.adoption import carry_out_import, draft_import
    from wanctl.project.local import shown_path
    from wanctl.render.text.account import adopted_lines, import_question, nothing_lines, written_lines
    from wanctl.render.text.console import emit

    project = open_project(place)
    draft = draft_import(project, ids or [], to)
    if dry_run and draft.imported.documents:
        sys.stdout.write(draft.text)
        return
    if not draft.has_documents:
        emit(nothing_lines(draft.imported))
        return
    draft.require_room()
    path = shown_path(draft.path)
    asked = import_question(draft.imported, path)
    if adopts and not yes and not confirmed(asked, "look at it with --dry-run, then add --yes"):
        emit(["Nothing was done."])
        raise typer.Exit(1)
    result = carry_out_import(project, draft, adopts=adopts)
    emit(written_lines(draft.imported, path))
    if result:
        emit(adopted_lines(draft.imported, result.sentences, result.plan))


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
        str | None,
        typer.Argument(
            metavar="KIND/NAME",
            help="Whose name; of a Deployment its name will do. Default: all Deployments.",
        ),
    ] = None,
    format_: Annotated[
        OutputFormat, typer.Option("--format", metavar="FORMAT", help="text, json or dotenv.")
    ] = OutputFormat.TEXT,
) -> None:
    """Print the name that callers need. A Deployment's is the deployed model that serves now."""
    project = open_project(place)
    if address is not None:
        sys.stdout.write(project.output(address).render(format_.value))
        return
    from wanctl.render.text.console import emit, err

    found = project.outputs()
    sys.stdout.write(found.render(format_.value))
    if format_ is not OutputFormat.JSON:
        emit([f"{one} is not serving: {reason}" for one, reason in found.missing.items()], err())


@app.command()
@grouped
def previews(
    place: AccountOptions,
    address: Annotated[
        str,
        typer.Argument(
            metavar="FINETUNE",
            help="Whose: FineTune/NAME, or its name.",
            autocompletion=complete_training,
        ),
    ],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where the videos go.")],
    checkpoint: Annotated[
        list[str] | None,
        typer.Option("--checkpoint", metavar="NAME", help="Only this checkpoint (may be repeated)."),
    ] = None,
) -> None:
    """Download previews to choose a checkpoint. The service keeps them for a day."""
    from wanctl.base.running import run
    from wanctl.kinds.registry import previewed_kind
    from wanctl.project.outputs import named
    from wanctl.project.reviews import download
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
    foreign_id: Annotated[
        str | None,
        typer.Option("--not", metavar="ID", help="This live object is not it, whatever it looks like."),
    ] = None,
) -> None:
    """Say which live object a resource is. Or which one it is not."""
    from wanctl.address import Address
    from wanctl.project.adoption import bind
    from wanctl.render.text.console import emit

    if (remote_id is None) == (foreign_id is None):
        raise typer.BadParameter("give either the ID that it is, or --not ID")
    project = open_project(place)
    sentence = bind(project, Address.parse(address), remote_id, foreign_id)
    emit([sentence + "."])


@app.command()
@grouped
def graph(
    place: AccountOptions,
    format_: Annotated[
        GraphFormat, typer.Option("--format", metavar="FORMAT", help="mermaid, dot or svg.")
    ] = GraphFormat.MERMAID,
    offline: Annotated[
        bool, typer.Option("--offline", help="Draw the specs alone; nobody is asked what is live.")
    ] = False,
) -> None:
    """Draw the lineage. Dataset, job, checkpoint, deployment, each with its state."""
    from wanctl.render.lineage import lineage_of, lineage_of_specs, references_of
    from wanctl.render.rendering import drawn

    project = open_project(place)
    if offline:
        found = lineage_of_specs(project.desired)
    else:
        found = lineage_of(project.plan(), references_of(project.desired))
    sys.stdout.write(drawn(found, format_))


@app.command()
@grouped
def drift(
    place: AccountOptions,
    ignore: Annotated[
        list[str] | None, typer.Option("--ignore", metavar="KIND/NAME", help="Look away (may be repeated).")
    ] = None,
    format_: FormatOption = Format.TEXT,
    detailed: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit 2 when there is drift.")
    ] = False,
    no_cache: NoCache = False,
) -> None:
    """Show where the account is no longer as wanctl left it. Reads only."""
    from wanctl.address import Address
    from wanctl.engine.planner import drift_of
    from wanctl.render.json.documents import drift_json
    from wanctl.render.text.account import drift_lines
    from wanctl.render.text.console import emit
    from wanctl.render.visible import json_text

    ignored = {Address.parse(text) for text in ignore or []}
    with failures_told(format_, place.given()):
        made = open_project(place, no_cache=no_cache).plan()
    found = drift_of(made, ignored)
    if format_ is Format.JSON:
        sys.stdout.write(json_text(drift_json(found)))
    else:
        emit(drift_lines(found))
    raise typer.Exit(Exit.CHANGES if found.found and detailed else Exit.DONE)
