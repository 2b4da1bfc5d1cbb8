"""The loop of the operator: which projects are due, their turns, and what becomes of deleted objects.

A project is due when somebody changed an object of it, and once an interval. Those that are due at the same
time share one reading of each account. A turn that takes long, or fails, holds up no other.
"""

import asyncio
import gc
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace

from wanctl.fleet.gathering import Gathering
from wanctl.fleet.keeping import AT_ONCE, PATIENCE, THREADS
from wanctl.kubernetes.client import KubernetesClient
from wanctl.kubernetes.errors import KubernetesError
from wanctl.language.settings import Provider
from wanctl.operator.conditions import (
    READY,
    RECONCILING,
    STALLED,
    ObjectStanding,
    Turn,
    conditions_of,
    step_of,
)
from wanctl.operator.custom_resources import ConditionedStatus, DeletionPolicy
from wanctl.operator.documents import KubeObject, name_of, spec_of
from wanctl.operator.inventory import (
    FINALIZER,
    KnownObjects,
    ProjectKey,
    address_of,
    finalizers_of,
    generation_of,
    is_leaving,
    status_of,
)
from wanctl.operator.object_specs import policy_of_deletion
from wanctl.operator.reporting import Desk, Notes, told_now
from wanctl.operator.turning import AccountProblem, OperatorPlace, Turning, key_of_account
from wanctl.plan import Status
from wanctl.project.accounts import Accounts
from wanctl.project.events import EventWatcher
from wanctl.studio.wire import CallListener, no_listener

_log = logging.getLogger("wanctl.operator")

SETTLES = 1.0  # seconds after a change: those who apply many objects send them one after the other
SOONEST = 5.0  # seconds between two turns of one project
FIRST_RETRY, LONGEST_RETRY = 15.0, 600.0


@dataclass
class KeptProject:
    """One project and when it is due. Times are of time.monotonic."""

    turning: Turning
    notes: Notes
    due: float = 0.0
    began: float = float("-inf")
    failed_in_a_row: int = 0
    work: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        return self.work is not None and not self.work.done()


