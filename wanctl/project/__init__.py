"""A project: specs, account and ledger together. The Python API that the commands use.

project = Project.open(Path("specs"), environment="prod")
plan = project.plan()
outcome = project.apply(lambda plan, steps: True, patience=Patience(waits=True))
"""

import uuid
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from pathlib import Path

from wanctl.address import Address, Kind
from wanctl.base.running import run
from wanctl.engine.approval import Approval
from wanctl.engine.converge import Outcome, Patience, Watcher, converge
from wanctl.engine.destroy import make_destruction
from wanctl.engine.gates import Gate, gated, window_gate
from wanctl.engine.journal import Journal
from wanctl.engine.neighbours import neighbour_gate
from wanctl.engine.planner import Draft, make_plan
from wanctl.engine.polling import PollingPace
from wanctl.engine.session import Planner, RunSession
from wanctl.finding import Severity
from wanctl.kinds.context import LocalData
from wanctl.kinds.moving import moves_of
from wanctl.kinds.registry import kind_of, kinds
from wanctl.language.diagnostics import Diagnostic
from wanctl.language.load import find_project, load_project
from wanctl.language.naming import near_miss
from wanctl.language.resources import Desired
from wanctl.language.rules import check
from wanctl.language.settings import Settings
from wanctl.ledger.errors import LedgerError
from wanctl.ledger.leased import LeasedStore
from wanctl.ledger.opening import LedgerOwner, open_store
from wanctl.ledger.record import Record
from wanctl.ledger.store import LedgerStore
from wanctl.plan import Plan, Step
from wanctl.project.errors import ProjectError
from wanctl.project.host import Host
from wanctl.project.leasing import leased, while_held
from wanctl.project.local import LocalDatasets, Packer, Reading, shown_path, silently
from wanctl.project.neighbours import known_to_neighbours
from wanctl.project.provider import Account, connect, endpoint_name, place_name
from wanctl.studio.wire import CallListener, Permission, always_allowed, no_listener

STATE_FOLDER = ".wanctl"


@dataclass(frozen=True)
class Silent:
    """A watcher that shows nothing."""

    def started(self, at: datetime, step: Step) -> None: ...

    def uploaded(self, address: Address, sent: int) -> None: ...

    def done(self, at: datetime, step: Step, remote_id: str | None) -> None: ...

    def failed(self, at: datetime, step: Step, error: Exception) -> None: ...

    def waiting(self, at: datetime, plan: Plan) -> None: ...

    def missed(self, at: datetime, error: Exception) -> None: ...


