"""The command tree: which module has which command, the options before it, and the examples beneath its help.

A module of commands is imported when one of its commands is asked for by name; the help asks for all.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command_from_info, get_group_from_info

from wanctl import __version__
from wanctl.cli.options import BaseUrl, Environment, Folder

# In the order of the help.
MODULES = {
    "choose": "choosing",
    "ci": "ci",
    "compare": "comparing",
    "generate": "generating",
    "history": "ledger",
    "import": "live",
    "status": "live",
    "output": "live",
    "previews": "live",
    "adopt": "live",
    "graph": "live",
    "drift": "live",
    "logs": "logs",
    "crds": "operating",
    "operator": "operating",
    "plan": "planning",
    "apply": "acting",
    "destroy": "acting",
    "prune": "acting",
    "init": "specs",
    "validate": "specs",
    "schema": "specs",
    "explain": "specs",
    "review": "reviewing",
    "try": "trying",
    "watch": "watching",
    "catalogue": "catalogue",
    "dataset": "preparing",  # which adds its command to those of datasets
    "fleet": "fleet",
    "ledger": "ledger",
    "sandbox": "sandbox",
}


class Commands(Mapping[str, Any]):
    """The commands and groups by name, each made when somebody looks at it."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            import_module(f"wanctl.cli.{MODULES[name]}")  # it registers its commands
            self._made[name] = _made(name)
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in MODULES

    def __iter__(self) -> Iterator[str]:
        return iter(MODULES)

    def __len__(self) -> int:
        return len(MODULES)


class OptionReader:
    """Reads an option's value. Of one that is not given there is nothing to read, and no reader is made:
    typer makes one by pydantic for each option of a command."""

    def __init__(self, parameter: Any) -> None:
        self._make = parameter.get_runtime_param

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        return self._make().coerce(value, param=param, ctx=ctx)


class _ReadsWhenGiven:
    """A command whose options are read so."""

    def get_params(self, ctx: Any) -> list[Any]:
        found: list[Any] = super().get_params(ctx)  # type: ignore[misc]  # of the command that this is mixed into
        for one in found:
            if not isinstance(getattr(one, "reader", None), OptionReader) and hasattr(
                one, "get_runtime_param"
            ):
                one.reader = OptionReader(one)  # no older typer makes any
                one.get_runtime_param = partial(getattr, one, "reader")
        return found


class SingleCommand(_ReadsWhenGiven, TyperCommand):
    """A command of wanctl."""


