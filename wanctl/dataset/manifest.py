"""The part of an upload that the ledger keeps, so that a later plan can say which samples changed.

A sample is known by the bytes of its media: then another caption is a change, and another clip is another
sample. Captions are kept as they are while they are small; of large sets their digests are.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wanctl.base.words import counted
from wanctl.dataset.contents import DatasetFacts, Sample

_MOST_TEXT = 200_000  # characters of captions that are kept in full


@dataclass(frozen=True)
class CaptionChange:
    """One sample whose caption is another one now. None: it is not known any more, only that it differs."""

    sample: str
    before: str | None
    after: str


@dataclass(frozen=True)
class ContentChanges:
    """The differences between two contents of a dataset."""

    captions: tuple[CaptionChange, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.captions or self.added or self.removed)

    def __str__(self) -> str:
        counts = (
            (len(self.captions), "caption", "changed"),
            (len(self.added), "sample", "added"),
            (len(self.removed), "sample", "removed"),
        )
        told = (f"{counted(count, noun)} {what}" for count, noun, what in counts if count)
        return ", ".join(told)


def manifest(facts: DatasetFacts) -> dict[str, Any]:
    """The samples as JSON, for the ledger."""
    whole = sum(len(sample.prompt) for sample in facts.samples) <= _MOST_TEXT
    return {
        "seconds": [round(seconds, 3) for seconds in facts.seconds],
        "samples": [
            {
                "sample": _shown(sample),
                "media": _media(sample, facts),
                **({"caption": sample.prompt} if whole else {"caption_digest": _digest(sample.prompt)}),
            }
            for sample in facts.samples
        ],
    }


def changes_since(kept: Sequence[Mapping[str, Any]], facts: DatasetFacts) -> ContentChanges:
    """The samples that came, went or were written anew since those in `kept` were uploaded."""
    before: dict[str, list[Mapping[str, Any]]] = {}
    for one in kept:
        before.setdefault(str(one.get("media")), []).append(one)
    captions, added = [], []
    for sample in facts.samples:
        same_media = before.get(_media(sample, facts), [])
        if not same_media:
            added.append(_shown(sample))
            continue
        old = next((one for one in same_media if _same_caption(one, sample.prompt)), same_media[0])
        same_media.remove(old)
        if not _same_caption(old, sample.prompt):
            captions.append(CaptionChange(_shown(sample), old.get("caption"), sample.prompt))
    removed = [str(one.get("sample")) for left in before.values() for one in left]
    return ContentChanges(tuple(captions), tuple(added), tuple(removed))


def _same_caption(kept: Mapping[str, Any], prompt: str) -> bool:
    caption = kept.get("caption")
    return caption == prompt if caption is not None else kept.get("caption_digest") == _digest(prompt)


def _shown(sample: Sample) -> str:
    """The name that a person gives it: its clip, or its first frame."""
    return sample.video or sample.first_frame or f"line {sample.line}"


def _media(sample: Sample, facts: DatasetFacts) -> str:
    members = (facts.by_name.get(path) for path in sample.references)
    return _digest("\n".join(member.sha256 if member else "" for member in members))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
