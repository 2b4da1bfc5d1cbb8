"""The lineage as a small graph: dataset → job → checkpoint → deployment, each with its state.

One model for all pictures: Mermaid and dot here, SVG in `picture`. Edges are the references of the specs,
which a plan does not hold; without them the order of its steps has to do.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from wanctl.address import Address
from wanctl.kinds.registry import kind_of
from wanctl.language.resources import Desired
from wanctl.plan import Plan, Step, When
from wanctl.render.visible import clipped, one_line
from wanctl.render.words import spell_state

References = Mapping[Address, tuple[Address, ...]]
Texts = Mapping[Address, Mapping[str, str]]  # by resource, then by name


class NodeState(StrEnum):
    """How a node is drawn."""

    SETTLED = "settled"
    NOW = "now"
    SERVICE = "service"
    PERSON = "person"
    LATER = "later"
    BLOCKED = "blocked"
    LEAVING = "leaving"
    WRITTEN = "written"  # known from the specs alone


@dataclass(frozen=True)
class Node:
    """A resource, and its state in a few words."""

    address: Address
    state: NodeState
    note: str


@dataclass(frozen=True)
class Graph:
    """The nodes in the order of the plan, and the edges between them, upstream first."""

    nodes: tuple[Node, ...]
    edges: tuple[tuple[Address, Address], ...]

    def only(self, addresses: Iterable[Address]) -> "Graph":
        """The same graph with these nodes and the edges between them."""
        kept = set(addresses)
        return Graph(
            tuple(node for node in self.nodes if node.address in kept),
            tuple(edge for edge in self.edges if kept.issuperset(edge)),
        )

    def around(self, addresses: Iterable[Address]) -> "Graph":
        """These nodes and everything that is connected to them."""
        beside: dict[Address, list[Address]] = {}
        for upstream, downstream in self.edges:
            beside.setdefault(upstream, []).append(downstream)
            beside.setdefault(downstream, []).append(upstream)
        found, ahead = set(), list(addresses)
        while ahead:
            address = ahead.pop()
            if address not in found:
                found.add(address)
                ahead += beside.get(address, [])
        return self.only(found)


def references_of(desired: Desired) -> References:
    """Who refers to whom, as the specs say."""
    return {address: resource.references for address, resource in desired.resources.items()}


def texts_of(desired: Desired) -> Texts:
    """What the documents say in full."""
    found = {
        address: kind_of(address).texts(resource.spec) for address, resource in desired.resources.items()
    }
    return {address: texts for address, texts in found.items() if texts}


def lineage_of(plan: Plan, references: References | None = None) -> Graph:
    """The graph of a plan."""
    nodes = {step.address: Node(step.address, _state(step), spell_state(step)) for step in plan.steps}
    upstream = references if references is not None else {step.address: step.after for step in plan.steps}
    return Graph(tuple(nodes.values()), _edges(nodes, upstream))


def lineage_of_specs(desired: Desired) -> Graph:
    """The graph of the specs alone: nobody was asked what is live."""
    nodes = {address: Node(address, NodeState.WRITTEN, "") for address in desired.resources}
    return Graph(tuple(nodes.values()), _edges(nodes, references_of(desired)))


_STATES = {
    When.DONE: NodeState.SETTLED,
    When.NOW: NodeState.NOW,
    When.SERVICE: NodeState.SERVICE,
    When.PERSON: NodeState.PERSON,
    When.LATER: NodeState.LATER,
    When.BLOCKED: NodeState.BLOCKED,
}


def _state(step: Step) -> NodeState:
    leaving = step.deletes and step.when is not When.BLOCKED
    return NodeState.LEAVING if leaving else _STATES[step.when]


def _edges(nodes: Mapping[Address, Node], references: References) -> tuple[tuple[Address, Address], ...]:
    """References to what is drawn. What only waits for a neighbour of its kind does not descend from it."""
    return tuple(
        dict.fromkeys(
            (upstream, address)
            for address in nodes
            for upstream in references.get(address, ())
            if upstream in nodes and upstream.kind.rank < address.kind.rank
        )
    )


LONGEST_LABEL = 48


@dataclass(frozen=True)
class _Drawing:
    """How a node is drawn in the pictures that are text; the SVG has its own style."""

    fill: str
    border: str
    line: str = ""  # "bold" or "dashed"

    @property
    def mermaid(self) -> str:
        line = {"bold": ",stroke-width:3px", "dashed": ",stroke-dasharray:5 3"}.get(self.line, "")
        return f"fill:{self.fill},stroke:{self.border},color:#1f2328{line}"

    @property
    def dot(self) -> str:
        style = ",".join(part for part in ("filled", self.line) if part)
        return f'fillcolor="{self.fill}", color="{self.border}", style="{style}"'


_DRAWN = {
    NodeState.SETTLED: _Drawing("#dafbe1", "#1a7f37"),
    NodeState.NOW: _Drawing("#ddf4ff", "#0969da", "bold"),
    NodeState.SERVICE: _Drawing("#ddf4ff", "#0969da", "dashed"),
    NodeState.PERSON: _Drawing("#fbefff", "#8250df", "bold"),
    NodeState.LATER: _Drawing("#f6f8fa", "#59636e", "dashed"),
    NodeState.BLOCKED: _Drawing("#fff8c5", "#9a6700", "bold"),
    NodeState.LEAVING: _Drawing("#ffebe9", "#cf222e", "bold"),
    NodeState.WRITTEN: _Drawing("#f6f8fa", "#59636e"),
}


def mermaid(graph: Graph) -> str:
    """A flowchart. Ids are numbers and labels hold letters, digits and a few harmless signs only."""
    numbers = {node.address: number for number, node in enumerate(graph.nodes)}
    lines = ["flowchart LR"]
    for node in graph.nodes:
        note = f"<br/>{_harmless(node.note)}" if node.note else ""
        label = f"{node.address.kind.value}<br/>{_harmless(node.address.name)}{note}"
        lines.append(f'  n{numbers[node.address]}["{label}"]:::{node.state.value}')
    lines += [f"  n{numbers[upstream]} --> n{numbers[downstream]}" for upstream, downstream in graph.edges]
    used = dict.fromkeys(node.state for node in graph.nodes)
    lines += [f"  classDef {state.value} {_DRAWN[state].mermaid}" for state in used]
    return "\n".join(lines) + "\n"


def _harmless(text: str) -> str:
    """Mermaid has several ways to escape and undoes some of them; what is left out needs none."""
    percent = one_line(text).replace(" %", " percent")
    return clipped(
        "".join(letter if letter.isalnum() or letter in " -_.,/…–⟨⟩+" else "�" for letter in percent),
        LONGEST_LABEL,
    )


def dot(graph: Graph) -> str:
    """A digraph for Graphviz."""
    numbers = {node.address: number for number, node in enumerate(graph.nodes)}
    lines = ["digraph lineage {", "  rankdir=LR;", '  node [shape=box, fontname="sans-serif"];']
    for node in graph.nodes:
        parts = [node.address.kind.value, node.address.name, *([node.note] if node.note else [])]
        label = "\\n".join(_dot_text(part) for part in parts)
        lines.append(f'  n{numbers[node.address]} [label="{label}", {_DRAWN[node.state].dot}];')
    lines += [f"  n{numbers[upstream]} -> n{numbers[downstream]};" for upstream, downstream in graph.edges]
    return "\n".join([*lines, "}"]) + "\n"


def _dot_text(text: str) -> str:
    shown = clipped(one_line(text), LONGEST_LABEL)
    return shown.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
