"""A review as a plain folder: numbered videos, their first frames, and the prompts as text."""

from dataclasses import dataclass
from pathlib import Path

from wanctl.base.files import PUBLIC, file_name, replace_file
from wanctl.review.collecting import Candidate, Review, Showing
from wanctl.review.store import place_file


@dataclass(frozen=True)
class Saved:
    """One preview on disk."""

    checkpoint: str
    number: int
    video: Path | None
    frame: Path | None
    prompt: str


def write_previews(review: Review, folder: Path) -> list[Saved]:
    """Each checkpoint of the training gets a folder of its own beneath this one."""
    saved: list[Saved] = []
    for one in (one for one in review.candidates if one.job_id is None):
        below = folder / file_name(one.label)
        below.mkdir(parents=True, exist_ok=True)
        saved += [_save(one, number, each, below) for number, each in enumerate(one.showings, start=1)]
    return saved


def _save(one: Candidate, number: int, showing: Showing, folder: Path) -> Saved:
    video = frame = None
    if showing.video:
        video = folder / f"{number:02}{showing.video.path.suffix}"
        place_file(showing.video.path, video)
    if showing.first_frame:
        frame = folder / f"{number:02}-first-frame{showing.first_frame.path.suffix}"
        place_file(showing.first_frame.path, frame)
    replace_file(folder / f"{number:02}.txt", showing.prompt + "\n", mode=PUBLIC)
    return Saved(one.label, number, video, frame, showing.prompt)
