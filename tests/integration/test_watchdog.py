"""A worker that stands still under a supervisor: it says why and ends, is started again, and reading goes on."""

import json
import time

import pytest

from b12.cli import main
from lake import workers
from lake.snapshot import snapshot
from tests.sample_events import event
from tests.worker_processes import add_to, forget_dead_workers, send, wait_for_rows

SABOTAGE = """
import sys

if "b12.cli" in sys.orig_argv and "worker" in sys.orig_argv:
    from streams import worker

    look = worker.Worker._look

    def sabotaged(self):
        look(self)
        order = self._home.run / "sabotage"
        if order.exists():
            thread = self.app.consumer._thread
            thread.thread_loop.call_soon_threadsafe(lambda: thread._consumer.pause(*thread._consumer.assignment()))
            order.unlink()

    worker.Worker._look = sabotaged
"""
"""Imported as sitecustomize: when the test says so, the consumer stops to read while everything else goes on."""


@pytest.fixture
def supervised(kafka_home, stack_home, tmp_path, monkeypatch):
    """A home whose worker `b12 up` keeps running, on the run's broker."""
    kafka = kafka_home.internal_kafka()
    (tmp_path / "sabotage").mkdir()
    (tmp_path / "sabotage" / "sitecustomize.py").write_text(SABOTAGE)
    settings = {
        "B12_BROKERS": kafka.bootstrap,
        "B12_BROKERS_CA": str(kafka.cafile),
        "B12_BROKERS_CERT": str(kafka.certfile),
        "B12_BROKERS_KEY": str(kafka.keyfile),
        "B12_WATCHDOG_SECONDS": "5",
        "PYTHONPATH": str(tmp_path / "sabotage"),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    stack_home.ensure_secret()
    yield stack_home
    assert main(["down"]) == 0
    forget_dead_workers(stack_home)


def test_a_worker_that_stands_still_says_why_ends_and_is_brought_back(supervised, new_site_id, capfd):
    home, site = supervised, add_to(supervised, new_site_id())
    assert main(["up", "--only", "worker"]) == 0
    send(home, site, [event(site=site.id, id=f"a-{number}") for number in range(4)])
    wait_for_rows(home, site, 4)

    order = home.run / "sabotage"
    order.touch()
    end = time.monotonic() + 10
    while order.exists() and time.monotonic() < end:
        time.sleep(0.1)
    version = snapshot(home).version
    send(home, site, [event(site=site.id, id=f"b-{number}") for number in range(4)], partition=0)
    assert len(wait_for_rows(home, site, 8)) == 8

    lines = [json.loads(line) for line in (home.logs / "worker.log").read_text().splitlines() if line.startswith("{")]
    (stuck,) = [line for line in lines if line["event"] == "stuck"]
    assert (stuck["sign"], stuck["level"]) == ("reading", "critical")
    assert site.events_topic in stuck["why"]
    (worker,) = workers.workers(home)
    assert (worker.restarts, worker.failures) == (1, 1)
    assert "stood still" in worker.why
    assert snapshot(home).version == version + 1, "one flush, and no empty commit"
    capfd.readouterr()
    assert main(["status"]) == 3, "Dagster was not asked for"
    told = capfd.readouterr().out
    assert "was started again, last because it stood still" in " ".join(told.split())
