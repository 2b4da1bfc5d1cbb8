"""The previews of a training, collected and written out, for a person to choose a checkpoint by."""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from wanctl.address import Address
from wanctl.base.files import file_name
from wanctl.base.words import counted, listed
from wanctl.engine.observe import RunSession
from wanctl.kinds.registry import choosing_kind, kind_of
from wanctl.kinds.together import planned_context
from wanctl.plan import Plan
from wanctl.project.errors import ProjectError
from wanctl.review.collecting import Candidate, Collector, Review, ReviewError
from wanctl.review.judging import Advice
from wanctl.review.previews import Saved, write_previews
from wanctl.review.store import MediaStore
from wanctl.studio.objects import Job

if TYPE_CHECKING:
    from wanctl.project import Project

FOLDER, PICTURES, SHEET, INDEX = "reviews", "pictures", "sheet.png", "index.html"
_FAULTS_TOLD = 5


@dataclass(frozen=True)
class LookedAt:
    """A training that is looked at: its job, and the checkpoints that have previews."""

    address: Address
    job: Job
    validated: tuple[str, ...]

    def labels(self, wanted: Sequence[str]) -> tuple[str, ...]:
        """Those that a person named, else all of them."""
        if unknown := [one for one in wanted if one not in self.validated]:
            raise ProjectError(
                f"{self.job.job_id} has no previews of {', '.join(unknown)}; "
                f"it has {', '.join(self.validated)}"
            )
        return tuple(wanted) or self.validated


def reviews_folder(project: "Project") -> Path:
    return project.state / FOLDER


def gallery_folder(project: "Project", job_id: str) -> Path:
    """Where the gallery of a training goes, unless somebody says another place."""
    return reviews_folder(project) / file_name(job_id)


def galleries(project: "Project", plan: Plan) -> dict[Address, Path]:
    """The pages that are here already, of the trainings in a plan."""
    found: dict[Address, Path] = {}
    for step in plan.steps:
        if step.remote_id and kind_of(step.address).has_previews:
            page = gallery_folder(project, step.remote_id) / INDEX
            if page.is_file():
                found[step.address] = page
    return found


def gallery_links(project: "Project", plan: Plan, folder: Path) -> dict[Address, str]:
    """The same as links of a page in this folder."""
    found = galleries(project, plan)
    return {one: quote(os.path.relpath(page, folder).replace(os.sep, "/")) for one, page in found.items()}


async def collected(
    project: "Project",
    address: Address,
    wanted: Sequence[str] = (),
    say: Callable[[str], None] = lambda _: None,
    *,
    with_incumbent: bool = True,
) -> Review:
    """The review of a FineTune, with what serves now beside its candidates."""
    async with project.session() as session:
        training = await training_of(session, address)
        labels = training.labels(wanted)
        served = _served(session) if with_incumbent else None
        collector = Collector(session.studio, MediaStore(reviews_folder(project)), say, served)
        review = await collector.collect(training.job, labels)
        if not with_incumbent:
            return review
        others = [await _incumbent(session, collector, *one) for one in _serving_elsewhere(session, training)]
        return replace(review, candidates=(*filter(None, others), *review.candidates))


async def training_of(session: RunSession, address: Address) -> LookedAt:
    """The job that a FineTune has now, with the names of what it validated."""
    if not kind_of(address).has_previews:
        raise ProjectError(f"previews are made by a training: name a FineTune, not {address}")
    step = (await session.survey()).plan.step(address)
    if step is None or step.remote_id is None:
        raise ProjectError(f"{address} has no job yet")
    validated = await session.studio.jobs.validated(step.remote_id)
    if not validated:
        raise ProjectError(f"{step.remote_id} has no previews {'yet' if not step.settled else 'at all'}")
    seen = session.snapshot.job_by_id.get(step.remote_id) if session.snapshot else None
    return LookedAt(address, seen or await session.studio.jobs.get(step.remote_id), validated)


