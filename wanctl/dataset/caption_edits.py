"""Changes of many captions at once: the effect's description, a word in front, one text for another.

Values in, values out, but for `CaptionFile`, which writes. Only the text of a prompt changes: every other
byte of its line, and every other line, stays. The last change can be taken back.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from wanctl.base.files import PRIVATE, replace_file
from wanctl.dataset.checks.captions import description_of, effect_of, made_up_words, sentences_of
from wanctl.dataset.contents import ANNOTATIONS, DatasetError, Sample

_BEFORE = ".captions-before.json"  # what the last change replaced; no part of the dataset
_SPACE = b" \t\r\n"
Edit = Callable[[str], str]


@dataclass(frozen=True)
class CaptionEdit:
    """One caption that becomes another."""

    line: int
    before: str
    after: str


def edits_of(samples: Sequence[Sample], edit: Edit) -> tuple[CaptionEdit, ...]:
    """The captions that an edit changes; a sample without one is left to `annotate`."""
    written = (one for one in samples if one.prompt.strip())
    made = (CaptionEdit(one.line, one.prompt, edit(one.prompt)) for one in written)
    return tuple(one for one in made if one.after != one.before)


def with_effect(samples: Sequence[Sample], description: str) -> Edit:
    """Put this description where each caption has its own: from the sentence with the trigger on."""
    text = " ".join(description.split())
    if not text:
        raise DatasetError("the description of the effect is empty")
    captions = [one.prompt for one in samples if one.prompt.strip()]
    known = effect_of(captions).trigger
    new = made_up_words(text)
    if known and known not in new:
        raise DatasetError(f"the description has no {known}, the captions' trigger word; write it into it")
    trigger = known or next(iter(sorted(new)), None)
    if trigger is None:
        raise DatasetError("neither the description nor the captions have a trigger word, such as s86b5p")

    def edit(caption: str) -> str:
        own = description_of(caption, trigger)
        if not own:
            return f"{caption.rstrip()} {text}"
        return caption[: caption.index(sentences_of(own)[0])] + text

    return edit


def with_prefix(word: str) -> Edit:
    """Put a word in front of each caption that does not begin with it."""
    plain = word.strip().rstrip(",")
    if not plain:
        raise DatasetError("there is no word to put in front")
    return lambda caption: caption if _begins(caption, plain) else f"{plain}, {caption.lstrip()}"


def _begins(caption: str, word: str) -> bool:
    text = caption.lstrip().lower()
    return text.startswith(word.lower()) and not text[len(word) : len(word) + 1].isalnum()


def with_replaced(old: str, new: str) -> Edit:
    """One text for another, letter by letter."""
    if not old:
        raise DatasetError("there is no text to be replaced")
    return lambda caption: caption.replace(old, new)


class CaptionFile:
    """The data.jsonl of a folder, whose captions change together or not at all."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / ANNOTATIONS
        self._before = folder / _BEFORE
        self._content = self._path.read_bytes()

    def apply(self, edits: Sequence[CaptionEdit]) -> None:
        """Write them, and keep what was there, for `undo`."""
        lines = self._content.split(b"\n")
        for one in edits:
            lines[one.line - 1] = with_caption(lines[one.line - 1], one.before, one.after)
        self._write(b"\n".join(lines), [CaptionEdit(one.line, one.after, one.before) for one in edits])

    def kept(self) -> tuple[CaptionEdit, ...]:
        """The edits that take the last change back."""
        try:
            kept = json.loads(self._before.read_bytes())
            edits = tuple(CaptionEdit(*one) for one in kept["edits"])
            same = bool(kept["digest"] == _digest(self._content))
        except FileNotFoundError:
            raise DatasetError(f"{self._path}: no change is kept that could be taken back") from None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise DatasetError(f"{self._before}: cannot be read; nothing was taken back") from error
        if not same:
            raise DatasetError(f"{self._path}: was changed since; correct it by hand, or with git")
        return edits

    def _write(self, content: bytes, back: Sequence[CaptionEdit]) -> None:
        if self._path.read_bytes() != self._content:
            raise DatasetError(f"{self._path}: was changed by somebody else meanwhile; run the command again")
        kept = {"digest": _digest(content), "edits": [(one.line, one.before, one.after) for one in back]}
        replace_file(self._before, json.dumps(kept), mode=PRIVATE)
        replace_file(self._path, content)
        self._content = content


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def with_caption(line: bytes, before: str, after: str) -> bytes:
    """The line with another text as its prompt, and nothing else changed."""
    text = line.decode()
    begin, end = prompt_span(text)
    if json.loads(text[begin:end]) != before:
        raise DatasetError("a caption was changed by somebody else meanwhile; run the command again")
    return (text[:begin] + json.dumps(after, ensure_ascii=text.isascii()) + text[end:]).encode()


def prompt_span(line: str) -> tuple[int, int]:
    """The begin and end of a line's prompt, with its quotes; of several the last, which is the one read."""
    decoder, at, found = json.JSONDecoder(), _past(line, line.index("{") + 1), None
    while line[at] == '"':
        key, at = decoder.raw_decode(line, at)
        begin = _past(line, _past(line, at) + 1)
        _, at = decoder.raw_decode(line, begin)
        if key == "prompt":
            found = (begin, at)
        at = _past(line, at)
        if line[at] == ",":
            at = _past(line, at + 1)
    if found is None:
        raise DatasetError("a line has no prompt; wanctl dataset annotate drafts one")
    return found


def _past(line: str, at: int) -> int:
    while at < len(line) and line[at] in _SPACE.decode():
        at += 1
    return at
