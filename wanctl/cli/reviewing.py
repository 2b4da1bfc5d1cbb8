"""review: a training's previews as a page to choose by, on the disk or shown from here with a button."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wanctl.cli.app import app
from wanctl.cli.choosing import Branch, OpenRequest, check_places, kept
from wanctl.cli.options import AccountOptions, Yes, grouped, open_project, span

if TYPE_CHECKING:
    from wanctl.address import Address
    from wanctl.project import Project
    from wanctl.review.collecting import Review
    from wanctl.review.judging import Advice


@app.command()
@grouped
def review(
    place: AccountOptions,
    address: Annotated[str, typer.Argument(metavar="FINETUNE", help="Whose: FineTune/NAME, or its name.")],
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIR", help="Where the gallery goes (default: .wanctl/reviews/)."),
    ] = None,
    checkpoint: Annotated[
        list[str] | None,
        typer.Option("--checkpoint", metavar="NAME", help="Only this checkpoint (may be repeated)."),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(
            "--sheet", metavar="FILE", help="Write a contact sheet, too: .png, or .webp that moves."
        ),
    ] = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Show it on this machine, with a button that chooses.")
    ] = False,
    serve_for: Annotated[
        str, typer.Option("--serve-for", metavar="30m", help="Stop when nobody looks for so long.")
    ] = "30m",
    judge: Annotated[
        bool,
        typer.Option("--judge", help="Have a vision model score each preview, as advice. Billed a little."),
    ] = False,
    judge_model: Annotated[
        str, typer.Option("--judge-model", metavar="MODEL", help="The vision model that judges.")
    ] = "qwen3-vl-plus",
    yes: Yes = False,
    branch: Branch = None,
    open_pr: OpenRequest = False,
) -> None:
    """Make a gallery of previews to choose by. A folder with an index.html, which needs no network."""
    from wanctl.base.running import run
    from wanctl.kinds.registry import previewed_kind
    from wanctl.project.local import shown_path
    from wanctl.project.outputs import named
    from wanctl.project.reviews import collected, told, written_gallery, written_sheet
    from wanctl.render.text.console import emit, err

    if branch and not serve:
        raise typer.BadParameter("a branch takes a choice: --serve, or wanctl choose", param_hint="--branch")
    patience = span(serve_for, "--serve-for").total_seconds()
    project = open_project(place)
    check_places(project, branch, open_pr=open_pr)
    training = named(project, address, previewed_kind())
    found = run(collected(project, training, checkpoint or [], lambda line: emit([line], err())))
    advices = _judged(project, training, found, judge_model, yes=yes) if judge else ()
    page = written_gallery(project, training, found, to, advices=advices)
    if sheet:
        written_sheet(project, found, sheet)
    emit([shown_path(page), *([shown_path(sheet)] if sheet else [])])
    if serve:
        _serve(project, training, found, page.parent, Serving(place, branch, open_pr, patience, advices))
    if found.faults:
        emit([f"error: {told(found.faults)}; run the command again to fetch what is missing"], err())
        raise typer.Exit(1)


@dataclass(frozen=True)
class Serving:
    """How the gallery is shown from here, and where its choice goes."""

    place: AccountOptions
    branch: str | None
    open_pr: bool
    patience: float
    advices: "tuple[Advice, ...]"


def _judged(
    project: "Project", training: "Address", found: "Review", model: str, *, yes: bool
) -> "tuple[Advice, ...]":
    """Say what it costs, ask the person, ask the model. What was judged before is not asked again."""
    from wanctl.base.running import run
    from wanctl.cli.approving import confirmed
    from wanctl.project.judging import judged, judging, left_to_judge, unusable
    from wanctl.render.text.console import emit, err

    work = judging(project, training, found, model)
    if work.questions:
        emit([work.cost], err())
        if not yes and not confirmed("Judge them?", "add --yes"):
            raise typer.Exit(1)
    advices = run(judged(project, work, lambda line: emit([line], err())))
    emit(unusable(advices), err())
    emit(run(left_to_judge(project, work, advices)), err())
    return advices


def _serve(project: "Project", training: "Address", found: "Review", folder: Path, how: Serving) -> None:
    """Until somebody has chosen, or nobody looks any more."""
    from wanctl.project.reviews import written_gallery
    from wanctl.render.text.console import emit, err
    from wanctl.watch.choosing import ChoiceAsked, ChoiceTaken, ChoosingPage
    from wanctl.watch.loopback import served

    def take(asked: ChoiceAsked) -> ChoiceTaken:
        from wanctl.project.choosing import chosen_from_gallery

        fresh = open_project(how.place)  # somebody may have written the specs meanwhile
        edit = chosen_from_gallery(fresh, found, asked.address, asked.column, asked.notes)
        return ChoiceTaken(kept(fresh, edit, how.branch, open_pr=how.open_pr), edit.diff)

    shown = written_gallery(project, training, found, folder, served=True, advices=how.advices)
    page = ChoosingPage(folder, shown.name, take)
    server, address = served(page)
    emit([f"Look and choose: {address} (Ctrl-C ends it)"], err())
    try:
        taken = page.wait(how.patience)
    finally:
        server.stop()
        (folder / page.index).unlink(missing_ok=True)
    if taken is None:
        emit(["Nobody looked any more, and nothing was chosen."], err())
        return
    emit([taken.said], err())
    sys.stdout.write(taken.diff)
