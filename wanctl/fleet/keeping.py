"""The rounds of many projects in one event loop, which share accounts, threads and patience.

A round of one that takes long, or fails, holds up no other: each has its own task, and the next round of the
fleet passes over those that are still at work. Blocking work (git, ledgers, data sets) is done in threads.
"""

import asyncio
import logging
import signal
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from wanctl.base.running import Interrupted, first_of, give_memory_back
from wanctl.fleet.fleet_file import MemberName, Repository, members_of
from wanctl.fleet.gathering import Gathering
from wanctl.fleet.trees import Tree, Trees
from wanctl.watch.iteration import Rounds
from wanctl.watch.loop import SHORTEST_PAUSE, Listener, shown
from wanctl.watch.status import LoopStatus, lately

_log = logging.getLogger("wanctl.fleet")

THREADS = 16  # for what blocks: ledgers in git and buckets, data sets
AT_ONCE = 32  # projects that plan or apply at the same time
PATIENCE = 60.0  # seconds that a round waits for those whose ledger is slow, before the accounts are read

Spell = Callable[[Exception], list[str]]


class Bell:
    """Calls the next round before its time, or none. Rung from any thread, and by signals."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rung = asyncio.Event()
        self._ended = False

    def hang(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def ring(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._rung.set)

    def end(self) -> None:
        self._ended = True
        self.ring()

    async def wait(self, span: timedelta) -> None:
        """Until it is rung or the time is over, but at least a few seconds: a webhook can be replayed.

        Raises Interrupted where it shall end.
        """
        if not self._ended:
            least = min(span, SHORTEST_PAUSE)
            await asyncio.sleep(least.total_seconds())
            with suppress(TimeoutError):
                async with asyncio.timeout((span - least).total_seconds()):
                    await self._rung.wait()
        if self._ended:
            raise Interrupted(signal.SIGTERM)
        self._rung.clear()


@dataclass
class FleetMember:
    """One project, its rounds, and how it fares."""

    name: MemberName
    rounds: Rounds
    status: LoopStatus
    listener: Listener
    work: asyncio.Task[None] | None = None
    tree: Tree | None = None  # that it works with

    @property
    def busy(self) -> bool:
        return self.work is not None and not self.work.done()


@dataclass
class Fleet:
    """All that is kept. `members` is replaced as a whole: another thread that looks sees one moment."""

    repositories: Mapping[Path, tuple[Repository, Trees]]
    engage: Callable[[MemberName, Tree], FleetMember]
    spell: Spell
    now: Callable[[], datetime]
    interval: timedelta
    readings: Callable[[], tuple[int, ...]]  # of each account
    members: Mapping[MemberName, FleetMember] = field(default_factory=dict)
    errors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by repository: why it cannot be had
    begun: datetime | None = None  # when the last round was
    next_round: datetime | None = None

    async def run(self, bell: Bell, *, once: bool = False) -> None:
        """Round after round; ends by being canceled."""
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(THREADS, "fleet"))
        bell.hang(loop)
        slots = asyncio.Semaphore(AT_ONCE)
        try:
            while True:
                self.next_round = None if once else self.now() + self.interval
                await self.round(slots)
                if once:
                    await self.ended()
                    return
                await bell.wait(self.interval)
                give_memory_back()
        finally:
            for _, trees in self.repositories.values():
                trees.stop()
            for member in self.members.values():
                if member.work:
                    member.work.cancel()  # the calls under way are finished and written
            await self.ended()

    def comes_round(self, now: datetime) -> bool:
        """A round was begun not long ago."""
        return lately(self.begun, self.interval, now)

    async def round(self, slots: asyncio.Semaphore) -> None:
        """Begin a round of each project that is not at work."""
        trees = await self._trees()
        await asyncio.to_thread(self._take_in, trees)
        idle = [
            (member, trees[member.name.repository])
            for member in self.members.values()
            if not member.busy and member.name.repository in trees
        ]
        gathering = Gathering(len(idle), PATIENCE)
        for member, tree in idle:
            member.work = asyncio.create_task(self._round_of(member, tree, gathering, slots))
        self.begun = self.now()

    async def _trees(self) -> dict[Path, Tree]:
        """The newest commit of each repository that can be had."""
        in_use = {one.tree.checkout.tree for one in self.members.values() if one.busy and one.tree}

        async def newest(path: Path, trees: Trees) -> Tree | None:
            name = str(path)
            try:
                tree = await asyncio.to_thread(trees.newest, in_use)
            except Exception as error:  # noqa: BLE001 - whatever it is, the other repositories go on
                self.errors = {**self.errors, name: tuple(self.spell(error))}
                _log.warning("%s: %s", name, " ".join(self.errors[name]))
                return None
            self.errors = {key: value for key, value in self.errors.items() if key != name}
            return tree

        each = (newest(path, trees) for path, (_, trees) in self.repositories.items())
        found = await asyncio.gather(*each)
        return {path: tree for path, tree in zip(self.repositories, found, strict=True) if tree}

    def _take_in(self, trees: Mapping[Path, Tree]) -> None:
        """New projects join. One that left the ref is told as that, for as long as this process lives."""
        members = dict(self.members)
        for path, tree in trees.items():
            repository, _ = self.repositories[path]
            for name in members_of(repository, tree.top):
                if name not in members:
                    members[name] = self.engage(name, tree)
        self.members = members

    async def _round_of(
        self, member: FleetMember, tree: Tree, gathering: Gathering, slots: asyncio.Semaphore
    ) -> None:
        rounds = member.rounds
        member.tree, rounds.checkout = tree, tree.of(member.name.folder)
        member.status = replace(member.status, next_iteration=None)
        here = False
        try:
            begun = await asyncio.to_thread(rounds.begun, tree.commit)
            here, since = True, await gathering.arrive()
            async with slots:
                iteration = await rounds.carried_out(begun, since)
        except Interrupted:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the others go on and it is reported
            if not here:
                gathering.leave()
            told = tuple(rounds.checkout.as_committed(line) for line in self.spell(first_of(error)))
            member.status, tell = member.status.with_errors(told, rounds.observed), member.listener.failed
        else:
            member.status, tell = (
                member.status.with_iteration(iteration, self.now()),
                member.listener.completed,
            )
        member.status = replace(shown(member.status, tell, self.spell), next_iteration=self.next_round)

    async def ended(self) -> None:
        """Once every project's round has come to its end."""
        working = [member.work for member in self.members.values() if member.work and member.busy]
        if working:
            await asyncio.wait(working)
