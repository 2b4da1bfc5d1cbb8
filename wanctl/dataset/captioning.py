"""Captions that a vision model drafts: what it is asked and shown, and how its answer gets into data.jsonl.

Only samples without a prompt get one, on their own line; every other byte of the file stays as it is.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wanctl.base.files import replace_file
from wanctl.dataset.contents import ANNOTATIONS, DatasetError, DatasetFacts, Sample
from wanctl.dataset.looking import frames_over
from wanctl.dataset.pictures import data_url, jpeg_url

_MOST_SENT = 7_000_000  # bytes of a clip in a request; a longer one is shown by its frames
_FRAMES = 16
_FRAME_SIDE = 768
_SENTENCE = (
    "The video begins showing [subject description]. The background is [background description]. {effect}"
)
_MIME = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "BMP": "image/bmp"}


@dataclass(frozen=True)
class Brief:
    """The words that all captions of a set share: the trigger, and the effect's, where these are known."""

    trigger: str
    description: str = ""

    @property
    def instruction(self) -> str:
        """The request to the model. One structure for all, so that only subject and background differ."""
        effect = self.description or f"Then the {self.trigger} effect begins, [detailed motion description]."
        rules = [
            "Look at the video closely and describe it in English in exactly this sentence structure.",
            f"Sentence template: {_SENTENCE.format(effect=effect)}",
            "Requirements:",
            "- [subject description]: who or what is there at first: looks, clothes, expression.",
            "- [background description]: where that is: surroundings, light, weather.",
        ]
        if self.description:
            rules.append(
                "- Keep the words after the background as they are; only pronouns follow the subject."
            )
        else:
            rules.append("- [detailed motion description]: what changes during the effect, and how it moves.")
        rules.append(
            f"- Write {self.trigger} exactly so. No brackets, no line breaks, nothing but the description."
        )
        return "\n".join(rules)


def unwritten(facts: DatasetFacts) -> tuple[Sample, ...]:
    """The samples that have no prompt, and media to look at."""
    return tuple(
        one
        for one in facts.samples
        if not one.prompt.strip() and any(_sound(path, facts) for path in one.references)
    )


def _sound(path: str | None, facts: DatasetFacts) -> bool:
    media = facts.media.get(path or "")
    return media is not None and not media.fault


def parts_of(sample: Sample, brief: Brief, folder: Path, facts: DatasetFacts) -> list[dict[str, Any]]:
    """The content of the request for one sample: its clip, else its frames, and the instruction."""
    if sample.video and _sound(sample.video, facts):
        shown = [_clip(folder / sample.video)]
    else:
        shown = [
            _image(folder / path, facts.media[path].format) for path in sample.frames if _sound(path, facts)
        ]
    return [*shown, {"type": "text", "text": brief.instruction}]


def _clip(path: Path) -> dict[str, Any]:
    if path.stat().st_size <= _MOST_SENT:
        return {"type": "video_url", "video_url": {"url": data_url("video/mp4", path.read_bytes())}}
    return {"type": "video", "video": _frames(path)}


def _frames(path: Path) -> list[str]:
    """A few frames over the whole length, small."""
    return [jpeg_url(one) for one in frames_over(path, _FRAMES, _FRAME_SIDE)]


def _image(path: Path, name: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": data_url(_MIME[name], path.read_bytes())}}


class Captions:
    """A data.jsonl that takes captions, one after the other."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / ANNOTATIONS
        self._content = self._path.read_bytes()

    def write(self, captions: Mapping[int, str]) -> None:
        """Put each caption on its line, if there is still none, and nobody wrote the file meanwhile."""
        if self._path.read_bytes() != self._content:
            raise DatasetError(f"{self._path}: was changed by somebody else meanwhile; run the command again")
        lines = self._content.split(b"\n")
        for number, caption in captions.items():
            lines[number - 1] = _with_prompt(lines[number - 1], caption)
        content = b"\n".join(lines)
        replace_file(self._path, content)
        self._content = content


def _with_prompt(line: bytes, caption: str) -> bytes:
    fields = json.loads(line)
    if str(fields.get("prompt") or "").strip():
        raise DatasetError("a prompt that a person wrote is never replaced")
    written = {**fields, "prompt": caption} if "prompt" in fields else {"prompt": caption, **fields}
    end = b"\r" if line.endswith(b"\r") else b""
    return json.dumps(written, ensure_ascii=False).encode() + end
