"""What the specs alone tell, as text for a terminal or a log. Pure: values in, lines out."""

from collections.abc import Iterator

from wanctl.base.words import counted
from wanctl.render.made import OfflinePlan
from wanctl.render.summary import offline_sentence
from wanctl.render.text.line import TextLine
from wanctl.render.text.plan import finding_block, head_line, step_table

COMMAND = "wanctl plan --offline"


def offline_lines(offline: OfflinePlan, *, columns: int | None = None) -> list[TextLine]:
    """The whole of it. The last lines say that it is no plan, and why."""
    size = counted(offline.resources, "resource")
    lines = [head_line(COMMAND, (offline.project, offline.environment, size), columns), TextLine()]
    if offline.first.steps:
        lines += [TextLine("If nothing of it existed yet:"), TextLine()]
        lines += [*step_table(offline.first.steps, columns), TextLine()]
    lines += finding_block(offline.found)
    lines += _recorded(offline)
    lines += [TextLine("Not known offline:"), *(TextLine(f"  - {one}") for one in offline.untold)]
    sentence = offline_sentence(offline.first)
    return [
        *lines,
        TextLine(),
        TextLine.assemble(("Valid; ", "bold"), f"{sentence}."),
        TextLine(f"No plan: {offline.why}. Nothing of this can be applied."),
    ]


def _recorded(offline: OfflinePlan) -> Iterator[TextLine]:
    if not offline.recorded:
        return
    yield TextLine("The ledger among these files names, whether it is live or not:")
    width = max(len(str(address)) for address in offline.recorded)
    for address, remote_id in offline.recorded.items():
        yield TextLine(f"  {str(address).ljust(width)}  {remote_id}")
    yield TextLine()
