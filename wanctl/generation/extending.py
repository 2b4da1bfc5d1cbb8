"""Longer than one call makes: segments, each beginning with the last picture of the one before, and joined.

Each segment is a request like any other, paid once: whatever ends the chain, it goes on where it was.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from wanctl.base.files import PUBLIC, beside, replace_file
from wanctl.decoding.demuxers import BEGIN, demuxer_for
from wanctl.decoding.pool import DecodingLimits, UndecodableError, decoded
from wanctl.generation.measuring import measured
from wanctl.generation.modes import VideoMode
from wanctl.generation.request import VideoRequest
from wanctl.generation.result import GenerationError, PreparedVideo, VideoResult
from wanctl.generation.rules import level_of
from wanctl.generation.running import VideoRun

MOST_SEGMENTS = 20
_WHOLE = DecodingLimits(seconds=300.0)
_JOINED = DecodingLimits(memory=4 * 1024**3, seconds=1800.0, written=8 * 1024**3)
_NEXT_MODELS = {"2.6": "wan2.6-i2v", "2.5": "wan2.5-i2v-preview", "2.2": "wan2.2-i2v-plus"}

Prepare = Callable[[VideoRequest], Awaitable[PreparedVideo]]


def require_extendable(prepared: PreparedVideo, more: int) -> None:
    """Say what cannot be made longer, before anything is paid."""
    called, request = prepared.call.called, prepared.call.request
    if not 1 <= more < MOST_SEGMENTS:
        raise GenerationError(f"--extend takes 1 to {MOST_SEGMENTS - 1} more segments, not {more}")
    if called.mode not in {VideoMode.TEXT, VideoMode.FIRST_FRAME}:
        raise GenerationError(
            f"--extend goes on from a last picture, which {called.mode} models do not take",
            "begin with t2v or i2v; a vace model extends a clip: --function video_extension",
        )
    if called.mode is VideoMode.TEXT and called.generation not in _NEXT_MODELS:
        raise GenerationError(f"no i2v model goes on from {called.base}", "begin with an i2v model")
    if request.audio is not None:
        raise GenerationError(
            "--audio would begin anew in every segment", "leave it out, and lay the sound under the whole"
        )


async def make_longer(run: VideoRun, first: PreparedVideo, more: int, prepare: Prepare) -> VideoResult:
    """The first segment, `more` that go on from it, and the whole."""
    require_extendable(first, more)
    made = [await run.make(first.call)]
    for _ in range(more):
        picture = await asyncio.to_thread(_picture, made[-1].file)
        going_on = await prepare(next_request(first, picture))
        made.append(await run.make(going_on.call))
    return await asyncio.to_thread(_joined, made, run.folder.path)


def next_request(first: PreparedVideo, picture: Path) -> VideoRequest:
    """The same words, from the picture on; a text-to-video model is followed by the one of its generation."""
    request, called = first.call.request, first.call.called
    if called.mode is VideoMode.FIRST_FRAME:
        return request.model_copy(update={"image": picture})
    resolution = level_of(request.size) if request.size else None
    changes = {"model": _NEXT_MODELS[called.generation], "size": None, "image": picture}
    return request.model_copy(update={**changes, "resolution": resolution or "720P"})


def last_picture(video: Path) -> bytes:
    """Its last frame as a PNG, which is the same bytes for the same video."""
    try:
        return decoded(
            "wanctl.generation.joining:last_job", [video], _WHOLE, demuxer=_demuxer_of(video)
        ).only_blob()
    except UndecodableError as error:
        raise GenerationError(f"{video} {error}") from error


def join(parts: Sequence[Path], destination: Path) -> bool:
    """One video of several; whether it was copied as it is, and not encoded anew."""
    demuxers = [_demuxer_of(part) for part in parts]
    with beside(destination, mode=PUBLIC) as partial, partial.open("w+b") as out:
        try:
            files: list[BinaryIO | Path] = [*parts, out]
            copied = decoded("wanctl.generation.joining:join_job", files, _JOINED, demuxers=demuxers).value
        except UndecodableError as error:
            named = " and ".join(part.name for part in parts)
            raise GenerationError(f"{named} cannot be joined: one of them {error}") from error
    return copied is True


def _demuxer_of(video: Path) -> str:
    with video.open("rb") as file:
        found = demuxer_for(file.read(BEGIN))
    if found is None:
        raise GenerationError(f"{video} is no video")
    return found


def _picture(video: Path) -> Path:
    """The last picture beside its video, so that it is there for whoever looks."""
    place = video.with_name(f"{video.stem}-last.png")
    replace_file(place, last_picture(video), mode=PUBLIC)
    return place


def _joined(made: list[VideoResult], folder: Path) -> VideoResult:
    parts = [one.file for one in made]
    whole = hashlib.sha256("\n".join(part.name for part in parts).encode()).hexdigest()[:12]
    place = folder / f"{parts[0].stem}-and-{len(parts) - 1}-more-{whole}.mp4"
    if not place.exists():
        join(parts, place)
    seen = measured(place)
    return replace(
        made[0],
        video_url=place.resolve().as_uri(),
        duration=seen.seconds,
        fps=seen.fps,
        width=seen.width,
        height=seen.height,
        file=place,
        cached=all(one.cached for one in made),
        segments=tuple(made),
    )
