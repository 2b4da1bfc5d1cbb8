"""sandbox serve | status | advance | reset | call | rig | faults: the embedded Model Studio, to rehearse."""

import json
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wanctl.cli.app import app
from wanctl.cli.options import Format, FormatOption, SpecsOptions, grouped, open_project

if TYPE_CHECKING:
    from wanctl.project import Project
    from wanctl.sandbox import Sandbox

sandbox = typer.Typer(no_args_is_help=True, help="The embedded Model Studio: no key, no network, no bill.")
app.add_typer(sandbox, name="sandbox")
faults = typer.Typer(
    invoke_without_command=True, help="What goes wrong with calls: slowness, errors, lost answers."
)
sandbox.add_typer(faults, name="faults")


@contextmanager
def _opened(place: SpecsOptions) -> "Iterator[tuple[Project, Sandbox]]":
    """The project and its sandbox, which is closed at the end."""
    from wanctl.project.provider import open_sandbox

    project = open_project(place)
    with closing(open_sandbox(project.desired.settings, project.state)) as opened:
        yield project, opened


@sandbox.command()
@grouped
def serve(
    place: SpecsOptions,
    host: Annotated[str, typer.Option(metavar="HOST", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="PORT", help="The port to listen on.")] = 8787,
) -> None:
    """Serve the sandbox over HTTP. For curl, the SDKs, or another wanctl."""
    from wanctl.cli import runs_on

    runs_on()
    import uvicorn

    from wanctl.render.text.console import emit, err

    with _opened(place) as (_, opened):
        emit([f"Model Studio sandbox on http://{host}:{port} (any key works); Ctrl-C ends it."], err())
        uvicorn.run(opened.app, host=host, port=port, log_level="warning")


@sandbox.command()
@grouped
def status(place: SpecsOptions, format_: FormatOption = Format.TEXT) -> None:
    """Show the objects in the sandbox, and its time."""
    from wanctl.render.text.console import emit
    from wanctl.render.text.sandbox import sandbox_lines
    from wanctl.render.visible import json_text

    with _opened(place) as (_, opened):
        found = opened.status()
    if format_ is Format.JSON:
        sys.stdout.write(json_text(found))
    else:
        emit(sandbox_lines(found))


@sandbox.command()
@grouped
def advance(
    place: SpecsOptions,
    span: Annotated[str, typer.Argument(metavar="SPAN", help="How far: 90s, 20m, 5h, 2d.")],
) -> None:
    """Move the sandbox's clock. Trainings end, previews expire."""
    from wanctl.base.values import parse_duration
    from wanctl.render.text.console import emit

    try:
        seconds = parse_duration(span)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    with _opened(place) as (_, opened):
        opened.advance(timedelta(seconds=seconds))
        now = opened.now()
    emit([f"It is {now:%Y-%m-%d %H:%M:%S} in the sandbox."])


@sandbox.command()
@grouped
def reset(place: SpecsOptions) -> None:
    """Empty the sandbox. The ledger is set aside, since it speaks of what is gone."""
    from wanctl.project.errors import ProjectError
    from wanctl.project.provider import embedded
    from wanctl.render.text.console import emit

    with _opened(place) as (project, opened):
        opened.reset()
    if not embedded(project.desired.settings):
        raise ProjectError("this environment does not use the embedded sandbox; its ledger stays")
    aside = project.store.set_aside()
    emit([f"The sandbox is empty.{f' The ledger was set aside as {aside}.' if aside else ''}"])


@sandbox.command()
@grouped
def call(
    place: SpecsOptions,
    method: Annotated[str, typer.Argument(metavar="METHOD", help="GET, POST, PUT or DELETE.")],
    path: Annotated[str, typer.Argument(metavar="PATH", help="e.g. /api/v1/deployments")],
    body: Annotated[str | None, typer.Option("--json", metavar="JSON", help="The body, as JSON.")] = None,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="A file to upload, as purpose fine-tune.")
    ] = None,
) -> None:
    """Call the API as somebody else would. Anybody in the account."""
    _call(place, method, path, body, file)


