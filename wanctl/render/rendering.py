"""One plan in any format. Each output is imported only when it is asked for."""

from typing import TYPE_CHECKING

from wanctl.render.made import OfflinePlan, PlanFailure, Shown
from wanctl.render.options import GraphFormat, PlanFormat, RenderOptions

if TYPE_CHECKING:
    from wanctl.render.lineage import Graph


def rendered(made: Shown, format_: PlanFormat, options: RenderOptions) -> str:
    """The whole output, with its last line end."""
    match format_:
        case PlanFormat.TEXT:
            from wanctl.render.text.console import plain
            from wanctl.render.text.offline import offline_lines
            from wanctl.render.text.plan import failure_lines, plan_lines

            if isinstance(made, OfflinePlan):
                return plain(offline_lines(made))
            return plain(failure_lines(made) if isinstance(made, PlanFailure) else plan_lines(made))
        case PlanFormat.MARKDOWN:
            from wanctl.render.markdown.plan import plan_markdown

            return plan_markdown(made, options)
        case PlanFormat.JSON:
            from wanctl.render.visible import json_text

            return json_text(made.as_json())
        case PlanFormat.HTML:
            from wanctl.render.html.plan import plan_html

            return plan_html(made, options)


def drawn(graph: "Graph", format_: GraphFormat) -> str:
    """The lineage as a picture, or as text that becomes one."""
    match format_:
        case GraphFormat.MERMAID:
            from wanctl.render.lineage import mermaid

            return mermaid(graph)
        case GraphFormat.DOT:
            from wanctl.render.lineage import dot

            return dot(graph)
        case GraphFormat.SVG:
            from wanctl.render.html.picture import svg

            return svg(graph)
