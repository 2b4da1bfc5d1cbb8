"""A dataset as text: its samples, the cost of a training on it, its problems."""

from collections import Counter
from collections.abc import Iterable, Iterator
from statistics import median

from wanctl.base.words import counted, spell_bytes
from wanctl.dataset.caption_edits import CaptionEdit
from wanctl.dataset.checks import abridged
from wanctl.dataset.contents import DatasetFacts, MediaKind
from wanctl.dataset.manifest import ContentChanges
from wanctl.finding import Finding
from wanctl.language.inspection import Estimate, Inspection
from wanctl.render.text.console import hint_line
from wanctl.render.text.line import TextLine
from wanctl.render.words import estimate_rows, spell_aspect

_COLOURS = {"error": "red", "warning": "yellow", "advice": "cyan"}
_MOST_SIZES = 4


def inspection_lines(found: Inspection) -> Iterator[TextLine]:
    """The whole page of `dataset inspect`."""
    facts = found.facts
    yield TextLine.assemble(("wanctl dataset inspect", "bold"), f"  {found.address} · {found.source}")
    yield TextLine()
    yield _row("samples", f"{counted(len(facts.samples), 'sample')}, {spell_bytes(facts.size)}")
    if facts.seconds:
        least, most = min(facts.seconds), max(facts.seconds)
        middle = f"{least:.1f} to {most:.1f} s each, median {median(facts.seconds):.1f} s"
        yield _row("length", f"{facts.total_seconds:.1f} s in all; {middle}")
    for name, kind in (("clips", MediaKind.VIDEO), ("frames", MediaKind.IMAGE)):
        if sizes := sizes_of(facts, kind):
            yield _row(name, sizes)
    if found.effect.trigger:
        yield _row("trigger", found.effect.trigger)
        yield _row("effect", f'"{found.effect.description}"')
    yield _row("digest", f"sha256:{facts.digest}")
    yield TextLine()
    yield from _estimate_table(found.estimates)
    yield TextLine()
    yield from problem_lines(found.problems, found.source)


def _row(name: str, value: str) -> TextLine:
    return TextLine.assemble("  ", (name.ljust(9), "dim"), value)


def sizes_of(facts: DatasetFacts, kind: MediaKind) -> str:
    """256×144 MP4 (20), 512×512 MP4 (2)."""
    used = {path for sample in facts.samples for path in sample.references}
    media = [one for name, one in facts.media.items() if name in used and one.kind is kind and not one.fault]
    counted = Counter(f"{one.width}×{one.height} {one.format} {spell_aspect(one)}" for one in media)
    shown = [f"{size} ({count})" for size, count in counted.most_common(_MOST_SIZES)]
    more = len(counted) - len(shown)
    return ", ".join(shown) + (f" and {more} more sizes" if more else "")


def _estimate_table(estimates: Iterable[Estimate]) -> Iterator[TextLine]:
    rows = [("base model", "epochs", "tokens", "price"), *estimate_rows(estimates)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for number, row in enumerate(rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        yield TextLine("  " + "  ".join([*cells, row[3]]), style="dim" if number == 0 else "")


def problem_lines(problems: tuple[Finding, ...], source: str) -> Iterator[TextLine]:
    if not problems:
        yield TextLine("Nothing is wrong with it.")
    for one in abridged(problems):
        place = f"{source}/{one.place}: " if one.place else ""
        severity = one.severity.value
        yield TextLine.assemble(
            (f"{severity}: ", _COLOURS[severity]), f"{place}{one.message} ", (f"[{one.rule}]", "dim")
        )
        if one.hint:
            yield hint_line(one.hint)


def changes_lines(changes: ContentChanges) -> Iterator[TextLine]:
    """The differences between two contents, sample by sample."""
    if not changes:
        yield TextLine("No sample differs.")
        return
    for mark, names, style in (("+", changes.added, "green"), ("-", changes.removed, "red")):
        for name in names:
            yield TextLine(f"{mark} {name}", style=style)
    for one in changes.captions:
        yield TextLine(f"~ {one.sample}", style="yellow")
        yield TextLine(f"    - {one.before if one.before is not None else '(not kept)'}", style="red")
        yield TextLine(f"    + {one.after}", style="green")
    yield TextLine()
    yield TextLine(f"{changes}.")


def edit_lines(edits: Iterable[CaptionEdit]) -> Iterator[TextLine]:
    """Each caption before and after."""
    for one in edits:
        yield TextLine(f"~ line {one.line}", style="yellow")
        yield TextLine(f"    - {one.before}", style="red")
        yield TextLine(f"    + {one.after}", style="green")
