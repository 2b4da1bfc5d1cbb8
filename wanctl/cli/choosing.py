"""choose: a checkpoint for a document of the specs, as a line of it; here, on a branch, or as a request."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wanctl.cli.app import app
from wanctl.cli.options import AccountOptions, grouped, open_project

if TYPE_CHECKING:
    from wanctl.project import Project
    from wanctl.project.choosing import ChoiceOffer, ChosenEdit

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
    branch: Branch = None,
    open_pr: OpenRequest = False,
) -> None:
    """Write the choice of a checkpoint into the specs. Nothing else of the file changes."""
    from wanctl.project.choosing import check_label, document_named, edited, offer_of
    from wanctl.render.text.console import emit, err

    project = open_project(place)
    check_places(project, branch, open_pr=open_pr)
    offer = offer_of(project, document_named(project, address))
    label = checkpoint or _asked(offer)
    check_label(project, offer, label)
    evidence = _evidence(project, offer, label, notes) if reviewed or notes else None
    edit = edited(project, offer, label, evidence)
    emit([kept(project, edit, branch, open_pr=open_pr)], err())
    sys.stdout.write(edit.diff)


def check_places(project: "Project", branch: str | None, *, open_pr: bool) -> None:
    """Raise what would be in the way of a request, before anything is read or written."""
    if open_pr and branch is None:
        raise typer.BadParameter("a request needs a branch: --branch NAME", param_hint="--open-pr")
    if open_pr:
        from wanctl.project.proposing import home_for_requests

        home_for_requests(project)


def kept(project: "Project", edit: "ChosenEdit", branch: str | None, *, open_pr: bool) -> str:
    """Write the choice where it is wanted; the sentence that says where it is."""
    from wanctl.project.choosing import written
    from wanctl.project.local import shown_path
    from wanctl.project.proposing import commit_choice, home_for_requests, propose

    said = f"{edit.address}: {edit.label} is chosen"
    if edit.before == edit.after:
        return f"{said} already."
    if branch is None:
        written(project, edit)
        return f"{said}. Commit it: git commit {shown_path(edit.path)}"
    made = commit_choice(project, edit, branch)
    if not open_pr:
        return f"{said} on the branch {branch} ({made.commit[:12]}). Push it: git push origin {branch}"
    body = f"`{edit.label}` is chosen for `{edit.address}`, after looking at the previews of its training."
    return f"{said}: {propose(project, edit, made, home_for_requests(project), body).request}"


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
