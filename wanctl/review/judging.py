"""What a judge says of the previews of a review: which are to be asked, what is kept, what it comes to.

A checkpoint with a preview that has no score has none either.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wanctl.base.files import PRIVATE, replace_file
from wanctl.generation.judge import Judge, Score, weakest
from wanctl.review.collecting import Candidate, Review, Showing


@dataclass(frozen=True)
class JudgedPreview:
    """The scores of one preview, or why there are none."""

    scores: tuple[Score, ...] = ()
    problem: str | None = None

    @property
    def value(self) -> int | None:
        """Its weakest criterion."""
        return weakest(self.scores)


class AnswerStore:
    """Answers that were paid for, a file each, by what was asked and shown."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, judge: Judge, showing: Showing) -> tuple[Score, ...] | None:
        """The scores of an answer; one that is not usable, whoever wrote it, counts as none."""
        try:
            return judge.read(self._path(judge, showing).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def keep(self, judge: Judge, showing: Showing, scores: Iterable[Score]) -> None:
        """At once: it was paid."""
        said = {one.criterion: {"score": one.value, "reason": one.reason} for one in scores}
        self._folder.mkdir(parents=True, exist_ok=True)
        replace_file(self._path(judge, showing), json.dumps(said, ensure_ascii=False) + "\n", mode=PRIVATE)

    def _path(self, judge: Judge, showing: Showing) -> Path:
        return self._folder / f"{judge.key(showing)}.json"


@dataclass(frozen=True)
class Advice:
    """What one judge says of a review."""

    judge: Judge
    previews: Mapping[str, JudgedPreview] = field(default_factory=dict)  # by the judge's key
    asked_by: tuple[str, ...] = ()  # the documents whose rubric it is

    def of(self, showing: Showing) -> JudgedPreview | None:
        return self.previews.get(self.judge.key(showing)) if showing.video else None

    def score(self, candidate: Candidate) -> float | None:
        """The mean of its previews; None if one of them has no score, or is missing."""
        found = [self.of(one) for one in candidate.showings]
        values = [one.value if one else None for one in found]
        known = [one for one in values if one is not None]
        if candidate.problem or not known or len(known) < len(values):
            return None
        return round(sum(known) / len(known), 2)

    def scores(self, review: Review) -> dict[str, float]:
        """Of the training's own checkpoints; what serves from another one is no candidate."""
        own = ((one.label, self.score(one)) for one in review.candidates if one.job_id is None)
        return {label: score for label, score in own if score is not None}


def to_ask(judge: Judge, review: Review, kept: AnswerStore) -> list[Showing]:
    """The previews that were not judged before, each once."""
    found: dict[str, Showing] = {}
    for one in shown(review):
        if kept.get(judge, one) is None:
            found.setdefault(judge.key(one), one)
    return list(found.values())


def shown(review: Review) -> Sequence[Showing]:
    return [each for one in review.candidates for each in one.showings if each.video]
