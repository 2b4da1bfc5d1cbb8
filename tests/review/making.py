"""Reviews of real videos: what a training might have shown, drawn as the sandbox draws it."""

import hashlib
from datetime import datetime
from pathlib import Path

from PIL import Image

from wanctl.review.collecting import Candidate, Review, Showing
from wanctl.review.store import StoredMedia
from wanctl.sandbox.media.previews import placeholder, write_preview

ENDED = datetime(2026, 3, 18, 12, 42)  # noqa: DTZ001 - as the service says it


def stored(path: Path) -> StoredMedia:
    content = path.read_bytes()
    return StoredMedia(path, hashlib.sha256(content).hexdigest(), len(content))


def still(folder: Path, shade: int = 84) -> StoredMedia:
    path = folder / f"still-{shade}.png"
    picture = placeholder()
    picture.paste((shade, 90, 120), (0, 0, 80, 80))
    picture.save(path)
    return stored(path)


def video(folder: Path, strength: float, seed: str = "s") -> StoredMedia:
    """Three seconds, with more of the effect the stronger it is."""
    path = folder / f"{seed}-{strength}.mp4"
    with Image.open(still(folder).path) as picture:
        write_preview(path, picture.convert("RGB"), strength, seed)
    return stored(path)


def review(
    folder: Path, labels: tuple[str, ...], prompts: tuple[str, ...], serves: str | None = None
) -> Review:
    """Every checkpoint shows every sample."""
    folder.mkdir(parents=True, exist_ok=True)
    frames = [still(folder, 20 * number) for number in range(len(prompts))]
    candidates = []
    for order, label in enumerate(labels, start=1):
        showings = tuple(
            Showing(prompt, video(folder, order / len(labels), f"sample-{number}"), frames[number])
            for number, prompt in enumerate(prompts)
        )
        candidates.append(Candidate(label, showings, made=ENDED, serves=label == serves))
    return Review(
        "ft-202603180900-df96", "wan2.6-i2v", tuple(candidates), tokens=1_411_200, began=ENDED, ended=ENDED
    )
