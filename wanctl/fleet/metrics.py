"""Metrics of a fleet for Prometheus: each project's by its folder and environment, and the calls of all."""

from collections import Counter as Tally
from collections.abc import Callable, Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from wanctl.fleet.fleet_file import MemberName
from wanctl.fleet.keeping import Fleet
from wanctl.fleet.overview import Overview
from wanctl.plan import When
from wanctl.watch.metrics import CallCounter

_PROJECT = ("folder", "environment")


class FleetMetrics:
    """The registry of one fleet."""

    def __init__(
        self, fleet: Callable[[], Fleet], overview: Callable[[], Overview], now: Callable[[], datetime]
    ) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_FleetCollector(fleet, overview, now))
        self.on_call = CallCounter(self._registry).on_call

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self._registry)


class _FleetCollector(Collector):
    """Made anew at each scrape: what left the fleet leaves the metrics."""

    def __init__(
        self, fleet: Callable[[], Fleet], overview: Callable[[], Overview], now: Callable[[], datetime]
    ) -> None:
        self._fleet, self._overview, self._now = fleet, overview, now

    def describe(self) -> Iterator[Metric]:
        return iter(())  # nothing is there before the first round

    def collect(self) -> Iterator[Metric]:
        fleet, overview, now = self._fleet(), self._overview(), self._now()
        states = GaugeMetricFamily("wanctl_fleet_projects", "Projects by state.", labels=["state"])
        for state, count in overview.counts.items():
            states.add_metric([state], count)
        yield states
        broken = len(fleet.errors)
        yield GaugeMetricFamily(
            "wanctl_fleet_failed_repositories", "Clones that cannot be had.", value=float(broken)
        )
        yield from _by_project(fleet, now)
        readings = CounterMetricFamily(
            "wanctl_account_readings", "How often the lists of an account were read.", labels=["account"]
        )
        for number, count in enumerate(fleet.readings()):
            readings.add_metric([str(number)], count)
        yield readings


def _by_project(fleet: Fleet, now: datetime) -> Iterator[Metric]:
    ready = _family("wanctl_project_ready", "1 while the last round made a plan, not long ago.")
    failed = _family("wanctl_project_failed_turns_in_a_row", "Rounds since the last that made a plan.")
    waits = _family("wanctl_project_oldest_wait_seconds", "How long the oldest wait lasts.", "for")
    resources = _family("wanctl_project_resources", "Resources of the plan by phase.", "phase")
    for name, member in fleet.members.items():
        labels, status = _labels(name), member.status
        ready.add_metric(labels, float(status.ready(now)))
        failed.add_metric(labels, status.failed_in_a_row)
        for who, when in (("person", When.PERSON), ("service", When.SERVICE)):
            waits.add_metric([*labels, who], status.oldest_wait(when, now).total_seconds())
        steps = status.iteration.plan.steps if status.iteration else ()
        for phase, count in Tally(step.when.value for step in steps).items():
            resources.add_metric([*labels, phase], count)
    yield from (ready, failed, waits, resources)


def _family(name: str, about: str, *more: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, about, labels=[*_PROJECT, *more])


def _labels(name: MemberName) -> list[str]:
    return [name.folder, name.environment]
