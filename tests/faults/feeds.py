"""The sites of a run, each with a producer process that sends its history until it is stopped or killed.

What a producer does is tests/faults/producer.py's; what happens to it, tests/faults/mishaps_of_sites.py's.
"""

import itertools
import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pyarrow.parquet as pq

from b12 import admin
from contracts.site import Site
from lake.home import Home
from tests.faults.clients import librdkafka
from tests.faults.evidence import ends, read_logs
from tests.faults.patience import patiently
from tests.faults.producer import CLOSE_SECONDS, ORDERS, Order
from tests.worker_processes import add_to

PARTITIONS = 2
_LOGS = itertools.count(1)
"""Numbers of the logs that were written down."""


class Feed:
    """One site, its topic of this moment, and the producer of this moment."""

    def __init__(self, home: Home, site_id: str, seed: str, rate: float, history: Path) -> None:
        self._home, self._seed, self._rate, self._history = home, seed, rate, history
        self.lock = threading.RLock()
        """Held by whoever does something to the topic or the producer."""
        self.site: Site = patiently(lambda: add_to(home, site_id))
        self._run = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False
        self.identify()

    def identify(self) -> None:
        """Learn the topic's UUID: producers write it down."""
        topic = self.site.events_topic

        def asked() -> str:
            with admin.connect(self._home.internal_kafka()) as client:
                return str(admin.topic_ids(client, [topic])[topic])

        self.uuid = patiently(asked)

    def keep_log(self) -> dict[tuple[str, int], int]:
        """Write down for the checker what stands in the topic, because some of it is about to be deleted: of what a
        killed producer got no acknowledgement only the log knows. The offset behind it, by topic UUID and partition.
        """
        kafka = admin.client_settings(self._home.internal_kafka())
        log, _ = patiently(lambda: read_logs(kafka, [self.site.id]))
        pq.write_table(log, self._history / f"log.{self.uuid}.{next(_LOGS)}.parquet")
        return ends(log)

    def make_again(self) -> None:
        """Delete the topic and make another of its name."""
        topic = self.site.events_topic

        def made_again() -> None:
            with admin.connect(self._home.internal_kafka()) as client:
                if str(admin.topic_ids(client, [topic]).get(topic)) == self.uuid:
                    client.delete_topics([topic])
                admin.ensure_site_topics(client, self.site, PARTITIONS)
                if str(admin.topic_ids(client, [topic])[topic]) == self.uuid:
                    raise TimeoutError("not deleted yet")

        patiently(made_again)
        self.identify()

    def order(self, name: str) -> Order:
        """What a sender of this site is to know; each has its own part of the history."""
        with self.lock:
            self._run += 1
            run = f"{name}{self._run}"
        kafka, topic = librdkafka(self._home.internal_kafka()), self.site.events_topic
        return Order(kafka, self.site.id, topic, self.uuid, PARTITIONS, run, self._seed, self._rate, str(self._history))

    def start(self) -> None:
        with self.lock:
            if self._closed:
                return
            order = json.dumps(self.order("p")._asdict())
            with (self._home.logs / f"producer-{self.site.id}.log").open("ab") as log:
                command = [sys.executable, "-m", "tests.faults.producer", order]
                before = signal.pthread_sigmask(signal.SIG_BLOCK, ORDERS)  # the child's too, until it takes them
                try:
                    self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
                finally:
                    signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def kill(self) -> None:
        """End the producer where it stands: what it had sent may be in Kafka without an acknowledgement."""
        with self.lock:
            if self._process is not None:
                self._process.kill()
                self._process.wait()

    def close(self) -> None:
        """End the producer whoever holds the lock, and start none ever again."""
        self._closed = True
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """Let the producer finish; it must have got all its acknowledgements."""
        with self.lock:
            if self._process is not None and self._process.poll() is None:
                self._process.send_signal(signal.SIGTERM)
                if self._process.wait(CLOSE_SECONDS + 10) != 0:
                    raise RuntimeError(f"the producer of {self.site.id} got no acknowledgement of its last events")

    def flood(self) -> None:
        """Make the producer send as fast as it can for a moment."""
        with self.lock:
            if self._process is not None and self._process.poll() is None:
                self._process.send_signal(signal.SIGUSR1)
