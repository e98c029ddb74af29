"""A broker of the measurement's own, and topics filled before the clock runs."""

import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import Producer

from b12 import admin
from b12.local import broker
from b12.local.ports import Ports, free_ports
from contracts.site import Site
from lake.home import WORKER_GROUP, Home
from streams.cluster import Cluster

PARTITIONS = 2
_QUICK_START = "-XX:TieredStopAtLevel=1"
"""An option of a broker that starts and stops with a demo: Java's first compiler alone. docker-compose.yml does
without it, as would anybody who has events by the million."""


@contextmanager
def running(path: Path) -> Iterator[Home]:
    """A fresh home whose broker answers, on free ports."""
    home = Home(path)
    broker.prepare(home, Ports(*free_ports(4)))
    command = [word for word in broker.command(home) if word != _QUICK_START]
    with (home.logs / "broker.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        broker.wait(home, alive=lambda: process.poll() is None)
        with admin.connect(home.internal_kafka()) as client:
            admin.ensure_replay_topic(client, PARTITIONS)
        yield home
    finally:
        process.kill()
        process.wait(10)


def fill(home: Home, site: Site, events: Iterable[bytes]) -> float:
    """Make the site's topics and write the events, in gzip as `b12 push` does; their mean size in bytes."""
    kafka = home.internal_kafka()
    with admin.connect(kafka) as client:
        admin.ensure_site_topics(client, site, PARTITIONS)
    producer = Producer(librdkafka(home) | {"compression.type": "gzip", "linger.ms": 50, "enable.idempotence": True})
    count = size = 0
    for count, value in enumerate(events, 1):
        size += len(value)
        while True:
            try:
                producer.produce(site.events_topic, value, key=b"%d" % count, partition=count % PARTITIONS)
            except BufferError:
                producer.poll(0.1)
            else:
                break
        producer.poll(0)
    if producer.flush(120):
        raise RuntimeError(f"the broker at {kafka.bootstrap} did not take all of {site.events_topic}")
    return size / count


def topic_uuid(kafka: Home, site: Site) -> str:
    """Kafka's UUID of the site's events topic."""
    return Cluster(kafka.internal_kafka()).topic_uuids([site.events_topic])[site.events_topic]


def another_home(kafka: Home, path: Path, *sites: Site) -> Home:
    """A home of its own on the broker, with an empty lake and these sites."""
    home = Home(path)
    home.make()
    for secret in kafka.secrets.glob("*.*"):
        shutil.copy(secret, home.secrets / secret.name)
    home.ensure_secret()
    for site in sites:
        home.put_site(site)
    return home


def librdkafka(home: Home) -> dict[str, str]:
    """How librdkafka connects as the platform."""
    kafka = home.internal_kafka()
    return {
        "bootstrap.servers": kafka.bootstrap,
        "security.protocol": "ssl",
        "ssl.ca.location": str(kafka.cafile),
        "ssl.certificate.location": str(kafka.certfile),
        "ssl.key.location": str(kafka.keyfile),
    }


def forget_workers(home: Home) -> None:
    """So that the next worker need not wait for one that is gone."""
    with admin.connect(home.internal_kafka()) as client:
        members = client.describe_groups([WORKER_GROUP])[WORKER_GROUP]["members"]
        if members:
            raise RuntimeError("a worker is still in the group")
