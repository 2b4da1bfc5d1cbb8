"""plan and apply: what changes, and making it so."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wanctl.cli.app import app
from wanctl.cli.approving import Approver, approved_by, finish, watching
from wanctl.cli.options import (
    AccountOptions,
    Detailed,
    Exit,
    NoCache,
    RunOptions,
    grouped,
    open_project,
    plan_code,
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
)
from wanctl.render.options import Command, PlanFormat

if TYPE_CHECKING:
    from wanctl.plan import Plan


@app.command()
@grouped
def plan(
    place: AccountOptions,
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
    options = place.given()
    outputs = Outputs(format_, files, out, checked_link(link), options)
    try:
        project = open_project(place, no_cache=no_cache)
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
@grouped
def apply(
    place: AccountOptions,
    run: RunOptions,
    saved: Annotated[
        Path | None, typer.Argument(metavar="PLAN.json", help="A plan saved by plan --out.")
    ] = None,
    no_cache: NoCache = False,
) -> None:
    """Plan, ask, and converge the account. Uploads, trains, exports, deploys, scales, deletes."""
    run.check()
    options = place.given()
    with failures_told(run.format_, options):
        approved = _approved(saved, run.digest, in_words(Command.APPLY, options=options))
        project = open_project(place, no_cache=no_cache)
        with watching() as watcher:
            approve = Approver(run.format_, Command.APPLY, yes=run.yes, display=watcher, approved=approved)
            outcome = project.apply(
                approve, run.patience, watcher, lock_wait=run.queue, ignore_windows=run.ignore_windows
            )
    raise typer.Exit(finish(outcome, approve, run.format_, detailed=run.detailed))


def _approved(path: Path | None, digest: str | None, exactly: str) -> "Callable[[Plan], None] | None":
    """The check that the plan made now is the reviewed one; None where no plan was reviewed."""
    from wanctl.project.approved import load_plan, require_same

    if path is not None and digest is not None:
        raise typer.BadParameter("a saved plan and --approve exclude each other", param_hint="--approve")
    if path is not None:
        return partial(require_same, load_plan(path))
    return approved_by(digest, exactly)
