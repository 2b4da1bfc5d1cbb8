"""Around a command that acts: the display, the question before, and the words at the end.

Where there is no terminal to ask at, the error says how to answer instead.
"""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import typer

from wanctl.cli.options import Exit, Format, plan_code
from wanctl.render.options import Command

if TYPE_CHECKING:
    from wanctl.plan import Plan, Step
    from wanctl.project.applying import ApplyResult


def confirmed(question: str, otherwise: str) -> bool:
    """Whether the person said yes. `otherwise` is what to do where nobody can be asked."""
    if not sys.stdin.isatty():
        from wanctl.project.errors import ProjectError

        raise ProjectError("nobody is here to say yes", otherwise)
    with _given_up_at_once():
        return typer.confirm(question, default=False, err=True)


@contextmanager
def _given_up_at_once() -> Iterator[None]:
    """No call is under way while a question stands, so a signal need not wait for one, nor for an answer."""
    before = {
        number: signal.signal(number, signal.default_int_handler)
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def watching() -> "AbstractContextManager[Any]":
    from wanctl.cli import runs_on
    from wanctl.render.text.console import columns, err
    from wanctl.render.text.run import TimedLines

    runs_on()
    stream = err()
    if columns(stream) is None:
        return nullcontext(TimedLines(stream))
    from wanctl.render.text.live import LiveDisplay

    return LiveDisplay(stream.console())


class Approver:
    """Shows the plan that is about to run, and asks; a plan that was reviewed answers for a person."""

    def __init__(
        self,
        format_: Format,
        command: Command,
        *,
        yes: bool,
        display: Any,
        approved: "Callable[[Plan], None] | None" = None,
    ) -> None:
        self._format, self.command, self.display = format_, command, display
        self._yes, self._approved = yes, approved
        self.shown = False
        self.said_yes = False  # calls may be made from then on

    def __call__(self, made: "Plan", steps: "tuple[Step, ...]") -> bool:
        if self._approved is not None:
            self._require(self._approved, made)
        if not steps:
            return True  # nothing is started
        if self._format is Format.TEXT:
            self._show(made, steps)
        if self._yes or self._approved is not None:
            self.said_yes = True
            return True
        from wanctl.render.text.plan import question

        with getattr(self.display, "paused", nullcontext)():
            self.said_yes = confirmed(question(steps), _instead(self.command))
        return self.said_yes

    def _require(self, approved: "Callable[[Plan], None]", made: "Plan") -> None:
        """Of a digest nobody can say what differs: the plan made now is shown instead."""
        from wanctl.project.approved import DigestDiffers
        from wanctl.render.visible import json_text

        try:
            approved(made)
        except DigestDiffers:
            if self._format is Format.JSON:
                sys.stdout.write(json_text(made.as_json()))
            else:
                self._show(made)
            raise

    def _show(self, made: "Plan", steps: "tuple[Step, ...] | None" = None) -> None:
        from wanctl.render.text.console import columns, emit
        from wanctl.render.text.plan import plan_lines

        emit(plan_lines(made, command=self.command, run=steps, columns=columns()))
        self.shown = True


def _instead(command: Command) -> str:
    """How to answer where nobody can be asked."""
    if command is Command.TRY:
        return "add --yes"
    if command in {Command.DESTROY, Command.PRUNE}:
        return f"look at it with --dry-run, then {command.verb} with --yes"
    return "look at wanctl plan, then apply with --yes or a saved plan"


def approved_by(digest: str | None, command: str) -> "Callable[[Plan], None] | None":
    """The check that the plan made now has the reviewed digest; None where no plan was reviewed."""
    from wanctl.project.approved import checked_digest, require_digest

    return None if digest is None else partial(require_digest, checked_digest(digest), command=command)


def show_only(made: "Plan", format_: Format, command: Command, exactly: str) -> None:
    """A plan that is looked at, and the words that carry out just that."""
    from wanctl.plan import Status
    from wanctl.render.text.console import columns, emit
    from wanctl.render.text.plan import plan_lines
    from wanctl.render.visible import json_text

    if format_ is Format.JSON:
        sys.stdout.write(json_text(made.as_json()))
        return
    emit(plan_lines(made, command=command, columns=columns()))
    if made.status is Status.CHANGES:
        emit([f"This plan and no other: {exactly} --approve {made.digest}"])


def finish(outcome: "ApplyResult", approver: Approver, format_: Format, *, detailed: bool) -> Exit:
    from wanctl.render.text.console import columns, emit, err
    from wanctl.render.text.run import outcome_lines
    from wanctl.render.visible import json_text

    if not outcome.approved:
        emit(["Not approved; nothing was done."], None if format_ is Format.TEXT else err())
        return Exit.FAILED
    if format_ is Format.JSON:
        sys.stdout.write(json_text(outcome.to_dict()))
    else:
        emit(outcome_lines(outcome, approver.command, plan_shown=approver.shown, columns=columns()))
    return plan_code(outcome.plan, detailed=detailed) if outcome.ok else Exit.FAILED
