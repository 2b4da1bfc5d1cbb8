"""A dataset as a page to scroll through: first frames, captions, clips, and what is wrong with each.

Frames are in the page, small; clips stay where they are and are linked, so the page has to stay near them.
"""

import base64
import io
import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup
from PIL import Image, ImageOps

from wanctl.dataset.checks import abridged, line_of, member_of
from wanctl.dataset.contents import ANNOTATIONS, Media, MediaKind, Sample
from wanctl.dataset.media import LARGEST_SIDE
from wanctl.dataset.source import SourceFiles, source_at
from wanctl.finding import Finding
from wanctl.language.inspection import Inspection
from wanctl.render.html import render, styled
from wanctl.render.words import estimate_rows, spell_aspect

_MOST = 500  # samples on a page
_THUMBNAIL = (480, 360)


@dataclass(frozen=True)
class _Shown:
    """A picture or clip on the page."""

    name: str
    facts: str
    thumbnail: Markup | None = None
    address: str | None = None


def write_page(found: Inspection, destination: Path) -> None:
    destination.parent.mkdir(parents=True, exist_ok=True)
    destination.write_text(dataset_page(found, destination.parent), encoding="utf-8")


def dataset_page(found: Inspection, folder: Path) -> str:
    """The page, to be kept in this folder."""
    problems: dict[int, list[Finding]] = defaultdict(list)
    for one in found.problems:
        if member_of(one) == ANNOTATIONS and line_of(one):
            problems[line_of(one)].append(one)
    with source_at(found.path) as source:
        samples = [
            _sample(sample, found, source, folder, problems[sample.line])
            for sample in found.facts.samples[:_MOST]
        ]
    return render(
        "dataset.html.j2",
        **styled("plan.css", "dataset.css"),
        place="wanctl",
        found=found,
        findings=abridged(found.problems),
        estimates=estimate_rows(found.estimates),
        samples=samples,
        left_out=max(0, len(found.facts.samples) - _MOST),
    )


def _sample(
    sample: Sample, found: Inspection, source: SourceFiles, folder: Path, problems: list[Finding]
) -> dict[str, Any]:
    return {
        "line": sample.line,
        "prompt": sample.prompt,
        "problems": problems,
        "pictures": [
            _Shown(path, _facts(found.facts.media.get(path)), _thumbnail(source, path, found))
            for path in sample.frames
        ],
        "clip": _clip(sample.video, found, folder) if sample.video else None,
    }


def _clip(name: str, found: Inspection, folder: Path) -> _Shown:
    """A link to where it lies; in a zip it has none."""
    sound = name in found.facts.by_name and found.path.is_dir()
    address = quote(Path(os.path.relpath(found.path / name, folder)).as_posix()) if sound else None
    return _Shown(name, _facts(found.facts.media.get(name)), address=address)


def _facts(media: Media | None) -> str:
    if media is None:
        return "not there, or no media"
    if media.fault:
        return media.fault
    length = f", {media.seconds:.1f} s" if media.seconds is not None else ""
    return f"{media.format}, {media.width}×{media.height} ({spell_aspect(media)}){length}"


def _thumbnail(source: SourceFiles, name: str, found: Inspection) -> Markup | None:
    """A small JPEG as a data: URL; only of what was found sound, so its work is bounded."""
    media = found.facts.media.get(name)
    sound = media and media.kind is MediaKind.IMAGE and media.width and not media.fault
    if media is None or not sound or max(media.width, media.height) > LARGEST_SIDE:
        return None
    with source.open(name) as file:
        return small_jpeg(file.read())


def small_jpeg(content: bytes) -> Markup:
    """A picture as a data: URL, small enough for a page of hundreds."""
    with Image.open(io.BytesIO(content)) as picture:
        picture.draft("RGB", _THUMBNAIL)
        small = ImageOps.exif_transpose(picture).convert("RGB")
        small.thumbnail(_THUMBNAIL)
        out = io.BytesIO()
        small.save(out, "JPEG", quality=80)
    return Markup("data:image/jpeg;base64,") + base64.b64encode(out.getvalue()).decode()
