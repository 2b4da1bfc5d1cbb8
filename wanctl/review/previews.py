"""Download what the validated checkpoints made, within the 24 hours of their links."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from wanctl.studio.client import Studio
from wanctl.studio.objects import Preview

LARGEST_PREVIEW = 512 * 1024 * 1024
DOWNLOADS_AT_ONCE = 4


@dataclass(frozen=True)
class Saved:
    """One preview on disk."""

    checkpoint: str
    number: int
    video: Path | None
    frame: Path | None
    prompt: str


async def download_previews(
    studio: Studio,
    job_id: str,
    checkpoints: Sequence[str],
    folder: Path,
    done: Callable[[str, int], None],
) -> list[Saved]:
    """Each checkpoint gets a folder: numbered videos, their first frames, and the prompts as text."""
    gate = asyncio.Semaphore(DOWNLOADS_AT_ONCE)
    saved: list[Saved] = []

    async def one(checkpoint: str, number: int, preview: Preview) -> Saved:
        async with gate:
            return await _save(studio, checkpoint, number, preview, folder / checkpoint)

    for checkpoint in checkpoints:
        await asyncio.to_thread((folder / checkpoint).mkdir, parents=True, exist_ok=True)
        previews = await studio.jobs.previews(job_id, checkpoint)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(one(checkpoint, number, preview))
                for number, preview in enumerate(previews, start=1)
            ]
        saved += [task.result() for task in tasks]
        done(checkpoint, len(tasks))
    return saved


async def _save(studio: Studio, checkpoint: str, number: int, preview: Preview, folder: Path) -> Saved:
    video = frame = None
    if preview.video_path:
        video = folder / f"{number:02}{_ending(preview.video_path, '.mp4')}"
        await studio.download(preview.video_path, video, max_bytes=LARGEST_PREVIEW)
    if preview.first_frame_path:
        frame = folder / f"{number:02}-first-frame{_ending(preview.first_frame_path, '.jpg')}"
        await studio.download(preview.first_frame_path, frame, max_bytes=LARGEST_PREVIEW)
    prompt = preview.prompt or ""
    await asyncio.to_thread((folder / f"{number:02}.txt").write_text, prompt + "\n", encoding="utf-8")
    return Saved(checkpoint, number, video, frame, prompt)


def _ending(url: str, default: str) -> str:
    """The file's ending as the link's path has it, if it is one that a person's player knows."""
    ending = PurePosixPath(urlsplit(url).path).suffix.lower()
    return ending if ending in {".mp4", ".mov", ".jpg", ".jpeg", ".png", ".webp", ".bmp"} else default