def identity_of(session: RunSession, training: Address) -> str | None:
    """What the training is made from, after the account was read; None where nobody can tell."""
    assert session.snapshot is not None  # noqa: S101 - the training was looked for in it
    context = planned_context(session.desired, session.snapshot, session.journal.record, session.local)
    return context.model(training).training


def _served(session: RunSession) -> frozenset[str]:
    """The models that callers reach now."""
    live = session.snapshot.deployments if session.snapshot else ()
    return frozenset(one.model_name for one in live if one.running and one.model_name)


def _serving_elsewhere(session: RunSession, training: LookedAt) -> Iterable[tuple[str, str]]:
    """Job and checkpoint of what serves now by the choices made from this training's document before."""
    served, desired = _served(session), session.desired
    elsewhere = session.snapshot.elsewhere.trained if session.snapshot else None
    records = (session.journal.record, *([elsewhere] if elsewhere else []))
    found: dict[tuple[str, str], None] = {}
    for address, resource in desired.resources.items():
        if address.kind != choosing_kind() or training.address not in resource.references:
            continue
        for one in (made for record in records for made in record.entry(address).generations):
            job_id, _, label = one.identity.partition("/")
            if one.inputs.get("model_name") in served and job_id != training.job.job_id:
                found[job_id, label] = None
    return found


async def _incumbent(session: RunSession, collector: Collector, job_id: str, label: str) -> Candidate | None:
    """The checkpoint that serves, of a training before; None where the service has nothing of it any more."""
    job = session.snapshot.job_by_id.get(job_id) if session.snapshot else None
    if job is None:
        return None
    found = await collector.candidate(job, label)
    return replace(found, job_id=job_id, serves=True) if found.showings else None


async def download(
    project: "Project", address: Address, folder: Path, checkpoints: Sequence[str], say: Callable[[str], None]
) -> list[Saved]:
    """Previews of a FineTune into a plain folder; what could not be had is an error, after what could."""
    review = await collected(project, address, checkpoints, say, with_incumbent=False)
    saved = write_previews(review, folder)
    if faults := review.faults:
        raise ReviewError(told(faults))
    return saved


def told(faults: Sequence[str]) -> str:
    """The missing previews, as one sentence."""
    more = len(faults) - _FAULTS_TOLD
    shown = [*faults[:_FAULTS_TOLD], *([counted(more, "more fault")] if more > 0 else [])]
    return f"{counted(len(faults), 'preview')} could not be had: {listed(shown)}"


def written_gallery(
    project: "Project",
    address: Address,
    review: Review,
    to: Path | None = None,
    *,
    served: bool = False,
    advices: Sequence[Advice] = (),
) -> Path:
    """The page of a review, in a folder of its own, with its contact sheet."""
    from wanctl.render.html.gallery import GalleryOptions, write_gallery
    from wanctl.review.pictures import filmstrips
    from wanctl.review.sheet import write_sheet

    folder = to or gallery_folder(project, review.job_id)
    place = " / ".join(part for part in (project.name, project.desired.environment, address.name) if part)
    options = GalleryOptions(place, choices_from(project, address), served=served, advices=advices)
    pictures = reviews_folder(project) / PICTURES
    page = write_gallery(review, folder, pictures, options)
    write_sheet(review, filmstrips(review, pictures), folder / SHEET)
    return page


def written_sheet(project: "Project", review: Review, destination: Path) -> Path:
    """The contact sheet of a review, where a person wants it."""
    from wanctl.review.pictures import filmstrips
    from wanctl.review.sheet import write_sheet

    return write_sheet(review, filmstrips(review, reviews_folder(project) / PICTURES), destination)


def choices_from(project: "Project", training: Address) -> tuple[Address, ...]:
    """The documents in which a checkpoint of this training is chosen."""
    return tuple(
        address
        for address, resource in project.desired.resources.items()
        if address.kind == choosing_kind() and training in resource.references
    )
