"""Sees what the watchdog judges: the consumer and the intake of this worker, and Kafka's side of both.

What follows from it belongs to streams/watchdog.py.
"""

import logging
import threading
import time
from collections.abc import Mapping

from faust.types import TP
from kafka.errors import KafkaError

from lake.home import REPLAY_TOPIC
from streams.cluster import Cluster
from streams.intake import Intake
from streams.logs import say
from streams.places import Held
from streams.transport import BatchConsumer
from streams.watchdog import Look, Partition, View, patience

ASK_SECONDS = 5.0
"""Between two questions to Kafka, at most."""
AGAIN_SECONDS = 0.5
"""The same, until the worker is a member of its group."""
FRESH_SECONDS = 15.0
"""For so long an answer counts."""


class Lookout:
    """Looks at one worker. Kafka is asked by a thread, since an answer may take long when a broker is away."""

    def __init__(self, consumer: BatchConsumer, intake: Intake, cluster: Cluster) -> None:
        self._consumer, self._intake, self._cluster = consumer, intake, cluster
        self._pause = min(ASK_SECONDS, patience() / 3)
        self._answer: tuple[float, View] | None = None
        self._oldest_ms: dict[TP, float] = {}
        """Of the partitions that wait."""
        self._closing = threading.Event()
        self._asking = threading.Thread(target=self._ask, name="lookout", daemon=True)

    def start(self) -> None:
        """Begin to ask Kafka."""
        self._asking.start()

    def close(self) -> None:
        """Ask no more."""
        self._closing.set()

    def look(self) -> Look:
        """The worker as it is now."""
        intake, consumer = self._intake, self._consumer
        return Look(
            at=time.monotonic(),
            ended=tuple(consumer.silent_deaths()),
            settled=intake.settled,
            deals=intake.deals,
            busy=intake.busy,
            polls=consumer.polls,
            member=consumer.member,
            assigned=frozenset(consumer.assignment()),
            reading=self._reading(),
            view=self._view(),
        )

    @property
    def held(self) -> Mapping[TP, Held]:
        """The partitions of this worker that are not read."""
        return self._intake.held

    def waiting(self, look: Look) -> dict[str, tuple[int, float]]:
        """By site: offsets that are not in the lake, and the age in seconds of the oldest delivery among them.

        A few of the offsets may be no deliveries: Kafka numbers the ends of transactions too. The age is that of the
        broker's stamp where the delivery has been read, else the time since something was first seen to wait.
        """
        now_ms = time.time() * 1000
        oldest: dict[TP, float] = {}
        found: dict[str, tuple[int, float]] = {}
        for tp, count in self._missing(look).items():
            if count:
                place = self._intake.places.get(tp)
                stamp = place.oldest_ms if place else None
                oldest[tp] = self._oldest_ms.get(tp, now_ms) if stamp is None else stamp
            offsets, seconds = found.get(site_of(tp.topic), (0, 0.0))
            age = max(0.0, now_ms - oldest.get(tp, now_ms)) / 1000
            found[site_of(tp.topic)] = offsets + count, max(seconds, age)
        self._oldest_ms = oldest
        return found

    def _missing(self, look: Look) -> dict[TP, int]:
        stable = look.view.stable if look.view else {}
        missing = {
            # Where nothing is in hand, the consumer's position is the better end: it passes over what is no delivery.
            tp: max(stable.get(tp, 0), seen.handed) - (seen.stored if seen.handed > seen.stored else seen.position)
            for tp, seen in look.reading.items()
        }
        missing |= {tp: stable.get(tp, 0) - held.wanted for tp, held in self._intake.held.items()}
        return {tp: max(0, offsets) for tp, offsets in missing.items()}

    def _reading(self) -> dict[TP, Partition]:
        positions, handed = self._consumer.positions(), self._consumer.handed_over()
        reading = {}
        for tp, place in self._intake.places.items():
            grant = handed.get(tp)
            if grant is not None and grant.lease == place.lease and tp in positions:
                # Behind an accepted gap reading begins above what the lake has.
                stored = place.began if place.stored is None else max(place.stored, place.began)
                reading[tp] = Partition(positions[tp], grant.offset, stored)
        return reading

    def _view(self) -> View | None:
        if self._answer is None or time.monotonic() - self._answer[0] > FRESH_SECONDS:
            return None
        return self._answer[1]

    def _ask(self) -> None:
        """The thread's work."""
        while True:
            try:
                topics = [*self._intake.sites, REPLAY_TOPIC]
                self._answer = time.monotonic(), self._cluster.view(self._consumer.group, topics)
            except (KafkaError, OSError) as error:
                say("kafka_does_not_answer", logging.WARNING, error)
            if self._closing.wait(self._pause if self._is_member() else AGAIN_SECONDS):
                self._cluster.close()
                return

    def _is_member(self) -> bool:
        return self._answer is not None and self._consumer.member in self._answer[1].members


def site_of(topic: str) -> str:
    """The site whose topic it is; the topic's own name when it is no site's."""
    return topic.split(".")[2] if topic.startswith("b12.site.") else topic
