"""A video that is made by a call, as lines: the call, what it costs, how it goes, what came of it."""

from collections.abc import Iterator

from wanctl.generation.result import GenerationProgress, PreparedVideo, VideoResult, spelled
from wanctl.render.text.line import TextLine
from wanctl.render.visible import json_text


def start_lines(prepared: PreparedVideo) -> Iterator[TextLine | str]:
    """Before anything is paid."""
    call = prepared.call
    for one in prepared.warnings:
        yield TextLine.assemble(("warning: ", "yellow"), f"{spelled(one)} [{one.rule}]")
    yield from (f"note: {note}" for note in call.notes)
    base = f" ({call.called.base})" if call.called.tuned else ""
    picture = call.level or call.body["parameters"].get("size")
    what = ", ".join(part for part in (f"{call.called.mode}", f"{call.seconds} s", picture) if part)
    yield f"{call.called.name}{base}: {what}; {prepared.cost}; {prepared.to_dict()['expected']}"


def call_lines(prepared: PreparedVideo) -> Iterator[str]:
    """The call that would be made."""
    shown = prepared.to_dict()
    yield f"POST {shown['path']}"
    yield from json_text(shown["body"]).splitlines()


def progress_line(seen: GenerationProgress) -> str:
    return str(seen)


def result_lines(made: VideoResult) -> Iterator[str]:
    facts = [
        f"{made.duration:g} s" if made.duration else "",
        f"{made.width}×{made.height}" if made.width else "",
        f"{made.fps:g} fps" if made.fps else "",
    ]
    said = ", ".join(part for part in facts if part)
    yield f"{'made before, nothing paid' if made.cached else 'made'}: {said}" if said else "made"
