"""compare: the same inputs through two deployments or checkpoints, side by side."""

import sys
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wanctl.cli.app import app
from wanctl.cli.approving import Approver, confirmed, watching
from wanctl.cli.options import (
    AccountOptions,
    Format,
    FormatOption,
    LockWait,
    Yes,
    grouped,
    host_of,
    open_project,
    span,
)
from wanctl.render.options import Command

if TYPE_CHECKING:
    from wanctl.generation.batch import BatchRow, RowResult
    from wanctl.generation.result import PreparedVideo, VideoResult
    from wanctl.project import Project
    from wanctl.project.comparing import ComparedSide
    from wanctl.project.host import Host


@dataclass(frozen=True)
class SameOptions:
    """What all sides are asked for alike."""

    prompt: Annotated[str | None, typer.Option("--prompt", metavar="TEXT", help="What is to be seen.")] = None
    negative_prompt: Annotated[
        str | None, typer.Option("--negative-prompt", metavar="TEXT", help="What is not to be seen.")
    ] = None
    duration: Annotated[float | None, typer.Option("--duration", metavar="S", help="Seconds.")] = None
    resolution: Annotated[
        str | None, typer.Option("--resolution", metavar="LEVEL", help="480P, 720P or 1080P.")
    ] = None
    seed: Annotated[int | None, typer.Option("--seed", metavar="N", help="For all of them (default: 1).")] = (
        None
    )

    def said(self) -> dict[str, Any]:
        """What was given."""
        return {one.name: value for one in fields(self) if (value := getattr(self, one.name)) is not None}


@dataclass(frozen=True)
class TrialOptions:
    """How checkpoints are deployed to be compared."""

    of: Annotated[
        str | None, typer.Option("--of", metavar="CHECKPOINT", help="Whose checkpoints: Checkpoint/NAME.")
    ] = None
    lasts: Annotated[str, typer.Option("--for", metavar="2h", help="How long deployed checkpoints stay.")] = (
        "2h"
    )
    like: Annotated[
        str | None, typer.Option("--like", metavar="DEPLOYMENT", help="Whose aigc_config they get.")
    ] = None
    lock_wait: LockWait = None


@dataclass(frozen=True)
class ComparisonPlaces:
    """Where a comparison's videos and its page go."""

    videos: Annotated[
        Path | None,
        typer.Option("--videos", metavar="DIR", help="Where videos are kept (default: as of generate)."),
    ] = None
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIR", help="Where the page goes (default: .wanctl/comparisons/)."),
    ] = None
    at_once: Annotated[
        int | None, typer.Option("--at-once", metavar="N", min=1, help="So many videos at the same time.")
    ] = None


