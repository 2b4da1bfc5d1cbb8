"""The lineage: one graph, three languages, and no name that speaks any of them."""

import random
import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from tests.render.hostile import plan_of, texts
from wanctl.address import Address, Kind
from wanctl.plan import Action, Plan, Step, When
from wanctl.render.html.picture import HEIGHT, WIDTH, laid_out, svg
from wanctl.render.lineage import Graph, Node, NodeState, dot, lineage_of, mermaid
from wanctl.render.visible import visible

_LABEL = r'"(Dataset|FineTune|Checkpoint|Deployment)(<br/>[^"<>&#;:`$%@\\|(){}\[\]\n]*){1,2}"'
MERMAID = re.compile(
    rf"flowchart LR|  n\d+\[{_LABEL}\]:::[a-z]+|  n\d+ --> n\d+|  classDef [a-z]+ [a-z0-9:#,\- ]+"
)
_QUOTED = r'"(?:[^"\\\n]|\\.)*"'
DOT = re.compile(
    rf"digraph lineage \{{|  rankdir=LR;|  node \[[^\]]*\];|\}}|  n\d+ -> n\d+;"
    rf"|  n\d+ \[label={_QUOTED}, fillcolor={_QUOTED}, color={_QUOTED}, style={_QUOTED}\];"
)
SVG = "{http://www.w3.org/2000/svg}"


@given(texts)
def test_untrusted_names_stay_names(words: list[str]) -> None:
    graph = lineage_of(plan_of(words))
    for text, line_of in ((mermaid(graph), MERMAID), (dot(graph), DOT)):
        assert visible(text) == text
        for line in text.splitlines():
            assert line_of.fullmatch(line), line
    root = ET.fromstring(svg(graph))  # noqa: S314 - it was written just now
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "style", "path", "g", "title", "rect", "text"}
    assert len(root.findall(f"{SVG}g")) == len(graph.nodes)


def resources(count: int) -> tuple[Graph, dict[Address, tuple[Address, ...]]]:
    """Two datasets for each job, two checkpoints of it, a deployment of each."""
    references: dict[Address, tuple[Address, ...]] = {}
    for number in range(count):
        data = [Address.dataset(f"d{number}{letter}") for letter in "ab"]
        job = Address.finetune(f"f{number}")
        references |= dict.fromkeys(data, ()) | {job: tuple(data)}
        for letter in "ab":
            checkpoint = Address.checkpoint(f"c{number}{letter}")
            references |= {checkpoint: (job,), Address.deployment(f"m{number}{letter}"): (checkpoint,)}
    steps = tuple(Step(address, Action.NOTHING, When.DONE, "as wanted") for address in references)
    return lineage_of(Plan("p", None, "sandbox", steps), references), references


def test_edges_are_the_references_of_the_specs() -> None:
    graph, references = resources(3)
    assert set(graph.edges) == {(above, below) for below, all_ in references.items() for above in all_}


def test_without_references_the_order_of_the_steps_has_to_do() -> None:
    one, other = Address.deployment("one"), Address.deployment("other")
    data = Address.dataset("d")
    steps = (
        Step(data, Action.UPLOAD, When.NOW),
        Step(one, Action.DEPLOY, When.LATER, after=(data,)),
        Step(other, Action.DELETE, When.LATER, after=(one,), remote_id="m"),
    )
    graph = lineage_of(Plan("p", None, "sandbox", steps))
    assert graph.edges == ((data, one),)
    assert [node.state for node in graph.nodes] == [NodeState.NOW, NodeState.LATER, NodeState.LEAVING]


def test_boxes_do_not_touch_and_lines_run_from_left_to_right() -> None:
    graph, _ = resources(12)
    shuffled = list(graph.nodes)
    random.Random(7).shuffle(shuffled)  # noqa: S311 - an order, not a secret
    picture = laid_out(Graph(tuple(shuffled), graph.edges))
    places = {box.node.address: (box.x, box.y) for box in picture.boxes}
    for address, (x, y) in places.items():
        for other, (left, top) in places.items():
            assert address == other or abs(x - left) >= WIDTH or abs(y - top) >= HEIGHT
    assert all(places[above][0] + WIDTH < places[below][0] for above, below in graph.edges)
    assert max(x for x, _ in places.values()) + WIDTH < picture.width
    assert max(y for _, y in places.values()) + HEIGHT < picture.height


