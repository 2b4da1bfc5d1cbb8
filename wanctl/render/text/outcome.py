"""How a run ended: converged, in progress, a person's turn, or failed; always with the next command."""

from typing import Any

from rich.text import Text

from wanctl.base.words import counted
from wanctl.engine.converge import Failure, Outcome
from wanctl.plan import Status, When
from wanctl.render.options import Command
from wanctl.render.text.plan import plan_lines
from wanctl.render.words import PHASES, spell_progress


def outcome_lines(
    outcome: Outcome, command: Command, *, plan_shown: bool, columns: int | None = None
) -> list[Text]:
    """The last words of apply and destroy, for a terminal of so many columns."""
    plan = outcome.plan
    if plan.status is Status.ERROR and not plan_shown:
        return plan_lines(plan, command=command, columns=columns)
    lines: list[Text] = []
    if outcome.failures:
        lines += [line for failure in outcome.failures for line in _failure_lines(failure, command)]
    if outcome.unapproved:
        names = ", ".join(f"{step.address} ({step.action.value})" for step in outcome.unapproved)
        lines.append(
            Text.assemble(
                ("Stopped: ", "bold yellow"), f"{names} came up and was not in the approved plan. Plan again."
            )
        )
    if lines:
        return lines
    if outcome.announced:
        return [_announced(outcome)]
    if plan_shown and plan.status is Status.CONVERGED:
        return [Text.assemble(("Done.", "bold green"), f" {_done(outcome)}")]
    if not plan.pending or not plan_shown:
        return plan_lines(plan, command=command, columns=columns)
    return [*_waiting_lines(outcome), *_turn(outcome, command)]


def _announced(outcome: Outcome) -> Text:
    """A change of protection stands alone; what it came before is for a person to look at."""
    names = ", ".join(f"{step.address} ({step.action.value})" for step in outcome.announced)
    return Text.assemble(
        ("Done.", "bold green"), f" Next, in a plan of its own: {names}. Look at it: wanctl plan"
    )


def _done(outcome: Outcome) -> str:
    made = f"{counted(len(outcome.done), 'call')} made; " if outcome.done else ""
    return f"{made}{counted(len(outcome.plan.steps), 'resource is', 'resources are')} as wanted."


def _failure_lines(failure: Failure, command: Command) -> list[Text]:
    step, error = failure.step, failure.error
    lines = [
        Text.assemble(("Failed: ", "bold red"), (f"{step.address} ", "bold"), f"{step.action.value}: {error}")
    ]
    if step.remote_id:
        lines.append(Text(f"        {step.remote_id}"))
    lines.append(
        Text.assemble(
            "        ", ("→ ", "cyan"), f"mend it, then run {command} again; what was done stays done"
        )
    )
    return lines


def _waiting_lines(outcome: Outcome) -> list[Text]:
    """What is not done, each with what it waits for."""
    lines = []
    for step in outcome.plan.pending:
        label = PHASES[step.when].label
        summary = step.summary if step.when is not When.BLOCKED else ""  # the reason says it all
        told = " · ".join(part for part in (step.reason, summary, spell_progress(step)) if part)
        after = f" (after {', '.join(map(str, step.after))})" if step.after else ""
        lines.append(Text.assemble(("  " + str(step.address), "bold"), f"  {label}{after}: {told}"))
        lines += [Text.assemble("      ", ("→ ", "cyan"), hint) for hint in step.hints]
    return lines


def _turn(outcome: Outcome, command: Command) -> list[Text]:
    """Whose turn it is."""
    phases = {step.when for step in outcome.plan.pending}
    if When.SERVICE in phases:
        late = "The wait is over before the work is. " if outcome.overdue else ""
        return [
            Text(
                f"{late}In progress at the service. Run {command} again, now or later: it goes on from here."
            )
        ]
    if When.BLOCKED in phases:
        return [Text("Blocked. Mend what is named above and run the same command again.", style="bold red")]
    return [Text(f"It is a person's turn. Then run {command} again: it goes on from here.", style="magenta")]


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """The plan that is left, with what was done and what failed."""
    return {
        **outcome.plan.as_json(),
        "done": [
            {"address": str(step.address), "action": step.action.value, "remote_id": remote_id}
            for step, remote_id in outcome.done
        ],
        "failures": [
            {
                "address": str(failure.step.address),
                "action": failure.step.action.value,
                "remote_id": failure.step.remote_id,
                "message": str(failure.error),
                "code": failure.error.code,
                "request_id": failure.error.request_id,
                "hint": failure.error.remedy,
            }
            for failure in outcome.failures
        ],
        "unapproved": [str(step.address) for step in outcome.unapproved],
        "overdue": outcome.overdue,
    }
