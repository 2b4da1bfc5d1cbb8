"""data.jsonl: one sample a line, read into `Sample`s, with a problem for every line that is none."""

import difflib
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from wanctl.dataset.contents import ANNOTATIONS, Problem, Sample

EXAMPLE = '{"prompt": "…", "first_frame_path": "image_1.png", "video_path": "video_1.mp4"}'
MOST_BYTES = 20_000_000  # the service reads no larger data.jsonl
_FIELDS = ("first_frame_path", "last_frame_path", "video_path")
_MEANT = {
    "caption": "prompt",
    "text": "prompt",
    "image": "first_frame_path",
    "first_frame": "first_frame_path",
    "last_frame": "last_frame_path",
    "video": "video_path",
    "clip": "video_path",
}


@dataclass(frozen=True)
class Annotations:
    """What data.jsonl says, and what is wrong with it."""

    samples: tuple[Sample, ...] = ()
    problems: tuple[Problem, ...] = ()


def fault(rule: str, message: str, line: int | None = None, remedy: str | None = None) -> Problem:
    """An error in data.jsonl."""
    return Problem.error(rule, message, member=ANNOTATIONS, line=line, remedy=remedy)


def missing_annotations(members: Collection[str]) -> Problem:
    """There is no data.jsonl at the root; where it may be instead."""
    deeper = next((name for name in sorted(members) if name.endswith(f"/{ANNOTATIONS}")), None)
    if deeper:
        remedy = f"there is {deeper}: pack what is in the folder, not the folder"
    else:
        close = difflib.get_close_matches(ANNOTATIONS, sorted(members), n=1)
        remedy = f"is it {close[0]}?" if close else "write one line of JSON for each sample into it"
    return fault("no-annotations", "is missing at the root", remedy=remedy)


def read_annotations(content: bytes) -> Annotations:
    """The samples of a data.jsonl; lines that are none are problems, and the others still count."""
    if len(content) > MOST_BYTES:
        message = f"is larger than {MOST_BYTES // 1_000_000} MB, the most that the service reads"
        return Annotations(problems=(fault("annotations-too-large", message),))
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        bad = content.count(b"\n", 0, error.start) + 1
        return Annotations(problems=(fault("not-utf8", "is not UTF-8", bad, "save it as UTF-8"),))
    problems: list[Problem] = []
    if text.startswith("\ufeff"):
        text = text[1:]
        remedy = "save it as UTF-8 without BOM"
        problems.append(fault("not-utf8", "begins with a byte order mark", 1, remedy))
    samples: list[Sample] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            sample, found = _read_line(line, number)
            problems += found
            samples += [sample] if sample else []
    if not samples and not problems:
        problems.append(fault("no-samples", "has no samples", remedy="write one line of JSON for each"))
    return Annotations(tuple(samples), tuple(problems))


def _read_line(line: str, number: int) -> tuple[Sample | None, list[Problem]]:
    try:
        fields = json.loads(line)
    except json.JSONDecodeError as error:
        return None, [fault("not-json", f"is not JSON: {error.msg} at column {error.colno}", number)]
    except (RecursionError, ValueError):  # the latter: a number with thousands of digits
        return None, [fault("not-json", "is not JSON that can be read", number)]
    if not isinstance(fields, dict):
        remedy = f"write {EXAMPLE}"
        return None, [fault("not-json", "is not a JSON object", number, remedy)]
    problems = [fault(rule, message, number, remedy) for rule, message, remedy in _odd_fields(fields)]
    problems += [_unknown_field(key, number) for key in fields if key not in {"prompt", *_FIELDS}]
    paths = {name: fields[name] if isinstance(fields.get(name), str) else None for name in _FIELDS}
    prompt = fields.get("prompt")
    sample = Sample(
        line=number,
        prompt=prompt if isinstance(prompt, str) else "",
        first_frame=paths["first_frame_path"] or None,
        last_frame=paths["last_frame_path"] or None,
        video=paths["video_path"] or None,
    )
    return sample, problems


def _unknown_field(key: str, line: int) -> Problem:
    near = difflib.get_close_matches(key, ("prompt", *_FIELDS), n=1)
    meant = _MEANT.get(key) or (near[0] if near else None)
    return Problem.warning(
        "unknown-field",
        f"has a field that nobody reads, {json.dumps(key)}",
        member=ANNOTATIONS,
        line=line,
        remedy=f"did you mean {meant}?" if meant else f"a line is {EXAMPLE}",
    )


def _odd_fields(fields: dict[str, Any]) -> Iterator[tuple[str, str, str | None]]:
    """Rule, message and remedy for each field that is missing, empty or of another type."""
    prompt = fields.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        lack = "no prompt" if prompt is None else "an empty prompt"
        if prompt is not None and not isinstance(prompt, str):
            lack = "a prompt that is no text"
        yield "no-prompt", f"has {lack}", "write what is to be seen; wanctl dataset annotate can draft it"
    if not fields.get("first_frame_path"):
        yield "no-first-frame", "has no first_frame_path", f"write {EXAMPLE}"
    for name in _FIELDS:
        value = fields.get(name)
        if value is not None and not isinstance(value, str):
            yield "bad-path", f"has a {name} that is no text", None
        elif value == "" and name != "first_frame_path":
            yield "bad-path", f"has an empty {name}", "leave it out or name a file"
