"""The words of a run: a live display or timed lines while it goes, then how it ended and what to do next."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from wanctl.address import Address
from wanctl.base.words import counted, spell_bytes
from wanctl.engine.converge import Failure, Outcome
from wanctl.plan import Action, Plan, Status, Step, When
from wanctl.render.options import Command
from wanctl.render.text.console import emit, hint_line
from wanctl.render.text.plan import plan_lines
from wanctl.render.words import PHASES, spell_call, spell_progress

QUIET = timedelta(minutes=30)  # account time after which an unchanged wait is said again
STRIDE = 0.1  # progress that is worth a new line


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


class TimedLines:
    """One line for each thing that happened, with the account's time."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said: dict[Address, tuple[str, float, datetime]] = {}

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
                self._say(at, step, _joined(step.reason, spell_progress(step)))

    def missed(self, at: datetime, error: Exception) -> None:
        """Of several reads that failed at once, one is named."""
        first = error.exceptions[0] if isinstance(error, ExceptionGroup) else error
        line = Text.assemble((f"{at:%H:%M:%S}  ", "dim"), f"cannot be read now, looking again later: {first}")
        emit([line], self._console)

    def _news(self, at: datetime, step: Step) -> bool:
        fraction = step.progress.fraction or 0.0 if step.progress else 0.0
        before = self._said.get(step.address)
        if before and before[0] == step.reason and fraction - before[1] < STRIDE and at - before[2] < QUIET:
            return False
        self._said[step.address] = (step.reason, fraction, at)
        return True

    def _say(self, at: datetime, step: Step, what: str) -> None:
        emit([Text.assemble((f"{at:%H:%M:%S}  ", "dim"), (f"{step.address}  ", "bold"), what)], self._console)


class LiveDisplay:
    """A table of what is in flight, redrawn in place; what is finished scrolls up as timed lines."""

    def __init__(self, console: Console) -> None:
        self._lines = TimedLines(console)
        self._plan: Plan | None = None
        self._sent: dict[Address, int] = {}
        self._sizes: dict[Address, int | None] = {}
        self._spinner = Spinner("dots")
        self._at: datetime | None = None
        self._live = Live(
            console=console,
            refresh_per_second=8,
            transient=True,
            get_renderable=self._draw,
            redirect_stdout=sys.stdout.isatty(),  # what goes to a file stays out of it
        )

    def __enter__(self) -> "LiveDisplay":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The terminal belongs to a question meanwhile."""
        self._live.stop()
        try:
            yield
        finally:
            self._live.start()

    def started(self, at: datetime, step: Step) -> None:
        self._lines.started(at, step)
        if step.action is Action.UPLOAD:
            self._sent[step.address] = 0
            self._sizes[step.address] = getattr(step.effect, "size", None)

    def uploaded(self, address: Address, sent: int) -> None:
        self._sent[address] = sent

    def done(self, at: datetime, step: Step, remote_id: str | None) -> None:
        self._sent.pop(step.address, None)
        self._lines.done(at, step, remote_id)

    def failed(self, at: datetime, step: Step, error: Exception) -> None:
        self._sent.pop(step.address, None)
        self._lines.failed(at, step, error)

    def waiting(self, at: datetime, plan: Plan) -> None:
        self._plan, self._at = plan, at

    def missed(self, at: datetime, error: Exception) -> None:
        self._lines.missed(at, error)

    def _draw(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        for address, sent in self._sent.items():
            size = self._sizes.get(address)
            so_far = (
                f"{spell_bytes(sent)}{f' of {spell_bytes(size)}' if size else ''} sent" if sent else "packing"
            )
            bar = ProgressBar(total=size or 1, completed=sent, width=24, pulse=not (sent and size))
            table.add_row(self._spinner, Text(str(address), "bold"), bar, so_far)
        for step in self._plan.steps if self._plan else ():
            if step.when is not When.SERVICE:
                continue
            fraction = step.progress.fraction if step.progress else None
            bar = ProgressBar(total=1.0, completed=fraction or 0.0, width=24, pulse=fraction is None)
            table.add_row(
                self._spinner,
                Text(str(step.address), "bold"),
                bar,
                spell_progress(step),
                Text(step.reason, "dim"),
            )
        clock = Text(f"account time {self._at:%Y-%m-%d %H:%M:%S}", "dim") if self._at else Text()
        return Group(table, clock) if table.row_count else Group()


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
    return [*_waiting_lines(outcome), *_next_lines(outcome, command)]


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
    lines.append(hint_line(f"correct it, then run {command} again; what was done stays done", " " * 8))
    return lines


def _waiting_lines(outcome: Outcome) -> list[Text]:
    """The steps that are not done, each with what it waits for."""
    lines = []
    for step in outcome.plan.pending:
        label = PHASES[step.when].label
        summary = step.summary if step.when is not When.BLOCKED else ""  # the reason says it all
        after = f" (after {', '.join(map(str, step.after))})" if step.after else ""
        lines.append(
            Text.assemble(
                ("  " + str(step.address), "bold"),
                f"  {label}{after}: {_joined(step.reason, summary, spell_progress(step))}",
            )
        )
        lines += [hint_line(hint, " " * 6) for hint in step.hints]
    return lines


def _next_lines(outcome: Outcome, command: Command) -> list[Text]:
    """Who has to act next, and how to go on."""
    phases = {step.when for step in outcome.plan.pending}
    if When.SERVICE in phases:
        late = "The time to wait is over, and the work is not done yet. " if outcome.overdue else ""
        return [
            Text(
                f"{late}In progress at the service. Run {command} again, now or later: it goes on from here."
            )
        ]
    if When.BLOCKED in phases:
        return [
            Text("Blocked. Correct what is named above, then run the same command again.", style="bold red")
        ]
    return [
        Text(
            f"A person has to act, as written above. Then run {command} again: it goes on from here.",
            style="magenta",
        )
    ]
