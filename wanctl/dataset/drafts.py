"""Captions that a vision model drafted, kept by what was asked and shown: the same question is paid once.

And about how many tokens a question has, by the service's documents: a picture counts one for each 32×32
pixels, a clip two pictures a second, of which two count as one.
"""

import hashlib
import math
from collections.abc import Iterable
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from wanctl.base.files import PRIVATE, replace_file
from wanctl.dataset.captioning import Brief
from wanctl.dataset.contents import DatasetFacts, Sample

_KEPT = TypeAdapter(dict[str, str])
_PATCH = 32 * 32
_MOST_FOR_A_PICTURE = 2560
_MOST_FOR_A_FRAME = 768
_FRAMES_A_SECOND = 2
_LETTERS = 4  # of a token
ANSWER = 160  # tokens, about, of a caption


class DraftCache:
    """Drafts of a project; a file that cannot be read counts as none."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "captions.json"
        try:
            self._kept = _KEPT.validate_json(self._path.read_bytes())
        except (OSError, ValidationError):
            self._kept = {}

    def get(self, key: str) -> str | None:
        return self._kept.get(key)

    def keep(self, key: str, text: str) -> None:
        """Write it at once: it was paid."""
        self._kept[key] = text
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self._path, _KEPT.dump_json(self._kept), mode=PRIVATE)
        except OSError:
            return


def question_of(sample: Sample, brief: Brief, model: str, facts: DatasetFacts) -> str:
    """The same for the same model, words, and bytes of media."""
    shown = [facts.by_name[path].sha256 for path in sample.references if path in facts.by_name]
    return hashlib.sha256("\n".join([model, brief.instruction, *shown]).encode()).hexdigest()


def tokens_asked(samples: Iterable[Sample], brief: Brief, facts: DatasetFacts) -> int:
    """About how many tokens the questions have together."""
    return sum(_tokens(one, facts) + len(brief.instruction) // _LETTERS for one in samples)


def _tokens(sample: Sample, facts: DatasetFacts) -> int:
    clip = facts.media.get(sample.video or "")
    if clip and clip.seconds and not clip.fault:
        frame = min(_MOST_FOR_A_FRAME, math.ceil(clip.width * clip.height / _PATCH))
        return frame * max(1, math.ceil(clip.seconds * _FRAMES_A_SECOND / 2))
    frames = (facts.media.get(path) for path in sample.frames)
    return sum(min(_MOST_FOR_A_PICTURE, math.ceil(one.width * one.height / _PATCH)) for one in frames if one)
