"""The lineage as an SVG: one column a kind, each node beside what it comes from, always the same way.

Where things stand is computed here; the template draws them and escapes every text.
"""

import unicodedata
from dataclasses import dataclass

from wanctl.report.html.templating import render
from wanctl.report.lineage import Graph, Node
from wanctl.report.visible import one_line
from wanctl.spec.resources import Address, Kind

WIDTH, HEIGHT = 208, 62  # of a node
COLUMN_GAP, ROW_GAP = 48, 16
MARGIN = 8
LETTERS = 20  # of a name in a node, in the widest of the usual fonts
WIDE, CAPITAL = 1.6, 1.2  # what W and A take there beside the other letters
SWEEPS = 2


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
    def told(self) -> str:
        return _fitted(one_line(self.node.told), LETTERS + 4)

    @property
    def title(self) -> str:
        told = f": {self.node.told}" if self.node.told else ""
        return one_line(f"{self.node.address}{told}")


@dataclass(frozen=True)
class Picture:
    """Boxes and the lines between them, in pixels."""

    boxes: tuple[Box, ...]
    lines: tuple[str, ...]  # paths, from right edge to left edge
    width: int
    height: int
    box_width: int = WIDTH
    box_height: int = HEIGHT


def laid_out(graph: Graph) -> Picture:
    """Columns by kind; rows so that what belongs together stands side by side."""
    columns = [[node for node in graph.nodes if node.address.kind is kind] for kind in Kind]
    columns = [column for column in columns if column]
    upstream: dict[Address, list[Address]] = {}
    downstream: dict[Address, list[Address]] = {}
    for above, below in graph.edges:
        upstream.setdefault(below, []).append(above)
        downstream.setdefault(above, []).append(below)
    rows = {node.address: float(row) for column in columns for row, node in enumerate(column)}
    for _ in range(SWEEPS):
        for column in reversed(columns):
            _order(column, downstream, rows)
        for column in columns:
            _order(column, upstream, rows)
    placed = [
        Box(node, MARGIN + number * (WIDTH + COLUMN_GAP), MARGIN + round(row * (HEIGHT + ROW_GAP)))
        for number, column in enumerate(columns)
        for node, row in zip(column, _spread(column, upstream, rows), strict=True)
    ]
    where = {box.node.address: box for box in placed}
    lines = tuple(_line(where[above], where[below]) for above, below in graph.edges)
    width = 2 * MARGIN + len(columns) * WIDTH + max(0, len(columns) - 1) * COLUMN_GAP
    height = max((box.y for box in placed), default=0) + HEIGHT + MARGIN
    return Picture(tuple(placed), lines, width, height)


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


def _order(column: list[Node], neighbours: dict[Address, list[Address]], rows: dict[Address, float]) -> None:
    """Sort a column by where its neighbours stand; what has none keeps its row."""

    def wish(node: Node) -> float:
        beside = neighbours.get(node.address)
        return sum(rows[one] for one in beside) / len(beside) if beside else rows[node.address]

    column.sort(key=wish)
    rows.update((node.address, float(row)) for row, node in enumerate(column))


def _spread(
    column: list[Node], upstream: dict[Address, list[Address]], rows: dict[Address, float]
) -> list[float]:
    """The rows of a column: each as high as what it comes from, and beneath the one before it."""
    found: list[float] = []
    for node in column:
        above = upstream.get(node.address)
        wish = sum(rows[one] for one in above) / len(above) if above else 0.0
        found.append(max(wish, found[-1] + 1) if found else wish)
        rows[node.address] = found[-1]
    return found


def _line(above: Box, below: Box) -> str:
    x1, y1 = above.x + WIDTH, above.y + HEIGHT // 2
    x2, y2 = below.x, below.y + HEIGHT // 2
    bend = (x2 - x1) // 2
    return f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"


def svg(graph: Graph) -> str:
    """A picture that stands alone, light or dark as its reader's screen."""
    return render("lineage.svg.j2", picture=laid_out(graph), alone=True)
