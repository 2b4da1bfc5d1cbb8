"""What became of footage, as a page to scroll through: clips with where they come from, and what was dropped.

Frames are in the page, small; clips stay where they are and are linked, so the page has to stay near them.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

from wanctl.base.words import spell_time
from wanctl.dataset.preparing.outcome import FileReport, Preparation, PreparedStretch
from wanctl.dataset.preparing.scenes import Decision
from wanctl.render.html import render, scripted, styled
from wanctl.render.html.dataset import small_jpeg


@dataclass(frozen=True)
class _StretchShown:
    """A stretch on the page; one that was dropped has no clip."""

    span: str
    seconds: float
    decision: str
    reason: str
    clip: str | None
    address: str | None
    poster: Markup | None


def write_prepared_page(done: Preparation, destination: Path) -> None:
    destination.parent.mkdir(parents=True, exist_ok=True)
    destination.write_text(prepared_page(done, destination.parent), encoding="utf-8")


def prepared_page(done: Preparation, folder: Path) -> str:
    """The page, to be kept in this folder."""
    place = quote(Path(os.path.relpath(done.folder.resolve(), folder.resolve())).as_posix())
    return render(
        "prepared.html.j2",
        **styled("plan.css", "clips.css", "dataset.css"),
        **scripted("clips.js"),
        place="wanctl",
        folder=done.folder.name,
        summary=str(done),
        files=[(file, *_split(file, place, done.folder)) for file in done.files],
    )


def _split(file: FileReport, place: str, folder: Path) -> tuple[list[_StretchShown], list[_StretchShown]]:
    """Its clips, and what was dropped."""
    shown = [_shown(one, place, folder) for one in file.stretches]
    dropped = Decision.DROPPED.value
    return [one for one in shown if one.decision != dropped], [
        one for one in shown if one.decision == dropped
    ]


def _shown(one: PreparedStretch, place: str, folder: Path) -> _StretchShown:
    stretch = one.stretch
    return _StretchShown(
        span=f"{spell_time(stretch.begin)}–{spell_time(stretch.end)}",
        seconds=stretch.seconds,
        decision=stretch.decision.value,
        reason=stretch.reason,
        clip=one.clip,
        address=f"{place}/{quote(one.clip)}" if one.clip else None,
        poster=_poster(folder / one.frames[0]) if one.frames else None,
    )


def _poster(frame: Path) -> Markup | None:
    """The first frame; a person may have taken it away, or put another there."""
    try:
        return small_jpeg(frame.read_bytes())
    except OSError:
        return None
