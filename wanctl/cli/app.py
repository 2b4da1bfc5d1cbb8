"""The command tree, and the options that stand before a command."""

from typing import Annotated, Any

import typer

from wanctl import __version__
from wanctl.cli.options import BaseUrl, Environment, Folder

app = typer.Typer(
    name="wanctl",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"]},
    help="Infrastructure as code for fine-tuned Wan video models on Alibaba Cloud Model Studio.",
)

# 2 is "there are changes" here, so a wrong command line ends with 1, as every other error. typer brings click
# along under a name that changes, and exports of its errors only those that commands raise.
_usage_error: Any = next(one for one in typer.BadParameter.__mro__ if one.__name__ == "UsageError")
_usage_error.exit_code = 1


def _version(show: bool) -> None:
    if show:
        typer.echo(f"wanctl {__version__}")
        raise typer.Exit


@app.callback()
def root(
    folder: Folder = None,  # noqa: ARG001 - these three are read by cli.options, for each command
    environment: Environment = None,  # noqa: ARG001
    base_url: BaseUrl = None,  # noqa: ARG001
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Say each call to the service.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and all logs.")] = False,
    version: Annotated[  # noqa: ARG001 - acted on by its callback
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options for every command; those given after it win."""
    if verbose or debug:
        import logging

        logging.basicConfig(
            level=logging.DEBUG if debug else logging.INFO, format="%(asctime)s %(name)s %(message)s"
        )
