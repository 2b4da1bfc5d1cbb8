"""A project: specs, account and ledger together. The Python API, which the commands use as well.

Each method that reads the account is there twice: plain, and as a coroutine with an a before its name.
"""

import logging
from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from wanctl.address import Address
from wanctl.base.words import counted
from wanctl.dataset.contents import LocalData
from wanctl.finding import Finding, Severity
from wanctl.language.findings import SpecErrors
from wanctl.language.resources import Desired
from wanctl.language.root import find_project
from wanctl.language.rules.values import check
from wanctl.project.host import STATE_FOLDER, Host
from wanctl.project.local import LocalDatasets, Reading, shown_path, silently, with_counted
from wanctl.project.promotion import load_specs, without_trained

if TYPE_CHECKING:  # what only a plan or an apply needs is imported where they begin
    from wanctl.engine.converge import Patience, Watcher
    from wanctl.engine.gates import Gate
    from wanctl.engine.observe import RunSession
    from wanctl.engine.planner import Draft, Planner
    from wanctl.language.inspection import EditionChange
    from wanctl.ledger.record import Record
    from wanctl.ledger.store import LeasedStore, LedgerStore
    from wanctl.project.applying import ApplyResult
    from wanctl.project.approved import ApprovedBy, Decision
    from wanctl.project.events import Listen
    from wanctl.project.outputs import Output, OutputList
    from wanctl.project.provider import Connect, OpenAccount
    from wanctl.project.results import PlanResult, ProjectStatus
    from wanctl.project.validating import Validation
    from wanctl.studio.wire import CallListener, Permission

