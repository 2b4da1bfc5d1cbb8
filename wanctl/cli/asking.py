"""A question to the person at the terminal; where there is none, an error that says how to answer it."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer


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
