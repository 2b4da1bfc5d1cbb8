"""plan: show what apply would do."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from wanctl.cli.app import app
from wanctl.cli.options import (
    AccountOptions,
    Detailed,
    Exit,
    NoCache,
    grouped,
    offline_code,
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
)
from wanctl.render.options import PlanFormat

if TYPE_CHECKING:
    from wanctl.project import Project


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
    offline: Annotated[
        bool,
        typer.Option(
            "--offline", help="Tell what the specs alone tell: no key, no network, nothing to apply."
        ),
    ] = False,
    detailed: Detailed = False,
    no_cache: NoCache = False,
) -> None:
    """Show what apply would do. Reads the account; changes nothing, locks nothing."""
    if offline and (out or digest):
        raise typer.BadParameter(
            "excludes --out and --digest: without the account there is no plan that could be applied",
            param_hint="--offline",
        )
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
        if offline:
            _tell_offline(project, outputs, detailed=detailed)
        made = project.plan()
    except typer.Exit:
        raise
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


def _tell_offline(project: "Project", outputs: Outputs, *, detailed: bool) -> NoReturn:
    from wanctl.project.offline import planned_offline

    outputs.publish_offline(
        planned_offline(project, "neither the account nor the network was asked"), project
    )
    raise typer.Exit(offline_code(detailed=detailed))
