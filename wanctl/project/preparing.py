"""Footage into a training set, for the base model that it is for. It needs no project: only the catalogue."""

from pathlib import Path

from wanctl.base.running import Interrupted
from wanctl.base.words import suggestion
from wanctl.catalogue.base_models import CatalogueModel, FrameMode
from wanctl.catalogue.packaged import packaged_models
from wanctl.dataset.preparing.outcome import Preparation
from wanctl.dataset.preparing.scenes import CutSettings
from wanctl.dataset.preparing.work import Watch, prepare
from wanctl.project.errors import ProjectError

SHORTEST = 2.0  # seconds; Panda-70M and Open-Sora drop what is shorter
MOST_PIXELS = 512 * 512  # the most that any base model trains on: more is scaled down there


def cut_settings(
    model: str, *, longest: float | None = None, shortest: float = SHORTEST, most_pixels: int = MOST_PIXELS
) -> CutSettings:
    """How clips are cut for a base model; its cap holds whatever a person asks for."""
    known = packaged_models()
    base = known.get(model)
    if base is None:
        raise ProjectError(
            f"the catalogue has no base model {model}", suggestion(model, list(known), "none is known")
        )
    cap = _cap(base)
    if longest is not None and cap and longest > cap:
        raise ProjectError(f"{model} takes clips of {cap:g} s at most; --seconds says {longest:g}")
    longest = longest or cap
    if longest is None:
        raise ProjectError(f"nobody told us how long clips for {model} may be", "say it: --seconds 5")
    if not 0 < shortest <= longest:
        raise ProjectError(f"clips of {shortest:g} s at least and {longest:g} s at most cannot be")
    two = base.mode is FrameMode.FIRST_AND_LAST_FRAME
    return CutSettings(longest, shortest, last_frames=two, most_pixels=most_pixels)


def _cap(base: CatalogueModel) -> float | None:
    cap = base.longest_clip or base.billed_seconds
    return float(cap) if cap else None


def prepare_footage(
    root: Path, folder: Path, settings: CutSettings, *, dry_run: bool, watch: Watch
) -> Preparation:
    """Prepare it; Ctrl-C ends the run after the frame that is read, and what is whole stays."""
    try:
        return prepare(root, folder, settings, dry_run=dry_run, watch=watch)
    except KeyboardInterrupt:
        raise Interrupted from None