@dataclass
class Operator:
    """All that is kept, in one event loop."""

    client: KubernetesClient
    place: OperatorPlace
    interval: float
    inventory: KnownObjects = field(default_factory=KnownObjects)
    accounts: Accounts = field(default_factory=Accounts)
    on_call: CallListener = no_listener
    projects: dict[ProjectKey, KeptProject] = field(default_factory=dict)
    begun: float | None = None  # when turns were last looked for
    turns: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._collected = 0
        self._accounts_seen: dict[str, tuple[int, float]] = {}  # generation, and when
        self.desk = Desk(self.client, "wanctl-operator", self.inventory.take)

    def mark(self, keys: set[ProjectKey]) -> None:
        """These have changed: their turn comes soon."""
        now = time.monotonic()
        for key in keys:
            if kept := self.projects.get(key):
                kept.due = min(kept.due, max(now + SETTLES, kept.began + SOONEST))
        self._changed.set()

    def ring(self) -> None:
        """Look now at all that is due. From any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._changed.set)

    async def run(self, *, once: bool = False) -> None:
        """Turn after turn; ends by being canceled, or once every project had one."""
        self._loop = asyncio.get_running_loop()
        self._loop.set_default_executor(ThreadPoolExecutor(THREADS, "operator"))
        slots = asyncio.Semaphore(AT_ONCE)
        try:
            while not self.inventory.complete:
                await self._changed.wait()
                self._changed.clear()
            while True:
                await self.look(slots)
                if once:
                    await self.ended()
                    return
                await self._pause()
        finally:
            for kept in self.projects.values():
                if kept.work:
                    kept.work.cancel()  # the calls under way are finished and written
            await self.ended()
            await self.accounts.close()

    async def look(self, slots: asyncio.Semaphore) -> None:
        """Begin a turn of each project that is due."""
        self.begun = time.monotonic()
        self._take_in()
        await self._let_go()
        await self._report_accounts()
        due = [kept for kept in self.projects.values() if not kept.busy and kept.due <= time.monotonic()]
        gathering = Gathering(len(due), PATIENCE)
        for kept in due:
            kept.began, kept.due = self.begun, self._next_beat()
            kept.work = asyncio.create_task(self._turn(kept, gathering, slots))

    def _next_beat(self) -> float:
        """When all have their turn: at the same moments, or each would have the account read for itself."""
        return (time.monotonic() // self.interval + 1) * self.interval

    async def ended(self) -> None:
        """Once every turn has come to its end."""
        working = [kept.work for kept in self.projects.values() if kept.work and kept.busy]
        if working:
            await asyncio.wait(working)

    async def _pause(self) -> None:
        due = [kept.due for kept in self.projects.values() if not kept.busy]
        if len(due) == len(self.projects) and self._collected != self.turns:
            self._collected = self.turns
            gc.collect()  # what a turn leaves refers to itself: nobody else takes it away
        span = min([self.interval, *(one - time.monotonic() for one in due)])
        with suppress(TimeoutError):
            async with asyncio.timeout(max(span, 0.05)):
                await self._changed.wait()
        self._changed.clear()

    def _take_in(self) -> None:
        """New projects join; those whose object is gone are forgotten, and nothing of them is touched."""
        known = set(self.inventory.projects())
        for key in [one for one, kept in self.projects.items() if one not in known and not kept.busy]:
            del self.projects[key]
        for key in known - self.projects.keys():
            notes = Notes()
            turning = Turning(
                key, self.place, self.client, self.accounts, EventWatcher(notes.hear), self.on_call
            )
            self.projects[key] = KeptProject(turning, notes)

    async def _turn(self, kept: KeptProject, gathering: Gathering, slots: asyncio.Semaphore) -> None:
        key, here, slot = kept.turning.key, False, False

        async def arrive() -> float:
            """Once all who take part have read what they have; and only so many ask the account at once."""
            nonlocal here, slot
            here = True
            moment = await gathering.arrive()
            await slots.acquire()
            slot = True
            return moment

        try:
            turn = await self._made(kept, arrive)
            self.turns += 1
        except KubernetesError as error:
            _log.warning("%s: %s", key, error)
            turn = None
        except Exception:  # noqa: BLE001 - whatever it is, the other projects go on and it is told
            _log.exception("%s: the turn failed", key)
            turn = None
        finally:
            if slot:
                slots.release()
            if not here:
                gathering.leave()
        self._next(kept, turn)
        self._changed.set()

    async def _made(self, kept: KeptProject, arrive: Callable[[], Awaitable[float]]) -> Turn | None:
        key = kept.turning.key
        project = self.inventory.project(key)
        if project is None:
            return None
        documents = self.inventory.documents(key)
        policy = policy_of_deletion(project)
        if policy is DeletionPolicy.RETAIN:
            await self._retain(project, documents)
            if is_leaving(project):
                return None
        else:
            await self._hold(project, documents)
        if spec_of(project).get("suspend") is True:
            turn = Turn(problem=ObjectStanding("Suspended", "it is suspended by its spec", frozenset()))
        else:
            turn = await kept.turning.take(self.inventory, arrive)
        project = self.inventory.project(key) or project
        current = self.inventory.documents(key)
        if is_leaving(project):
            turn = replace(turn, remaining=tuple(str(address_of(one)) for one in current))
        await self.desk.report(project, current, turn)
        objects = {found: one for one in current if (found := address_of(one))}
        await self.desk.tell(kept.notes.taken(), objects, project)
        if policy is DeletionPolicy.DELETE:
            await self._release_gone(project, current, turn)
        return turn

    def _next(self, kept: KeptProject, turn: Turn | None) -> None:
        """After a failure sooner at first, then later and later."""
        passing = turn is None or (turn.problem is not None and turn.problem.holds == RECONCILING)
        kept.failed_in_a_row = kept.failed_in_a_row + 1 if passing else 0
        if passing:
            wait = min(FIRST_RETRY * 2 ** min(kept.failed_in_a_row - 1, 10), LONGEST_RETRY, self.interval)
            kept.due = min(kept.due, time.monotonic() + wait)

    # Objects that are deleted

    async def _hold(self, project: KubeObject, documents: tuple[KubeObject, ...]) -> None:
        for one in (project, *documents):
            if not is_leaving(one) and FINALIZER not in finalizers_of(one):
                await self.desk.hold(one)

    async def _retain(self, project: KubeObject, documents: tuple[KubeObject, ...]) -> None:
        """What is live goes on at the service, so that nothing holds the objects."""
        for one in (*documents, project):
            if FINALIZER in finalizers_of(one):
                await self.desk.release(one)

    async def _release_gone(self, project: KubeObject, documents: tuple[KubeObject, ...], turn: Turn) -> None:
        """What is deleted at the service is let go; the project last."""
        for one in documents:
            if is_leaving(one) and FINALIZER in finalizers_of(one) and is_gone(one, turn):
                await self.desk.release(one)
        if is_leaving(project) and not documents:
            await self.desk.release(project)

    async def _let_go(self) -> None:
        """Documents whose project is gone: nobody knows an account for them any more."""
        for one in self.inventory.left_behind():
            await self.desk.release(one)

    # Accounts

    async def _report_accounts(self) -> None:
        now = time.monotonic()
        for account in self.inventory.accounts():
            name, generation = name_of(account), generation_of(account)
            seen, at = self._accounts_seen.get(name, (None, float("-inf")))
            if seen == generation and now - at < self.interval:
                continue
            self._accounts_seen[name] = (generation, now)
            standing = await self._standing_of(account)
            known = conditions_of(status_of(account))
            conditions = tuple(standing.conditions(generation, known, told_now()))
            status = ConditionedStatus(observed_generation=generation, conditions=conditions)
            await self.desk.write_status(account, status)

    async def _standing_of(self, account: KubeObject) -> ObjectStanding:
        if account["metadata"].get("namespace") != self.place.namespace:
            message = f"accounts are read in the namespace {self.place.namespace} alone"
            return ObjectStanding("WrongNamespace", message, STALLED)
        if spec_of(account).get("provider") == Provider.SANDBOX:
            return ObjectStanding("Ready", "the sandbox needs no key", READY)
        try:
            await key_of_account(self.client, account, self.place.namespace)
        except AccountProblem as problem:
            return ObjectStanding(problem.reason, str(problem), STALLED)
        except ValueError:
            return ObjectStanding(
                "InvalidSpec", "its spec is wrong: the projects that use it say where", STALLED
            )
        return ObjectStanding("Ready", "its key is there", READY)


def is_gone(one: KubeObject, turn: Turn) -> bool:
    """The turn saw that nothing of it is live any more, nor waits to be ended. What others refer to stays
    until their objects are gone: without it they could not be read."""
    address = address_of(one)
    if address is None:
        return True  # a name that nothing at the service can have
    if turn.problem or turn.plan is None or address not in turn.free:
        return False
    step = step_of(turn.plan, address)
    return step.settled if step else turn.plan.status is not Status.ERROR