_log = logging.getLogger("wanctl")


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
        gates: tuple["Gate", ...] = (),
        on_call: "CallListener | None" = None,
        connect: "Connect | None" = None,
    ) -> None:
        """`home` is where this machine keeps its ledger and caches, if that is not beside the specs; `gates`
        narrow every plan; `on_call` is told of each call to the service; `connect` opens the account."""
        self.desired = desired
        self.host = host
        self.tell = tell  # where a sentence goes that a person should see, and that is no result
        self.home = home or desired.directory
        self.gates = gates
        self._on_call, self._connect = on_call, connect
        self.datasets = LocalDatasets(
            desired.trainer or desired, self.state / "cache", trust_cache=trust_cache
        )
        self._reading = reading

    def __repr__(self) -> str:
        place = "/".join(part for part in (self.name, self.desired.environment) if part)
        return f"<wanctl.Project {place}: {counted(len(self.desired.resources), 'resource')}>"

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
        try:
            desired = load_specs(find_project(directory or Path.cwd()), environment)
        except SpecErrors as errors:
            raise with_counted(errors, reading, trust_cache=trust_cache) from None
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
    def viewed(self) -> dict[Address, LocalData]:
        """The same, with what is to be said of the content of their clips: what plans do not look at."""
        local = self.local
        with self._reading() as tick:
            return {address: self.datasets.viewed(address, data, tick) for address, data in local.items()}

    @cached_property
    def store(self) -> "LedgerStore":
        return self.store_at(self.desired.settings.ledger)

    def store_at(self, location: str) -> "LedgerStore":
        """This project's ledger in this environment, if it were kept there."""
        return self.store_of(self.desired.environment, self.name, location)

    def store_of(self, environment: str | None, project: str, location: str) -> "LedgerStore":
        """The ledger of an environment of these specs."""
        from wanctl.ledger.opening import LedgerOwner, open_store

        return open_store(
            location,
            LedgerOwner(
                project=project,
                environment=environment,
                directory=self.home,
                environ=self.host.environ,
                shown=shown_path,
            ),
        )

    def leased(
        self, store: "LedgerStore | None" = None, lock_wait: timedelta = timedelta()
    ) -> AbstractAsyncContextManager["LeasedStore"]:
        """Hold the ledger's lease: whoever writes the ledger does it through the store that this gives."""
        from wanctl.project.leasing import leased

        return leased(store or self.store, self.host, self.tell, lock_wait=lock_wait)

    def findings(self) -> tuple[Finding, ...]:
        """The findings of the rules, once the datasets are counted. What another environment trains is judged
        there."""
        found = check(self.desired, {address: data.facts for address, data in self.local.items()})
        return without_trained(found) if self.desired.trainer else found

    def edition_changes(self, edition: str) -> tuple["EditionChange", ...]:
        """What another edition of the catalogue would change for the trainings of these specs."""
        from wanctl.language.inspection import edition_changes

        facts = {address: data.facts for address, data in self.local.items()}
        return edition_changes(self.desired, edition, facts)

    def validate(self) -> "Validation":
        """Check specs and datasets: errors, and points to consider. Asks no account."""
        from wanctl.project.validating import Validation, dataset_diagnostics

        found = (
            *self.desired.diagnostics,
            *self.findings(),
            *dataset_diagnostics(self.desired, self.viewed),
        )
        return Validation(self.name, self.desired.environment, len(self.desired.resources), found)

    async def avalidate(self) -> "Validation":
        import asyncio

        return await asyncio.to_thread(self.validate)

    def plan(self, to_delete: Collection[Address] | None = None) -> "PlanResult":
        """Read the account and plan; nothing is locked, nothing is written.

        With `to_delete` it is the plan of `destroy`.
        """
        from wanctl.base.running import run
        from wanctl.project.runs import planned

        return run(planned(self, to_delete))

    async def aplan(self, to_delete: Collection[Address] | None = None) -> "PlanResult":
        from wanctl.base.running import run_aside
        from wanctl.project.runs import planned

        return await run_aside(planned(self, to_delete))

    async def planning(self, known: "Record", since: float | None = None) -> "PlanResult":
        """As plan, in the loop of whoever awaits it. `known` is the ledger, read before the account's lists.
        Where projects share an account, these are no older than `since`."""
        from wanctl.project.runs import shown

        async with self.session(record=known, since=since) as session:
            return shown(self, (await session.survey()).plan)

    def status(self) -> "ProjectStatus":
        """Each resource as it is in the account, and what it waits for."""
        from wanctl.project.results import ProjectStatus

        return ProjectStatus(self.plan())

    async def astatus(self) -> "ProjectStatus":
        from wanctl.project.results import ProjectStatus

        return ProjectStatus(await self.aplan())

    def output(self, name: str | None = None) -> "Output":
        """The name that callers need now, whatever is planned; without a name the only Deployment's."""
        from wanctl.base.running import run
        from wanctl.project.outputs import output_of

        return run(output_of(self, name))

    def outputs(self) -> "OutputList":
        """The names of all Deployments that serve, and why the others have none."""
        from wanctl.base.running import run
        from wanctl.project.outputs import outputs_of

        return run(outputs_of(self))

    async def aoutputs(self) -> "OutputList":
        from wanctl.base.running import run_aside
        from wanctl.project.outputs import outputs_of

        return await run_aside(outputs_of(self))

    async def aoutput(self, name: str | None = None) -> "Output":
        from wanctl.base.running import run_aside
        from wanctl.project.outputs import output_of

        return await run_aside(output_of(self, name))

    def apply(
        self,
        approve: "ApprovedBy | None" = None,
        wait: "bool | timedelta | Patience" = False,
        watcher: "Watcher | None" = None,
        to_delete: Collection[Address] | None = None,
        lock_wait: timedelta = timedelta(),
        *,
        on_event: "Listen | None" = None,
        ignore_windows: bool = False,
    ) -> "ApplyResult":
        """Plan, hold the plan against the approval, converge, under the ledger's lease.

        `approve` is the plan that was looked at, or its digest; any other plan is not applied. Or it is a
        function that is shown the plan, and which of its steps this run may come to, and says yes or no.
        `wait`: stay with what the service is at work on, for that long at the most.
        `on_event` hears what happens; an exception in it stops the run.
        While another run holds the lease, this one waits for it as long as `lock_wait`.
        Outside the windows of wanctl.yaml nothing is started, unless they are ignored.
        With `to_delete` it is the plan of `destroy`; an empty collection means every Deployment.
        """
        from wanctl.base.running import run
        from wanctl.project.applying import applied
        from wanctl.project.approved import decision_of, patience_of
        from wanctl.project.events import EventWatcher, Silent

        watcher = EventWatcher(on_event) if on_event else watcher or Silent()
        decision, patience = decision_of(approve), patience_of(wait)
        return run(
            applied(self, decision, patience, watcher, to_delete, lock_wait, ignore_windows=ignore_windows)
        )

    async def aapply(
        self,
        approve: "ApprovedBy | None" = None,
        wait: "bool | timedelta | Patience" = False,
        *,
        on_event: "Listen | None" = None,
        lock_wait: timedelta = timedelta(),
        ignore_windows: bool = False,
    ) -> "ApplyResult":
        """As apply. `on_event` is called in the loop that waits for this; where that wait is canceled, the
        calls under way are finished first."""
        from wanctl.base.running import run_aside
        from wanctl.project.applying import applied
        from wanctl.project.approved import decision_of, patience_of
        from wanctl.project.events import EventWatcher, Silent

        watcher = EventWatcher.called_here(on_event) if on_event else Silent()
        decision, patience = decision_of(approve), patience_of(wait)
        return await run_aside(
            applied(self, decision, patience, watcher, lock_wait=lock_wait, ignore_windows=ignore_windows)
        )

    async def applying(self, approve: "Decision", patience: "Patience", watcher: "Watcher") -> "ApplyResult":
        """As apply, in the loop of whoever awaits it."""
        from wanctl.project.applying import applied

        return await applied(self, approve, patience, watcher)

    async def carry_out(
        self,
        session: "RunSession",
        draft: "Draft",
        approve: "Decision",
        patience: "Patience",
        watcher: "Watcher",
    ) -> "ApplyResult":
        """Ask, and converge; a plan with errors is given back as it is."""
        from wanctl.project.applying import carried_out

        return await carried_out(self, session, draft, approve, patience, watcher)

    def record(self) -> "Record":
        """The ledger, checked to be this project's own; a new one where there is none."""
        from wanctl.project.ledgers import record_of
        from wanctl.project.provider import endpoint_name

        endpoint = endpoint_name(self.desired.settings, self.host)
        return record_of(self.store, self.name, self.desired.environment or "", endpoint)

    def gated(self, planner: "Planner", outside: Severity = Severity.WARNING) -> "Planner":
        """The planner with everything that may narrow it; `outside` is how much it matters to be outside the
        windows."""
        from wanctl.project.runs import gated_planner

        return gated_planner(self, planner, outside)

    def session(
        self,
        store: "LeasedStore | None" = None,
        planner: "Planner | None" = None,
        outside: Severity = Severity.WARNING,
        *,
        record: "Record | None" = None,
        since: float | None = None,
    ) -> AbstractAsyncContextManager["RunSession"]:
        """Everything that a run works with, for as long as it runs; without a lease it only looks.

        `outside` is how much it matters to be outside the windows. `record` and `since` are of `planning`.
        """
        from wanctl.project.runs import session_of

        return session_of(self, store, planner, outside, record, since)

    def account(self, permission: "Permission | None" = None) -> AbstractAsyncContextManager["OpenAccount"]:
        """The account alone, for reads that plan nothing; `permission` is asked before each change."""
        from wanctl.project.provider import connect
        from wanctl.studio.wire import always_allowed, no_listener

        opened = self._connect or connect
        on_call, allowed = self._on_call or no_listener, permission or always_allowed
        return opened(self.desired.settings, self.state, self.host, on_call, allowed)


def open_project(
    directory: str | Path = ".", env: str | None = None, key: str | None = None, base_url: str | None = None
) -> Project:
    """`wanctl.open`: the project whose specs are in this folder, in an environment of wanctl.yaml.

    Raises Error with everything that is wrong with the specs. The key is the given one, else that of the
    environment's DASHSCOPE_API_KEY, else that of ~/.dashscope; the sandbox needs none. `base_url` is another
    endpoint, and the only way to name a host that wanctl does not know. What a person should see besides the
    results is logged as a warning of the logger wanctl.
    """
    return Project.open(Path(directory), env, Host.here(base_url, key), _log.warning)
