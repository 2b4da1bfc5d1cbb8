"""The options that several commands have, what they mean, and the exit codes."""

import sys
from datetime import timedelta
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wanctl.engine.converge import Patience
    from wanctl.plan import Plan


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
    from wanctl.language.scalars import parse_duration

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