def crossings(graph: Graph) -> int:
    row = {box.node.address: (box.x, box.y) for box in laid_out(graph).boxes}
    lines = [(row[above], row[below]) for above, below in graph.edges]
    return sum(
        (a[1] - c[1]) * (b[1] - d[1]) < 0 and a[0] == c[0] and b[0] == d[0]
        for number, (a, b) in enumerate(lines)
        for c, d in lines[:number]
    )


def test_chains_stand_side_by_side_whatever_their_order() -> None:
    graph, _ = resources(6)
    shuffled = list(graph.nodes)
    random.Random(1).shuffle(shuffled)  # noqa: S311 - an order, not a secret
    assert crossings(Graph(tuple(shuffled), graph.edges)) == 0


def test_the_same_graph_is_the_same_picture() -> None:
    assert svg(resources(4)[0]) == svg(resources(4)[0])


def test_long_names_are_cut_and_whole_in_the_title() -> None:
    name = "a-very-long-name-that-no-box-can-hold-at-all"
    drawn = svg(Graph((Node(Address.dataset(name), NodeState.SETTLED, "uploaded"),), ()))
    assert f"<title>Dataset/{name}: uploaded</title>" in drawn
    assert 'class="name" x="12" y="36">a-very-long-name-t…<' in drawn


def test_what_is_around_a_node_is_all_of_its_chain_and_no_other() -> None:
    graph, _ = resources(3)
    found = graph.around([Address.checkpoint("c1a")])
    assert {node.address.name[1] for node in found.nodes} == {"1"}
    assert len(found.nodes) == 7


KINDS = (Address.dataset, Address.finetune, Address.checkpoint, Address.deployment)
COLUMN = {kind: number for number, kind in enumerate(Kind)}
PIECE = re.compile(r"C([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+)|[ML]([\d.]+) ([\d.]+)")


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Any edges that lead to a later column, over one column or over several."""
    addresses = [
        make(f"{kind}{number}")
        for kind, make in enumerate(KINDS)
        for number in range(draw(st.integers(0, 4), label=f"column {kind}"))
    ]
    forward = [(a, b) for a in addresses for b in addresses if COLUMN[a.kind] < COLUMN[b.kind]]
    edges = draw(st.lists(st.sampled_from(forward), unique=True, max_size=12)) if forward else []
    return Graph(tuple(Node(address, NodeState.SETTLED, "") for address in addresses), tuple(edges))


def points(path: str) -> Iterator[tuple[float, float]]:
    """Where a line runs, close enough together that no box fits between."""
    x, y = 0.0, 0.0
    for piece in PIECE.finditer(path):
        numbers = [float(one) for one in piece.groups() if one is not None]
        if len(numbers) == 2:
            steps = 50 if piece[0][0] == "L" else 0
            (x1, y1) = numbers
            yield from ((x + (x1 - x) * n / steps, y + (y1 - y) * n / steps) for n in range(1, steps))
            x, y = x1, y1
            continue
        ax, ay, bx, by, x1, y1 = numbers
        for n in range(1, 50):
            t = n / 50
            u = 1 - t
            yield (
                u**3 * x + 3 * u * u * t * ax + 3 * u * t * t * bx + t**3 * x1,
                u**3 * y + 3 * u * u * t * ay + 3 * u * t * t * by + t**3 * y1,
            )
        x, y = x1, y1


@given(graphs())
def test_no_line_runs_behind_a_box(graph: Graph) -> None:
    """It would look as if it came from there."""
    picture = laid_out(graph)
    for line in picture.lines:
        for x, y in points(line):
            assert 0 <= x <= picture.width
            assert 0 <= y <= picture.height
            assert not any(
                box.x < x < box.x + WIDTH and box.y - 4 < y < box.y + HEIGHT + 4 for box in picture.boxes
            )
