"""Begins a data.jsonl where there is none: a line for each clip, or for each image of a validation set.

A first frame is the picture beside a clip that has its name, with or without _first; where there is none, it
is taken from the clip. Nothing that is there is written over.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from wanctl.base.files import PUBLIC, create_file, replace_file
from wanctl.dataset.contents import ANNOTATIONS, DatasetError, DatasetFacts, MediaKind, Sample
from wanctl.dataset.looking import frame_of

_ENDS = {"first": ("", "_first"), "last": ("_last",)}


@dataclass(frozen=True)
class Beginning:
    """The samples of a data.jsonl that is to be, and the frames that are taken from clips before."""

    samples: tuple[Sample, ...]
    to_take: tuple[tuple[str, str, bool], ...]  # a clip, the picture that it gives, and whether its last

    def __str__(self) -> str:
        """3 lines; 2 frames are taken from the clips."""
        count = len(self.to_take)
        taken = (
            f"; {count} {'frame is' if count == 1 else 'frames are'} taken from the clips" if count else ""
        )
        return f"{len(self.samples)} {'line' if len(self.samples) == 1 else 'lines'}{taken}"

    def write(self, folder: Path) -> None:
        """The frames first, then data.jsonl, which nobody else must have written meanwhile."""
        for clip, picture, last in self.to_take:
            replace_file(folder / picture, frame_of(folder / clip, last=last), mode=PUBLIC)
        try:
            create_file(folder / ANNOTATIONS, "".join(map(_line, self.samples)))
        except FileExistsError:
            raise DatasetError(f"{folder / ANNOTATIONS}: was written by somebody else meanwhile") from None


def beginning_of(facts: DatasetFacts, *, last_frames: bool) -> Beginning:
    """What a dataset without data.jsonl would begin with; no samples where it has no media."""
    media = {name: one for name, one in sorted(facts.media.items()) if not one.fault}
    clips = [name for name, one in media.items() if one.kind is MediaKind.VIDEO]
    images = [name for name, one in media.items() if one.kind is MediaKind.IMAGE]
    if not clips:
        return Beginning(tuple(Sample(n, "", one, None, None) for n, one in enumerate(images, 1)), ())
    samples, to_take = [], []
    for number, clip in enumerate(clips, 1):
        wanted = ("first", "last") if last_frames else ("first",)
        frames = {end: _beside(clip, images, end) for end in wanted}
        for end in wanted:
            if frames[end] is None:
                frames[end] = _named(clip, facts, end)
                to_take.append((clip, str(frames[end]), end == "last"))
        samples.append(Sample(number, "", frames["first"], frames.get("last"), clip))
    return Beginning(tuple(samples), tuple(to_take))


def _beside(clip: str, images: list[str], end: str) -> str | None:
    stem = PurePosixPath(clip).with_suffix("")
    wanted = [f"{stem}{suffix}".lower() for suffix in _ENDS[end]]
    return next((one for one in images if str(PurePosixPath(one).with_suffix("")).lower() in wanted), None)


def _named(clip: str, facts: DatasetFacts, end: str) -> str:
    """A name that no member has."""
    stem = PurePosixPath(clip).with_suffix("")
    return next(name for name in _names(stem, end) if name not in facts.by_name)


def _names(stem: PurePosixPath, end: str) -> Iterator[str]:
    yield f"{stem}_{end}.jpg"
    for number in range(2, 1000):
        yield f"{stem}_{end}_{number}.jpg"


def _line(sample: Sample) -> str:
    fields = {
        "prompt": "",
        "first_frame_path": sample.first_frame,
        "last_frame_path": sample.last_frame,
        "video_path": sample.video,
    }
    return json.dumps({key: value for key, value in fields.items() if value is not None}) + "\n"
