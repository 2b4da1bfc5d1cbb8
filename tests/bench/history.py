"""What `make bench` found, release by release: `history.json`, and the page and the picture made from it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
HISTORY, PAGE, PICTURE = HERE / "history.json", DOCS / "speed.md", DOCS / "images" / "speed.svg"


@dataclass(frozen=True)
class Measure:
    """One ratio: what is measured against what, and how much it should be at the most."""

    key: str
    what: str
    against: str
    most: float | None = None


IMPORT, ALONE = "`import typer`", "the plan of 4"
MEASURES = (
    Measure("version", "`wanctl --version`", IMPORT, 2),
    Measure("help", "`wanctl --help`", IMPORT, 2),
    Measure("validate", "`wanctl validate`, 4 resources", IMPORT, 4),
    Measure("plan_4", "`wanctl plan`, 4 resources", IMPORT, 5),
    Measure("plan_100", "`wanctl plan`, 100 resources", ALONE),
    Measure("plan_400", "`wanctl plan`, 400 resources", ALONE),
    Measure("plan_1000", "`wanctl plan`, 1,000 resources", ALONE),
    Measure("plan_10000", "`wanctl plan`, 10,000 resources", ALONE),
    Measure("waiting", "a run that waits to its end", "what the service takes", 1.05),
    Measure("read", "reading a dataset of {megabytes} MB", "`sha256sum`", 1.3),
    Measure("pack", "packing it", "`sha256sum`", 1.3),
    Measure("read_again", "reading it unchanged", "`sha256sum`"),
)


@dataclass(frozen=True)
class Release:
    """The ratios of one release, all measured in one run."""

    version: str
    date: str
    machine: str
    megabytes: int
    ratios: dict[str, float]
    requests: dict[str, int]  # of a plan
    memory: dict[str, int]  # of a plan, in MB


def releases() -> list[Release]:
    return [Release(**one) for one in json.loads(HISTORY.read_text(encoding="utf-8"))]


def write(found: Release) -> None:
    """Put into its line, and the page and the picture made anew."""
    kept = [one for one in releases() if one.version != found.version] if HISTORY.exists() else []
    lines = [json.dumps(asdict(one), ensure_ascii=False) for one in [*kept, found]]
    HISTORY.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
    PAGE.write_text(page(releases()), encoding="utf-8")
    PICTURE.write_text(picture(releases()), encoding="utf-8")


TEXT = """\
# How fast

<!-- made by make bench -->

`make bench` measures whole commands against a floor, in turns, on the machine that it runs on, and keeps the
medians of ratios: seconds are the machine's. A plan is one that finds nothing to do, over HTTP, with its
datasets unchanged. There is no verdict in it.

wanctl {version}, {date}, {machine}:

| | ratio | of | to be at the most | a plan's requests and memory |
|---|---:|---|---:|---|
{rows}

Each release has its line in `tests/bench/history.json`, so that a loss is seen:

![The ratios of each release](images/speed.svg)

That work grows with the number of resources and no faster is a test, `tests/test_growth.py`: it counts the
steps of the interpreter. `tests/bench/applying.py` applies many chains from nothing, `tests/bench/memory.py`
reads a dataset of a gigabyte.

## An account that is full of others' objects

`tests/bench/foreign.py` measures a small project there: with 10,000 objects of others its plan took 1.5
times as long as alone, and 31 requests instead of 3. What cannot be helped: the service has no filter by
owner, and those that it documents, by time and by model, are not used. A row that one of them hides,
wrongly or by the clock of another zone, could be a training of ours that would then be started, and billed,
again. So its lists are read whole: a request for each 1,000 uploads, one after the other, since each page
begins where the last one ended; and one for each 100 jobs or deployments, four at a time. Pages that do not
add up to the total that the service tells are read again, and a list that is not whole stops the plan.
While an apply waits it reads them only where that is less than asking for each object that it waits for.
"""


def page(known: Sequence[Release]) -> str:
    last = known[-1]
    rows = [_line(one, last) for one in MEASURES if one.key in last.ratios]
    told = {"version": last.version, "date": last.date, "machine": last.machine}
    return TEXT.format(rows="\n".join(rows), **told)


def _line(measure: Measure, release: Release) -> str:
    what = measure.what.format(megabytes=release.megabytes)
    most = f"{measure.most:g} ×" if measure.most else ""
    ratio = f"{release.ratios[measure.key]:.2f} ×"
    return f"| {what} | {ratio} | {measure.against} | {most} | {_beside(measure.key, release)} |"


def _beside(key: str, release: Release) -> str:
    if key not in release.requests:
        return ""
    return f"{release.requests[key]} requests, {release.memory[key]} MB"


WIDTH, ROW, LEFT, RIGHT = 760, 34, 300, 90


def picture(known: Sequence[Release]) -> str:
    """A row for each measure: its ratio at each release, from left to right."""
    shown = [one for one in MEASURES if any(one.key in release.ratios for release in known)]
    height = ROW * len(shown) + 50
    rows = [part for number, one in enumerate(shown) for part in _row(one, 40 + ROW * number, known)]
    first, last = known[0].version, known[-1].version
    span = first if first == last else f"{first} to {last}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
    return "\n".join(
        [
            f'{head} font-family="sans-serif" font-size="12">',
            f"<title>Ratios of each release, {escape(span)}</title>",
            f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
            f'<text x="12" y="22" fill="#1f2328">Ratios by release, {escape(span)}; less is better</text>',
            *rows,
            "</svg>",
            "",
        ]
    )


def _row(measure: Measure, top: int, known: Sequence[Release]) -> list[str]:
    told = [(number, one.ratios.get(measure.key)) for number, one in enumerate(known)]
    values = [(number, value) for number, value in told if value is not None]
    largest = max(value for _, value in values)
    step, foot = (WIDTH - LEFT - RIGHT) / max(1, len(known) - 1), top + ROW - 8
    points = [(LEFT + step * number, foot - (ROW - 14) * value / largest) for number, value in values]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    name = measure.what.format(megabytes=known[-1].megabytes).replace("`", "")
    last = f'<text x="{WIDTH - 12}" y="{foot - 4}" text-anchor="end" fill="#1f2328">'
    return [
        f'<text x="12" y="{foot - 4}" fill="#1f2328">{escape(name)}</text>',
        f'<polyline points="{line}" fill="none" stroke="#0969da" stroke-width="2"/>',
        *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#0969da"/>' for x, y in points),
        f"{last}{values[-1][1]:.2f} ×</text>",
    ]
