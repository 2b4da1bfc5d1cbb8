"""A look at a task, and at its video once that is there; and what a judge sees in one. Nothing is kept."""

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

from wanctl.dataset.looking import view_clip
from wanctl.generation.checks import SeenVideo
from wanctl.generation.judge import Judge, NothingToShow, Score, ShownVideo
from wanctl.generation.measuring import measured
from wanctl.studio.client import Studio
from wanctl.studio.errors import Refused, StudioError
from wanctl.studio.objects import VideoTask
from wanctl.studio.reading import Answer

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


async def scored(
    judge: Judge, studio: Studio, shown: ShownVideo, *, once: bool = False
) -> Answer[tuple[Score, ...]]:
    """Ask, and read what is said; UnusableAnswer where that is no verdict, or nothing can be shown."""
    parts = await asyncio.to_thread(judge.parts, shown)
    answer = await studio.chat.complete(judge.model, parts, once=once)
    return Answer(judge.read(answer.value), answer.request_id)


@dataclass(frozen=True)
class _ShownFile:
    path: Path
    digest: str = ""  # nobody keeps an answer by it


@dataclass(frozen=True)
class _ShownCheck:
    prompt: str
    first_frame: _ShownFile
    video: _ShownFile


async def scored_check(
    studio: Studio, judge: Judge, task_id: str, picture: Path, caption: str
) -> Answer[tuple[Score, ...]]:
    """What a judge says of the video of a task. Asked once; Refused where there is nothing to show to it."""
    task = await studio.tasks.get(task_id)
    if not task.succeeded or not task.video_url:
        raise Refused(f"the video of the task {task_id} is not to be had any more")
    with tempfile.TemporaryDirectory(prefix="wanctl-check-") as folder:
        file = Path(folder) / "video.mp4"
        await studio.download(task.video_url, file, max_bytes=LARGEST_CHECKED)
        try:
            return await scored(
                judge, studio, _ShownCheck(caption, _ShownFile(picture), _ShownFile(file)), once=True
            )
        except NothingToShow as error:
            raise Refused(f"nothing was asked: {error}") from error
