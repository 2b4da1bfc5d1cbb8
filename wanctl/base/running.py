"""From commands and scripts into the world of coroutines; signals on the way; time; memory between rounds."""

import asyncio
import contextvars
import gc
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from datetime import datetime
from types import FrameType
from typing import Generic, Protocol, TypeVar

_Result = TypeVar("_Result")


class Clock(Protocol):
    """The time of the account: the wall clock, or the sandbox's. Whoever
    waits is given it, and never asks the machine."""

    def now(self) -> datetime: ...

    async def sleep(self, seconds: float) -> None: ...


class Interrupted(Exception):  # noqa: N818 - a person's wish, not an error
    """Ctrl-C, or the SIGTERM of whoever runs this. Calls under way were finished and written."""

    def __init__(self, number: signal.Signals = signal.SIGINT) -> None:
        super().__init__(number.name)
        self.signal = number


def run(work: Awaitable[_Result]) -> _Result:
    """Run to the end; of several failures at once the first is told. SIGTERM, with which CI cancels a run,
    is as Ctrl-C: the calls under way are finished and written, and Interrupted is raised.

    Where a loop runs already, as in a notebook, the work gets a thread and a loop of its own.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _run_here(work)
    return _Aside(work).result()


async def run_aside(work: Awaitable[_Result]) -> _Result:
    """The same for a coroutine, whose loop goes on meanwhile: reading datasets and ledgers would hold it up.

    When it is canceled, the calls under way are finished and written first.
    """
    aside = _Aside(work)
    ended = asyncio.wrap_future(aside.ended)
    try:
        return await asyncio.shield(ended)
    except asyncio.CancelledError:
        aside.stop()
        await asyncio.wait([ended])
        ended.exception()  # which is the cancellation's own, and looked at
        raise


class _Aside(Generic[_Result]):
    """Work in a thread with a loop of its own."""

    def __init__(self, work: Awaitable[_Result]) -> None:
        self.ended: Future[_Result] = Future()
        self._work = work
        self._begun = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[_Result] | None = None
        self._thread = threading.Thread(
            target=contextvars.copy_context().run, args=(self._run,), name="wanctl"
        )
        self._thread.start()

    def result(self) -> _Result:
        try:
            return self.ended.result()
        except KeyboardInterrupt:
            self.stop()
            self._thread.join()
            raise Interrupted(signal.SIGINT) from None

    def stop(self) -> None:
        """Cancel the work, which finishes the calls under way."""
        self._begun.wait()
        if self._loop and self._task:
            with suppress(RuntimeError):  # it has just ended
                self._loop.call_soon_threadsafe(self._task.cancel)

    def _run(self) -> None:
        async def known() -> _Result:
            self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
            self._begun.set()
            return await self._work

        try:
            result = _run_here(known())
        except BaseException as error:  # noqa: BLE001 - whoever waits for it gets it
            self.ended.set_exception(error)
        else:
            self.ended.set_result(result)
        finally:
            self._begun.set()


def _run_here(work: Awaitable[_Result]) -> _Result:
    stops: list[int] = []

    async def first_failure() -> _Result:
        with _stopping_on(signal.SIGTERM, stops):
            try:
                return await work
            except ExceptionGroup as group:
                raise first_of(group) from group

    try:
        result = asyncio.run(first_failure())
    except KeyboardInterrupt:
        raise Interrupted(signal.SIGINT) from None
    except asyncio.CancelledError:
        if not stops:
            raise
        raise Interrupted(signal.SIGTERM) from None
    if stops:  # in its last step, which nothing cancels
        raise Interrupted(signal.SIGTERM)
    return result


@contextmanager
def _stopping_on(number: signal.Signals, stops: list[int]) -> Iterator[None]:
    """Cancel this very task when the signal comes; afterwards whoever heard it before hears it again. Only
    the main thread hears signals."""
    body, loop = asyncio.current_task(), asyncio.get_running_loop()

    def stop(_: int, __: FrameType | None) -> None:
        stops.append(number)
        if body:
            loop.call_soon_threadsafe(body.cancel)

    try:
        before = signal.signal(number, stop)
    except ValueError:  # another thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(number, before)


def first_of(error: Exception) -> Exception:
    """Of several failures at once the first, which is the one that is told."""
    return first_of(error.exceptions[0]) if isinstance(error, ExceptionGroup) else error


def is_alive(pid: str) -> bool:
    """Whether a process of this number runs on this machine; what is no number is none."""
    if sys.platform == "win32":
        return True  # there, asking would be ending
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except OSError:
        return True
    return True


def give_memory_back() -> None:
    """For who works in rounds, between two of them.

    What a round leaves refers to itself: nobody else takes it, or its folders, away. And the C library keeps
    what was freed between things that live on, a little more after each round, until it is asked for it.
    """
    gc.collect()
    if sys.platform == "linux":
        import ctypes

        with suppress(OSError, AttributeError):  # a C library that has no such call needs none
            ctypes.CDLL(None).malloc_trim(0)
