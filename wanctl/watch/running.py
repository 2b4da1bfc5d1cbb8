"""Puts the loop together and runs it: checkout, rounds, notifications, server, signals."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Protocol

from filelock import FileLock, Timeout

from wanctl.base.net import is_loopback
from wanctl.base.running import Interrupted, give_memory_back
from wanctl.engine.converge import Watcher
from wanctl.language.load import project_name
from wanctl.language.root import find_project
from wanctl.project.host import STATE_FOLDER, Host
from wanctl.project.reviews import FOLDER as REVIEWS_FOLDER
from wanctl.watch.checkout import Checkout, WatchError
from wanctl.watch.iteration import Rounds
from wanctl.watch.loop import Listener, Listeners, Loop, Wakeup
from wanctl.watch.metrics import Metrics
from wanctl.watch.news import REPORTED_AFTER
from wanctl.watch.notify import Notifier
from wanctl.watch.policy import Policy
from wanctl.watch.server import SECRET, Endpoints, Server, StatusEndpoints
from wanctl.watch.status import LoopStatus, Waits


@dataclass(frozen=True)
class WatchOptions:
    """The loop as a person asked for it."""

    folder: Path
    environment: str | None
    ref: str
    interval: timedelta
    listen: tuple[str, int] | None
    policy: Policy
    once: bool = False


@dataclass(frozen=True)
class Reporter:
    """How the loop speaks: sentences, calls to the service, the status after each round, errors in words."""

    tell: Callable[[str], None]
    watcher: Watcher
    listener: Listener
    spell: Callable[[Exception], list[str]]


def watch(options: WatchOptions, host: Host, reporter: Reporter) -> LoopStatus:
    """Runs until a signal ends it; with `once`, one round. Raises what is wrong before the first round."""
    home = find_project(options.folder).resolve()
    room = home / STATE_FOLDER / "watch" / (options.environment or "default")
    with ExitStack() as stack:
        wakeup = Wakeup()
        stack.enter_context(signals(wakeup))  # before anybody hears that it runs
        stack.enter_context(alone(room))
        checkout = Checkout.of(home, options.ref, room / "tree", host.environ)
        patience = 1 if options.once else REPORTED_AFTER
        notifier = Notifier(host.environ, room / "told.json", reporter.tell, patience=patience)
        stack.callback(notifier.close)
        waits = Waits(room / "waits.json")
        metrics = Metrics(lambda: loop.loop_status, _now)
        iterations = Rounds(
            checkout=checkout,
            environment=options.environment,
            home=home,
            policy=options.policy,
            host=host,
            tell=reporter.tell,
            on_call=metrics.on_call,
            watcher=reporter.watcher,
        )

        def wait(span: timedelta, least: timedelta) -> None:
            give_memory_back()
            wakeup.wait(span, least)

        loop = Loop(
            take=iterations.take,
            loop_status=_first_status(options, home, waits),
            listener=Listeners((reporter.listener, metrics, notifier, waits)),
            spell=lambda error: [checkout.as_committed(line) for line in reporter.spell(error)],
            now=_now,
            wait=wait,
            seen=lambda: iterations.observed,
        )
        if options.listen and not options.once:
            endpoints = StatusEndpoints(
                loop_status=lambda: loop.loop_status,
                metrics=metrics,
                now=_now,
                ring=wakeup.ring,
                secret=host.environ.get(SECRET, "").strip() or None,
                local=is_loopback(options.listen[0]),
                reviews=home / STATE_FOLDER / REVIEWS_FOLDER,
            )
            server = bound(endpoints, options.listen)
            stack.callback(server.stop)
            server.start()
            reporter.tell(f"watching {options.ref}; the status page is {server.url}")
            if not is_loopback(options.listen[0]):
                reporter.tell(
                    "who reaches this address sees the page and the metrics: they ask for no password"
                )
        try:
            return loop.run(once=options.once)
        except (Interrupted, KeyboardInterrupt):
            reporter.tell("ended; nothing is lost, the next round of any run goes on from here")
            if options.once:
                raise  # a round that was cut short is no success
            return loop.loop_status


def bound(endpoints: Endpoints, listen: tuple[str, int]) -> Server:
    try:
        return Server(endpoints.application(), *listen)
    except OSError as error:
        where = ":".join(map(str, listen))
        raise WatchError(
            f"--listen {where}: {error.strerror or error}; name another address, or off"
        ) from error


def _first_status(options: WatchOptions, home: Path, waits: Waits) -> LoopStatus:
    name = project_name(home, options.environment) or home.name
    now = _now()
    return LoopStatus(
        name,
        options.environment,
        options.ref,
        options.interval,
        now,
        policy=options.policy,
        waiting_since=waits.known(now),
    )


def _now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def alone(room: Path) -> Iterator[None]:
    """One loop for each checkout."""
    lock = FileLock(room / "lock", timeout=0)
    try:
        room.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise WatchError(f"another wanctl watch runs in {room}") from None
    except OSError as error:
        raise WatchError(
            f"the loop keeps its checkout in {room}, which cannot be written: {error}"
        ) from error
    try:
        yield
    finally:
        lock.release()


class Rung(Protocol):
    """What calls the next round, or ends them."""

    def ring(self) -> None: ...

    def end(self) -> None: ...


@contextmanager
def signals(wakeup: Rung) -> Iterator[None]:
    """SIGTERM ends the loop as Ctrl-C does: calls under way finish and are written. SIGHUP calls a round."""

    def end(_: int, __: FrameType | None) -> None:
        wakeup.end()  # what is raised goes unheard where Python clears away what nobody needs
        signal.raise_signal(signal.SIGINT)

    def ring(_: int, __: FrameType | None) -> None:
        wakeup.ring()

    wanted = {signal.SIGTERM: end}
    if os.name == "posix":
        wanted[signal.SIGHUP] = ring
    before = {number: signal.signal(number, handler) for number, handler in wanted.items()}
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job ignores it
        before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
