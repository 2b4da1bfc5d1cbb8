"""The names of the formats, and nothing else: the command line reads them before it knows what to import."""

from enum import StrEnum


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
