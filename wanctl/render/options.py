"""The options of an output: format, command, lineage, links, marker.

The command line reads this before it knows what else to import: nothing heavy is imported here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from wanctl.address import Address
    from wanctl.render.lineage import References, Texts

WITHOUT_ENVIRONMENT = "default"


class PlanFormat(StrEnum):
    """How a plan is written."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"
    HTML = "html"


class GraphFormat(StrEnum):
    """How a lineage is drawn."""

    MERMAID = "mermaid"
    DOT = "dot"
    SVG = "svg"


class Command(StrEnum):
    """A command that shows a plan, as it is typed."""

    PLAN = "wanctl plan"
    APPLY = "wanctl apply"
    DESTROY = "wanctl destroy"
    PRUNE = "wanctl prune"
    TRY = "wanctl try"
    CI = "wanctl ci"

    @property
    def verb(self) -> str:
        """The command without the program's name."""
        return self.value.removeprefix("wanctl ")


@dataclass(frozen=True)
class RenderOptions:
    """All of it may be left out."""

    references: "References | None" = None
    apply: tuple[str, ...] = field(default=("wanctl plan --out plan.json", "wanctl apply plan.json"))
    link: str | None = None  # to the whole output, where this one is cut
    marker: str | None = None  # what is hidden at the end of the Markdown, to find a comment again
    opening: tuple[str, ...] = ()  # paragraphs of Markdown beneath the verdict
    closing: tuple[str, ...] = ()  # and at the end
    texts: "Texts" = field(default_factory=dict)  # what documents say in full, for pages
    galleries: Mapping["Address", str] = field(default_factory=dict)  # where a training's previews are seen


def marker_of(project: str | None, environment: str | None) -> str:
    """<!-- wanctl plan: money-rain/prod -->: the same for every plan of a project in an environment."""
    names = (project or "unknown", environment or WITHOUT_ENVIRONMENT)
    return f"<!-- wanctl plan: {'/'.join(map(_harmless, names))} -->"


def place_of(folder: str, environment: str | None) -> str:
    """models/storm/prod: where in its repository a project is, as one word that cannot end a comment."""
    return "/".join(map(_harmless, (*folder.split("/"), environment or WITHOUT_ENVIRONMENT)))


def _harmless(name: str) -> str:
    """Letters and digits as they are, and nothing that could end the comment or look like another name."""
    return quote(name, safe="", errors="backslashreplace").replace("--", "-%2D")
