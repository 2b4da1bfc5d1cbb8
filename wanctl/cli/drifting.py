"""drift: what the world changed, and nothing of what the specs changed."""

import sys
from typing import Annotated

import typer

from wanctl.cli.app import app
from wanctl.cli.opening import open_project
from wanctl.cli.options import AccountOptions, Exit, Format, FormatOption, NoCache, grouped
from wanctl.cli.publishing import failures_told


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
    from wanctl.engine.drift import drift_of
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
