"""A look at a task, and at its video once that is there; and what a judge sees in one. Nothing is kept."""

import asyncio
import tempfile
from pathlib import Path

from wanctl.generation.checks import SeenVideo
from wanctl.generation.judge import Judge, Score, ShownVideo
from wanctl.studio.client import Studio
from wanctl.studio.errors import StudioError
from wanctl.studio.objects import VideoTask

LARGEST_CHECKED = 512 * 1024 * 1024


async def seen_video(studio: Studio, task_id: str) -> SeenVideo:
    """A task, with the measures of its video once it is there. One that is broken is fetched once more: the
    way here may have cut it."""
    task = await studio.tasks.get(task_id)
    if not task.succeeded or not task.video_url:
        return SeenVideo(task)
    seen = await _fetched(studio, task, task.video_url)
    return await _fetched(studio, task, task.video_url) if seen.broken else seen


async def _fetched(studio: Studio, task: VideoTask, url: str) -> SeenVideo:
    with tempfile.TemporaryDirectory(prefix="wanctl-check-") as folder:
        file = Path(folder) / "video.mp4"
        try:
            await studio.download(url, file, max_bytes=LARGEST_CHECKED)
        except StudioError as error:
            return SeenVideo(task, unread=str(error))
        return await asyncio.to_thread(_looked_at, task, file)


def _looked_at(task: VideoTask, file: Path) -> SeenVideo:
    from wanctl.dataset.viewing import view_clip  # it loads FFmpeg
    from wanctl.generation.measuring import measured

    found = measured(file)
    with file.open("rb") as opened:
        viewed = view_clip(opened)
    return SeenVideo(
        task,
        seconds=found.seconds,
        width=found.width,
        height=found.height,
        black=viewed.black,
        still=viewed.still,
        broken=viewed.fault,
    )


async def scored(judge: Judge, studio: Studio, shown: ShownVideo) -> tuple[Score, ...]:
    """Ask, and read what is said; UnusableAnswer where that is no verdict, or nothing can be shown."""
    parts = await asyncio.to_thread(judge.parts, shown)
    answer = await studio.chat.complete(judge.model, parts)
    return judge.read(answer.value)
