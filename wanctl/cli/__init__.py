"""The door: typer commands, thin. Nothing is decided here, and nothing is imported that is not used."""

import sys


def main() -> None:
    """The `wanctl` command: no traceback reaches a user unless --debug asks for it."""
    from wanctl.cli import inspecting, ledger, planning, sandbox, specs  # noqa: F401 - they register commands
    from wanctl.cli.app import app
    from wanctl.cli.faults import reported

    with reported(debug="--debug" in sys.argv[1:]):
        app(prog_name="wanctl")
