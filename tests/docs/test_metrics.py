"""The page of metrics and the dashboard speak of the metrics that there are, and of all of them."""

import json
import re

import pytest

from streams import reference

BOARD = json.loads((reference.PAGE.parent / "grafana.json").read_text(encoding="utf-8"))
OF_EVERY_PROCESS = {"process_cpu_seconds_total", "process_resident_memory_bytes"}
ADDED_BY_PROMETHEUS = {"instance", "le"}
HOW_TO = (reference.PAGE.parents[1] / "how-to" / "watch-the-intake.md").read_text(encoding="utf-8")
ALARMS = re.findall(r"^\| `([^`]*\bb12_[^`]*)` \|", HOW_TO, re.MULTILINE)
METRICS = {metric.name: metric for metric in reference.described()}
QUERIES = [target["expr"] for panel in BOARD["panels"] for target in panel["targets"]] + [
    variable["query"]["query"] for variable in BOARD["templating"]["list"] if variable["type"] == "query"
]


def named(query: str) -> set[str]:
    """The metrics that a query names; a histogram's by what all its samples share."""
    return {
        re.sub(r"^(b12_flush_seconds)_(bucket|sum|count)$", r"\1", name)
        for name in re.findall(r"\b(?:b12|process)_[a-z_]+\b", query)
    }


@pytest.mark.parametrize("query", [*QUERIES, *ALARMS])
def test_a_query_of_dashboard_or_page_names_metrics_and_labels_that_exist(query):
    assert named(query) - OF_EVERY_PROCESS <= METRICS.keys()
    assert named(query)
    labels = set().union(*(METRICS[name].labels for name in named(query) - OF_EVERY_PROCESS)) | ADDED_BY_PROMETHEUS
    grouped = re.findall(r"\bby \(([^)]*)\)", query)
    selected = re.findall(r"\{([a-z]+)[=!]", query)
    assert {label.strip() for group in grouped for label in group.split(",")} | set(selected) <= labels


def test_every_metric_is_on_the_dashboard():
    assert set().union(*map(named, QUERIES)) - OF_EVERY_PROCESS == METRICS.keys()


def test_counters_are_shown_as_rates_and_each_legend_uses_labels_of_its_query():
    for panel in BOARD["panels"]:
        for target in panel["targets"]:
            query = target["expr"]
            for name in named(query):
                if name.endswith("_total"):
                    assert re.search(rf"\b(rate|increase)\({name}\b", query), query
            labels = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            grouped = {label.strip() for group in re.findall(r"\bby \(([^)]*)\)", query) for label in group.split(",")}
            assert labels <= grouped | {"instance"}, panel["title"]


def test_panels_do_not_cover_each_other():
    taken = set()
    for panel in BOARD["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
