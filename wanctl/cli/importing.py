"""import: specs for what is live already."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from wanctl.cli.app import app
from wanctl.cli.approving import confirmed
from wanctl.cli.options import AccountOptions, Yes, grouped, open_project


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
    from wanctl.project.importing import carry_out_import, draft_import
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
