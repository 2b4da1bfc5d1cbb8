"""graph: the lineage as a picture."""

import sys
from typing import Annotated

import typer

from wanctl.cli.app import app
from wanctl.cli.opening import open_project
from wanctl.cli.options import AccountOptions, grouped
from wanctl.render.options import GraphFormat


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
