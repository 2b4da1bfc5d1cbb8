"""validate, schema, explain: the specs themselves, offline."""

import sys
from typing import Annotated

import typer

from wanctl.cli.app import app
from wanctl.cli.options import Format, FormatOption, NoCache, SpecsOptions, grouped, open_project


@app.command()
@grouped
def validate(
    place: SpecsOptions,
    format_: FormatOption = Format.TEXT,
    no_cache: NoCache = False,
) -> None:
    """Check specs and datasets, offline. Every error at once, with its place."""
    from wanctl.language.findings import SpecErrors, rendered
    from wanctl.render.json.documents import validation_json
    from wanctl.render.text.console import columns, emit, err
    from wanctl.render.visible import json_text

    try:
        project = open_project(place, no_cache=no_cache)
    except SpecErrors as error:
        if format_ is not Format.JSON:
            raise
        sys.stdout.write(json_text(validation_json(error.diagnostics)))
        raise typer.Exit(1) from None
    found = project.validate()
    if format_ is Format.JSON:
        sys.stdout.write(json_text(found.to_dict()))
    else:
        room = columns(err())
        emit((rendered(one, room) if room else rendered(one) for one in found.diagnostics), err())
        emit([found.sentence()])
    raise typer.Exit(0 if found.valid else 1)


@app.command()
def schema(
    plan: Annotated[
        bool, typer.Option("--plan", help="The schema of plan --format json instead, for programs.")
    ] = False,
) -> None:
    """Print the JSON Schema of the specs. For editors."""
    from wanctl.render.visible import json_text

    if plan:
        from wanctl.render.json.schema import plan_schema as made
    else:
        from wanctl.language.schema import json_schema as made

    sys.stdout.write(json_text(made()))


@app.command()
def explain(
    path: Annotated[str | None, typer.Argument(metavar="PATH", help="e.g. FineTune.hyper_parameters")] = None,
) -> None:
    """Document a kind or a field. From the models that read it."""
    from wanctl.language.explain import explain as explanation
    from wanctl.render.text.console import emit

    emit([explanation(path or "").render()])
