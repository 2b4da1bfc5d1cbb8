"""Puts the operator together and runs it: cluster, accounts, watches, probes, signals."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.exposition import generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from wanctl.base.running import Interrupted, run
from wanctl.base.words import counted
from wanctl.kubernetes.access import ClusterAccess, find_cluster
from wanctl.kubernetes.client import KubernetesClient
from wanctl.operator.conditions import ConditionType, conditions_of
from wanctl.operator.inventory import KnownObjects, ProjectKey, status_of
from wanctl.operator.keeping import Operator
from wanctl.operator.turning import OperatorPlace
from wanctl.operator.watching import listen
from wanctl.project.host import Host
from wanctl.watch.metrics import CONTENT_TYPE, CallCounter
from wanctl.watch.running import bound
from wanctl.watch.server import HEADERS, Endpoints, said
from wanctl.watch.status import PATIENCE

NOT_OURS = ("DASHSCOPE_API_KEY", "WANCTL_BASE_URL")  # keys and endpoints are those of the accounts alone


@dataclass(frozen=True)
class OperatorOptions:
    """The operator as a person asked for it."""

    namespace: str | None  # of the accounts and ledgers; that of the Pod if it is left out
    watched: str | None  # whose projects; None for every namespace
    state: Path
    volumes: Path
    ledger: str | None
    interval: timedelta
    listen: tuple[str, int] | None
    once: bool = False


def operate(options: OperatorOptions, host: Host, tell: Callable[[str], None]) -> KnownObjects:
    """Runs until a signal ends it; with `once`, until each project had a turn."""
    access = find_cluster(host.environ, host.home)
    options.state.mkdir(parents=True, exist_ok=True)
    work = OperatorRun(options, access, host, tell)
    try:
        run(work.run())
    except (Interrupted, KeyboardInterrupt):
        tell("ended; nothing is lost, the next operator goes on from here")
        if options.once:
            raise
    return work.inventory


class OperatorRun:
    """One run of the operator, in one event loop."""

    def __init__(
        self, options: OperatorOptions, access: ClusterAccess, host: Host, tell: Callable[[str], None]
    ) -> None:
        self._options, self._access, self._tell = options, access, tell
        self.inventory = KnownObjects()
        self.metrics = OperatorMetrics()
        self.place = place_of(options, access, host)
        self.operator: Operator | None = None

    async def run(self) -> None:
        options = self._options
        async with KubernetesClient(self._access, manager="wanctl-operator") as client:
            self.operator = operator = Operator(
                client,
                self.place,
                options.interval.total_seconds(),
                self.inventory,
                on_call=self.metrics.on_call,
            )
            with ExitStack() as stack:
                if options.listen and not options.once:
                    endpoints = OperatorEndpoints(
                        now=_now, ring=operator.ring, secret=None, operator=operator, metrics=self.metrics
                    )
                    server = bound(endpoints, options.listen)
                    stack.callback(server.stop)
                    server.start()
                    self._tell(f"probes and metrics are at {server.url}")
                where = options.watched or "all namespaces"
                self._tell(f"keeping the projects of {where}; accounts are in {self.place.namespace}")
                await self._kept(operator, client)

    async def _kept(self, operator: Operator, client: KubernetesClient) -> None:
        """Watching and turning, until one of them ends: what the cluster refuses ends both."""
        listening = asyncio.create_task(listen(operator, client, self._options.watched, self.place.namespace))
        turning = asyncio.create_task(operator.run(once=self._options.once))
        try:
            done, _ = await asyncio.wait({listening, turning}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in (listening, turning):
                one.cancel()
            await asyncio.gather(listening, turning, return_exceptions=True)
        for one in done:
            one.result()


def place_of(options: OperatorOptions, access: ClusterAccess, host: Host) -> OperatorPlace:
    """Where the operator is at home. Nothing of its own environment is a project's account."""
    namespace = options.namespace or access.namespace
    environ = {key: value for key, value in host.environ.items() if key not in NOT_OURS}
    ledger = options.ledger or f"kube:{namespace}/{{namespace}}.{{project}}"
    return OperatorPlace(
        namespace, options.state, options.volumes, ledger, replace(host, environ=environ, key=None)
    )


class OperatorMetrics:
    """The registry of one operator."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._conditions = Gauge(
            "wanctl_operator_projects",
            "Projects of which a condition holds.",
            ["condition"],
            registry=self._registry,
        )
        self._turns = Gauge("wanctl_operator_turns", "Turns that were made.", registry=self._registry)
        self._readings = Gauge(
            "wanctl_operator_account_readings",
            "How often the lists of all accounts were read.",
            registry=self._registry,
        )
        self.on_call = CallCounter(self._registry).on_call

    def text(self, operator: Operator) -> bytes:
        """The exposition format."""
        held = held_conditions(operator.inventory)
        for one in ConditionType:
            self._conditions.labels(one.value).set(held[one.value])
        self._turns.set(operator.turns)
        self._readings.set(sum(operator.accounts.readings))
        return generate_latest(self._registry)


def held_conditions(inventory: KnownObjects) -> Counter[str]:
    """Condition → of how many projects it holds."""
    return Counter(type_ for key in inventory.projects() for type_ in _held(inventory, key))


def _held(inventory: KnownObjects, key: ProjectKey) -> list[str]:
    project = inventory.project(key)
    found = conditions_of(status_of(project)) if project else ()
    return [str(one.get("type")) for one in found if one.get("status") == "True"]


def summary(inventory: KnownObjects) -> str:
    """2 projects: 1 Ready, 1 WaitingForPerson."""
    held = held_conditions(inventory)
    parts = ", ".join(f"{held[one.value]} {one.value}" for one in ConditionType if held[one.value])
    total = counted(len(inventory.projects()), "project")
    return f"{total}: {parts}" if parts else total


@dataclass(frozen=True, kw_only=True)
class OperatorEndpoints(Endpoints):
    """Probes and metrics. What a project is at stands in its objects."""

    operator: Operator
    metrics: OperatorMetrics

    async def page(self, _: Request) -> Response:
        return said(summary(self.operator.inventory), 200)

    async def ready(self, _: Request) -> Response:
        begun, longest = self.operator.begun, 3 * self.operator.interval + PATIENCE.total_seconds()
        if begun is not None and time.monotonic() - begun <= longest:
            return said("ok", 200)
        return said("not ready: no project has been looked for lately", 503)

    async def scraped(self, _: Request) -> Response:
        return Response(self.metrics.text(self.operator), headers={**HEADERS, "Content-Type": CONTENT_TYPE})

    async def status(self, _: Request) -> Response:
        held = held_conditions(self.operator.inventory)
        return JSONResponse(
            {"projects": len(self.operator.inventory.projects()), "conditions": held}, headers=HEADERS
        )


def _now() -> datetime:
    return datetime.now(UTC)
