"""plan and apply: what changes, and making it so."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wanctl.cli.app import BaseUrl, Environment, Folder, NoCache, app
from wanctl.cli.approving import Approver, approved_by, finish, watching
from wanctl.cli.opening import open_project
from wanctl.cli.options import (
    Approve,
    Detailed,
    Exit,
    Format,
    FormatOption,
    IgnoreWindows,
    LockWait,
    MaxWait,
    Wait,
    Yes,
    patience_of,
    plan_code,
    span,
)
from wanctl.cli.publishing import (
    Link,
    OutHtml,
    OutJson,
    OutMarkdown,
    Outputs,
    OutText,
    PlanFormatOption,
    checked_link,
    failures_told,
    in_words,
    same_project,
)
from wanctl.render.options import Command, PlanFormat

if TYPE_CHECKING:
    from wanctl.plan import Plan


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
    digest: Approve = None,
    detailed: Detailed = False,
    no_cache: NoCache = False,
    ignore_windows: IgnoreWindows = False,
) -> None:
    """Plan, ask, and converge the account. Uploads, trains, exports, deploys, scales, deletes."""
    patience, queue = patience_of(wait, max_wait), span(lock_wait, "--lock-wait")
    options = same_project(folder, environment, base_url)
    with failures_told(format_, options):
        approved = _approved(saved, digest, in_words(Command.APPLY, options=options))
        project = open_project(folder, environment, base_url, no_cache=no_cache)
        with watching() as watcher:
            approve = Approver(format_, Command.APPLY, yes=yes, display=watcher, approved=approved)
            outcome = project.apply(
                approve, patience, watcher, lock_wait=queue, ignore_windows=ignore_windows
            )
    raise typer.Exit(finish(outcome, approve, format_, detailed=detailed))


def _approved(path: Path | None, digest: str | None, exactly: str) -> "Callable[[Plan], None] | None":
    """What holds the plan that is made now against the one that was reviewed; None where none was."""
    from wanctl.project.approved import load_plan, require_same

    if path is not None and digest is not None:
        raise typer.BadParameter("a saved plan and --approve exclude each other", param_hint="--approve")
    if path is not None:
        return partial(require_same, load_plan(path))
    return approved_by(digest, exactly)
