"""Puts a fleet together and runs it: repositories, accounts, notifications, server, signals."""

import hashlib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from wanctl.base.net import is_loopback
from wanctl.base.running import Interrupted, run
from wanctl.engine.converge import Watcher
from wanctl.fleet.fleet_file import FleetError, FleetScope, MemberName, Repository
from wanctl.fleet.keeping import Bell, Fleet, FleetMember, Spell
from wanctl.fleet.metrics import FleetMetrics
from wanctl.fleet.overview import Overview, ProjectView
from wanctl.fleet.server import FleetEndpoints
from wanctl.fleet.trees import Tree, Trees
from wanctl.language.load import project_name
from wanctl.project.accounts import Accounts
from wanctl.project.host import STATE_FOLDER, Host
from wanctl.watch.iteration import Rounds
from wanctl.watch.loop import Listener, Listeners
from wanctl.watch.news import REPORTED_AFTER
from wanctl.watch.notify import Notifier
from wanctl.watch.policy import Policy
from wanctl.watch.running import alone, bound, signals
from wanctl.watch.server import SECRET
from wanctl.watch.status import LoopStatus, Waits

LAST_WORDS = 20.0  # seconds for all the messages that are on their way when the fleet ends


@dataclass(frozen=True)
class FleetOptions:
    """The fleet as a person asked for it."""

    scope: FleetScope
    room: Path  # where this machine keeps the checkouts, and what was reported
    interval: timedelta
    listen: tuple[str, int] | None
    policy: Policy
    once: bool = False


@dataclass(frozen=True)
class FleetReporter:
    """How the fleet speaks; what is about a project begins with its name."""

    tell: Callable[[str], None]
    watcher: Callable[[str], Watcher]
    listener: Callable[[str], Listener]
    spell: Spell


def keep(options: FleetOptions, host: Host, reporter: FleetReporter) -> Overview:
    """Runs until a signal ends it; with `once`, one round. Raises what is wrong before the first round."""
    with ExitStack() as stack:
        bell = Bell()
        stack.enter_context(signals(bell))
        stack.enter_context(alone(options.room))
        crew = Crew(options, host, reporter)
        stack.callback(crew.close)
        if options.listen and not options.once:
            server = bound(crew.endpoints(bell), options.listen)
            stack.callback(server.stop)
            server.start()
            reporter.tell(f"keeping the projects of {crew.place}; the status page is {server.url}")
        try:
            run(crew.work(bell))
        except (Interrupted, KeyboardInterrupt):
            reporter.tell("ended; nothing is lost, the next round of any run goes on from here")
            if options.once:
                raise
        return crew.overview()


class Crew:
    """The fleet, and all that its members share."""

    def __init__(self, options: FleetOptions, host: Host, reporter: FleetReporter) -> None:
        self._options, self._host, self._reporter = options, host, reporter
        self._accounts = Accounts()
        self._notifiers: list[Notifier] = []
        self.fleet = Fleet(
            {one.path: (one, self._trees(one)) for one in options.scope.repositories},
            self._engaged,
            reporter.spell,
            _now,
            options.interval,
            lambda: self._accounts.readings,
        )
        self.metrics = FleetMetrics(lambda: self.fleet, self.overview, _now)

    @property
    def place(self) -> str:
        return ", ".join(f"{one.path.name} ({one.ref})" for one in self._options.scope.repositories)

    def overview(self) -> Overview:
        """The fleet at this moment."""
        return Overview.of(
            (
                ProjectView(
                    name,
                    member.status.iteration.plan if member.status.iteration else None,
                    member.status.errors,
                )
                for name, member in self.fleet.members.items()
            ),
            self.fleet.errors,
        )

    def endpoints(self, bell: Bell) -> FleetEndpoints:
        listen = self._options.listen
        return FleetEndpoints(
            now=_now,
            ring=bell.ring,
            secret=self._host.environ.get(SECRET, "").strip() or None,
            local=listen is not None and is_loopback(listen[0]),
            fleet=self.fleet,
            overview=self.overview,
            metrics=self.metrics,
            place=self.place,
        )

    async def work(self, bell: Bell) -> None:
        try:
            await self.fleet.run(bell, once=self._options.once)
        finally:
            await self.close_accounts()

    async def close_accounts(self) -> None:
        """They are opened again by whoever needs them."""
        await self._accounts.close()

    def close(self) -> None:
        left = LAST_WORDS
        for notifier in self._notifiers:
            notifier.close(left / max(len(self._notifiers), 1))

    def _trees(self, repository: Repository) -> Trees:
        room = self._options.room / _short(str(repository.path))
        if not repository.path.is_dir():
            raise FleetError(f"{repository.path} is no folder", "write the path of a clone on this machine")
        return Trees(repository.path, repository.ref, room, self._host.environ)

    def _engaged(self, name: MemberName, tree: Tree) -> FleetMember:
        options, reporter, host = self._options, self._reporter, self._host
        shown, room = str(name), options.room / "projects" / _short(f"{name.repository} {name}")
        checkout = tree.of(name.folder)
        waits = Waits(room / "waits.json")
        patience = 1 if options.once else REPORTED_AFTER
        said = _prefixed(reporter.tell, shown)
        notifier = Notifier(host.environ, room / "told.json", said, patience=patience)
        self._notifiers.append(notifier)
        now, repository = _now(), self.fleet.repositories[name.repository][0]
        environment = name.environment or None
        status = LoopStatus(
            project_name(checkout.directory, environment) or shown,
            environment,
            repository.ref,
            options.interval,
            now,
            policy=options.policy,
            waiting_since=waits.known(now),
        )
        rounds = Rounds(
            checkout=checkout,
            environment=environment,
            home=name.home,
            policy=options.policy,
            host=host,
            tell=said,
            on_call=self.metrics.on_call,
            watcher=reporter.watcher(shown),
            connect=self._accounts.connect,
        )
        return FleetMember(name, rounds, status, Listeners((reporter.listener(shown), notifier, waits)))


def _prefixed(tell: Callable[[str], None], name: str) -> Callable[[str], None]:
    return lambda text: tell(f"{name}: {text}")


def room_of(root: Path) -> Path:
    """Where the fleet of a folder is kept."""
    return root / STATE_FOLDER / "fleet"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _now() -> datetime:
    return datetime.now(UTC)
