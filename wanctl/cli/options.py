"""The options that several commands have, each written once, in groups; what they mean; and the exit codes.

A command names a group as a parameter, and `grouped` makes its fields options of the command.
`open_project` is the way from them to a project.
"""

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import timedelta
from enum import IntEnum, StrEnum
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from wanctl.engine.converge import Patience
    from wanctl.plan import Plan
    from wanctl.project import Project
    from wanctl.project.host import Host


class Format(StrEnum):
    """How a plan is written."""

    TEXT = "text"
    JSON = "json"


class Exit(IntEnum):
    """Exit codes; 2 and 3 only with --detailed-exitcode."""

    DONE = 0
    FAILED = 1
    CHANGES = 2
    WAITING = 3


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
FormatOption = Annotated[Format, typer.Option("--format", metavar="FORMAT", help="text or json.")]
Detailed = Annotated[
    bool, typer.Option("--detailed-exitcode", help="Exit 2 for changes, 3 when there is only waiting left.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Wait = Annotated[
    bool | None, typer.Option("--wait/--no-wait", help="Wait for the service (default: only on a terminal).")
]
MaxWait = Annotated[
    str | None, typer.Option("--max-wait", metavar="20m", help="Wait at most this long (implies --wait).")
]
LockWait = Annotated[
    str | None,
    typer.Option(
        "--lock-wait",
        metavar="2m",
        help="While another apply holds the ledger, wait for it this long (default: stop at once).",
    ),
]

Approve = Annotated[
    str | None,
    typer.Option("--approve", metavar="DIGEST", help="The digest of the plan that was reviewed."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan only.")]

IgnoreWindows = Annotated[
    bool, typer.Option("--ignore-windows", help="Go on although the windows of wanctl.yaml are closed.")
]


_GIVEN_BEFORE = {"option": False}  # stands before the command alone


@dataclass(frozen=True)
class SpecsOptions:
    """Which project it is about, for a command that reads specs and this machine only."""

    folder: Folder = None
    environment: Environment = None
    base_url: str | None = field(default=None, metadata=_GIVEN_BEFORE)

    def given(self) -> dict[str, str]:
        """The options that name the project, as they are typed again."""
        named = {"-C": self.folder, "--env": self.environment, "--base-url": self.base_url}
        return {option: str(value) for option, value in named.items() if value}


@dataclass(frozen=True)
class AccountOptions(SpecsOptions):
    """Which project it is about, for a command that asks its account."""

    base_url: BaseUrl = None


@dataclass(frozen=True)
class RunOptions:
    """How a command runs that carries out a plan: apply, destroy, prune."""

    yes: Yes = False
    wait: Wait = None
    max_wait: MaxWait = None
    lock_wait: LockWait = None
    format_: FormatOption = Format.TEXT
    digest: Approve = None
    detailed: Detailed = False
    ignore_windows: IgnoreWindows = False

    @property
    def patience(self) -> "Patience":
        return patience_of(self.wait, self.max_wait)

    @property
    def queue(self) -> timedelta:
        """How long to wait for another run."""
        return span(self.lock_wait, "--lock-wait")

    def check(self) -> None:
        """Raise what is wrong with the durations, before anything is read."""
        _ = self.patience, self.queue


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the fields of its groups in their place, as typer reads them.

    Of what names the project, an option that is not given after the command is taken from before it.
    """
    parameters = [inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)]
    groups: dict[str, Any] = {}
    for one in inspect.signature(command).parameters.values():
        if is_dataclass(one.annotation):
            groups[one.name] = one.annotation
            parameters += _options_of(one.annotation)
        elif one.annotation is not typer.Context:
            parameters.append(one.replace(kind=inspect.Parameter.KEYWORD_ONLY))
    with_context = "context" in inspect.signature(command).parameters

    @wraps(command)
    def spread(context: typer.Context, **given: Any) -> None:
        before = context.find_root().params
        for name, group in groups.items():
            values = {one.name: given.pop(one.name, None) for one in fields(group)}
            given[name] = group(
                **{key: before.get(key) if value is None else value for key, value in values.items()}
            )
        command(**given, **({"context": context} if with_context else {}))

    spread.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # inspect looks for it
    spread.__annotations__ = {one.name: one.annotation for one in parameters}
    return spread


def _options_of(group: Any) -> list[inspect.Parameter]:
    return [
        inspect.Parameter(one.name, inspect.Parameter.KEYWORD_ONLY, default=one.default, annotation=one.type)
        for one in fields(group)
        if one.metadata.get("option", True)
    ]


def patience_of(wait: bool | None, max_wait: str | None) -> "Patience":
    from wanctl.engine.converge import LONGEST_WAIT, Patience

    longest = LONGEST_WAIT
    if max_wait is not None:
        if wait is False:
            raise typer.BadParameter("--max-wait and --no-wait exclude each other")
        longest = span(max_wait, "--max-wait")
    waits = wait if wait is not None else (max_wait is not None or sys.stdout.isatty())
    return Patience(waits, longest)


def span(text: str | None, option: str) -> timedelta:
    """A duration as it is written; none at all where nothing is."""
    if text is None:
        return timedelta()
    from wanctl.base.values import parse_duration

    try:
        return timedelta(seconds=parse_duration(text))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def plan_code(made: "Plan", *, detailed: bool) -> Exit:
    from wanctl.plan import Status

    if made.status is Status.ERROR:
        return Exit.FAILED
    if not detailed or made.status is Status.CONVERGED:
        return Exit.DONE
    waiting = made.status in {Status.IN_PROGRESS, Status.WAITING_FOR_PERSON}
    return Exit.WAITING if waiting else Exit.CHANGES


def offline_code(*, detailed: bool) -> Exit:
    """Nobody knows that there is nothing to do."""
    return Exit.CHANGES if detailed else Exit.DONE


def open_project(options: SpecsOptions, *, no_cache: bool = False) -> "Project":
    """The project that the options name."""
    from wanctl.project import Project
    from wanctl.render.text.console import reading_bar

    return Project.open(
        options.folder,
        options.environment,
        host_of(options),
        tell,
        trust_cache=not no_cache,
        reading=reading_bar,
    )


def host_of(options: SpecsOptions) -> "Host":
    """This machine, with the endpoint that the options name."""
    from wanctl.project.host import Host

    return Host.here(options.base_url)


def complete_training(context: typer.Context, incomplete: str) -> list[str]:
    """The trainings of the specs, for who presses Tab. Whatever is wrong with the specs: no name then."""
    from contextlib import suppress

    from wanctl.base.errors import WanctlError
    from wanctl.kinds.registry import previewed_kind
    from wanctl.language.load import load_project
    from wanctl.language.root import find_project

    given = {**context.find_root().params, **{key: one for key, one in context.params.items() if one}}
    with suppress(WanctlError, OSError):
        folder = find_project(Path(given.get("folder") or Path.cwd()))
        found = load_project(folder, given.get("environment")).resources
        trainings = [one for one in found if one.kind == previewed_kind()]
        whole = [str(one) for one in trainings if str(one).startswith(incomplete)]
        return whole or [one.name for one in trainings if one.name.startswith(incomplete)]
    return []


def tell(sentence: str) -> None:
    """A note for a person, beside the result."""
    from wanctl.render.text.console import emit, err

    emit([f"note: {sentence}"], err())
