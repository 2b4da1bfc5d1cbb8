"""try: deploy a checkpoint for a while, list what is tried, end it sooner."""

import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from wanctl.cli.app import app
from wanctl.cli.approving import Approver, finish, watching
from wanctl.cli.options import (
    AccountOptions,
    Exit,
    Format,
    FormatOption,
    LockWait,
    MaxWait,
    Wait,
    Yes,
    grouped,
    open_project,
    patience_of,
    span,
)
from wanctl.cli.publishing import failures_told
from wanctl.render.options import Command

if TYPE_CHECKING:
    from wanctl.project import Project
    from wanctl.project.trying import TrialResult

FREE = "Deploying is free of charge; each call of it is billed as one of the base model."


@app.command("try")
@grouped
def try_(
    place: AccountOptions,
    checkpoint: Annotated[
        str | None, typer.Argument(metavar="CHECKPOINT", help="Whose training: Checkpoint/NAME, or its name.")
    ] = None,
    label: Annotated[
        str | None, typer.Argument(metavar="checkpoint-160", help="The checkpoint that is to be tried.")
    ] = None,
    lasts: Annotated[
        str, typer.Option("--for", metavar="2h", help="How long it stays, from when it serves.")
    ] = "2h",
    like: Annotated[
        str | None,
        typer.Option(
            "--like", metavar="DEPLOYMENT", help="Whose aigc_config it gets (default: the only one)."
        ),
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="List what is tried, and until when.")] = False,
    end: Annotated[str | None, typer.Option("--end", metavar="NAME", help="Delete this trial now.")] = None,
    yes: Yes = False,
    wait: Wait = None,
    max_wait: MaxWait = None,
    lock_wait: LockWait = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Deploy a checkpoint for a while, beside what serves. Deleted afterwards by the next apply."""
    from wanctl.project.trying import TrialRequest, begin_trial, end_trial

    waits = True if wait is None and max_wait is None else wait  # an export alone is no trial
    patience, queue = patience_of(waits, max_wait), span(lock_wait, "--lock-wait")
    options = place.given()
    with failures_told(format_, options):
        project = open_project(place)
        if listing:
            _list(project, format_)
            return
        with watching() as display:
            approve = Approver(format_, Command.TRY, yes=yes, display=display)
            if end is not None:
                ended = end_trial(project, end, approve, patience, display, queue)
                raise typer.Exit(finish(ended, approve, format_, detailed=False))
            if checkpoint is None or label is None:
                raise typer.BadParameter("name a Checkpoint and one of its checkpoints, or --list, or --end")
            asked = TrialRequest(checkpoint, label, _lasting(lasts), like)
            if format_ is Format.TEXT:
                _say(FREE)
            found = begin_trial(project, asked, approve, patience, display, queue)
    raise typer.Exit(_finish(found, approve, format_))


def _lasting(text: str) -> timedelta:
    return span(text, "--for")


def _say(sentence: str) -> None:
    from wanctl.render.text.console import emit, err

    emit([sentence], err())


def _finish(found: "TrialResult", approve: Approver, format_: Format) -> Exit:
    """The name is the product; what is said around it goes beside."""
    from wanctl.render.visible import json_text

    if not found.deployed_model or not found.result.ok:
        return finish(found.result, approve, format_, detailed=False)
    until = f"{found.trial.until:%Y-%m-%d %H:%M}"
    if format_ is Format.JSON:
        made = {
            "address": str(found.address),
            "deployed_model": found.deployed_model,
            "checkpoint": found.trial.checkpoint,
            "label": found.trial.label,
            "until": found.trial.until.isoformat(),
        }
        sys.stdout.write(json_text(made))
        return Exit.DONE
    _say(f"{found.address} serves {found.trial.label} until {until}; an apply after that deletes it.")
    sys.stdout.write(f"{found.deployed_model}\n")
    return Exit.DONE


def _list(project: "Project", format_: Format) -> None:
    from wanctl.project.trying import standing_trials
    from wanctl.render.visible import json_text

    found = standing_trials(project)
    if format_ is Format.JSON:
        sys.stdout.write(json_text({"trials": [one.to_dict() for one in found]}))
        return
    width = max((len(str(one.address)) for one in found), default=0)
    for one in found:
        named = one.deployed_model or "—"
        until = f"{one.trial.until:%Y-%m-%d %H:%M}"
        sys.stdout.write(
            f"{str(one.address).ljust(width)}  {one.trial.label}  until {until}  {one.status}  {named}\n"
        )
    if not found:
        _say("Nothing is tried.")
