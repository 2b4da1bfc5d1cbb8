"""A review as a folder to look through: an index.html that works from the disk, and the media beside it.

Texts of the service are texts on the page, and the names of all files are digests of their content: nothing
that a training or its captions are called becomes markup, script or a path.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from wanctl.address import Address
from wanctl.base.files import PUBLIC, replace_file
from wanctl.generation.judge import HIGHEST_SCORE
from wanctl.render.html import render, scripted, styled
from wanctl.review.collecting import Candidate, Review, Showing, numbered
from wanctl.review.judging import Advice
from wanctl.review.pictures import Filmstrip, difference, filmstrips
from wanctl.review.store import StoredMedia, place_file

INDEX, SERVED = "index.html", "served.html"
MEDIA = "media"


@dataclass(frozen=True)
class GalleryOptions:
    """What the page says beside the review."""

    place: str = "wanctl"
    choices: Sequence[Address] = ()  # the documents that a checkpoint of it can be chosen for
    served: bool = False  # shown by wanctl itself, which takes the choice
    advices: Sequence[Advice] = ()  # what judges say of it
    of: str = "checkpoint"  # what a column is
    shown: str = "validation sample"  # and a row


@dataclass
class _Beside:
    """The media that the page needs, put beside it as they are asked for."""

    path: Path
    placed: dict[Path, str] = field(default_factory=dict)

    def link(self, source: Path, name: str) -> str:
        if source not in self.placed:
            place_file(source, self.path / MEDIA / name)
            self.placed[source] = f"{MEDIA}/{name}"
        return self.placed[source]

    def media(self, media: StoredMedia) -> str:
        return self.link(media.path, f"{media.digest[:16]}{media.path.suffix}")

    def picture(self, picture: Path) -> str:
        digest, _, what = picture.name.partition("-")
        return self.link(picture, f"{digest[:16]}-{what}" if what else picture.name)


def write_gallery(
    review: Review, folder: Path, pictures: Path, options: GalleryOptions | None = None
) -> Path:
    """Write the folder, and give its page. `pictures` is where what is drawn of the videos is kept."""
    options = options or GalleryOptions()
    (folder / MEDIA).mkdir(parents=True, exist_ok=True)
    drawn = filmstrips(review, pictures)
    beside = _Beside(folder)
    columns = [_column(number, one, review, options) for number, one in enumerate(review.candidates)]
    rows = [
        _row(number, key, review, columns, drawn, beside, pictures)
        for number, key in enumerate(review.samples)
    ]
    for row, key in zip(rows, review.samples, strict=True):
        for cell, one in zip(row["cells"], review.candidates, strict=True):
            cell["judged"] = _judged(dict(numbered(one.showings)).get(key), options)
    page = render(
        "gallery.html.j2",
        **styled("plan.css", "gallery.css"),
        **scripted("gallery.js"),
        place=options.place,
        review=review,
        facts=_facts(review),
        faults=review.faults,
        columns=columns,
        rows=rows,
        choices=[str(one) for one in options.choices],
        served=options.served,
        of=options.of,
        shown=options.shown,
        judges=[_judge(one) for one in options.advices],
    )
    place = folder / (SERVED if options.served else INDEX)
    replace_file(place, page, mode=PUBLIC)
    return place


def _facts(review: Review) -> list[str]:
    found = [review.model or ""]
    if review.tokens is not None:
        found.append(f"{review.tokens:,} tokens")
    if review.began and review.ended:
        found.append(f"{_moment(review.began)} to {_moment(review.ended)}")
    return [one for one in found if one]


def _moment(at: datetime) -> str:
    """As the service says it, which names no zone."""
    return f"{at:%Y-%m-%d %H:%M}"


def _judge(advice: Advice) -> dict[str, Any]:
    """Who gave scores, and by what."""
    return {
        "model": advice.judge.model,
        "of": ", ".join(advice.asked_by),
        "criteria": [(_words(name), text) for name, text in advice.judge.rubric.criteria.items()],
    }


def _judged(showing: Showing | None, options: GalleryOptions) -> list[dict[str, Any]]:
    """What each judge said of one preview."""
    found = []
    for advice in options.advices:
        one = advice.of(showing) if showing else None
        if one:
            scores = [(_words(each.criterion), each.value, each.reason) for each in one.scores]
            of = _of(advice, options)
            found.append({"value": one.value, "scores": scores, "problem": one.problem, "of": of})
    return found


def _of(advice: Advice, options: GalleryOptions) -> str:
    """Whose rubric it is by, where there are several."""
    return f" by the rubric of {', '.join(advice.asked_by)}" if len(options.advices) > 1 else ""


def _words(name: str) -> str:
    return name.replace("_", " ")


def _column(number: int, one: Candidate, review: Review, options: GalleryOptions) -> dict[str, Any]:
    facts = [f"of {one.job_id}"] if one.job_id else []
    if one.step is not None:
        facts.append(f"step {one.step:,}")
    if one.made:
        facts.append(f"made {_moment(one.made)}")
    if one.expires:
        facts.append(f"kept until {_moment(one.expires)}")
    if one.failed:
        facts.append("the service made no preview with it")
    scored = [(advice.score(one), _of(advice, options)) for advice in options.advices]
    return {
        "number": number,
        "label": one.label,
        "key": f"{one.job_id}/{one.label}" if one.job_id else one.label,  # of its notes, which are its own
        "serves": one.serves,
        "facts": facts,
        "judged": [f"judged {score:g} of {HIGHEST_SCORE}{of}" for score, of in scored if score is not None],
        "choosable": one.job_id in {None, review.job_id} and not one.failed,
    }


def _row(
    number: int,
    key: tuple[str, str, str, int],
    review: Review,
    columns: list[dict[str, Any]],
    drawn: dict[str, Filmstrip],
    beside: _Beside,
    pictures: Path,
) -> dict[str, Any]:
    showings = [dict(numbered(one.showings)).get(key) for one in review.candidates]
    there = next(one for one in showings if one)
    frames = [
        {"src": beside.media(frame), "name": name}
        for frame, name in ((there.first_frame, "First frame"), (there.last_frame, "Last frame"))
        if frame
    ]
    cells: list[dict[str, Any]] = []
    before: tuple[str, Filmstrip] | None = None
    for column, showing in zip(columns, showings, strict=True):
        strip = drawn.get(showing.video.digest) if showing and showing.video else None
        cells.append(_cell(column, showing, strip, before, beside, pictures))
        before = (column["label"], strip) if strip else before
    return {"number": number + 1, "prompt": there.prompt, "frames": frames, "cells": cells}


def _cell(
    column: dict[str, Any],
    showing: Showing | None,
    strip: Filmstrip | None,
    before: tuple[str, Filmstrip] | None,
    beside: _Beside,
    pictures: Path,
) -> dict[str, Any]:
    cell: dict[str, Any] = dict.fromkeys(("video", "poster", "aspect", "strip", "heat", "before", "measures"))
    cell |= {"column": column, "fault": showing.fault if showing else "not shown by this checkpoint"}
    if showing is None or showing.video is None:
        return cell
    cell["video"] = beside.media(showing.video)
    if strip is None:
        return cell
    said = [f"{strip.seconds:.1f} s", f"motion {strip.motion:.1%}"]
    if before and (found := difference(before[1], strip, pictures)):
        cell |= {"heat": beside.picture(found.heat), "before": before[0]}
        said.append(f"{found.share:.1%} unlike {before[0]}")
    cell |= {
        "poster": beside.picture(strip.poster),
        "strip": beside.picture(strip.strip),
        "aspect": (strip.width, strip.height),
        "measures": " · ".join(said),
    }
    return cell
