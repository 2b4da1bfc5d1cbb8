"""Metrics for Prometheus: the status of one moment, and counts since the process began."""

from collections import Counter as Tally
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from wanctl import __version__
from wanctl.catalogue.estimate import Cost
from wanctl.plan import When
from wanctl.watch.status import LoopStatus

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)
_FAMILIES = ("files", "fine-tunes", "deployments", "chat")


class CallCounter:
    """Counts the calls to the service."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._calls = Counter(
            "wanctl_api_calls",
            "Calls to the service by family and status; status none: no answer came.",
            ["family", "status"],
            registry=registry,
        )

    def on_call(self, path: str, status: int | None) -> None:
        """A call to the service."""
        parts = path.partition("?")[0].split("/")
        family = next((name for name in _FAMILIES if name in parts), "other")
        self._calls.labels(family, str(status or "none")).inc()


class Metrics:
    """The registry of one loop; the global one of prometheus_client is left alone."""

    def __init__(self, loop_status: Callable[[], LoopStatus], now: Callable[[], datetime]) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_StatusCollector(loop_status, now))
        self._rounds = Counter(
            "wanctl_turns", "Rounds of the loop by how they ended.", ["result"], registry=self._registry
        )
        for result in ("planned", "held", "failed"):
            self._rounds.labels(result)  # from nothing on: a first one is an increase, too
        self.on_call = CallCounter(self._registry).on_call
        self._plans = self._histogram("wanctl_plan_duration_seconds", "How long planning took.")
        self._applies = self._histogram("wanctl_apply_duration_seconds", "How long applying took.")

    def completed(self, loop_status: LoopStatus) -> None:
        iteration = loop_status.iteration
        self._rounds.labels("held" if iteration and iteration.held_by else "planned").inc()
        if iteration:
            self._plans.observe(iteration.plan_seconds)
            if iteration.apply_seconds is not None:
                self._applies.observe(iteration.apply_seconds)

    def failed(self, _: LoopStatus) -> None:
        self._rounds.labels("failed").inc()

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self._registry)

    def _histogram(self, name: str, about: str) -> Histogram:
        return Histogram(name, about, buckets=_SECONDS, registry=self._registry)


class _StatusCollector(Collector):
    """Gauges made anew from the status at each scrape: what is gone from the plan is gone from them."""

    def __init__(self, loop_status: Callable[[], LoopStatus], now: Callable[[], datetime]) -> None:
        self._loop_status, self._now = loop_status, now

    def collect(self) -> Iterator[Metric]:
        loop_status, now = self._loop_status(), self._now()
        yield _info("wanctl_build", "The running wanctl.", version=__version__)
        yield from _what_is_watched(loop_status)
        yield _one(
            "wanctl_ready", "1 while the last round made a plan, not long ago.", loop_status.ready(now)
        )
        yield _one(
            "wanctl_failed_turns_in_a_row",
            "Rounds since the last that made a plan.",
            loop_status.failed_in_a_row,
        )
        at = loop_status.completed or datetime.fromtimestamp(0, UTC)
        yield _one("wanctl_last_success_timestamp_seconds", "When a round last made a plan.", at.timestamp())
        waits = GaugeMetricFamily(
            "wanctl_oldest_wait_seconds", "How long the oldest wait was seen to last.", labels=["for"]
        )
        waits.add_metric(["person"], loop_status.oldest_wait(When.PERSON, now).total_seconds())
        waits.add_metric(["service"], loop_status.oldest_wait(When.SERVICE, now).total_seconds())
        yield waits
        yield _one("wanctl_drifted_resources", "Resources that the world moved.", len(loop_status.drifted))
        if loop_status.iteration:
            yield _one("wanctl_ledger_serial", "The ledger's serial.", loop_status.iteration.record.serial)
            yield _one(
                "wanctl_failed_resources",
                "Calls of the last round that failed.",
                len(loop_status.iteration.failures),
            )
            yield from _plan_metrics(loop_status)


def _what_is_watched(loop_status: LoopStatus) -> Iterator[Metric]:
    """The labels that a dashboard joins the others with: whose they are, and from which commit on."""
    if loop_status.iteration:
        yield _info(
            "wanctl_commit",
            "The commit that the last plan was made from.",
            project=loop_status.project,
            environment=loop_status.environment or "",
            ref=loop_status.ref,
            commit=loop_status.iteration.commit.id,
        )


def _plan_metrics(loop_status: LoopStatus) -> Iterator[Metric]:
    assert loop_status.iteration is not None  # noqa: S101 - asked by the caller
    plan = loop_status.iteration.plan
    resources = GaugeMetricFamily(
        "wanctl_resources", "Resources of the plan by kind and phase.", labels=["kind", "phase"]
    )
    for (kind, phase), count in Tally(
        (step.address.kind.value, step.when.value) for step in plan.steps
    ).items():
        resources.add_metric([kind, phase], count)
    yield resources
    findings = GaugeMetricFamily("wanctl_findings", "Findings of the plan.", labels=["severity"])
    for severity, count in Tally(finding.severity.value for finding in plan.findings).items():
        findings.add_metric([severity], count)
    yield findings
    tokens = GaugeMetricFamily(
        "wanctl_training_tokens",
        "Tokens of each training: estimated at least and at most, and billed.",
        labels=["address", "basis"],
    )
    money = GaugeMetricFamily(
        "wanctl_training_cost",
        "Cost of each training: estimated at least and at most, and billed.",
        labels=["address", "currency", "basis"],
    )
    for step in plan.steps:
        if step.cost:
            _add_cost(tokens, money, str(step.address), step.cost)
    yield tokens
    yield money


def _add_cost(tokens: GaugeMetricFamily, money: GaugeMetricFamily, address: str, cost: Cost) -> None:
    currency = cost.currency or ""
    for basis, count in zip(("estimate_low", "estimate_high"), cost.tokens or (), strict=False):
        tokens.add_metric([address, basis], count)
    for basis, amount in zip(("estimate_low", "estimate_high"), cost.amount or (), strict=False):
        money.add_metric([address, currency, basis], float(amount))
    if cost.billed_tokens is not None:
        tokens.add_metric([address, "billed"], cost.billed_tokens)
    if cost.billed_amount is not None:
        money.add_metric([address, currency, "billed"], float(cost.billed_amount))


def _info(name: str, about: str, **labels: str) -> InfoMetricFamily:
    return InfoMetricFamily(name, about, value=labels)


def _one(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, about, value=float(value))
