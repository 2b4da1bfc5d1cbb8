"""From the world of commands into that of coroutines, and what becomes of signals on the way."""

import asyncio
import signal
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import TypeVar

_Result = TypeVar("_Result")


class Interrupted(Exception):  # noqa: N818 - a person's wish, not an error
    """Ctrl-C, or the SIGTERM of whoever runs this. Calls under way were finished and written."""

    def __init__(self, number: signal.Signals = signal.SIGINT) -> None:
        super().__init__(number.name)
        self.signal = number


def run(work: Awaitable[_Result]) -> _Result:
    """Run to the end; of several failures at once the first is told. SIGTERM, with which CI cancels a run,
    is as Ctrl-C: the calls under way are finished and written, and Interrupted is raised."""
    stops: list[int] = []

    async def first_failure() -> _Result:
        with _stopping_on(signal.SIGTERM, stops):
            try:
                return await work
            except ExceptionGroup as group:
                raise _first(group) from group

    try:
        return asyncio.run(first_failure())
    except KeyboardInterrupt:
        raise Interrupted(signal.SIGINT) from None
    except asyncio.CancelledError:
        if not stops:
            raise
        raise Interrupted(signal.SIGTERM) from None


@contextmanager
def _stopping_on(number: signal.Signals, stops: list[int]) -> Iterator[None]:
    """Cancel this very task when the signal comes; afterwards whoever heard it before hears it again. Only
    the main thread hears signals."""
    body = asyncio.current_task()

    def stop() -> None:
        stops.append(number)
        if body:
            body.cancel()

    loop = asyncio.get_running_loop()
    before = signal.getsignal(number)
    try:
        loop.add_signal_handler(number, stop)
    except (NotImplementedError, RuntimeError, ValueError):  # Windows; another thread
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(number)  # which leaves the system's default behind
        signal.signal(number, before)


def _first(group: ExceptionGroup[Exception]) -> Exception:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, ExceptionGroup) else error
