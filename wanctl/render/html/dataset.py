"""A dataset as a page to look through: first frames, captions, clips that play, and what is wrong with each.

Frames are in the page, small; clips stay where they are and are linked, so the page has to stay near them.
Shown by wanctl itself, it also takes edits; `page_state` is what it shows again after one.
"""

import base64
import hashlib
import io
import os
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from wanctl.base.words import counted
from wanctl.dataset.checks import abridged
from wanctl.dataset.contents import ANNOTATIONS, LARGEST_SIDE, Media, MediaKind, Sample
from wanctl.dataset.looking import probe_media
from wanctl.dataset.source import SourceFiles, source_at
from wanctl.decoding.pictures import thumbnail
from wanctl.decoding.pool import UndecodableError
from wanctl.finding import Finding
from wanctl.language.inspection import Inspection
from wanctl.render.html import render, scripted, styled
from wanctl.render.visible import visible
from wanctl.render.words import estimate_rows, spell_aspect

_MOST = 1000  # samples on a page
_THUMBNAIL = (480, 360)
_BEGIN = 16
Link = Callable[[str], str | None]


@dataclass(frozen=True)
class _Shown:
    """A picture or clip on the page."""

    name: str
    facts: str
    thumbnail: Markup | None = None
    address: str | None = None
    size: tuple[int, int] | None = None


@dataclass(frozen=True)
class DatasetEditing:
    """How the page is when wanctl itself shows it: each clip by a name of the page's own, and buttons."""

    patterns: tuple[str, ...]  # of exclude:
    own: Callable[[Sample, tuple[str, ...]], bool]  # whether the page can take a sample in again


def write_page(found: Inspection, destination: Path) -> None:
    destination.parent.mkdir(parents=True, exist_ok=True)
    destination.write_text(dataset_page(found, destination.parent), encoding="utf-8")


def dataset_page(found: Inspection, folder: Path) -> str:
    """The page, to be kept in this folder."""
    return _page(found, lambda name: quote(Path(os.path.relpath(found.path / name, folder)).as_posix()))


def served_page(found: Inspection, editing: DatasetEditing) -> str:
    """The page with its buttons, whose clips have the addresses that `served_clips` knows."""
    return _page(found, clip_address, editing)


def clip_address(name: str) -> str:
    return f"media/{hashlib.sha256(name.encode()).hexdigest()[:24]}"


def served_clips(found: Inspection) -> dict[str, Path]:
    """The clips of a folder by their addresses on the page, excluded ones with them."""
    names = {one.video for one in _samples(found) if one.video}
    return {clip_address(name): found.path / name for name in names if _is_there(found.path, name)}


def _is_there(folder: Path, name: str) -> bool:
    """A file inside the folder, whatever its line says."""
    path = (folder / name).resolve()
    return path.is_file() and path.is_relative_to(folder.resolve())


def _samples(found: Inspection) -> list[Sample]:
    everything = sorted((*found.facts.samples, *found.excluded), key=lambda one: one.line)
    return everything[:_MOST]


def _page(found: Inspection, link: Link, editing: DatasetEditing | None = None) -> str:
    problems = _problems_by_line(found)
    excluded = {one.line for one in found.excluded}
    with source_at(found.path) as source:
        samples = [
            {
                **_sample(sample, found, source, link),
                "problems": problems[sample.line],
                "excluded": sample.line in excluded,
                "fixed": bool(editing) and not _takes_back(sample, excluded, editing),
            }
            for sample in _samples(found)
        ]
    return render(
        "dataset.html.j2",
        **styled("plan.css", "clips.css", "dataset.css"),
        **scripted("clips.js", *(("dataset.js",) if editing else ())),
        place="wanctl",
        found=found,
        heading=_heading(found),
        findings=abridged(found.problems),
        estimates=estimate_rows(found.estimates),
        samples=samples,
        left_out=max(0, len(found.facts.samples) + len(found.excluded) - _MOST),
        editing=editing is not None,
    )


