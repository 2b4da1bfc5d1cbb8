"""dataset inspect | build | lock | diff | annotate: what is trained on, before it is uploaded."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from wanctl.cli.app import app
from wanctl.cli.approving import confirmed
from wanctl.cli.options import (
    AccountOptions,
    Format,
    FormatOption,
    NoCache,
    SpecsOptions,
    Yes,
    grouped,
    open_project,
    span,
)

dataset = typer.Typer(no_args_is_help=True, help="What is trained on: look into it, check it, pack it.")
app.add_typer(dataset, name="dataset")

Name = Annotated[str, typer.Argument(metavar="NAME", help="A Dataset of the specs.")]


@dataset.command()
@grouped
def inspect(
    place: SpecsOptions,
    name: Name,
    format_: FormatOption = Format.TEXT,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page with frames, captions, clips.")
    ] = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Show the page on this machine, with buttons that edit.")
    ] = False,
    serve_for: Annotated[
        str, typer.Option("--serve-for", metavar="30m", help="Stop when nobody looks for so long.")
    ] = "30m",
    no_cache: NoCache = False,
) -> None:
    """Show contents, cost and every problem. Of one dataset, before it is uploaded."""
    from wanctl.project.datasets import inspect as look_into
    from wanctl.render.json.documents import inspection_json
    from wanctl.render.text.console import emit
    from wanctl.render.text.dataset import inspection_lines
    from wanctl.render.visible import json_text

    patience = span(serve_for, "--serve-for").total_seconds()
    found = look_into(open_project(place, no_cache=no_cache), name)
    if html:
        from wanctl.render.html.dataset import write_page

        write_page(found, html)
    if format_ is Format.JSON:
        sys.stdout.write(json_text(inspection_json(found)))
    else:
        emit(inspection_lines(found))
    if serve:
        _serve(place, name, patience)
        return
    raise typer.Exit(1 if any(one.severity == "error" for one in found.problems) else 0)


def _serve(place: SpecsOptions, name: str, patience: float) -> None:
    """Until nobody looks any more; each edit is written when it is made."""
    from wanctl.base.words import counted
    from wanctl.project.dataset_edits import DatasetEditor
    from wanctl.render.text.console import emit, err
    from wanctl.watch.editing import DatasetPage
    from wanctl.watch.loopback import served

    page = DatasetPage(DatasetEditor.of(lambda: open_project(place), name))
    server, address = served(page)
    emit([f"Look and edit: {address} (Ctrl-C ends it)"], err())
    try:
        page.looked_at(patience)
    finally:
        server.stop()
        emit([f"{counted(len(page.edits), 'edit')} written.", *page.edits], err())


@dataset.command()
@grouped
def build(
    place: SpecsOptions,
    name: Name,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE.zip", help="Where the archive goes.")],
    no_cache: NoCache = False,
) -> None:
    """Write the archive of an upload. The same content gives the same bytes."""
    from wanctl.base.words import counted, spell_bytes
    from wanctl.project.datasets import build as pack
    from wanctl.render.text.console import emit, err

    facts = pack(open_project(place, no_cache=no_cache), name, out)
    samples, size = counted(len(facts.samples), "sample"), spell_bytes(out.stat().st_size)
    emit([f"{samples}, {size}, sha256:{facts.digest16}…"], err())
    emit([str(out)])


@dataset.command()
@grouped
def lock(
    place: SpecsOptions,
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="Datasets of the specs.")],
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 where the lock is not up to date.")
    ] = False,
    no_cache: NoCache = False,
) -> None:
    """Write the digest into the spec. Plans need no media then, and see any change of them."""
    from wanctl.project.datasets import lock as write_lock
    from wanctl.render.text.console import emit

    stale = False
    for name in names:
        found = write_lock(open_project(place, no_cache=no_cache), name, check_only=check)
        stale = stale or (check and found.changed)
        state = ("is not locked to what is here" if check else "locked") if found.changed else "is locked"
        emit([f"{found.address} {state}: {found.digest} ({found.place})"])
    raise typer.Exit(1 if stale else 0)


@dataset.command()
@grouped
def diff(
    place: SpecsOptions,
    before: Annotated[
        str,
        typer.Argument(metavar="A", help="A Dataset, a folder, a .zip, or live:NAME: as uploaded."),
    ],
    after: Annotated[
        str | None, typer.Argument(metavar="B", help="The same; left out: from what is live to A.")
    ] = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Show which samples and captions differ. From A to B."""
    from wanctl.project.datasets import differences
    from wanctl.render.json.documents import changes_json
    from wanctl.render.text.console import emit
    from wanctl.render.text.dataset import changes_lines
    from wanctl.render.visible import json_text

    changes = differences(open_project(place), before, after)
    if format_ is Format.JSON:
        sys.stdout.write(json_text(changes_json(changes)))
    else:
        emit(changes_lines(changes))


@dataset.command()
@grouped
def annotate(
    place: AccountOptions,
    name: Name,
    trigger: Annotated[
        str | None,
        typer.Option(
            metavar="WORD", help="The trigger word (default: what the captions share, or vars.trigger)."
        ),
    ] = None,
    effect: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="The effect's description, the same for all (default: the captions')."
        ),
    ] = None,
    model: Annotated[
        str, typer.Option(metavar="MODEL", help="The vision model that drafts.")
    ] = "qwen3-vl-plus",
    yes: Yes = False,
) -> None:
    """Draft the prompts that are missing. With a vision model, into data.jsonl, for a person to review."""
    from wanctl.base.words import counted
    from wanctl.dataset.drafts import ANSWER
    from wanctl.project.datasets import annotate as write_drafts
    from wanctl.project.datasets import drafting
    from wanctl.project.local import shown_path
    from wanctl.render.text.console import emit, err

    project = open_project(place)
    draft = drafting(project, name, model, trigger, effect)
    if not draft.samples:
        emit([f"{draft.address}: every sample has a prompt."])
        return
    count = len(draft.samples)
    if draft.beginning:
        emit([f"{draft.address} has no data.jsonl; it is begun with {draft.beginning}."], err())
    cost = f"about {draft.asked:,} in and {count * ANSWER:,} out"
    emit(
        [f"{draft.address}: {counted(count, 'prompt')} to draft with {model}, billed by the token: {cost}."],
        err(),
    )
    if not yes and not confirmed("Draft them?", "add --yes"):
        raise typer.Exit(1)
    left = write_drafts(project, draft, lambda sample, text: emit([f"line {sample.line}: {text}"]))
    for sample in left:
        emit([f"line {sample.line}: {model} left {draft.brief.trigger} out; nothing was written"], err())
    written = count - len(left)
    emit(
        [f"{written} of {count} written. Read them, a model errs: git diff {shown_path(draft.folder)}"], err()
    )
    raise typer.Exit(1 if left else 0)
