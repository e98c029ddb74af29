"""The pages of a worker on loopback, and the metrics on one of them: counts by site, kind and rule, never a value."""

import asyncio
import json
import logging
import os
import urllib.error
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from contracts.errors import EnvironmentProblem, UsageError
from lake.table import Lake
from streams.health import Health, Pages, port
from streams.intake import Intake
from streams.logs import OURS
from streams.metrics import Metrics, Standing
from tests.intake_fixture import ONE, SITE, Kafka
from tests.sample_events import event

CANARIES = {"subject": "CANARY-S", "id": "CANARY-I", "record": "CANARY-R"}


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
def health(metrics):
    return Health(metrics)


@pytest.fixture
def pages(health):
    pages = Pages(health, 0)
    yield pages
    pages.close()


def get(pages, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{pages.port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def samples(text):
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_worker_is_alive_while_it_looks_and_ready_when_nothing_keeps_it_from_reading(pages, health, monkeypatch):
    assert get(pages, "/healthz")[0] == 200
    assert get(pages, "/readyz")[0] == 503
    held = [{"topic": "b12.site.BLR01.events", "partition": 0, "reason": "gap"}]
    health.looked("", held)
    status, text = get(pages, "/readyz")
    assert (status, json.loads(text)) == (200, {"ready": True, "why": "", "pid": os.getpid(), "held": held})
    health.looked("Kafka does not answer", [])
    status, text = get(pages, "/readyz")
    assert (status, json.loads(text)["why"]) == (503, "Kafka does not answer")
    monkeypatch.setattr("streams.health.ALIVE_SECONDS", 0)
    assert get(pages, "/healthz")[0] == get(pages, "/readyz")[0] == 503
    assert "not looked at itself" in get(pages, "/healthz")[1]
    assert get(pages, "/other")[0] == 404


def test_a_taken_port_is_named_with_the_setting_that_moves_it(pages, health):
    with pytest.raises(EnvironmentProblem, match=f"{pages.port}.*B12_HEALTH_PORT"):
        Pages(health, pages.port)


def test_several_workers_have_a_port_each(monkeypatch):
    assert port("worker-1") == 0
    monkeypatch.setenv("B12_HEALTH_PORT", "9400")
    assert [port(process) for process in ("worker", "worker-0", "worker-3")] == [9400, 9400, 9403]
    monkeypatch.setenv("B12_HEALTH_PORT", "http")
    with pytest.raises(UsageError, match="B12_HEALTH_PORT"):
        port("worker")


def test_a_flush_is_counted_by_site_kind_and_rule_and_nothing_else_is_told(home, metrics, pages, monkeypatch, caplog):
    monkeypatch.setattr(logging.getLogger(OURS), "handlers", [])
    caplog.set_level(logging.INFO, OURS)
    kafka = Kafka()
    intake = Intake(home, Lake.open(home.lake, home.ensure_secret()), kafka, kafka, kafka, metrics)
    intake.register({SITE.events_topic: SITE})
    values = [
        event(**CANARIES, data={"value": 471147, "collected": "2021-04-27", "local_name": "CANARY-N"}),
        event(**CANARIES, data={"value": "CANARY", "collected": "2021-04-27"}),
        event(**CANARIES, data={"CANARY": 471147}),
        event(**CANARIES, type="b12.CANARY.v1"),
        b'{"subject": "CANARY", 471147',
    ]

    async def story():
        await intake.take([ONE])
        await intake.accept(kafka.fetch(ONE, 0, *values))
        await intake.flush()

    metrics.count_lines()
    asyncio.run(story())
    metrics.standing = Standing("1.0", 2, True, 4, {SITE.id: (7, 1.5)}, {(SITE.id, "gap"): 1})
    text = get(pages, "/metrics")[1]
    found = samples(text)
    assert found["b12_deliveries_total", ("kind", "lab_result"), ("site", "BLR01")] == 1
    assert found["b12_deliveries_total", ("kind", "refused"), ("site", "BLR01")] == 4
    assert found["b12_refused_total", ("rule", "unknown_field"), ("site", "BLR01")] == 1
    assert found["b12_flush_seconds_count",] == 1
    assert found["b12_log_lines_total", ("event", "flushed")] == 1
    assert found["b12_lag_offsets", ("site", "BLR01")] == 7
    assert found["b12_oldest_waiting_seconds", ("site", "BLR01")] == 1.5
    assert found["b12_held_partitions", ("reason", "gap"), ("site", "BLR01")] == 1
    assert found["b12_restarts_total",] == 2
    assert found["b12_ready",] == 1
    for canary in ("CANARY", "471147", "2021-04"):
        assert canary not in text
    labels = {name for key in found if key[0].startswith("b12_") for name, _ in key[1:]}
    assert labels == {"site", "kind", "rule", "reason", "event", "version", "le"}