@sandbox.command()
@grouped
def rig(
    place: SpecsOptions,
    what: Annotated[str, typer.Argument(metavar="JSON", help='e.g. {"next_job": "FAILED"}')],
) -> None:
    """Arrange what happens to objects. Failures, arrears, outages, quirks of the service."""
    _call(place, "POST", "/_sandbox/rig", what)


def _call(place: SpecsOptions, method: str, path: str, body: str | None, file: Path | None = None) -> None:
    import httpx

    from wanctl.base.running import run
    from wanctl.project.errors import ProjectError
    from wanctl.project.provider import call_sandbox

    try:
        data = json.loads(body) if body is not None else None
    except ValueError as error:
        raise ProjectError(f"--json is not JSON: {error}") from error
    upload = (file.name, file.read_bytes()) if file else None
    with _opened(place) as (_, opened):
        try:
            code, answer = run(call_sandbox(opened, method.upper(), path, data, upload))
        except httpx.TransportError as error:
            raise ProjectError(f"{method.upper()} {path}: {error}") from error
    sys.stdout.write(f"{code} {answer}\n")
    raise typer.Exit(0 if code < 400 else 1)


@faults.callback()
@grouped
def list_faults(
    place: SpecsOptions,
    context: typer.Context,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Arrange what happens to calls. Without a command: lists the rules, and how often each fired."""
    from wanctl.render.text.console import emit
    from wanctl.render.text.sandbox import fault_lines
    from wanctl.render.visible import json_text

    if context.invoked_subcommand:
        return
    with _opened(place) as (_, opened):
        found = opened.faults()
    if format_ is Format.JSON:
        sys.stdout.write(json_text(found))
    else:
        emit(fault_lines(found))


@faults.command("add")
@grouped
def add_fault(
    place: SpecsOptions,
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="latency, throttled, busy, quota, status, reset, timeout, truncated, empty or kill.",
        ),
    ],
    method: Annotated[
        str | None, typer.Option(metavar="METHOD", help="GET, POST, PUT or DELETE; else any.")
    ] = None,
    path: Annotated[
        str | None, typer.Option(metavar="GLOB", help="A glob such as '/api/v1/fine-tunes*'; else any.")
    ] = None,
    nth: Annotated[
        int | None, typer.Option(metavar="N", help="The first matching call that it hits.")
    ] = None,
    count: Annotated[
        str | None,
        typer.Option(metavar="N|all", help="How often; else the nth alone, or all if no --nth."),
    ] = None,
    probability: Annotated[
        float | None, typer.Option(metavar="P", help="Of each matching call, 0 to 1.")
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Of the probability's dice.")] = None,
    when: Annotated[
        str | None, typer.Option(metavar="WHEN", help="before or after the call has had its effect.")
    ] = None,
    seconds: Annotated[float | None, typer.Option(metavar="SECONDS", help="latency: how long.")] = None,
    status: Annotated[int | None, typer.Option(metavar="CODE", help="status: which, 400 to 599.")] = None,
) -> None:
    """Arrange that calls fail, or their answers are late, broken or lost."""
    from wanctl.project.errors import ProjectError
    from wanctl.render.text.console import emit

    asked = {
        "method": method.upper() if method else None,
        "path": path,
        "nth": nth,
        "count": int(count) if count and count.isdecimal() else count,
        "probability": probability,
        "seed": seed,
        "when": when,
        "seconds": seconds,
        "status": status,
    }
    with _opened(place) as (_, opened):
        try:
            made = opened.add_fault(kind, **{key: value for key, value in asked.items() if value is not None})
        except ValueError as error:
            raise ProjectError(str(error)) from error
    emit([f"Fault {made} is arranged; `wanctl sandbox faults clear {made}` takes it back."])


@faults.command("clear")
@grouped
def clear_faults(
    place: SpecsOptions,
    fault: Annotated[str | None, typer.Argument(metavar="ID", help="Which one; else all.")] = None,
) -> None:
    """Take one rule back, or all of them."""
    from wanctl.base.words import counted
    from wanctl.project.errors import ProjectError
    from wanctl.render.text.console import emit

    with _opened(place) as (_, opened):
        cleared = opened.clear_faults(fault)
    if fault and not cleared:
        raise ProjectError(f"there is no fault {fault}", "`wanctl sandbox faults` lists them")
    emit([f"{counted(cleared, 'fault')} taken back."])