@app.command()
@grouped
def compare(
    place: AccountOptions,
    sides: Annotated[
        list[str],
        typer.Argument(
            metavar="SIDE", help="Deployment/NAME, a deployed model, or checkpoint-160; two or more."
        ),
    ],
    images: Annotated[
        list[str],
        typer.Option(
            "--images", metavar="FILE", help="A folder, images, a .csv or .jsonl (may be repeated)."
        ),
    ],
    same: SameOptions,
    trials: TrialOptions,
    where: ComparisonPlaces,
    yes: Yes = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would cost; make nothing.")] = False,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Make the same videos with each, and show them side by side. What is there already is not paid again."""
    from wanctl.base.running import run
    from wanctl.project.comparing import sides_of

    project, host = open_project(place), host_of(place)
    wanted = sides_of(project, sides)
    if any(one.model is None for one in wanted):
        wanted = _deployed(project, wanted, trials, yes=yes, dry_run=dry_run)
    if len(wanted) < len(sides):
        _say("A side that is not deployed yet has its videos priced once it is, before they are made.")
    if not wanted:
        return
    work = _Comparison(project, host, wanted, where, format_, yes=yes, dry_run=dry_run)
    run(work.carried_out(images, same.said()))


def _deployed(
    project: "Project", sides: "tuple[ComparedSide, ...]", how: TrialOptions, *, yes: bool, dry_run: bool
) -> "tuple[ComparedSide, ...]":
    """Each checkpoint in a deployment of its own, for a while. A dry run leaves out those that have none."""
    from wanctl.engine.converge import Patience
    from wanctl.project.comparing import chosen_of
    from wanctl.project.errors import ProjectError
    from wanctl.project.trying import TrialRequest, begin_trial, standing_trials

    of, lasts = chosen_of(project, how.of), span(how.lasts, "--for")
    served = {
        (one.trial.checkpoint, one.trial.label): one.deployed_model
        for one in standing_trials(project)
        if one.serves
    }
    found = []
    for side in sides:
        known = side.model or served.get((of, side.label))
        if known is None and dry_run:
            _say(f"{side.label} would be deployed for {how.lasts}, which is free of charge.")
            continue
        if known is None:
            with watching() as display:
                approve = Approver(Format.TEXT, Command.TRY, yes=yes, display=display)
                asked = TrialRequest(of, side.label, lasts, how.like)
                queue = span(how.lock_wait, "--lock-wait")
                trial = begin_trial(project, asked, approve, Patience(waits=True), display, queue)
            if trial.deployed_model is None:
                raise ProjectError(f"{side.label} could not be deployed", f"wanctl try {of} {side.label}")
            known = trial.deployed_model
            _say(f"{trial.address} serves {side.label} until {trial.trial.until:%Y-%m-%d %H:%M}")
        found.append(side.served_by(known))
    return tuple(found)


def _say(sentence: str) -> None:
    from wanctl.render.text.console import emit, err

    emit([sentence], err())


@dataclass(frozen=True)
class _Comparison:
    """One comparison, whose sides all serve."""

    project: "Project"
    host: "Host"
    sides: "tuple[ComparedSide, ...]"
    where: ComparisonPlaces
    format_: Format
    yes: bool
    dry_run: bool

    async def carried_out(self, images: list[str], same: dict[str, Any]) -> None:
        from wanctl.generation.batch import usual_at_once
        from wanctl.generation.records import VideoFolder
        from wanctl.project.comparing import (
            compared_rows,
            prepared_rows,
            review_of,
            still_to_pay,
            written_comparison,
        )
        from wanctl.project.generating import open_generator, videos_folder
        from wanctl.render.text.console import emit, err
        from wanctl.render.text.videos import batch_start_lines

        rows = compared_rows(self.sides, images, same)
        folder = VideoFolder(videos_folder(self.host.environ, self.where.videos))
        async with open_generator(self.project, self.host) as generator:
            ready = await prepared_rows(generator, rows)
            to_pay = still_to_pay(ready, folder, generator.account.name)
            at_once = self.where.at_once or usual_at_once(ready)
            emit(
                batch_start_lines(to_pay, at_once) if to_pay else ["all are made already, nothing is paid"],
                err(),
            )
            if self.dry_run:
                return
            if to_pay and not self.yes and not confirmed("Make them?", "add --yes"):
                raise typer.Exit(1)
            results = await self._made(generator, folder, ready, at_once)
        review = review_of(self.sides, rows, results)
        page = written_comparison(self.project, review, self.where.to, lambda line: emit([line], err()))
        self._tell(page, results)
        if any(one.made is None for one in results):
            raise typer.Exit(1)

    async def _made(
        self, generator: Any, folder: Any, ready: "list[tuple[BatchRow, PreparedVideo]]", at_once: int
    ) -> "list[RowResult]":
        from wanctl.generation.batch import make_all
        from wanctl.generation.running import VideoRun
        from wanctl.render.text.videos import batch_display

        with batch_display(len(ready)) as display:

            async def make(row: "BatchRow", prepared: "PreparedVideo") -> "VideoResult":
                maker = VideoRun(generator.account, folder, hear=lambda seen: display.heard(row, seen))
                return replace(await maker.make(prepared.call), warnings=prepared.warnings)

            return await make_all(ready, make, at_once, display.done)

    def _tell(self, page: Path, results: "list[RowResult]") -> None:
        from wanctl.project.local import shown_path
        from wanctl.render.text.console import emit
        from wanctl.render.visible import json_text

        if self.format_ is Format.JSON:
            found = [one.to_dict() for one in results]
            sys.stdout.write(json_text({"page": str(page), "videos": found}))
        else:
            emit([shown_path(page)])
