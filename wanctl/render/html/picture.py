"""The lineage as an SVG: one column a kind, each node beside what it comes from, always the same way.

Where things stand is computed here; the template draws them and escapes every text.
"""

import unicodedata
from dataclasses import dataclass
from itertools import pairwise

from wanctl.address import Address, Kind
from wanctl.render.html import render
from wanctl.render.lineage import Graph, Node
from wanctl.render.visible import one_line

WIDTH, HEIGHT = 208, 62  # of a node
COLUMN_GAP, ROW_GAP = 48, 16
MARGIN = 8
LETTERS = 20  # of a name in a node, in the widest of the usual fonts
WIDE, CAPITAL = 1.6, 1.2  # what W and A take there beside the other letters
SWEEPS = 2
LINE_ROOM = 0.35  # of a row, for a line that passes a column


@dataclass(frozen=True)
class Box:
    """A node in its place; the texts are cut to its width, the title is whole."""

    node: Node
    x: int
    y: int

    @property
    def name(self) -> str:
        return _fitted(one_line(self.node.address.name), LETTERS)

    @property
    def note(self) -> str:
        return _fitted(one_line(self.node.note), LETTERS + 4)

    @property
    def title(self) -> str:
        note = f": {self.node.note}" if self.node.note else ""
        return one_line(f"{self.node.address}{note}")


@dataclass(frozen=True)
class Picture:
    """Boxes and the lines between them, in pixels."""

    boxes: tuple[Box, ...]
    lines: tuple[str, ...]  # paths, from right edge to left edge
    width: int
    height: int
    box_width: int = WIDTH
    box_height: int = HEIGHT


@dataclass(frozen=True)
class Via:
    """Where a line passes a column that it has nothing to do with: a place that no box takes."""

    above: Address
    below: Address
    column: int


Spot = Address | Via


def laid_out(graph: Graph) -> Picture:
    """Columns by kind; rows so that what belongs together is side by side, and no line runs behind a box."""
    kinds = [kind for kind in Kind if any(node.address.kind is kind for node in graph.nodes)]
    columns: list[list[Spot]] = [
        [node.address for node in graph.nodes if node.address.kind is kind] for kind in kinds
    ]
    ways = [_way(above, below, kinds) for above, below in graph.edges]
    upstream: dict[Spot, list[Spot]] = {}
    downstream: dict[Spot, list[Spot]] = {}
    for way in ways:
        for above, below in pairwise(way):
            upstream.setdefault(below, []).append(above)
            downstream.setdefault(above, []).append(below)
            if isinstance(below, Via):
                columns[below.column].append(below)
    rows = {spot: float(row) for column in columns for row, spot in enumerate(column)}
    for _ in range(SWEEPS):
        for column in reversed(columns):
            _order(column, downstream, rows)
        for column in columns:
            _order(column, upstream, rows)
    for column in columns:
        _spread(column, upstream, rows)
    middles = {
        spot: (_left(number), MARGIN - ROW_GAP // 2 + round(rows[spot] * (HEIGHT + ROW_GAP)))
        for number, column in enumerate(columns)
        for spot in column
    }
    placed = tuple(Box(node, x, y - HEIGHT // 2) for node in graph.nodes for x, y in (middles[node.address],))
    lines = tuple(_line([middles[spot] for spot in way]) for way in ways)
    lowest = max((y for _, y in middles.values()), default=0)
    return Picture(placed, lines, _left(len(columns)) - COLUMN_GAP + MARGIN, lowest + HEIGHT // 2 + MARGIN)


def _left(column: int) -> int:
    return MARGIN + column * (WIDTH + COLUMN_GAP)


def _way(above: Address, below: Address, kinds: list[Kind]) -> list[Spot]:
    """From one to the other, a spot in each column."""
    passed = range(kinds.index(above.kind) + 1, kinds.index(below.kind))
    return [above, *(Via(above, below, column) for column in passed), below]


def _fitted(text: str, letters: int) -> str:
    """As much of the beginning as so many letters take, whatever their width in most fonts."""
    if sum(map(_width, text)) <= letters:
        return text
    room = float(letters - 1)
    for number, letter in enumerate(text):
        room -= _width(letter)
        if room < 0:
            return text[:number] + "…"
    return text


def _width(letter: str) -> float:
    if unicodedata.east_asian_width(letter) in "WF":
        return 2
    if letter in "MWmw@%—…⟨⟩":
        return WIDE
    return CAPITAL if letter.isupper() or not letter.isascii() else 1


def _order(column: list[Spot], neighbours: dict[Spot, list[Spot]], rows: dict[Spot, float]) -> None:
    """Sort a column by where its neighbours stand; what has none keeps its row."""

    def mean_row(spot: Spot) -> float:
        beside = neighbours.get(spot)
        return sum(rows[one] for one in beside) / len(beside) if beside else rows[spot]

    column.sort(key=mean_row)
    rows.update((spot, float(row)) for row, spot in enumerate(column))


def _spread(column: list[Spot], upstream: dict[Spot, list[Spot]], rows: dict[Spot, float]) -> None:
    """The rows of a column: each as high as what it comes from, and beneath the one before it."""
    lowest = 0.0
    for spot in column:
        half = (1.0 if isinstance(spot, Address) else LINE_ROOM) / 2
        above = upstream.get(spot)
        mean = sum(rows[one] for one in above) / len(above) if above else 0.0
        rows[spot] = max(mean, lowest + half)
        lowest = rows[spot] + half


def _line(middles: list[tuple[int, int]]) -> str:
    """A curve through the gaps between the columns, straight where it passes one."""
    path = ""
    for (above, y1), (below, y2) in pairwise(middles):
        x1, x2 = above + WIDTH, below
        bend = (x2 - x1) // 2
        path += f"{'L' if path else 'M'}{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
    return path


def svg(graph: Graph) -> str:
    """A picture that stands alone, light or dark as its reader's screen."""
    return render("lineage.svg.j2", picture=laid_out(graph), alone=True)