class Project:
    """One folder of specs in one environment."""

    def __init__(
        self,
        desired: Desired,
        host: Host,
        *,
        tell: Callable[[str], None] = lambda _: None,
        trust_cache: bool = True,
        reading: Reading = silently,
        home: Path | None = None,
        gates: tuple[Gate, ...] = (),
        on_call: CallListener = no_listener,
    ) -> None:
        """`home` is where this machine keeps its ledger and caches, if that is not beside the specs; `gates`
        narrow every plan; `heard` is told of each call to the service."""
        self.desired = desired
        self.host = host
        self.tell = tell  # where a sentence goes that a person should see, and that is no result
        self.home = home or desired.directory
        self.gates = gates
        self._on_call = on_call
        self.datasets = LocalDatasets(desired, self.state / "cache", trust_cache=trust_cache)
        self._reading = reading

    @classmethod
    def open(
        cls,
        directory: Path | None = None,
        environment: str | None = None,
        host: Host | None = None,
        tell: Callable[[str], None] = lambda _: None,
        *,
        trust_cache: bool = True,
        reading: Reading = silently,
    ) -> "Project":
        """Find and load the specs; raises SpecErrors with everything that is wrong with them.

        `reading` gives, while the datasets are read, what hears how many bytes are done with.
        """
        desired = load_project(find_project(directory or Path.cwd()), environment)
        return cls(desired, host or Host(), tell=tell, trust_cache=trust_cache, reading=reading)

    @property
    def name(self) -> str:
        return self.desired.settings.project

    @property
    def state(self) -> Path:
        """The folder for what the machine keeps: the default ledger, caches, the sandbox."""
        return self.home / STATE_FOLDER

    @cached_property
    def local(self) -> dict[Address, LocalData]:
        """The datasets' facts, read once."""
        with self._reading() as tick:
            return self.datasets.read(tick)

    @cached_property
    def store(self) -> LedgerStore:
        return self.store_at(self.desired.settings.ledger)

    def store_at(self, location: str) -> LedgerStore:
        """This project's ledger in this environment, if it were kept there."""
        return self._store_of(self.desired.environment, location)

    def _store_of(self, environment: str | None, location: str) -> LedgerStore:
        return open_store(
            location,
            LedgerOwner(
                project=self.name,
                environment=environment,
                directory=self.home,
                environ=self.host.environ,
                shown=shown_path,
            ),
        )

    def leased(
        self, store: LedgerStore | None = None, lock_wait: timedelta = timedelta()
    ) -> AbstractAsyncContextManager[LeasedStore]:
        """Hold the ledger's lease: whoever writes the ledger does it through the store that this gives."""
        return leased(store or self.store, self.host, self.tell, lock_wait=lock_wait)

    def findings(self) -> tuple[Diagnostic, ...]:
        """What the rules say once the datasets are counted."""
        return check(self.desired, {address: data.facts for address, data in self.local.items()})

    def plan(self, to_delete: Collection[Address] | None = None) -> Plan:
        """Read the account and plan; nothing is locked, nothing is written. With `doomed` it is the plan of
        `destroy`."""
        planner = None if to_delete is None else self._destruction(to_delete)

        async def work() -> Plan:
            async with self.session(planner=planner) as session:
                return (await session.survey()).plan

        return run(work())

    def apply(
        self,
        approve: Callable[[Plan, tuple[Step, ...]], bool],
        patience: Patience | None = None,
        watcher: Watcher | None = None,
        to_delete: Collection[Address] | None = None,
        lock_wait: timedelta = timedelta(),
        *,
        ignore_windows: bool = False,
    ) -> Outcome | None:
        """Plan, ask, converge, under the ledger's lease. None: it was not approved, nothing was done.

        While another run holds the lease, this one waits for it as long as `lock_wait`.

        `approve` is shown the plan, and which of its steps this run may come to.
        Outside the windows of wanctl.yaml nothing is started, unless they are ignored.
        With `doomed` it is the plan of `destroy`; an empty collection means every Deployment.
        """
        planner = None if to_delete is None else self._destruction(to_delete)
        outside = Severity.WARNING if ignore_windows else Severity.ERROR

        async def work() -> Outcome | None:
            async with (
                self.leased(lock_wait=lock_wait) as store,
                self.session(store, planner, outside) as session,
            ):
                draft = await session.survey()
                return await carry_out(session, draft, approve, patience or Patience(), watcher or Silent())

        return run(work())

    def _destruction(self, to_delete: Collection[Address]) -> Planner:
        record = self.record()
        known = {Address.parse(text) for text in record.entries}
        moving = moves_of(self.desired, record).pending
        for address in to_delete:
            if address in moving:
                raise ProjectError(f"{address} is {moving[address]} until wanctl apply has moved its record")
            if address not in self.desired.resources and address not in known:
                near = near_miss(address, [*self.desired.resources, *known])
                raise ProjectError(f"neither the specs nor the ledger know {address}{near}")
            if address not in self.desired.resources and not kind_of(address).goes_with_its_document:
                raise ProjectError(
                    f"{address} left the specs", "bring it back with state: absent to delete it"
                )
        return partial(make_destruction, named=to_delete)

    def record(self) -> Record:
        """The ledger, checked to be this project's own; a new one where there is none."""
        endpoint = endpoint_name(self.desired.settings, self.host)
        environment = self.desired.environment or ""
        record = self.store.load()
        if record is None:
            lineage = uuid.uuid4().hex
            return Record(lineage=lineage, project=self.name, endpoint=endpoint, environment=environment)
        if (record.project, record.endpoint) != (self.name, endpoint):
            raise LedgerError(
                f"The ledger {self.store.location} belongs to {record.project} at {record.endpoint}, and "
                f"this is {self.name} at {endpoint}. Give each its own: ledger: in wanctl.yaml. "
                "If the project was only renamed, keep the old name: all that is live carries it, and is "
                "known by it."
            )
        if record.environment is None:
            return record.model_copy(update={"environment": environment})
        if record.environment != environment:
            theirs, ours = (one or "the base of wanctl.yaml" for one in (record.environment, environment))
            raise LedgerError(
                f"The ledger {self.store.location} belongs to {theirs}, and this is {ours}: each would undo "
                "what the other did. Give each its own: ledger: in wanctl.yaml. If the environment was only "
                "renamed, write its new name as environment in the ledger."
            )
        return record

    def gated(self, planner: Planner, outside: Severity = Severity.WARNING) -> Planner:
        """The planner with everything that may narrow it; `outside` is how much it matters to be outside the
        windows."""
        ledgers = {
            name: self._store_of(name, ledger) for name, ledger in self.desired.ledgers_of_same_name.items()
        }
        known = known_to_neighbours(ledgers, self.store, self.tell) if ledgers else {}
        settings = self.desired.settings
        located = partial(_at, place_name(settings, self.host))
        gates: tuple[Gate, ...] = (
            located,
            *self.gates,
            neighbour_gate(known),
            window_gate(settings.windows, outside),
        )
        return gated(planner, gates)

    @asynccontextmanager
    async def session(
        self,
        store: LeasedStore | None = None,
        planner: Planner | None = None,
        outside: Severity = Severity.WARNING,
    ) -> AsyncIterator[RunSession]:
        """Everything that a run works with, for as long as it runs; without a lease it only looks.

        `outside` is how much it matters to be outside the windows.
        """
        settings = self.desired.settings
        async with self.account(while_held(store) if store else always_allowed) as account:
            record = self.record()
            now = account.clock.now
            yield RunSession(
                desired=self.desired,
                local=self.local,
                studio=account.studio,
                clock=account.clock,
                journal=Journal(
                    store.save if store else _only_looking,
                    record,
                    self.host.stamp(self.desired.directory),
                    now,
                ),
                polling=PollingPace(_fixed_intervals(settings)),
                archive=Packer(self.datasets, self.local, self.state / "packing").archive,
                planner=self.gated(planner or partial(make_plan, diagnostics=self.findings()), outside),
            )

    @asynccontextmanager
    async def account(self, permission: Permission = always_allowed) -> AsyncIterator[Account]:
        """The account alone, for reads that plan nothing."""
        settings = self.desired.settings
        async with connect(settings, self.state, self.host, self._on_call, permission) as account:
            yield account


