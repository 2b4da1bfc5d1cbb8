"""The door: typer commands, thin. Nothing is decided here, and nothing is imported that is not used."""

import io
import sys


def main() -> None:
    """The `wanctl` command: no traceback reaches a user unless --debug asks for it."""
    from wanctl.cli import (  # noqa: F401 - they register commands
        datasets,
        inspecting,
        ledger,
        picturing,
        planning,
        sandbox,
        specs,
        watching,
    )
    from wanctl.cli.app import app
    from wanctl.cli.faults import reported

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a sign shows a question mark
    with reported(debug="--debug" in sys.argv[1:]):
        app(prog_name="wanctl")