class CommandTree(_ReadsWhenGiven, TyperGroup):
    """wanctl itself: it knows its commands by name, and imports them when it has to."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = Commands()  # type: ignore[assignment]  # nobody adds a command to a group that is made

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - as typer calls it
        return [*self.commands]


app = typer.Typer(
    name="wanctl",
    cls=CommandTree,
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


EXAMPLES = {
    "plan": (
        "wanctl plan",
        "wanctl plan --env prod --out plan.json --out-markdown plan.md",
        "wanctl plan --format json --detailed-exitcode",
        "wanctl plan --offline",
    ),
    "apply": (
        "wanctl apply",
        "wanctl apply plan.json --max-wait 20m",
        "wanctl apply --approve 56b2b4e4a8050b7be75c6bd96f4e0a3f --lock-wait 10m",
    ),
    "destroy": (
        "wanctl destroy --dry-run",
        "wanctl destroy Deployment/money-rain --yes --wait",
    ),
    "prune": (
        "wanctl prune",
        "wanctl prune ft-202603180900-5599 --dry-run",
        "wanctl prune --all --yes",
    ),
    "adopt": (
        "wanctl adopt FineTune/money-rain ft-202603180900-5599",
        "wanctl adopt FineTune/money-rain --not ft-202603180900-5599",
        "wanctl adopt Deployment/money-rain",
    ),
    "import": (
        "wanctl import --dry-run",
        "wanctl import ft-202603180900-5599 --to specs/rain.yaml",
    ),
    "drift": (
        "wanctl drift --detailed-exitcode",
        "wanctl drift --ignore Deployment/playground",
    ),
    "graph": (
        "wanctl graph > lineage.mmd",
        "wanctl graph --format svg > lineage.svg",
    ),
    "previews": (
        "wanctl previews FineTune/money-rain --to previews",
        "wanctl previews money-rain --to previews --checkpoint checkpoint-160",
    ),
    "try": (
        "wanctl try Checkpoint/best checkpoint-160 --for 2h",
        "wanctl try --list",
        "wanctl try --end try-best-160 --yes",
    ),
    "compare": (
        "wanctl compare Deployment/money-rain Deployment/money-rain-next --images checks/",
        "wanctl compare checkpoint-160 checkpoint-200 --of Checkpoint/best --images checks/ --yes",
    ),
    "generate": (
        "wanctl generate Deployment/money-rain --image face.png",
        "wanctl generate --model wan2.6-i2v-flash --image face.png --prompt 'It rains.' --duration 5",
        "wanctl generate Deployment/money-rain --each images/*.png",
        "wanctl generate --request request.json --format json",
    ),
    "review": (
        "wanctl review FineTune/money-rain",
        "wanctl review money-rain --to gallery --checkpoint checkpoint-160 --checkpoint checkpoint-400",
        "wanctl review money-rain --sheet rain.webp",
        "wanctl review money-rain --judge --yes",
        "wanctl review money-rain --serve --branch choose-rain --open-pr",
    ),
    "history": (
        "wanctl history Deployment/money-rain",
        "wanctl history money-rain --at 2026-03-18T14:00",
    ),
    "logs": (
        "wanctl logs FineTune/money-rain --since 2h",
        "wanctl logs money-rain -f",
        "wanctl logs ft-202603180900-5599 --since 'line 40' --format json",
    ),
    "choose": (
        "wanctl choose Checkpoint/best checkpoint-160",
        "wanctl choose best checkpoint-160 --reviewed --notes review-notes.json",
        "wanctl choose best checkpoint-160 --branch choose-rain --open-pr",
    ),
    "explain": (
        "wanctl explain",
        "wanctl explain FineTune.hyper_parameters",
    ),
    "init": (
        "wanctl init my-model",
        "wanctl init my-model --yes --model wan2.6-i2v --forge github",
    ),
    "ci": (
        "wanctl ci",
        "wanctl ci --env prod --mode plan --no-previews",
    ),
    "watch": (
        "wanctl watch --interval 2m --require-approval delete,train",
        "wanctl watch --once",
        "wanctl watch --root projects --interval 5m",
    ),
    "fleet status": ("wanctl fleet status --root projects", "wanctl fleet status --fleet fleet.yaml"),
    "dataset inspect": ("wanctl dataset inspect train",),
    "dataset prepare": (
        "wanctl dataset prepare footage --to data/train --dry-run",
        "wanctl dataset prepare footage --to data/train --model wan2.6-i2v --trigger s86b5p",
    ),
    "dataset captions": (
        "wanctl dataset captions train --set-effect effect.txt",
        "wanctl dataset captions train --replace 'dollar bills' 'green bank notes' --yes",
        "wanctl dataset captions train --undo",
    ),
    "dataset annotate": ("wanctl dataset annotate train --trigger s86b5p",),
    "ledger move": ("wanctl ledger move git:wanctl-ledger",),
    "sandbox serve": ("wanctl sandbox serve --port 8787",),
    "operator": ("wanctl operator", "wanctl operator --projects-in films --interval 2m"),
    "crds": ("wanctl crds > crds.yaml", "wanctl crds --convert --env prod --namespace films > films.yaml"),
    "catalogue": ("wanctl catalogue", "wanctl catalogue diff"),
    "catalogue diff": ("wanctl catalogue diff 2026-10-11", "wanctl catalogue diff --format json"),
    "sandbox rig": ("""wanctl sandbox rig '{"quirks": {"keep_job_name": false}}'""",),
    "sandbox faults add": (
        "wanctl sandbox faults add throttled --path '/api/v1/deployments*' --nth 1",
        "wanctl sandbox faults add reset --method POST --when after",
    ),
}


def _made(name: str) -> Any:
    """The command or group that is registered under that name, as typer makes it."""
    how: dict[str, Any] = {"pretty_exceptions_short": True, "rich_markup_mode": app.rich_markup_mode}
    for command in app.registered_commands:
        if name_of(command) == name:
            command.epilog, command.cls = _examples(name), SingleCommand
            return get_command_from_info(command, **how)
    group = next(one for one in app.registered_groups if one.name == name)
    _give_examples(group.typer_instance, f"{name} ")
    return get_group_from_info(group, suggest_commands=True, **how)


def name_of(command: Any) -> str:
    """What a registered command is called."""
    return str(command.name or command.callback.__name__)


def _give_examples(group: Any, path: str) -> None:
    for command in group.registered_commands:
        command.epilog = _examples(f"{path}{name_of(command)}")
    for one in group.registered_groups:
        _give_examples(one.typer_instance, f"{path}{one.name} ")


def _examples(command: str) -> str | None:
    """What is written beneath a command's help."""
    lines = EXAMPLES.get(command)
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)]) if lines else None
