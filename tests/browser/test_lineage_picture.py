"""The lineage as a picture in a real browser: no box on another, no text outside its box."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.plans import BUSY, REFERENCES, large
from tests.browser.reading import DESKTOP, PHONE, SCHEMES, Reader
from wanctl.address import Address
from wanctl.plan import Plan
from wanctl.render.html.picture import svg
from wanctl.render.html.plan import plan_html
from wanctl.render.lineage import Graph, Node, NodeState, lineage_of
from wanctl.render.options import RenderOptions

Read = Callable[..., Reader]
# The widest letters of the usual fonts, and some that no font has.
NAMES = (
    "W" * 40,
    "m" * 40,
    "Mammoth-summer-WWW-campaign-MMXXVI",
    "SHOUTED-IN-CAPITALS-ALL-OF-IT",
    "hidden\u202e\u202e\u202e\u202e",
    "雨" * 20,
    "😀" * 20,
    "@" * 40,
)


def wide() -> Graph:
    nodes = [
        Node(make(name), state, f"waiting on the service {name}")
        for name, state in zip(NAMES, NodeState, strict=True)
        for make in (Address.dataset, Address.deployment)
    ]
    edges = [(above.address, below.address) for above, below in zip(nodes[::2], nodes[1::2], strict=True)]
    return Graph(tuple(nodes), tuple(edges))


@pytest.mark.parametrize("graph", [wide(), lineage_of(BUSY, REFERENCES)], ids=["wide", "busy"])
def test_a_picture_that_stands_alone(
    graph: Graph, read: Read, pictures: Path, request: pytest.FixtureRequest
) -> None:
    reader = read(svg(graph))
    assert reader.page.locator("g.node").count() == len(graph.nodes)
    for scheme in SCHEMES:
        reader.looks(DESKTOP, scheme)
        reader.page.screenshot(path=pictures / f"graph-{request.node.callspec.id}-{scheme}.png")
        assert reader.complaints_of("misplaced", "faint") == []
    assert reader.page.get_by_role("img", name=f"Lineage: {len(graph.nodes)} resources").count() == 1
    assert reader.trouble() == []


@pytest.mark.parametrize(
    "font", ["DejaVu Sans", "Liberation Sans", "Liberation Sans Narrow", "serif", "monospace"]
)
def test_whatever_font_the_machine_has_texts_stay_in_their_boxes(font: str, read: Read) -> None:
    """The picture is laid out here, and its letters have the width that the reader's machine gives them."""
    drawn = svg(wide()).replace('system-ui, "Segoe UI", sans-serif', f'"{font}"' if " " in font else font)
    assert font in drawn
    assert read(drawn).measure("misplaced") == []


def test_the_picture_of_the_commands_is_one(example: Path, read: Read) -> None:
    reader = read((example / "example-graph.svg").as_uri())
    assert reader.page.locator("g.node").count() == 5
    assert reader.complaints_of("misplaced", "faint") == []
    assert reader.trouble() == []


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_in_a_page_it_is_seen_and_scrolls_by_keys(width: int, read: Read) -> None:
    reader = read(plan_html(BUSY, RenderOptions(REFERENCES)))
    reader.looks(width)
    region = reader.page.get_by_role("region", name="Lineage, scrolls sideways")
    region.scroll_into_view_if_needed()
    picture = region.locator("svg")
    assert picture.is_visible()
    assert reader.measure("misplaced") == []
    if width == PHONE:
        region.focus()
        region.press("ArrowRight")
        reader.until("document.querySelector('.scroll').scrollLeft > 0")


def test_in_a_large_plan_no_box_touches_another(read: Read) -> None:
    plan, references = large(75)
    reader = read(svg(lineage_of(plan, references)))
    assert reader.page.locator("g.node").count() == 300
    assert reader.measure("misplaced") == []


def test_a_plan_without_resources_has_none(read: Read) -> None:
    reader = read(plan_html(Plan("p", None, "sandbox", ())))
    assert reader.page.locator("svg").count() == 0
