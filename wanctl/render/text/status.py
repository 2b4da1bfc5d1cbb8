"""What is live, as a table: one line a resource, and beneath it what it waits for."""

from collections.abc import Iterator

from rich.text import Text

from wanctl.plan import Action, Plan, Step
from wanctl.render.text.plan import finding_block
from wanctl.render.words import PHASES, spell_cost, spell_state


def status_lines(plan: Plan) -> list[Text]:
    """The account as the specs name it."""
    place = " · ".join(part for part in (plan.project, plan.environment, plan.service) if part)
    lines = [Text.assemble((place, "bold"), f"  {plan.status.value.replace('_', ' ')}"), Text()]
    rows = [(step, str(step.address), spell_state(step), step.remote_id or "—") for step in plan.steps]
    widths = (
        max((len(address) for _, address, _, _ in rows), default=0),
        max((len(state) for _, _, state, _ in rows), default=0),
    )
    for step, address, state, remote_id in rows:
        lines.append(
            Text.assemble(
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
        lines += [Text(), Text("Ours, live, and in no spec:", style="dim")]
        lines += [Text(f"  {one.kind}  {one.remote_id}  {one.note}", style="dim") for one in plan.orphans]
    if plan.findings:
        lines += [Text(), *finding_block(plan.findings)[:-1]]
    return lines


def _waits(step: Step) -> Iterator[Text]:
    indent = " " * 6
    if step.cost and step.cost.billed_tokens is not None:
        yield Text(indent + spell_cost(step.cost), style="dim")
    if step.settled:
        return
    after = f", after {', '.join(map(str, step.after))}" if step.after else ""
    summary = f" · {step.summary}" if step.action is Action.CHOOSE and step.summary else ""
    detail = step.progress.detail if step.progress else ""
    detail = f" · {detail}" if detail and not step.reason.endswith(detail) else ""
    yield Text(f"{indent}{step.reason}{after}{summary}{detail}")
    for hint in step.hints:
        yield Text.assemble(indent, ("→ ", "cyan"), hint)
