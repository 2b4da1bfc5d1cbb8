"""data.jsonl: one sample a line, read into `Sample`s, with a problem for every line that is none."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from wanctl.dataset.contents import ANNOTATIONS, Problem, ProblemSeverity

MOST_BYTES = 20_000_000  # the service reads no larger data.jsonl
_FIELDS = ("first_frame_path", "last_frame_path", "video_path")


@dataclass(frozen=True)
class Sample:
    """A line of data.jsonl. Paths are members of the dataset; a validation sample has no video."""

    line: int
    prompt: str
    first_frame: str | None
    last_frame: str | None
    video: str | None

    @property
    def references(self) -> tuple[str, ...]:
        return tuple(path for path in (self.first_frame, self.last_frame, self.video) if path)


@dataclass(frozen=True)
class Annotations:
    """What data.jsonl says, and what is wrong with it."""

    samples: tuple[Sample, ...] = ()
    problems: tuple[Problem, ...] = ()


def fault(message: str, line: int | None = None) -> Problem:
    """An error in data.jsonl."""
    return Problem(ProblemSeverity.ERROR, message, ANNOTATIONS, line)


def read_annotations(content: bytes) -> Annotations:
    """The samples of a data.jsonl; lines that are none are problems, and the others still count."""
    if len(content) > MOST_BYTES:
        return Annotations(problems=(fault(f"is larger than {MOST_BYTES // 1_000_000} MB"),))
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        bad = content.count(b"\n", 0, error.start) + 1
        return Annotations(problems=(fault("is not UTF-8; save it as UTF-8", bad),))
    problems: list[Problem] = []
    if text.startswith("\ufeff"):
        text = text[1:]
        problems.append(fault("begins with a byte order mark; save it as UTF-8 without BOM", 1))
    samples: list[Sample] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            sample, found = _read_line(line, number)
            problems += found
            samples += [sample] if sample else []
    if not samples and not problems:
        problems.append(fault("has no samples"))
    return Annotations(tuple(samples), tuple(problems))


def _read_line(line: str, number: int) -> tuple[Sample | None, list[Problem]]:
    try:
        fields = json.loads(line)
    except json.JSONDecodeError as error:
        return None, [fault(f"is not JSON: {error.msg} at column {error.colno}", number)]
    except RecursionError:
        return None, [fault("is not JSON: nested too deeply", number)]
    if not isinstance(fields, dict):
        return None, [fault("is not a JSON object", number)]
    problems = [fault(message, number) for message in _odd_fields(fields)]
    paths = {name: fields[name] if isinstance(fields.get(name), str) else None for name in _FIELDS}
    prompt = fields.get("prompt")
    sample = Sample(
        line=number,
        prompt=prompt if isinstance(prompt, str) else "",
        first_frame=paths["first_frame_path"],
        last_frame=paths["last_frame_path"],
        video=paths["video_path"],
    )
    return sample, problems


def _odd_fields(fields: dict[str, Any]) -> Iterator[str]:
    prompt = fields.get("prompt")
    if prompt is None:
        yield "has no prompt"
    elif not isinstance(prompt, str) or not prompt.strip():
        yield "has an empty prompt" if isinstance(prompt, str) else "has a prompt that is no text"
    if not fields.get("first_frame_path"):
        yield "has no first_frame_path"
    for name in _FIELDS:
        value = fields.get(name)
        if value is not None and not isinstance(value, str):
            yield f"has a {name} that is no text"
        elif value == "" and name != "first_frame_path":
            yield f"has an empty {name}; leave it out or name a file"
