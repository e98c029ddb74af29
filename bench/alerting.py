"""From a site's send of a dangerous value to the alert in a reader's hands, beside other sites' traffic."""

import json
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

from confluent_kafka import Consumer, Producer, TopicPartition

from bench import broker, workers
from bench.events import registry_events
from bench.trickle import Trickle
from contracts.alerts import alert_id
from contracts.pseudonyms import pseudonym, site_key
from contracts.site import Site
from lake.home import Home
from streams.site_alerts import MOST_PER_HOUR

TRAFFIC = 1_000
"""Events a second that alert nobody, of another site."""
SITES = 5
"""That send dangerous values, each as many as are listed within an hour."""
SECONDS = 30.0
_PATIENCE = 60.0
_EXAMPLE = json.loads(files("contracts").joinpath("examples", "lab_result.json").read_bytes())


class _Reader(threading.Thread):
    """Notes when each alert came."""

    def __init__(self, kafka: Home, sites: Sequence[Site]) -> None:
        super().__init__(daemon=True)
        self._consumer = Consumer(broker.librdkafka(kafka) | {"group.id": "bench", "auto.offset.reset": "earliest"})
        self._consumer.assign(
            [TopicPartition(site.alerts_topic, n, 0) for site in sites for n in range(broker.PARTITIONS)]
        )
        self.came: dict[str, float] = {}
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.is_set():
            message = self._consumer.poll(0.1)
            if message is not None and message.error() is None:
                self.came.setdefault(json.loads(message.value() or b"{}")["id"], time.time())

    def stop(self) -> None:
        self._stopping.set()
        self.join()
        self._consumer.close()


def measure() -> list[str]:
    """The table, in Markdown."""
    traffic = Site(id="TRAFFIC", name="Bench", country="IN", time_zone="Asia/Kolkata")
    watched = [Site(id=f"ALERT{n}", name="Bench", country="IN", time_zone="Asia/Kolkata") for n in range(SITES)]
    with (
        tempfile.TemporaryDirectory(prefix="b12_bench_") as directory,
        broker.running(Path(directory) / "kafka") as kafka,
    ):
        for site in (traffic, *watched):
            broker.fill(kafka, site, registry_events(2, site))  # so that its topic is read before the clock runs
        home = broker.another_home(kafka, Path(directory) / "home", traffic, *watched)
        reader = _Reader(kafka, watched)
        with workers.working(home):
            for site in (traffic, *watched):
                workers.wait_for(home, broker.topic_uuid(kafka, site), {0: 1, 1: 1}, _PATIENCE)
            trickle = Trickle(kafka, traffic, list(registry_events(20_000, traffic)), TRAFFIC, SECONDS)
            reader.start()
            trickle.start()
            sent = _send(kafka, home, watched)
            end = time.monotonic() + _PATIENCE
            while sent.keys() - reader.came.keys() and time.monotonic() < end:
                time.sleep(0.1)
            trickle.join()
            workers.wait_for(home, trickle.topic_uuid, trickle.ends, _PATIENCE)
            stored = trickle.latency(workers.commits(home))
        reader.stop()
    waits = [reader.came[id_] - at for id_, at in sent.items() if id_ in reader.came]
    median, p99 = statistics.median(waits), statistics.quantiles(waits, n=100)[98]
    return [
        "| dangerous | alerts | median s | p99 s | most s | other events/s | stored: median s | p99 s | most s |",
        "|---|---|---|---|---|---|---|---|---|",
        f"| {len(sent)} | {len(waits)} | {median:.2f} | {p99:.2f} | {max(waits):.2f}"
        f" | {stored.rate:,.0f} | {stored.cells()} |",
    ]


def _send(kafka: Home, home: Home, sites: Sequence[Site]) -> dict[str, float]:
    """Send dangerous values evenly over most of the time; when each was sent, by the id of its alert."""
    producer = Producer(broker.librdkafka(kafka) | {"linger.ms": 5, "enable.idempotence": True})
    count = SITES * MOST_PER_HOUR
    sent = {}
    for number in range(count):
        site = sites[number % SITES]
        id_ = f"dangerous-{number}"
        key = pseudonym(site_key(home.secret(), site.id), "id", id_).hex()
        sent[alert_id(site.id, key, "b12_deficient")] = time.time()
        producer.produce(site.events_topic, _dangerous(site, id_), partition=number // SITES % broker.PARTITIONS)
        producer.poll(0)
        time.sleep(0.8 * SECONDS / count)
    producer.flush(_PATIENCE)
    return sent


def _dangerous(site: Site, id_: str) -> bytes:
    now = datetime.now(UTC)
    taken = (now - timedelta(hours=3)).isoformat(timespec="minutes")
    envelope = {"source": site.source, "id": id_, "record": id_, "time": now.isoformat(timespec="seconds")}
    data = _EXAMPLE["data"] | {"value": 90, "collected": taken, "resulted": taken}
    return json.dumps(_EXAMPLE | envelope | {"data": data}).encode()
