"""What a worker does when something around it is wrong: it holds what is affected, or ends and says why."""

import shutil
import time
from pathlib import Path

import pytest
from kafka import TopicPartition

from b12 import admin
from b12.cli import main
from lake import gaps
from tests.lake_fixture import record
from tests.sample_events import event
from tests.worker_processes import Worker, add_to, forget_dead_workers, rows, send, wait_for_rows


@pytest.fixture
def site(intake_home, new_site_id):
    return add_to(intake_home, new_site_id())


def events(site, count):
    return [event(site=site.id, id=f"e-{number}") for number in range(count)]


def test_asked_to_stop_it_stores_and_answers_what_it_has_and_leaves(intake_home, start_worker, site):
    worker = start_worker()
    worker.wait_for("started")
    send(intake_home, site, events(site, 10))
    worker.wait_for("flushed")
    send(intake_home, site, events(site, 10))
    time.sleep(0.3)  # read by now, and not yet due for a flush
    assert worker.stop() == 0
    assert [line["event"] for line in worker.lines()][-1] == "left"
    assert len(rows(intake_home, site)) == 20


def test_a_gap_holds_its_partition_alone_until_an_operator_accepts_it(
    intake_home, start_worker, site, monkeypatch, capfd
):
    first = start_worker()
    send(intake_home, site, events(site, 10))
    wait_for_rows(intake_home, site, 10)
    assert first.stop() == 0
    send(intake_home, site, events(site, 10))
    with admin.connect(intake_home.internal_kafka()) as client:
        client.delete_records({TopicPartition(site.events_topic, 0): 8})

    worker = start_worker()
    held = worker.wait_for("held", reason="gap")
    assert (held["partition"], held["wanted"], held["offered"]) == (0, 5, 8)
    assert len(wait_for_rows(intake_home, site, 15)) == 15
    assert [row["offset"] for row in rows(intake_home, site) if row["partition"] == 0] == list(range(5))

    monkeypatch.setenv("B12_HOME", str(intake_home.path))
    assert main(["status"]) == 3
    told = " ".join(capfd.readouterr().out.split())
    assert f"{site.id}: Kafka deleted offsets 5 to 7 of partition 0 before they were read" in told
    assert f"b12 site accept-gap {site.id}" in told
    assert f"{site.id} 2 " in told, "two deliveries wait behind the gap"
    assert main(["site", "accept-gap", site.id]) == 0
    found = wait_for_rows(intake_home, site, 17)
    assert sorted(row["offset"] for row in found if row["partition"] == 0) == [0, 1, 2, 3, 4, 8, 9]
    (gap,) = gaps.gaps(intake_home)
    assert (gap.from_offset, gap.to_offset) == (5, 8)
    assert worker.stop() == 0


def test_a_lake_that_vanishes_ends_the_worker_with_an_exit_code_and_a_sentence(intake_home, start_worker, site):
    worker = start_worker()
    send(intake_home, site, events(site, 2))
    wait_for_rows(intake_home, site, 2)
    shutil.rmtree(Path(intake_home.lake))
    send(intake_home, site, events(site, 2))
    assert worker.wait_for_end() == 3
    last = worker.log.read_text().strip().splitlines()[-1]
    assert last.startswith("b12: ")
    assert "Traceback" not in worker.log.read_text()


def test_under_another_secret_it_does_not_start_and_says_what_to_restore(intake_home, start_worker, site):
    record(intake_home, site, events(site, 1))
    (intake_home.secrets / "pseudonym.key").write_bytes(b"x" * 32)
    worker = start_worker()
    assert worker.wait_for_end() == 3
    assert "restore secrets/pseudonym.key" in worker.log.read_text()


SABOTAGED = """
import asyncio, sys
from lake.home import Home
from streams import intake, process, worker

start = worker.Worker.start

async def start_and_sabotage(self):
    await start(self)
    thread = self.app.consumer._thread
    part = sys.argv[1]
    if part == "accept":
        async def accept(self, fetch):
            raise ValueError("CANARY")
        intake.Intake.accept = accept
    elif part == "thread":
        thread.thread_loop.call_soon_threadsafe(thread.thread_loop.stop)
    else:
        task = getattr(thread._consumer, "_" + part)
        task = task._coordination_task if part == "coordinator" else task._fetch_task
        thread.thread_loop.call_soon_threadsafe(task.cancel)

worker.Worker.start = start_and_sabotage
worker.STOP_SECONDS = process.STOP_SECONDS = 4
process.run(Home.from_env())
"""


@pytest.mark.parametrize("part", ["accept", "thread", "coordinator"])
def test_a_part_that_dies_ends_the_worker_instead_of_leaving_it_idle(intake_home, site, part):
    send(intake_home, site, events(site, 2))
    worker = Worker(intake_home, program=["-c", SABOTAGED, part])
    try:
        assert worker.wait_for_end() not in (0, None)
    finally:
        worker.kill()
        forget_dead_workers(intake_home)
    assert "CANARY" not in worker.log.read_text().replace('raise ValueError("CANARY")', "")


def test_without_a_broker_it_ends_and_says_so(home):
    home.ensure_secret()
    home.put_connection("127.0.0.1:9", "127.0.0.1:9")
    program = "import sys; from b12.cli import main; from streams import worker; worker.START_SECONDS = 1;"
    worker = Worker(home, ["-c", program + "sys.exit(main(['worker']))"], B12_BROKERS="127.0.0.1:9")
    try:
        assert worker.wait_for_end() == 3
    finally:
        worker.kill()
    assert "waiting_for_kafka" in {line["event"] for line in worker.lines()}
    assert "127.0.0.1:9" in worker.log.read_text().splitlines()[-1]
    assert "b12 up" in worker.log.read_text().splitlines()[-1]
