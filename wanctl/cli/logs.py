"""logs: what a training writes, as far as it is, and while it goes on."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from wanctl.cli.app import app
from wanctl.cli.options import (
    AccountOptions,
    Exit,
    Format,
    FormatOption,
    complete_training,
    grouped,
    open_project,
    span,
)

if TYPE_CHECKING:
    from wanctl.address import Address
    from wanctl.project import Project
    from wanctl.project.logs import LogLine, TrainingLog
    from wanctl.studio.training_log import LogStart

_INTERRUPTED = "Nothing is lost: the training goes on, whoever looks. To go on looking: the same command."


@app.command()
@grouped
def logs(
    place: AccountOptions,
    address: Annotated[
        str,
        typer.Argument(
            metavar="FINETUNE",
            help="Whose: FineTune/NAME, its name, or a job's ID.",
            autocompletion=complete_training,
        ),
    ],
    follow: Annotated[
        bool, typer.Option("-f", "--follow", help="Go on until the training is over; wait for it to begin.")
    ] = False,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="2h",
            help="From there on: a span before now or before its end, 'line 40', or a time.",
        ),
    ] = None,
    every: Annotated[str, typer.Option("--every", metavar="15s", help="How often -f looks.")] = "15s",
    format_: FormatOption = Format.TEXT,
) -> None:
    """Show a training's log, with progress and the time that is left. Of finished trainings, too.

    The lines go to standard output, how far it is to standard error; in JSON both are objects on standard
    output, one a line. With -f it ends with 1 if the training failed or was canceled.
    """
    from wanctl.base.running import Interrupted, run
    from wanctl.project.logs import read_log, whose_log
    from wanctl.render.text.console import emit, err

    start, pause = _start(since), max(1.0, span(every, "--every").total_seconds())
    project = open_project(place)
    wanted = whose_log(project, address)
    if not follow:
        log = run(read_log(project, wanted))
        _show(log, log.numbered(log.first_wanted(start)), format_)
        return
    try:
        last = run(_follow(project, wanted, start, pause, format_))
    except Interrupted as interrupted:
        emit([_INTERRUPTED], err())
        raise typer.Exit(128 + interrupted.signal) from None
    raise typer.Exit(Exit.DONE if last is None or last.job.succeeded else Exit.FAILED)


def _start(since: str | None) -> "LogStart | None":
    if since is None:
        return None
    from wanctl.studio.training_log import LogStart

    try:
        return LogStart.parse(since)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--since") from error


def _show(log: "TrainingLog", lines: "tuple[LogLine, ...]", format_: Format) -> None:
    from wanctl.render.text.console import emit, err
    from wanctl.render.text.logs import spell_training

    if format_ is Format.JSON:
        _write(*(line.as_json() for line in lines), log.as_json())
        return
    emit(line.text for line in lines)
    emit([spell_training(log.step)], err())


async def _follow(
    project: "Project", wanted: "Address | str", start: "LogStart | None", pause: float, format_: Format
) -> "TrainingLog | None":
    """Until the training is over: the log as it was last."""
    from wanctl.project.logs import followed
    from wanctl.render.text.console import emit, err
    from wanctl.render.text.logs import log_display

    log: TrainingLog | None = None
    if format_ is Format.JSON:
        said: dict[str, object] = {}
        async for log, lines in followed(project, wanted, start, pause, lambda line: emit([line], err())):
            state = log.as_json()
            _write(*(line.as_json() for line in lines), *([state] if state != said else []))
            said = state
        return log
    with log_display() as display:
        async for log, lines in followed(project, wanted, start, pause, display.say):
            display.show([line.text for line in lines], log.step, log.seen_at)
    return log


def _write(*objects: object) -> None:
    from wanctl.render.visible import json_line

    sys.stdout.writelines(map(json_line, objects))
    sys.stdout.flush()
