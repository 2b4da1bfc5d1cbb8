"""Orphans as a list, with the words to delete them. Pure: a plan of pruning in, lines out."""

from rich.text import Text

from wanctl.base.words import counted
from wanctl.plan import Plan
from wanctl.render.text.plan import finding_block

_CHOOSE = "Nothing is deleted by looking. To delete some: wanctl prune ID…; what is not in flight: --all"
_NONE_CAN = (
    "None of them goes with --all. What is in flight, or another ledger's, goes by its ID: wanctl prune ID…"
)


def orphan_lines(plan: Plan, *, chosen: bool = False) -> list[Text]:
    """What could be pruned: nothing of it is chosen yet, or nothing of what was chosen can go."""
    if not plan.orphans:
        return [Text.assemble(("No orphans.", "bold green"), " Everything of ours is in the specs.")]
    names = [f"{orphan.kind}/{orphan.remote_id}" for orphan in plan.orphans]
    width = max(map(len, names))
    lines = [Text(f"{counted(len(plan.orphans), 'orphan')}, live and in no spec:", style="bold"), Text()]
    lines += [
        Text.assemble("  ", (name.ljust(width), "bold"), "  ", (orphan.note, "dim"))
        for name, orphan in zip(names, plan.orphans, strict=True)
    ]
    return [
        *lines,
        Text(),
        *finding_block(plan.findings),
        Text(_NONE_CAN if chosen else _CHOOSE),
    ]