def page_state(found: Inspection, editing: DatasetEditing) -> dict[str, Any]:
    """Everything on the page that an edit may have changed, as JSON."""
    problems = _problems_by_line(found)
    excluded = {one.line for one in found.excluded}
    return {
        "heading": visible(_heading(found)),
        "samples": [
            {
                "line": one.line,
                "prompt": one.prompt,
                "excluded": one.line in excluded,
                "fixed": not _takes_back(one, excluded, editing),
                "problems": [
                    {
                        "severity": problem.severity.value,
                        "rule": problem.rule,
                        "message": visible(problem.message),
                        "hint": visible(problem.hint or ""),
                    }
                    for problem in problems[one.line]
                ],
            }
            for one in _samples(found)
        ],
    }


def _takes_back(sample: Sample, excluded: Collection[int], editing: DatasetEditing | None) -> bool:
    """Whether the button works: a pattern that a person wrote is theirs."""
    if not sample.references or editing is None:
        return False
    return sample.line not in excluded or editing.own(sample, editing.patterns)


def _heading(found: Inspection) -> str:
    facts = found.facts
    text = f"{counted(len(facts.samples), 'sample')}, {facts.total_seconds:.0f} s"
    return text + (f", {len(found.excluded)} excluded" if found.excluded else "")


def _problems_by_line(found: Inspection) -> dict[int, list[Finding]]:
    """What is to be said beside each sample: of its line, of its files, and what it has with others."""
    lines: dict[str, list[int]] = defaultdict(list)
    for sample in found.facts.samples:
        for name in sample.references:
            lines[name].append(sample.line)
    problems: dict[int, list[Finding]] = defaultdict(list)
    for one in found.problems:
        concerned: dict[int, None] = {}
        for place in (one.place, *one.about):
            if place is None:
                continue
            there = [place.line] if place.file == ANNOTATIONS and place.line else lines[place.file]
            concerned |= dict.fromkeys(there)
        for line in concerned:
            problems[line].append(one)
    return problems


def _sample(sample: Sample, found: Inspection, source: SourceFiles, link: Link) -> dict[str, Any]:
    frames = [(path, _media(path, found, source)) for path in sample.frames]
    return {
        "line": sample.line,
        "prompt": sample.prompt,
        "pictures": [_Shown(path, _facts(media), _thumbnail(source, path, media)) for path, media in frames],
        "clip": _clip(sample.video, found, link) if sample.video else None,
    }


def _media(name: str, found: Inspection, source: SourceFiles) -> Media | None:
    """What was read of a member; what is excluded was not read, and is looked at here."""
    known = found.facts.media.get(name)
    if known or not found.excluded or not found.path.is_dir() or not _is_there(found.path, name):
        return known
    with source.open(name) as file:
        return probe_media(file, file.read(_BEGIN), (found.path / name).stat().st_size).media


def _clip(name: str, found: Inspection, link: Link) -> _Shown:
    """A link to where it lies; in a zip it has none."""
    sound = found.path.is_dir() and (name in found.facts.by_name or _is_there(found.path, name))
    media = found.facts.media.get(name)
    facts = "excluded" if sound and not media else _facts(media)
    size = (media.width, media.height) if media and media.width else None
    return _Shown(name, facts, address=link(name) if sound else None, size=size)


def _facts(media: Media | None) -> str:
    if media is None:
        return "not there, or no media"
    if media.fault:
        return media.fault
    length = f", {media.seconds:.1f} s" if media.seconds is not None else ""
    return f"{media.format}, {media.width}×{media.height} ({spell_aspect(media)}){length}"


def _thumbnail(source: SourceFiles, name: str, media: Media | None) -> Markup | None:
    """A small JPEG as a data: URL; only of what was found sound, so its work is bounded."""
    sound = media and media.kind is MediaKind.IMAGE and media.width and not media.fault
    if media is None or not sound or max(media.width, media.height) > LARGEST_SIDE:
        return None
    with source.open(name) as file:
        return small_jpeg(file.read())


def small_jpeg(content: bytes) -> Markup | None:
    """A picture as a data: URL, small enough for a page of hundreds; None where it cannot be decoded."""
    try:
        small = thumbnail(io.BytesIO(content), _THUMBNAIL)
    except UndecodableError:
        return None
    return Markup("data:image/jpeg;base64,") + base64.b64encode(small).decode()
