"""Events sent at a steady rate, and how long after being sent each was in the lake."""

import statistics
import threading
import time
from collections.abc import Sequence
from itertools import cycle
from typing import Any, NamedTuple

from confluent_kafka import Producer

from bench import broker, workers
from contracts.site import Site
from lake.home import Home

_STEP = 0.01
"""Seconds between two looks at the clock."""


class Latency(NamedTuple):
    """Seconds from the call that sends an event to the commit of the lake that holds it."""

    rate: float
    """Events a second that were sent."""
    median: float
    p99: float
    most: float

    def cells(self) -> str:
        """Of a table in Markdown."""
        return f"{self.median:.2f} | {self.p99:.2f} | {self.most:.2f}"


class Trickle(threading.Thread):
    """Sends one site's events at a rate, for so many seconds or until it is told to stop."""

    def __init__(self, kafka: Home, site: Site, values: Sequence[bytes], rate: float, seconds: float) -> None:
        super().__init__()
        self._site, self._values, self._rate, self._seconds = site, values, rate, seconds
        self._producer = Producer(
            broker.librdkafka(kafka) | {"compression.type": "gzip", "linger.ms": 5, "enable.idempotence": True}
        )
        self.topic_uuid = broker.topic_uuid(kafka, site)
        self._sent: dict[int, list[tuple[int, float]]] = {partition: [] for partition in range(broker.PARTITIONS)}
        self._stopping = threading.Event()

    def run(self) -> None:
        start, count = time.monotonic(), 0
        values = cycle(self._values)
        while (passed := time.monotonic() - start) < self._seconds and not self._stopping.is_set():
            while count < passed * self._rate:
                self._send(count % broker.PARTITIONS, next(values))
                count += 1
            self._producer.poll(0)
            time.sleep(_STEP)
        self._producer.flush(60)

    def _send(self, partition: int, value: bytes) -> None:
        sent = time.time()

        def stored(error: Any, message: Any) -> None:
            if error is None:
                self._sent[partition].append((message.offset(), sent))

        while True:
            try:
                self._producer.produce(self._site.events_topic, value, partition=partition, on_delivery=stored)
            except BufferError:  # this machine does not give such a rate; the table says what it gave
                self._producer.poll(_STEP)
            else:
                return

    def stop(self) -> None:
        self._stopping.set()
        self.join()

    @property
    def ends(self) -> dict[int, int]:
        """By partition, the offset behind the last that was sent."""
        return {partition: sent[-1][0] + 1 for partition, sent in self._sent.items() if sent}

    def latency(self, log: Sequence[workers.Commit]) -> Latency:
        """Of all that was sent, once it is in the lake."""
        found = []
        moments = sorted(when for sent in self._sent.values() for _, when in sent)
        rate = (len(moments) - 1) / (moments[-1] - moments[0])
        for partition, sent in self._sent.items():
            offsets, times = zip(*sent, strict=True)
            durable = workers.durable_at(log, self.topic_uuid, partition, offsets)
            found += [at - when for at, when in zip(durable, times, strict=True)]
        return Latency(rate, statistics.median(found), statistics.quantiles(found, n=100)[98], max(found))
