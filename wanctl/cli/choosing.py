"""choose: a checkpoint for a document of the specs, as a line of it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wanctl.cli.app import app
from wanctl.cli.options import AccountOptions, grouped, open_project

if TYPE_CHECKING:
    from wanctl.project import Project
    from wanctl.project.choosing import ChoiceOffer

Branch = Annotated[
    str | None,
    typer.Option("--branch", metavar="NAME", help="Commit the choice to this new branch; your files stay."),
]
OpenRequest = Annotated[
    bool, typer.Option("--open-pr", help="Push that branch and open a pull or merge request.")
]


@app.command()
@grouped
def choose(
    place: AccountOptions,
    address: Annotated[
        str, typer.Argument(metavar="CHECKPOINT", help="The document: Checkpoint/NAME, or its name.")
    ],
    checkpoint: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="The choice, as in checkpoint-160; left out, you are asked."),
    ] = None,
    reviewed: Annotated[
        bool, typer.Option("--reviewed", help="Record what was looked at as the choice's evidence.")
    ] = False,
    notes: Annotated[
        Path | None, typer.Option("--notes", metavar="FILE", help="Notes that the gallery exported.")
    ] = None,
) -> None:
    """Write the choice of a checkpoint into the specs. Nothing else of the file changes."""
    from wanctl.project.choosing import check_label, document_named, edited, offer_of, written
    from wanctl.render.text.console import emit, err

    project = open_project(place)
    offer = offer_of(project, document_named(project, address))
    label = checkpoint or _asked(offer)
    check_label(project, offer, label)
    evidence = _evidence(project, offer, label, notes) if reviewed or notes else None
    edit = edited(project, offer, label, evidence)
    written(project, edit)
    if edit.before == edit.after:
        emit([f"{offer.address}: {label} is chosen already."], err())
        return
    emit([f"{offer.address}: {label} is chosen. Commit it: git commit {edit.path}"], err())
    sys.stdout.write(edit.diff)


def _asked(offer: "ChoiceOffer") -> str:
    """What there is, and which one the person wants of it."""
    from wanctl.base.words import listed
    from wanctl.project.errors import ProjectError
    from wanctl.render.text.console import emit, err

    lines = [f"  {one}{'  chosen now' if one == offer.chosen else ''}" for one in offer.training.validated]
    emit([f"{offer.training.job.job_id} has previews of:", *lines], err())
    emit([f"To look at them: wanctl review {offer.training.address}"], err())
    if not sys.stdin.isatty():
        raise ProjectError("nobody is here to choose", f"name one: {listed(offer.training.validated, 'or')}")
    answer: str = typer.prompt("Which one", err=True)
    return f"checkpoint-{answer}" if answer.isdigit() else answer


def _evidence(project: "Project", offer: "ChoiceOffer", label: str, notes: Path | None) -> dict[str, Any]:
    """The gallery as it is on this machine, or as the notes name it; both have to be the same."""
    from wanctl.base.running import run
    from wanctl.project.choosing import evidence_of, notes_from
    from wanctl.project.errors import ProjectError
    from wanctl.project.reviews import collected

    review = run(collected(project, offer.training.address))
    digest, noted = f"sha256:{review.digest}", dict[str, str]()
    if notes:
        seen, noted = notes_from(notes)
        if seen != digest:
            raise ProjectError(
                f"{notes} is of another gallery, {seen[:19]}…; the one of {offer.training.job.job_id} is "
                f"{digest[:19]}…",
                f"make it again: wanctl review {offer.training.address}",
            )
    return evidence_of(digest, noted, label)
