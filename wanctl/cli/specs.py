"""init, validate, schema, explain: begin a project, check its specs, say what they may hold. All offline."""

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wanctl.base.words import listed
from wanctl.cli.app import app
from wanctl.cli.options import Format, FormatOption, NoCache, SpecsOptions, Yes, grouped, open_project

if TYPE_CHECKING:
    from wanctl.init.answers import ProjectOptions

DEFAULT_MODEL, DEFAULT_REGION = "wan2.6-i2v", "singapore"


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where (default: here).")] = Path(),
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="The project's name (default: the folder's).")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="MODEL", help=f"The base model ({DEFAULT_MODEL}).")
    ] = None,
    region: Annotated[
        str | None, typer.Option("--region", metavar="REGION", help=f"The key's region ({DEFAULT_REGION}).")
    ] = None,
    workspace: Annotated[
        str | None,
        typer.Option("--workspace", metavar="ID", help="The workspace, if the region asks."),
    ] = None,
    forge: Annotated[
        str | None,
        typer.Option("--forge", metavar="github|gitlab|none", help="Whose CI to write a workflow for."),
    ] = None,
    pre_commit: Annotated[
        bool, typer.Option("--pre-commit", help="Validate before each commit, too.")
    ] = False,
    package: Annotated[
        str | None,
        typer.Option(
            "--package",
            metavar="PIN",
            help="What CI installs: git+https://…@COMMIT or a wheel (default: what this wanctl came from).",
        ),
    ] = None,
    yes: Yes = False,
) -> None:
    """Begin a project: specs, prompts, a place for data, a workflow for CI. Overwrites nothing."""
    from wanctl.init import answers

    asking = not yes and sys.stdin.isatty()
    if not asking and not yes and None in (name, model, region, forge):
        from wanctl.project.errors import ProjectError

        raise ProjectError(
            "nobody is here to ask", "name --name, --model, --region and --forge, or say --yes"
        )
    answers.check_folder(folder)
    ask = _ask if asking else _take
    name = ask("Name of the project", name, answers.name_for(folder), answers.check_project_name)
    model = ask("Base model to fine-tune", model, DEFAULT_MODEL, answers.check_model)
    region = ask("Region of the API key", region, DEFAULT_REGION, answers.check_region)
    if asking and not workspace and answers.needs_workspace(answers.check_region(region)):
        workspace = ask("Workspace", None, "", answers.check_workspace)
    workflows = listed(answers.forge_choices(), "or")
    forge = ask(f"CI workflow: {workflows}", forge, answers.forge_for(folder), answers.check_forge)
    if forge != answers.NO_FORGE:
        question = "What CI installs wanctl from, as git+https://HOST/PATH@COMMIT (empty: you write it later)"
        package = ask(question, package, answers.installed_from(), answers.check_package)
    options = answers.ProjectOptions(name, model, region, forge, workspace, pre_commit, package or "")
    _begin(options.checked(), folder)


def _begin(options: "ProjectOptions", folder: Path) -> None:
    from wanctl.init import scaffold
    from wanctl.project.local import shown_path
    from wanctl.render.text.console import emit, err

    scaffold.Scaffold.of(options, folder).require_room()
    if scaffold.begin_repository(folder):
        emit([f"git init {folder}"], err())
    planned = scaffold.Scaffold.of(options, folder)
    emit((f"wrote {shown_path(path)}" for path in planned.write()), err())
    where = None if planned.folder == Path.cwd() else shown_path(planned.folder)
    workflow = None
    if planned.workflow:
        workflow = os.path.relpath(planned.workflow, planned.folder)  # after the cd
    elsewhere = [
        os.path.relpath(path, planned.folder)
        for path in planned.files
        if not path.is_relative_to(planned.folder)
    ]
    emit(_next_steps(options, workflow, where, [".", *elsewhere]))


def _take(_: str, given: str | None, default: str, __: Callable[[str], Any]) -> str:
    return given or default


def _ask(question: str, given: str | None, default: str, check: Callable[[str], Any]) -> str:
    """The value given on the command line, else a person's answer, asked for until it is valid."""
    from wanctl.project.errors import ProjectError
    from wanctl.render.text.console import emit, err

    while given is None:
        said = str(typer.prompt(question, default=default, show_default=bool(default), err=True)).strip()
        try:
            check(said)
        except ProjectError as error:
            emit([str(error)], err())
        else:
            return said
    return given


def _next_steps(
    options: "ProjectOptions", workflow: str | None, where: str | None, new: list[str]
) -> list[str]:
    """The next steps: commands that work as they stand, once the data is there."""
    missing = workflow and not options.package
    return [
        "",
        "Next:",
        *([f"  cd {shlex.quote(where)}"] if where else []),
        *([f"  write into {workflow} what CI installs wanctl from: WANCTL_PACKAGE"] if missing else []),
        "  put clips, frames and data.jsonl into data/train (data/README.md shows the form)",
        "  wanctl validate                  # until then it says that data/train is not there",
        "  wanctl --env rehearsal plan      # in the embedded sandbox: no key, no bill",
        f"  git add {shlex.join(new)} && git commit -m 'A wanctl project'",
        *_last_steps(options.forge),
    ]


def _last_steps(name: str) -> tuple[str, ...]:
    from wanctl.forge.registry import forge_named

    remote = "  git remote add origin … && git push -u origin HEAD      #"
    if forge := forge_named(name):
        return (f"{remote} if there is none yet", *forge.next_steps)
    return (f"{remote} the ledger is a branch there", "  export DASHSCOPE_API_KEY=… && wanctl plan")


@app.command()
@grouped
def validate(
    place: SpecsOptions,
    format_: FormatOption = Format.TEXT,
    no_cache: NoCache = False,
) -> None:
    """Check specs and datasets, offline. Every error at once, with its place."""
    from wanctl.language.findings import SpecErrors, rendered
    from wanctl.render.text.console import columns, emit, err
    from wanctl.render.visible import json_text

    try:
        project = open_project(place, no_cache=no_cache)
    except SpecErrors as error:
        if format_ is not Format.JSON:
            raise
        from wanctl.render.json.documents import validation_json

        sys.stdout.write(json_text(validation_json(error.diagnostics)))
        raise typer.Exit(1) from None
    found = project.validate()
    if format_ is Format.JSON:
        sys.stdout.write(json_text(found.to_dict()))
    else:
        room = columns(err())
        emit((rendered(one, room) if room else rendered(one) for one in found.diagnostics), err())
        emit([found.sentence()])
    raise typer.Exit(0 if found.valid else 1)


@app.command()
def schema(
    plan: Annotated[
        bool, typer.Option("--plan", help="The schema of plan --format json instead, for programs.")
    ] = False,
) -> None:
    """Print the JSON Schema of the specs. For editors."""
    from wanctl.render.visible import json_text

    if plan:
        from wanctl.render.json.schema import plan_schema as made
    else:
        from wanctl.language.schema import json_schema as made

    sys.stdout.write(json_text(made()))


@app.command()
def explain(
    path: Annotated[str | None, typer.Argument(metavar="PATH", help="e.g. FineTune.hyper_parameters")] = None,
) -> None:
    """Document a kind or a field. From the models that read it."""
    from wanctl.language.explain import explain as explanation
    from wanctl.render.text.console import emit

    emit([explanation(path or "").render()])
