"""plan, apply, destroy: what changes, and making it so."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from enum import IntEnum, StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wanctl.cli.app import BaseUrl, Environment, Folder, NoCache, app
from wanctl.cli.asking import confirmed
from wanctl.cli.opening import open_project, parse_address
from wanctl.cli.publishing import (
    Link,
    OutHtml,
    OutJson,
    OutMarkdown,
    Outputs,
    OutText,
    PlanFormatOption,
    checked_link,
    same_project,
)
from wanctl.report.formats import PlanFormat

if TYPE_CHECKING:
    from wanctl.engine.converge import Outcome, Patience
    from wanctl.plan import Plan, Step


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

IgnoreWindows = Annotated[
    bool, typer.Option("--ignore-windows", help="Go on although the windows of wanctl.yaml are closed.")
]


@app.command()
def plan(
    folder: Folder = None,
    environment: Environment = None,
    base_url: BaseUrl = None,
    format_: PlanFormatOption = PlanFormat.TEXT,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Save the plan for apply.")
    ] = None,
    out_text: OutText = None,
    out_markdown: OutMarkdown = None,
    out_json: OutJson = None,
    out_html: OutHtml = None,
    link: Link = None,
    digest: Annotated[
        bool, typer.Option("--digest", help="Print only the plan's digest, for apply --approve.")
    ] = False,
    detailed: Detailed = False,
    no_cache: NoCache = False,
) -> None:
    """Show what apply would do. Reads the account; changes nothing, locks nothing."""
    files = {
        PlanFormat.TEXT: out_text,
        PlanFormat.MARKDOWN: out_markdown,
        PlanFormat.JSON: out_json,
        PlanFormat.HTML: out_html,
    }
    options = same_project(folder, environment, base_url)
    outputs = Outputs(format_, files, out, checked_link(link), options)
    try:
        project = open_project(folder, environment, base_url, no_cache=no_cache)
        made = project.plan()
    except Exception as error:
        outputs.publish_failure(error)
        raise
    code = plan_code(made, detailed=detailed)
    if digest and code is not Exit.FAILED:
        outputs.publish_files(made, project)
        sys.stdout.write(made.digest + "\n")
    else:
        outputs.publish(made, project)
    raise typer.Exit(code)


@app.command()
def apply(
    saved: Annotated[
        Path | None, typer.Argument(metavar="PLAN.json", help="A plan saved by plan --out.")
    ] = None,
    folder: Folder = None,
    environment: Environment = None,
    base_url: BaseUrl = None,
    yes: Yes = False,
    wait: Wait = None,
    max_wait: MaxWait = None,
    lock_wait: LockWait = None,
    format_: FormatOption = Format.TEXT,
    digest: Annotated[
        str | None,
        typer.Option("--approve", metavar="DIGEST", help="The digest of the plan that was reviewed."),
    ] = None,
    detailed: Detailed = False,
    no_cache: NoCache = False,
    ignore_windows: IgnoreWindows = False,
) -> None:
    """Plan, ask, and converge the account. Uploads, trains, exports, deploys, scales, deletes."""
    patience, queue = patience_of(wait, max_wait), _span(lock_wait, "--lock-wait")
    approved = _approved(saved, digest)
    project = open_project(folder, environment, base_url, no_cache=no_cache)
    with watching() as watcher:
        approve = Approver(format_, "wanctl apply", yes=yes, display=watcher, approved=approved)
        outcome = project.apply(approve, patience, watcher, lock_wait=queue, ignore_windows=ignore_windows)
    raise typer.Exit(finish(outcome, approve, format_, detailed=detailed))


@app.command()
def destroy(
    addresses: Annotated[
        list[str] | None,
        typer.Argument(metavar="KIND/NAME", help="What to destroy (default: every Deployment)."),
    ] = None,
    folder: Folder = None,
    environment: Environment = None,
    base_url: BaseUrl = None,
    yes: Yes = False,
    wait: Wait = None,
    max_wait: MaxWait = None,
    lock_wait: LockWait = None,
    format_: FormatOption = Format.TEXT,
    detailed: Detailed = False,
    ignore_windows: IgnoreWindows = False,
) -> None:
    """Delete deployments (all, or those named). Jobs and datasets are worth money: only by name."""
    doomed = [parse_address(text) for text in addresses or []]
    patience, queue = patience_of(wait, max_wait), _span(lock_wait, "--lock-wait")
    project = open_project(folder, environment, base_url)
    with watching() as watcher:
        approve = Approver(format_, "wanctl destroy", yes=yes, display=watcher)
        outcome = project.apply(approve, patience, watcher, doomed, queue, ignore_windows=ignore_windows)
    raise typer.Exit(finish(outcome, approve, format_, detailed=detailed))


def _json(value: Any) -> str:
    import json

    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def plan_code(made: "Plan", *, detailed: bool) -> Exit:
    from wanctl.plan import Status

    if made.status is Status.ERROR:
        return Exit.FAILED
    if not detailed or made.status is Status.CONVERGED:
        return Exit.DONE
    waiting = made.status in {Status.IN_PROGRESS, Status.WAITING_FOR_PERSON}
    return Exit.WAITING if waiting else Exit.CHANGES


def patience_of(wait: bool | None, max_wait: str | None) -> "Patience":
    from wanctl.engine.converge import LONGEST_WAIT, Patience

    longest = LONGEST_WAIT
    if max_wait is not None:
        if wait is False:
            raise typer.BadParameter("--max-wait and --no-wait exclude each other")
        longest = _span(max_wait, "--max-wait")
    waits = wait if wait is not None else (max_wait is not None or sys.stdout.isatty())
    return Patience(waits, longest)


def _span(text: str | None, option: str) -> timedelta:
    """A duration as it is written; none at all where nothing is."""
    if text is None:
        return timedelta()
    from wanctl.spec.settings import parse_duration

    try:
        return timedelta(seconds=parse_duration(text))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def watching() -> "AbstractContextManager[Any]":
    from wanctl.report.console import err
    from wanctl.report.progress import LiveDisplay, TimedLines

    console = err()
    return LiveDisplay(console) if console.is_terminal else nullcontext(TimedLines(console))


def _approved(path: Path | None, digest: str | None) -> "Callable[[Plan], None] | None":
    """What holds the plan that is made now against the one that was reviewed; None where none was."""
    from wanctl.project.approved import checked_digest, load_plan, require_digest, require_same

    if path is not None and digest is not None:
        raise typer.BadParameter("a saved plan and --approve exclude each other", param_hint="--approve")
    if path is not None:
        return partial(require_same, load_plan(path))
    return partial(require_digest, checked_digest(digest)) if digest is not None else None


class Approver:
    """Shows the plan that is about to run, and asks; a plan that was reviewed answers for a person."""

    def __init__(
        self,
        format_: Format,
        command: str,
        *,
        yes: bool,
        display: Any,
        approved: "Callable[[Plan], None] | None" = None,
        otherwise: str = "look at wanctl plan, then apply with --yes or a saved plan",
    ) -> None:
        self._format, self.command, self._otherwise = format_, command, otherwise
        self._yes, self._approved, self._display = yes, approved, display
        self.shown = False
        self.said_yes = False  # calls may be made from then on

    def __call__(self, made: "Plan", steps: "tuple[Step, ...]") -> bool:
        if self._approved is not None:
            self._require(self._approved, made)
        if not steps:
            return True  # nothing is started
        if self._format is Format.TEXT:
            self._show(made, steps)
        if self._yes or self._approved is not None:
            self.said_yes = True
            return True
        from wanctl.report.text import question

        with getattr(self._display, "paused", nullcontext)():
            self.said_yes = confirmed(question(steps), self._otherwise)
        return self.said_yes

    def _require(self, approved: "Callable[[Plan], None]", made: "Plan") -> None:
        """Of a digest nobody can say what differs: the plan made now is shown instead."""
        from wanctl.project.approved import DigestDiffers

        try:
            approved(made)
        except DigestDiffers:
            if self._format is Format.JSON:
                sys.stdout.write(_json(made.as_json()))
            else:
                self._show(made)
            raise

    def _show(self, made: "Plan", steps: "tuple[Step, ...] | None" = None) -> None:
        from wanctl.report.console import columns, emit
        from wanctl.report.text import plan_lines

        emit(plan_lines(made, command=self.command, run=steps, columns=columns()))
        self.shown = True


def finish(outcome: "Outcome | None", approver: Approver, format_: Format, *, detailed: bool) -> Exit:
    from wanctl.plan import Status
    from wanctl.report.console import columns, emit
    from wanctl.report.outcome import outcome_json, outcome_lines

    if outcome is None:
        emit(["Not approved; nothing was done."])
        return Exit.FAILED
    if format_ is Format.JSON:
        sys.stdout.write(_json(outcome_json(outcome)))
    else:
        emit(outcome_lines(outcome, approver.command, plan_shown=approver.shown, columns=columns()))
    status = outcome.plan.status
    if outcome.failures or outcome.unapproved or status in {Status.ERROR, Status.BLOCKED}:
        return Exit.FAILED
    return plan_code(outcome.plan, detailed=detailed)
