"""One plan in any format: the list of outputs. Each is imported only when it is asked for."""

import json
from enum import StrEnum

from wanctl.plan import Plan
from wanctl.report.failure import Failure
from wanctl.report.sheet import Sheet


class PlanFormat(StrEnum):
    """How a plan is written."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"
    HTML = "html"


def rendered(made: Plan | Failure, format_: PlanFormat, sheet: Sheet) -> str:
    """The whole output, with its last line end."""
    match format_:
        case PlanFormat.TEXT:
            from wanctl.report.console import plain
            from wanctl.report.text import failure_lines, plan_lines

            return plain(failure_lines(made) if isinstance(made, Failure) else plan_lines(made))
        case PlanFormat.MARKDOWN:
            from wanctl.report.markdown import plan_markdown

            return plan_markdown(made, sheet)
        case PlanFormat.JSON:
            return json.dumps(made.as_json(), indent=2, ensure_ascii=False) + "\n"
        case PlanFormat.HTML:
            from wanctl.report.page import plan_html

            return plan_html(made, sheet)
