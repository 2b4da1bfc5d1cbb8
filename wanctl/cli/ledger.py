"""ledger show, ledger history: what was applied, by whom, from which commit."""

import sys
from typing import Annotated

import typer

from wanctl.cli.app import Environment, Folder, app
from wanctl.cli.opening import open_project
from wanctl.cli.planning import Format, FormatOption

ledger = typer.Typer(
    no_args_is_help=True, help="Look at the ledger: what was applied and cannot be read back."
)
app.add_typer(ledger, name="ledger")


@ledger.command()
def show(folder: Folder = None, environment: Environment = None, format_: FormatOption = Format.TEXT) -> None:
    """What the ledger knows of each resource, and the calls whose result is open."""
    from wanctl.report.console import emit
    from wanctl.report.ledger import ledger_lines

    project = open_project(folder, environment)
    record = project.record()
    if format_ is Format.JSON:
        sys.stdout.write(record.model_dump_json(indent=2, exclude={"history"}) + "\n")
    else:
        emit(ledger_lines(record, project.store.location))


@ledger.command()
def history(
    folder: Folder = None,
    environment: Environment = None,
    format_: FormatOption = Format.TEXT,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, help="How many of the last lines.")] = 50,
) -> None:
    """Each call: when, who, commit, run, request id, result."""
    import json

    from wanctl.report.console import emit
    from wanctl.report.ledger import history_lines

    lines = open_project(folder, environment).record().history[-limit:]
    if format_ is Format.JSON:
        data = [line.model_dump(mode="json") for line in lines]
        sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False) + "\n")
    else:
        emit(history_lines(lines))
