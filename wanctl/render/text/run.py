"""The words of a run: a live display or timed lines while it goes, then how it ended and what to do next."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from wanctl.address import Address
from wanctl.base.words import counted
from wanctl.engine.converge import Failure, Outcome
from wanctl.plan import Plan, Status, Step, When
from wanctl.render.options import Command
from wanctl.render.text.console import TextStream, emit, hint_line
from wanctl.render.text.line import TextLine
from wanctl.render.text.plan import plan_lines
from wanctl.render.words import PHASES, spell_call, spell_progress, spell_times, spell_took

if TYPE_CHECKING:
    from rich.console import Console

QUIET = timedelta(minutes=30)  # account time after which an unchanged wait is said again
STRIDE = 0.1  # progress that is worth a new line


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


class WorthALine:
    """Which looks at what is in flight are worth a line: another state, a stride, or a long quiet."""

    def __init__(self) -> None:
        self._said: dict[Address, tuple[str, float, datetime]] = {}

    def __call__(self, at: datetime, step: Step) -> bool:
        fraction = step.progress.fraction or 0.0 if step.progress else 0.0
        before = self._said.get(step.address)
        if before and before[0] == step.reason and fraction - before[1] < STRIDE and at - before[2] < QUIET:
            return False
        self._said[step.address] = (step.reason, fraction, at)
        return True


class TimedLines:
    """One line for each thing that happened, with the account's time."""

    def __init__(self, stream: "TextStream | Console", owner: str = "") -> None:
        """`owner` stands before each resource, where several projects speak at once."""
        self._stream = stream
        self._owner = f"{owner}: " if owner else ""
        self._news = WorthALine()

    def started(self, at: datetime, step: Step) -> None:
        self._say(at, step, f"{spell_call(step)[0]} …")

    def uploaded(self, address: Address, sent: int) -> None:
        """A log does not count bytes."""

    def done(self, at: datetime, step: Step, remote_id: str | None) -> None:
        self._say(at, step, spell_call(step)[1] + (f": {remote_id}" if remote_id else ""))

    def failed(self, at: datetime, step: Step, error: Exception) -> None:
        self._say(at, step, f"failed: {error}")

    def waiting(self, at: datetime, plan: Plan) -> None:
        for step in plan.steps:
            if step.when is When.SERVICE and self._news(at, step):
                self._say(at, step, _joined(step.reason, spell_progress(step), spell_times(step.progress)))

    def settled(self, at: datetime, step: Step, lasted: timedelta | None) -> None:
        self._say(at, step, spell_took(step, lasted))

    def missed(self, at: datetime, error: Exception) -> None:
        """Of several reads that failed at once, one is named."""
        first = error.exceptions[0] if isinstance(error, ExceptionGroup) else error
        line = TextLine.assemble(
            (f"{at:%H:%M:%S}  ", "dim"), f"{self._owner}cannot be read now, looking again later: {first}"
        )
        emit([line], self._stream)

    def _say(self, at: datetime, step: Step, what: str) -> None:
        emit(
            [
                TextLine.assemble(
                    (f"{at:%H:%M:%S}  ", "dim"), (f"{self._owner}{step.address}  ", "bold"), what
                )
            ],
            self._stream,
        )


def outcome_lines(
    outcome: Outcome, command: Command, *, plan_shown: bool, columns: int | None = None
) -> list[TextLine]:
    """The last words of apply and destroy, for a terminal of so many columns."""
    plan = outcome.plan
    if plan.status is Status.ERROR and not plan_shown:
        return plan_lines(plan, command=command, columns=columns)
    lines: list[TextLine] = []
    if outcome.failures:
        lines += [line for failure in outcome.failures for line in _failure_lines(failure, command)]
    if outcome.unapproved:
        names = ", ".join(f"{step.address} ({step.action.value})" for step in outcome.unapproved)
        lines.append(
            TextLine.assemble(
                ("Stopped: ", "bold yellow"), f"{names} came up and was not in the approved plan. Plan again."
            )
        )
    if lines:
        return lines
    if outcome.announced:
        return [_announced(outcome)]
    if plan_shown and plan.status is Status.CONVERGED:
        return [TextLine.assemble(("Done.", "bold green"), f" {_done(outcome)}")]
    if not plan.pending or not plan_shown:
        return plan_lines(plan, command=command, columns=columns)
    return [*_waiting_lines(outcome), *_next_lines(outcome, command)]


def _announced(outcome: Outcome) -> TextLine:
    """A change of protection stands alone; what it came before is for a person to look at."""
    names = ", ".join(f"{step.address} ({step.action.value})" for step in outcome.announced)
    return TextLine.assemble(
        ("Done.", "bold green"), f" Next, in a plan of its own: {names}. Look at it: wanctl plan"
    )


def _done(outcome: Outcome) -> str:
    made = f"{counted(len(outcome.done), 'call')} made; " if outcome.done else ""
    return f"{made}{counted(len(outcome.plan.steps), 'resource is', 'resources are')} as wanted."


def _failure_lines(failure: Failure, command: Command) -> list[TextLine]:
    step, error = failure.step, failure.error
    lines = [
        TextLine.assemble(
            ("Failed: ", "bold red"), (f"{step.address} ", "bold"), f"{step.action.value}: {error}"
        )
    ]
    if step.remote_id:
        lines.append(TextLine(f"        {step.remote_id}"))
    lines.append(hint_line(f"correct it, then run {command} again; what was done stays done", " " * 8))
    return lines


def _waiting_lines(outcome: Outcome) -> list[TextLine]:
    """The steps that are not done, each with what it waits for."""
    lines = []
    for step in outcome.plan.pending:
        label = PHASES[step.when].label
        summary = step.summary if step.when is not When.BLOCKED else ""  # the reason says it all
        after = f" (after {', '.join(map(str, step.after))})" if step.after else ""
        lines.append(
            TextLine.assemble(
                ("  " + str(step.address), "bold"),
                f"  {label}{after}: {_joined(step.reason, summary, spell_progress(step))}",
            )
        )
        lines += [hint_line(hint, " " * 6) for hint in step.hints]
    return lines


def _next_lines(outcome: Outcome, command: Command) -> list[TextLine]:
    """Who has to act next, and how to go on."""
    phases = {step.when for step in outcome.plan.pending}
    if When.SERVICE in phases:
        late = "The time to wait is over, and the work is not done yet. " if outcome.overdue else ""
        return [
            TextLine(
                f"{late}In progress at the service. Run {command} again, now or later: it goes on from here."
            )
        ]
    if When.BLOCKED in phases:
        return [
            TextLine(
                "Blocked. Correct what is named above, then run the same command again.", style="bold red"
            )
        ]
    return [
        TextLine(
            f"A person has to act, as written above. Then run {command} again: it goes on from here.",
            style="magenta",
        )
    ]
