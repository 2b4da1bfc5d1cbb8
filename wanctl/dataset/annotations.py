"""data.jsonl: one sample a line, read into `Sample`s, with a problem for every line that is none."""

import difflib
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from wanctl.dataset.contents import ANNOTATIONS, MOST_ANNOTATIONS, Sample
from wanctl.finding import Finding, Place
from wanctl.rules import Rule

EXAMPLE = '{"prompt": "…", "first_frame_path": "image_1.png", "video_path": "video_1.mp4"}'
MEDIA_FIELDS = ("first_frame_path", "last_frame_path", "video_path")
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
    """The samples of data.jsonl, and its faults."""

    samples: tuple[Sample, ...] = ()
    problems: tuple[Finding, ...] = ()


def fault(rule: Rule, message: str, line: int = 0, hint: str | None = None) -> Finding:
    """An error in data.jsonl."""
    return Finding.error(rule, message, place=Place(ANNOTATIONS, line), hint=hint)


def missing_annotations(members: Collection[str]) -> Finding:
    """There is no data.jsonl at the root; where it may be instead."""
    deeper = next((name for name in sorted(members) if name.endswith(f"/{ANNOTATIONS}")), None)
    if deeper:
        remedy = f"there is {deeper}: pack what is in the folder, not the folder"
    else:
        close = difflib.get_close_matches(ANNOTATIONS, sorted(members), n=1)
        remedy = f"is it {close[0]}?" if close else "write one line of JSON for each sample into it"
    return fault(Rule.NO_ANNOTATIONS, "is missing at the root", hint=remedy)


def read_annotations(content: bytes) -> Annotations:
    """The samples of a data.jsonl; lines that are none are problems, and the others still count."""
    if len(content) > MOST_ANNOTATIONS:
        message = f"is larger than {MOST_ANNOTATIONS // 1_000_000} MB, the most that the service reads"
        return Annotations(problems=(fault(Rule.ANNOTATIONS_TOO_LARGE, message),))
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        bad = content.count(b"\n", 0, error.start) + 1
        return Annotations(problems=(fault(Rule.NOT_UTF8, "is not UTF-8", bad, "save it as UTF-8"),))
    problems: list[Finding] = []
    if text.startswith("\ufeff"):
        text = text[1:]
        remedy = "save it as UTF-8 without BOM"
        problems.append(fault(Rule.NOT_UTF8, "begins with a byte order mark", 1, remedy))
    samples: list[Sample] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            sample, found = _read_line(line, number)
            problems += found
            samples += [sample] if sample else []
    if not samples and not problems:
        problems.append(fault(Rule.NO_SAMPLES, "has no samples", hint="write one line of JSON for each"))
    return Annotations(tuple(samples), tuple(problems))


def _read_line(line: str, number: int) -> tuple[Sample | None, list[Finding]]:
    try:
        fields = json.loads(line)
    except json.JSONDecodeError as error:
        return None, [fault(Rule.NOT_JSON, f"is not JSON: {error.msg} at column {error.colno}", number)]
    except (RecursionError, ValueError):  # the latter: a number with thousands of digits
        return None, [fault(Rule.NOT_JSON, "is not JSON that can be read", number)]
    if not isinstance(fields, dict):
        remedy = f"write {EXAMPLE}"
        return None, [fault(Rule.NOT_JSON, "is not a JSON object", number, remedy)]
    problems = [fault(rule, message, number, remedy) for rule, message, remedy in _odd_fields(fields)]
    problems += [_unknown_field(key, number) for key in fields if key not in {"prompt", *MEDIA_FIELDS}]
    paths = {name: fields[name] if isinstance(fields.get(name), str) else None for name in MEDIA_FIELDS}
    prompt = fields.get("prompt")
    sample = Sample(
        line=number,
        prompt=prompt if isinstance(prompt, str) else "",
        first_frame=paths["first_frame_path"] or None,
        last_frame=paths["last_frame_path"] or None,
        video=paths["video_path"] or None,
    )
    return sample, problems


def _unknown_field(key: str, line: int) -> Finding:
    near = difflib.get_close_matches(key, ("prompt", *MEDIA_FIELDS), n=1)
    meant = _MEANT.get(key) or (near[0] if near else None)
    return Finding.warning(
        Rule.UNKNOWN_FIELD,
        f"has a field that nobody reads, {json.dumps(key)}",
        place=Place(ANNOTATIONS, line),
        hint=f"did you mean {meant}?" if meant else f"a line is {EXAMPLE}",
    )


def _odd_fields(fields: dict[str, Any]) -> Iterator[tuple[Rule, str, str | None]]:
    """Rule, message and remedy for each field that is missing, empty or of another type."""
    prompt = fields.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        lack = "no prompt" if prompt is None else "an empty prompt"
        if prompt is not None and not isinstance(prompt, str):
            lack = "a prompt that is no text"
        yield Rule.NO_PROMPT, f"has {lack}", "write what is to be seen; wanctl dataset annotate can draft it"
    if not fields.get("first_frame_path"):
        yield Rule.NO_FIRST_FRAME, "has no first_frame_path", f"write {EXAMPLE}"
    for name in MEDIA_FIELDS:
        value = fields.get(name)
        if value is not None and not isinstance(value, str):
            yield Rule.BAD_PATH, f"has a {name} that is no text", None
        elif value == "" and name != "first_frame_path":
            yield Rule.BAD_PATH, f"has an empty {name}", "leave it out or name a file"
