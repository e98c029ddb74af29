"""Real worker processes on the run's broker, each home with its own lake and its own sites.

def test_it(intake_home, start_worker):
    site = add_to(intake_home)                        # topics on the broker, known to this home alone
    worker = start_worker(intake_home)                # `b12 worker` in a process of its own
    send(intake_home, site, [event(site=site.id)])    # through the platform's listener, acknowledged
    wait_for_rows(intake_home, site, 1)
    worker.stop()                                     # SIGTERM; its exit code
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import MemberToRemove

from b12 import admin
from contracts.errors import EnvironmentProblem
from contracts.site import Site
from lake.home import WORKER_GROUP, Home
from lake.schema import schema
from lake.snapshot import snapshot
from tests.lake_fixture import stored

SECONDS = 30
"""Longest wait for anything here."""


class Worker:
    """One `b12 worker`, or another `program` in its place."""

    def __init__(self, home: Home, program: Sequence[str] = ("-m", "b12.cli", "worker"), **settings: str) -> None:
        self.home = home
        self.log = home.logs / f"worker-{uuid.uuid4().hex[:8]}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *program],
                env={**os.environ, "B12_HOME": str(home.path), **settings},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def lines(self) -> list[dict]:
        """What it logged so far."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def wait_for(self, event: str, count: int = 1, **fields: object) -> dict:
        """Return the `count`-th line that names `event` and has these fields."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            found = [line for line in self.lines() if line["event"] == event and fields.items() <= line.items()]
            if len(found) >= count:
                return found[count - 1]
            assert self.process.poll() is None, f"the worker ended:\n{self.log.read_text()}"
            time.sleep(0.05)
        raise AssertionError(f"no {event} {fields} in {SECONDS} s:\n{self.log.read_text()}")

    def wait_for_end(self) -> int:
        """Its exit code, once it ended by itself."""
        return self.process.wait(SECONDS)

    def stop(self) -> int:
        """Ask it to stop; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SECONDS)

    def kill(self) -> None:
        """Kill it where it stands."""
        self.process.kill()
        self.process.wait(SECONDS)


def new_home(kafka_home: Home, path: Path) -> Home:
    """A home that uses the run's broker and has its own sites, secret and lake."""
    home = Home(path)
    home.make()
    for name in ("ca.pem", "internal.crt.pem", "internal.key.pem", "internal.toml"):
        shutil.copy(kafka_home.secrets / name, home.secrets / name)
    home.ensure_secret()
    return home


def add_to(home: Home, site_id: str, **fields: object) -> Site:
    """Make a site's topics and register it in this home, without a user on Kafka: tests send as the platform."""
    defaults = {"name": "A laboratory", "country": "IN", "time_zone": "Asia/Kolkata", "synthetic": True}
    site = Site(**{"id": site_id, **defaults, **fields})
    with admin.connect(home.internal_kafka()) as client:
        admin.ensure_site_topics(client, site, partitions=2)
    home.put_site(site)
    return site


def send(
    home: Home, site: Site, values: Iterable[bytes | None], *, partition: int | None = None, **settings: object
) -> list[tuple[int, int]]:
    """Send `values` as the platform, by turns to both partitions; partition and offset of each, acknowledged."""
    producer = KafkaProducer(**admin.client_settings(home.internal_kafka()), linger_ms=5, **settings)
    try:
        futures = [
            # kafka-python takes no record without key and value.
            producer.send(
                site.events_topic,
                value,
                key=b"-" if value is None else None,
                partition=number % 2 if partition is None else partition,
            )
            for number, value in enumerate(values)
        ]
        producer.flush(SECONDS)
        return [(record.partition, record.offset) for record in (future.get(SECONDS) for future in futures)]
    finally:
        producer.close(5)


def rows(home: Home, site: Site, columns: Sequence[str] = ("partition", "offset")) -> list[dict]:
    """The site's rows in the lake, each with its kind; nothing while there is no lake yet."""
    try:
        files = snapshot(home).files
    except EnvironmentProblem:
        return []
    found = []
    for kind, paths in files.items():
        wanted = [name for name in (*columns, "site") if name in schema(kind).names]
        found += [row | {"kind": kind} for row in stored(kind, paths, wanted).to_pylist() if row["site"] == site.id]
    return found


def wait_for_rows(home: Home, site: Site, count: int) -> list[dict]:
    """The site's rows, once there are at least `count`."""
    end = time.monotonic() + SECONDS
    found: list[dict] = []
    while time.monotonic() < end:
        found = rows(home, site)
        if len(found) >= count:
            return found
        time.sleep(0.1)
    logs = "\n".join(path.read_text() for path in home.logs.glob("worker-*.log"))
    raise AssertionError(f"{len(found)} of {count} rows after {SECONDS} s:\n{logs}")


def receipts(home: Home, site: Site) -> list[dict]:
    """Every receipt on the site's topic, in the order of each partition."""
    consumer = KafkaConsumer(
        **admin.client_settings(home.internal_kafka()), auto_offset_reset="earliest", enable_auto_commit=False
    )
    try:
        partitions = [TopicPartition(site.receipts_topic, number) for number in range(2)]
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        found = []
        end = time.monotonic() + SECONDS
        while any(consumer.position(tp) < ends[tp] for tp in partitions) and time.monotonic() < end:
            for batch in consumer.poll(timeout_ms=500).values():
                found += [json.loads(record.value) for record in batch]
        return found
    finally:
        consumer.close()


def answered(home: Home, site: Site) -> dict[tuple[int, int], str]:
    """What the receipts say of each offset: `accepted`, or the rule. Fails when two of them disagree."""
    verdicts: dict[tuple[int, int], str] = {}
    for receipt in receipts(home, site):
        data = receipt["data"]
        refused = {entry["offset"]: entry["rule"] for entry in data["refused"]}
        accepted = 0
        for offset in range(data["from_offset"], data["to_offset"]):
            verdict = refused.get(offset, "accepted")
            accepted += verdict == "accepted"
            assert verdicts.setdefault((data["partition"], offset), verdict) == verdict
        assert accepted >= data["accepted"]  # equal, but for offsets that no delivery has
    return verdicts


def wait_for_answers(home: Home, site: Site, count: int) -> dict[tuple[int, int], str]:
    """What the receipts say, once they speak of at least `count` deliveries."""
    end = time.monotonic() + SECONDS
    while len(found := answered(home, site)) < count and time.monotonic() < end:
        time.sleep(0.2)
    assert len(found) >= count
    return found


def forget_dead_workers(home: Home) -> None:
    """Remove all members of the workers' group, so that nobody waits 10 s for one that was killed."""
    with admin.connect(home.internal_kafka()) as client:
        members = client.describe_groups([WORKER_GROUP])[WORKER_GROUP]["members"]
        if members:
            client.remove_group_members(WORKER_GROUP, [MemberToRemove(member["member_id"]) for member in members])


def started(home: Home, workers: list[Worker]) -> Iterator[object]:
    """Body of the fixture `start_worker`: whatever was started ends with the test."""

    def start(**settings: str) -> Worker:
        workers.append(Worker(home, **settings))
        return workers[-1]

    yield start
    for worker in workers:
        worker.kill()
    forget_dead_workers(home)
