"""The videos of a batch, as a page to scroll through, which loads nothing but the videos beside it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from wanctl.base.files import PUBLIC, replace_file
from wanctl.generation.batch import RowResult
from wanctl.render.html import render, styled


@dataclass(frozen=True)
class _VideoShown:
    name: str
    address: str
    facts: str
    prompt: str


def write_videos_page(results: Sequence[RowResult], destination: Path) -> None:
    """The page, which has to stay where it is beside its videos."""
    page = render(
        "videos.html.j2",
        **styled("plan.css", "dataset.css"),
        place="wanctl",
        videos=[_shown(one, destination.parent) for one in results if one.made],
        failed=[{"name": one.row.name, "error": one.error or ""} for one in results if not one.made],
    )
    replace_file(destination, page, mode=PUBLIC)


def _shown(one: RowResult, folder: Path) -> _VideoShown:
    assert one.made is not None  # noqa: S101 - as its caller has seen
    made = one.made
    address = quote(Path(os.path.relpath(made.file.resolve(), folder.resolve())).as_posix())
    facts = [
        made.model,
        f"{made.duration:g} s" if made.duration else "",
        f"{made.width}×{made.height}" if made.width else "",
        f"seed {made.seed}" if made.seed is not None else "",
        "made before" if made.cached else "",
    ]
    return _VideoShown(one.row.name, address, ", ".join(filter(None, facts)), one.row.request.prompt or "")
