"""compare: the same inputs and seeds through two deployments or more, side by side in a gallery.

A side is a Deployment, a deployed model by its name, or a checkpoint, deployed for a while as by `try`. Each
video is made as `generate` makes it: kept, paid once, and found again by the next comparison.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wanctl.base.files import file_name
from wanctl.generation.batch import BatchRow, RowResult, prepare_all, rows_of
from wanctl.generation.records import TaskState, VideoFolder
from wanctl.generation.result import PreparedVideo
from wanctl.kinds.registry import called_kind, choosing_kind
from wanctl.language.models import State
from wanctl.language.resources import resource_named
from wanctl.project import Project
from wanctl.project.errors import ProjectError
from wanctl.project.generating import Generator
from wanctl.project.reviews import FOLDER, PICTURES
from wanctl.review.collecting import Candidate, Review, Showing
from wanctl.review.store import StoredMedia

COMPARISONS = "comparisons"
SEED = 1  # where nobody says another: sides that differ by chance alone tell nothing
FEWEST, MOST = 2, 8
_CHECKPOINT = "checkpoint-"


@dataclass(frozen=True)
class ComparedSide:
    """One column of a comparison: what it is called there, and who is called for it."""

    label: str
    model: str | None = None  # None: a checkpoint, which is still to be deployed

    def served_by(self, model: str) -> "ComparedSide":
        return replace(self, model=model)


def sides_of(project: Project, words: Sequence[str]) -> tuple[ComparedSide, ...]:
    """The sides that a person names; ProjectError where they cannot be compared."""
    if not FEWEST <= len(words) <= MOST or len(set(words)) < len(words):
        raise ProjectError(f"a comparison has {FEWEST} to {MOST} different sides", "name two deployments")
    return tuple(_side(project, word) for word in words)


def _side(project: Project, word: str) -> ComparedSide:
    resources = project.desired.resources
    if word.startswith(_CHECKPOINT) or word.isdigit():
        return ComparedSide(word if not word.isdigit() else f"{_CHECKPOINT}{word}")
    if "/" in word or any(one.name == word and one.kind == called_kind() for one in resources):
        address = resource_named(word, resources, called_kind())
        if address.kind != called_kind():
            raise ProjectError(
                f"{address} is not called", f"name a {called_kind()}, or one of its checkpoints"
            )
        return ComparedSide(str(address), str(address))
    return ComparedSide(word, word)


def chosen_of(project: Project, name: str | None) -> str:
    """The document that checkpoints are candidates of: the one that is named, else the only one."""
    kind = choosing_kind()
    if name is not None:
        return str(resource_named(name, project.desired.resources, kind))
    found = [
        one
        for one, resource in project.desired.resources.items()
        if one.kind == kind and resource.spec.state is State.PRESENT
    ]
    if len(found) != 1:
        raise ProjectError(f"the specs hold {len(found)} of kind {kind}", f"say which: --of {kind}/NAME")
    return str(found[0])


@dataclass(frozen=True)
class ComparedRow:
    """One video of a comparison: of which side, of which input."""

    side: int
    sample: int
    row: BatchRow


def compared_rows(
    sides: Sequence[ComparedSide], sources: Sequence[str], common: Mapping[str, Any]
) -> tuple[ComparedRow, ...]:
    """Every input for every side, with one seed for all."""
    found: list[ComparedRow] = []
    for number, side in enumerate(sides):
        rows = rows_of(sources, {"seed": SEED, **common, "model": side.model}, lambda: "")
        for sample, row in enumerate(rows):
            request = row.request.model_copy(update={"model": side.model})
            numbered = BatchRow(len(found) + 1, f"{side.label}: {row.source}", request)
            found.append(ComparedRow(number, sample, numbered))
    return tuple(found)


async def prepared_rows(
    generator: Generator, rows: Sequence[ComparedRow]
) -> list[tuple[BatchRow, PreparedVideo]]:
    """All of them checked against their models; BatchError tells everything that is wrong."""
    return await prepare_all((one.row for one in rows), generator.prepared)


def still_to_pay(
    ready: Sequence[tuple[BatchRow, PreparedVideo]], folder: VideoFolder, account: str
) -> list[tuple[BatchRow, PreparedVideo]]:
    """Those whose video is not here yet, and whose task is not under way either."""
    return [one for one in ready if not _begun(one[1], folder, account)]


def _begun(prepared: PreparedVideo, folder: VideoFolder, account: str) -> bool:
    last = folder.latest(prepared.call.called.name, prepared.call.key(account))
    if last is None:
        return False
    made = last.state is TaskState.DONE and folder.file(last).exists()
    return made or last.state is TaskState.UNDER_WAY


def review_of(
    sides: Sequence[ComparedSide], rows: Sequence[ComparedRow], results: Sequence[RowResult]
) -> Review:
    """The comparison as a review: a column for each side, a row for each input."""
    made = {one.row.number: one for one in results}
    candidates = tuple(
        Candidate(
            side.label,
            tuple(_showing(made[one.row.number]) for one in rows if one.side == number),
            serves=side.label.startswith(f"{called_kind()}/"),
        )
        for number, side in enumerate(sides)
    )
    bases = sorted({one.made.model for one in results if one.made})
    return Review(" · ".join(side.label for side in sides), ", ".join(bases), candidates)


def _showing(result: RowResult) -> Showing:
    request = result.row.request
    video = _stored(result.made.file) if result.made else None
    frames = [_frame(one) for one in (request.image, request.last_image)]
    return Showing(request.prompt or "", video, frames[0], frames[1], result.error)


def _frame(value: object) -> StoredMedia | None:
    """A local picture; what is behind a URL is not fetched for the page."""
    if not isinstance(value, str | Path) or "://" in str(value) or str(value).startswith("data:"):
        return None
    path = Path(value).expanduser()
    return _stored(path) if path.is_file() else None


def _stored(file: Path) -> StoredMedia:
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return StoredMedia(file.resolve(), digest, file.stat().st_size)


def written_comparison(
    project: Project, review: Review, to: Path | None, tell: Callable[[str], None]
) -> Path:
    """The page of a comparison, in a folder of its own."""
    from wanctl.render.html.gallery import GalleryOptions, write_gallery

    folder = to or project.state / COMPARISONS / file_name(review.job_id)
    place = " / ".join(part for part in (project.name, project.desired.environment, "comparison") if part)
    for fault in review.faults:
        tell(f"missing: {fault}")
    options = GalleryOptions(place, of="side", shown="input")
    return write_gallery(review, folder, project.state / FOLDER / PICTURES, options)
