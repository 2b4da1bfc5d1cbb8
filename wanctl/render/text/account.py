"""The account in lines: what is live, what drifted, what is in no spec, and what an import takes over."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from wanctl.address import Address
from wanctl.base.words import counted, listed
from wanctl.plan import Action, Plan, Step, When
from wanctl.render.text.console import hint_line
from wanctl.render.text.line import TextLine
from wanctl.render.text.plan import INDENT, finding_block
from wanctl.render.words import PHASES, spell_cost, spell_lasted, spell_orphan, spell_state, spell_times

if TYPE_CHECKING:
    from wanctl.engine.adoption import Imported
    from wanctl.engine.planner import Drift


_CHOOSE = "Nothing is deleted by looking. To delete some: wanctl prune ID…; what is not in flight: --all"
_MOST_UNSEEN = 5  # names in one line
_NONE_CAN = (
    "--all deletes none of them. What is in flight, or another ledger's, is deleted by its ID: "
    "wanctl prune ID…"
)


def status_lines(plan: Plan) -> list[TextLine]:
    """The account as the specs name it."""
    place = " · ".join(part for part in (plan.project, plan.environment, plan.service) if part)
    lines = [TextLine.assemble((place, "bold"), f"  {plan.status.value.replace('_', ' ')}"), TextLine()]
    rows = [(step, str(step.address), spell_state(step), step.remote_id or "—") for step in plan.steps]
    widths = (
        max((len(address) for _, address, _, _ in rows), default=0),
        max((len(state) for _, _, state, _ in rows), default=0),
    )
    for step, address, state, remote_id in rows:
        lines.append(
            TextLine.assemble(
                "  ",
                (address.ljust(widths[0]), "bold"),
                "  ",
                (state.ljust(widths[1]), PHASES[step.when].state_style),
                "  ",
                remote_id,
            )
        )
        lines += _waits(step)
    if plan.orphans:
        lines += [TextLine(), TextLine("Ours, live, and in no spec:", style="dim")]
        lines += [
            TextLine(f"  {one.kind}  {one.remote_id}  {spell_orphan(one)}", style="dim")
            for one in plan.orphans
        ]
    if plan.findings:
        lines += [TextLine(), *finding_block(plan.findings)[:-1]]
    return lines


def _waits(step: Step) -> Iterator[TextLine]:
    indent = " " * 6
    bill = spell_cost(step.cost) if step.cost and step.cost.billed_tokens is not None else ""
    if bill or step.took:
        came_to = (bill, spell_lasted(step) if step.took else "")
        yield TextLine(indent + ", ".join(part for part in came_to if part), style="dim")
    if step.settled:
        return
    after = f", after {', '.join(map(str, step.after))}" if step.after else ""
    summary = f" · {step.summary}" if step.action is Action.CHOOSE and step.summary else ""
    detail = step.progress.detail if step.progress else ""
    detail = f" · {detail}" if detail and not step.reason.endswith(detail) else ""
    times = spell_times(step.progress)
    yield TextLine(f"{indent}{step.reason}{after}{summary}{detail}{f' · {times}' if times else ''}")
    for hint in step.hints:
        yield hint_line(hint, indent)


def drift_lines(drift: "Drift") -> list[TextLine]:
    """The drift, with what apply would do about each; one sentence where there is none."""
    unseen = _unseen_lines(drift.unseen)
    if not drift.found and drift.passed_over:
        names = listed([str(address) for address in drift.passed_over])
        return [TextLine.assemble(("No drift", "bold green"), f" but what is ignored: {names}."), *unseen]
    if not drift.found:
        return [TextLine.assemble(("No drift.", "bold green"), " The account is as wanctl left it."), *unseen]
    lines = [line for step in drift.steps for line in _step_lines(step)]
    for orphan in drift.orphans:
        lines.append(
            TextLine.assemble(
                "  ", (f"{orphan.kind}/{orphan.remote_id}", "bold"), f"  {spell_orphan(orphan)}; in no spec"
            )
        )
        lines.append(hint_line(f"to delete it: wanctl prune {orphan.remote_id}", INDENT))
    if lines:
        lines.append(TextLine())
    lines += finding_block(drift.findings)
    count = len(drift.steps) + len(drift.orphans) + len(drift.findings)
    lines.append(TextLine.assemble(("Drift: ", "bold yellow"), f"{counted(count, 'thing')} to look at."))
    return [*lines, *unseen]


def _unseen_lines(unseen: Mapping[Address, tuple[str, ...]]) -> list[TextLine]:
    """What nobody could compare, once for all of which it is the same."""
    lines = []
    for fields in dict.fromkeys(unseen.values()):
        names = [str(address) for address, untold in unseen.items() if untold == fields]
        of_whom = listed(names if len(names) <= _MOST_UNSEEN else [*names[:_MOST_UNSEEN], "others"])
        lines.append(
            TextLine(
                f"Not told by the service, and not compared: {listed(fields)} of {of_whom}.", style="dim"
            )
        )
    return lines


def _step_lines(step: Step) -> Iterator[TextLine]:
    yield TextLine.assemble("  ", (str(step.address), "bold"), f"  {step.reason}")
    if step.when in {When.NOW, When.LATER}:
        yield hint_line(f"wanctl apply would {step.action.value} it again", INDENT)
    for hint in step.hints:
        yield hint_line(hint, INDENT)


def orphan_lines(plan: Plan, *, chosen: bool = False) -> list[TextLine]:
    """The orphans that could be pruned, where none is chosen yet or none of those chosen can be deleted."""
    if not plan.orphans:
        return [TextLine.assemble(("No orphans.", "bold green"), " Everything of ours is in the specs.")]
    names = [f"{orphan.kind}/{orphan.remote_id}" for orphan in plan.orphans]
    width = max(map(len, names))
    lines = [
        TextLine(f"{counted(len(plan.orphans), 'orphan')}, live and in no spec:", style="bold"),
        TextLine(),
    ]
    lines += [
        TextLine.assemble("  ", (name.ljust(width), "bold"), "  ", (spell_orphan(orphan), "dim"))
        for name, orphan in zip(names, plan.orphans, strict=True)
    ]
    return [
        *lines,
        TextLine(),
        *finding_block(plan.findings),
        TextLine(_NONE_CAN if chosen else _CHOOSE),
    ]


def spell_kinds(imported: "Imported") -> str:
    """2 Datasets, 1 FineTune and 1 Deployment."""
    counts: dict[str, int] = {}
    for one in imported.documents:
        if not one.proposed:
            counts[one.address.kind] = counts.get(one.address.kind, 0) + 1
    return listed([counted(count, kind) for kind, count in counts.items()] or ["nothing"])


def import_question(imported: "Imported", path: str) -> str:
    """The question that a person says yes to."""
    adoptions = counted(len(imported.adoptions), "adoption")
    return f"Write {spell_kinds(imported)} to {path}, and {adoptions} into the ledger?"


def nothing_lines(imported: "Imported") -> Iterator[TextLine]:
    """No file is written for comments alone."""
    yield TextLine("Nothing to import: what is live is in the specs, or of another wanctl project.")
    for one in imported.documents:
        yield TextLine(f"  {one.address}  could be a comment only; to see why: wanctl import --dry-run")


def written_lines(imported: "Imported", path: str) -> Iterator[TextLine]:
    """The file, and what a person has to add to it."""
    yield TextLine.assemble(("Written: ", "bold green"), f"{path}: {spell_kinds(imported)}.")
    for one in imported.documents:
        if one.proposed:
            yield TextLine(f"  {one.address}  as a comment only: see its remarks")
            continue
        for field in one.unknown:
            yield TextLine(f"  {one.address}  its {field} is not readable from the service: write it there")


def adopted_lines(imported: "Imported", sentences: tuple[str, ...], plan: Plan) -> Iterator[TextLine]:
    """Each adoption, and whether the plan is empty now as far as the imported documents go."""
    yield from (TextLine(f"  {sentence}.") for sentence in sentences)
    ours = {one.address for one in imported.documents if not one.proposed}
    pending = [step for step in plan.pending if step.address in ours]
    for step in pending:
        yield TextLine.assemble("  ", (str(step.address), "bold"), f"  not settled: {step.reason}")
    if not pending:
        yield TextLine("The plan has nothing to do for them. Read the file, and commit it.")
