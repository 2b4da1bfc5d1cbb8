"""prune: delete what is ours, live, and in no spec."""

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from wanctl.cli.app import BaseUrl, Environment, Folder, NoCache, app
from wanctl.cli.approving import Approver, finish, watching
from wanctl.cli.opening import open_project
from wanctl.cli.options import (
    Detailed,
    Exit,
    Format,
    FormatOption,
    MaxWait,
    Wait,
    Yes,
    patience_of,
    plan_code,
)

if TYPE_CHECKING:
    from wanctl.plan import Plan

COMMAND = "wanctl prune"


@app.command()
def prune(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID|KIND/NAME", help="The orphans that are to go (default: list them)."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All of them, but what is in flight: that goes only by name.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan only.")] = False,
    folder: Folder = None,
    environment: Environment = None,
    base_url: BaseUrl = None,
    yes: Yes = False,
    wait: Wait = None,
    max_wait: MaxWait = None,
    format_: FormatOption = Format.TEXT,
    detailed: Detailed = False,
    no_cache: NoCache = False,
) -> None:
    """Delete orphans: uploads, trainings and deployments of ours that are in no spec."""
    from wanctl.project.pruning import Choice, pruning_plan
    from wanctl.project.pruning import prune as prune_orphans

    if names and everything:
        raise typer.BadParameter("give names or --all, not both", param_hint="--all")
    patience = patience_of(wait, max_wait)
    choice = Choice(tuple(names or ()), everything)
    project = open_project(folder, environment, base_url, no_cache=no_cache)
    if dry_run or not (names or everything):
        made = pruning_plan(project, choice)
        _show(made, format_)
        raise typer.Exit(plan_code(made, detailed=detailed))
    with watching() as watcher:
        approve = Approver(
            format_,
            COMMAND,
            yes=yes,
            display=watcher,
            otherwise="look at it with --dry-run, then prune with --yes",
        )
        outcome = prune_orphans(project, choice, approve, patience, watcher)
    if outcome and not outcome.plan.steps and not outcome.plan.findings and format_ is Format.TEXT:
        _show(outcome.plan, format_)
        raise typer.Exit(Exit.DONE)
    raise typer.Exit(finish(outcome, approve, format_, detailed=detailed))


def _show(made: "Plan", format_: Format) -> None:
    from wanctl.report.console import columns, emit
    from wanctl.report.prune import orphan_lines
    from wanctl.report.text import plan_lines

    if format_ is Format.JSON:
        sys.stdout.write(json.dumps(made.as_json(), indent=2, ensure_ascii=False) + "\n")
    else:
        emit(
            plan_lines(made, command=COMMAND, columns=columns())
            if made.steps or made.findings
            else orphan_lines(made)
        )
