"""The command tree, with the options that every command shares."""

from pathlib import Path
from typing import Annotated, Any

import typer

from wanctl import __version__

app = typer.Typer(
    name="wanctl",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"]},
    help="Infrastructure as code for fine-tuned Wan video models on Alibaba Cloud Model Studio.",
)

# 2 is "there are changes" here, so a wrong command line ends with 1, as every other error.
_usage_error: Any = typer.BadParameter.__mro__[1]
_usage_error.exit_code = 1

Folder = Annotated[
    Path | None,
    typer.Option(
        "-C", "--directory", metavar="DIR", help="The project's folder (default: here, else ./specs)."
    ),
]
Environment = Annotated[
    str | None,
    typer.Option("--env", "--environment", metavar="NAME", help="The environment of wanctl.yaml to work in."),
]
BaseUrl = Annotated[
    str | None,
    typer.Option("--base-url", metavar="URL", help="Another endpoint; the only way to name an unknown host."),
]

NoCache = Annotated[
    bool, typer.Option("--no-cache", help="Read every dataset anew; trust nothing that was remembered.")
]


class Shared:
    """Options given before the command; those given after it win."""

    folder: Path | None = None
    environment: str | None = None
    base_url: str | None = None


def _version(show: bool) -> None:
    if show:
        typer.echo(f"wanctl {__version__}")
        raise typer.Exit


@app.callback()
def root(
    folder: Folder = None,
    environment: Environment = None,
    base_url: BaseUrl = None,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Say each call to the service.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and all logs.")] = False,
    version: Annotated[  # noqa: ARG001 - acted on by its callback
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options for every command."""
    Shared.folder, Shared.environment, Shared.base_url = folder, environment, base_url
    if verbose or debug:
        import logging

        logging.basicConfig(
            level=logging.DEBUG if debug else logging.INFO, format="%(asctime)s %(name)s %(message)s"
        )
