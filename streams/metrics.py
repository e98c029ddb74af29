"""What a worker counts and measures, for Prometheus: labels are sites, kinds, rules and reasons, and nothing else.

A metric never holds a reported value, a subject or a date. Serving the page belongs to streams/health.py.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from streams.logs import OURS

_FLUSH_BUCKETS = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)


@dataclass(frozen=True)
class Standing:
    """How the worker stood at its last look; the gauges are made of it, so that nothing stale is ever told."""

    version: str = ""
    restarts: int = 0
    ready: bool = False
    partitions: int = 0
    waiting: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    """By site: offsets that are not in the lake, and the age of the oldest in seconds."""
    held: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """By site and reason: partitions that are not read."""


class Metrics:
    """One worker's metrics, in a registry of their own."""

    def __init__(self) -> None:
        self.standing = Standing()
        self.registry = CollectorRegistry()
        # Else each counter has a second series, of when it was made, which nobody reads.
        disable_created_metrics()
        registry = self.registry
        self._deliveries = Counter(
            "b12_deliveries",
            "Deliveries stored in the lake; refused ones are the kind `refused`.",
            ["site", "kind"],
            registry=registry,
        )
        self._refused = Counter("b12_refused", "Deliveries stored as refused.", ["site", "rule"], registry=registry)
        self._flush = Histogram(
            "b12_flush_seconds",
            "Time to store what was judged: files, commit and fsync.",
            buckets=_FLUSH_BUCKETS,
            registry=registry,
        )
        self._retries = Counter(
            "b12_commit_retries", "Commits to the lake that had to be tried again.", registry=registry
        )
        self._alerts = Counter(
            "b12_alerts", "Alerts sent to a site one by one, repetitions too.", ["site", "rule"], registry=registry
        )
        self._held_alerts = Counter(
            "b12_alerts_held",
            "Alerts above a site's cap, sent as a digest that counts them.",
            ["site", "rule"],
            registry=registry,
        )
        self._lines = Counter(
            "b12_log_lines", "Lines of the worker's log, by the event that they name.", ["event"], registry=registry
        )
        self.registry.register(_Gauges(self))
        ProcessCollector(registry=self.registry)

    def page(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def stored(self, seconds: float, retries: int) -> None:
        """A flush took so long, and its commit so many further attempts."""
        self._flush.observe(seconds)
        self._retries.inc(retries)

    def deliveries(self, site: str, kind: str, count: int) -> None:
        """So many deliveries of a site and kind were stored."""
        self._deliveries.labels(site, kind).inc(count)

    def refused(self, site: str, rule: str, count: int) -> None:
        """So many deliveries of a site were stored as refused by this rule."""
        self._refused.labels(site, rule).inc(count)

    def alerts(self, site: str, rules: Mapping[str, int]) -> None:
        """So many alerts of a site were sent, by rule."""
        for rule, count in rules.items():
            self._alerts.labels(site, rule).inc(count)

    def held_alerts(self, site: str, rules: Mapping[str, int]) -> None:
        """So many alerts of a site went into a digest, by rule."""
        for rule, count in rules.items():
            self._held_alerts.labels(site, rule).inc(count)

    def said(self, event: str) -> None:
        """A line of the log named this event."""
        self._lines.labels(event).inc()

    def count_lines(self) -> None:
        """Count our own lines of the log from now on."""
        logging.getLogger(OURS).addHandler(_Lines(self))


class _Lines(logging.Handler):
    """An event's name stands in the code, so there are few of them."""

    def __init__(self, metrics: Metrics) -> None:
        super().__init__()
        self._metrics = metrics

    def emit(self, record: logging.LogRecord) -> None:
        self._metrics.said(record.msg)


class _Gauges(Collector):
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        now = self._metrics.standing
        yield GaugeMetricFamily("b12_ready", "1 while the worker reads, or is ready to.", int(now.ready))
        yield GaugeMetricFamily("b12_partitions", "Partitions that this worker was dealt.", now.partitions)
        lag = GaugeMetricFamily("b12_lag_offsets", "Offsets in Kafka that are not in the lake.", labels=["site"])
        age = GaugeMetricFamily(
            "b12_oldest_waiting_seconds", "Age of the oldest delivery that is not in the lake.", labels=["site"]
        )
        for site, (offsets, seconds) in now.waiting.items():
            lag.add_metric([site], offsets)
            age.add_metric([site], seconds)
        yield lag
        yield age
        held = GaugeMetricFamily(
            "b12_held_partitions", "Partitions that are not read until somebody acts.", labels=["site", "reason"]
        )
        for (site, reason), count in now.held.items():
            held.add_metric([site, reason], count)
        yield held
        yield CounterMetricFamily(
            "b12_restarts",
            "Starts of this worker after an end that nobody asked for, since it was last stopped.",
            now.restarts,
        )
        version = GaugeMetricFamily("b12_version_info", "1, with the version of the software.", labels=["version"])
        version.add_metric([now.version], 1)
        yield version
