"""One plan in any format. Each output is imported only when it is asked for."""

from typing import TYPE_CHECKING

from wanctl.plan import Plan
from wanctl.report.failure import Failure
from wanctl.report.formats import GraphFormat, PlanFormat
from wanctl.report.sheet import Sheet

if TYPE_CHECKING:
    from wanctl.report.lineage import Graph


def rendered(made: Plan | Failure, format_: PlanFormat, sheet: Sheet) -> str:
    """The whole output, with its last line end."""
    match format_:
        case PlanFormat.TEXT:
            from wanctl.report.terminal.console import plain
            from wanctl.report.terminal.plan import failure_lines, plan_lines

            return plain(failure_lines(made) if isinstance(made, Failure) else plan_lines(made))
        case PlanFormat.MARKDOWN:
            from wanctl.report.markdown.plan import plan_markdown

            return plan_markdown(made, sheet)
        case PlanFormat.JSON:
            from wanctl.report.visible import json_text

            return json_text(made.as_json())
        case PlanFormat.HTML:
            from wanctl.report.html.plan import plan_html

            return plan_html(made, sheet)


def drawn(graph: "Graph", format_: GraphFormat) -> str:
    """The lineage as a picture, or as text that becomes one."""
    match format_:
        case GraphFormat.MERMAID:
            from wanctl.report.lineage import mermaid

            return mermaid(graph)
        case GraphFormat.DOT:
            from wanctl.report.lineage import dot

            return dot(graph)
        case GraphFormat.SVG:
            from wanctl.report.html.picture import svg

            return svg(graph)
