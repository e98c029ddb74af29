"""The page `docs/reference/metrics.md`, made from the metrics themselves.

What a metric means is said where it is made, nowhere else.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from streams.metrics import Metrics, Standing

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "metrics.md"
_HEAD = """\
# Metrics

Made by `make fix` from the metrics themselves. Each worker serves them on its page `/metrics`
([Watch the intake](../how-to/watch-the-intake.md)); [grafana.json](grafana.json) is a dashboard of all of them. No
label and no value holds anything that a site reported. Beside these there are the `process_` metrics of every
Prometheus client: processor seconds, resident memory, open files, start time.

| metric | type | labels | meaning |
|---|---|---|---|
"""


class Described(NamedTuple):
    """One metric as Prometheus sees it."""

    name: str
    """Of its samples; a histogram's without `_bucket`, `_sum` and `_count`."""
    kind: str
    labels: tuple[str, ...]
    means: str


def described() -> list[Described]:
    """Every metric of ours, in the order of the page."""
    metrics = Metrics()
    metrics.stored(0.1, 0)
    metrics.deliveries("BLR01", "lab_result", 1)
    metrics.refused("BLR01", "unknown_field", 1)
    metrics.alerts("BLR01", {"b12_deficient": 1})
    metrics.held_alerts("BLR01", {"b12_deficient": 1})
    metrics.said("flushed")
    metrics.standing = Standing("0", 0, True, 2, {"BLR01": (0, 0.0)}, {("BLR01", "gap"): 1})
    return sorted(_described(metrics.page().decode()))


def _described(page: str) -> Iterator[Described]:
    for family in text_string_to_metric_families(page):
        if family.name.startswith("b12_"):
            labels = sorted({name for sample in family.samples for name in sample.labels} - {"le"})
            suffix = "_total" if family.type == "counter" else ""
            yield Described(family.name + suffix, family.type, tuple(labels), family.documentation)


def page() -> str:
    """The page's text."""
    rows = (
        f"| `{metric.name}` | {metric.kind} | {', '.join(f'`{label}`' for label in metric.labels)} | {metric.means} |\n"
        for metric in described()
    )
    return _HEAD + "".join(rows)