async def carry_out(
    session: RunSession,
    draft: Draft,
    approve: Callable[[Plan, tuple[Step, ...]], bool],
    patience: Patience,
    watcher: Watcher,
) -> Outcome | None:
    """Ask, and converge; a plan with errors is given back as it is.

    `approve` hears of every plan that has something to do, so that a plan which was reviewed is compared also
    where there is nothing to start yet. What nobody was asked about is not approved.
    """
    if any(one.severity is Severity.ERROR for one in draft.plan.findings):
        return Outcome(draft)
    started = draft.plan.reachable() if patience.waits else draft.plan.this_run()
    if draft.plan.pending and not approve(draft.plan, started):
        return None
    approval = Approval.of(draft.plan) if started else Approval({})
    return await converge(session, draft, approval, patience, watcher)


def _at(place: str | None, plan: Plan, _: datetime) -> Plan:
    """The plan, with the place that only the machine's surroundings tell for sure."""
    return replace(plan, place=place)


def _only_looking(_: Record) -> Record:
    raise RuntimeError("the ledger is written under its lease only")


def _fixed_intervals(settings: Settings) -> dict[Kind, float]:
    """Seconds between two looks at what is in flight, for each kind of which wanctl.yaml says it."""
    found = ((one.kind, settings.polling.seconds(one.polling)) for one in kinds() if one.polling)
    return {kind: seconds for kind, seconds in found if seconds is not None}
