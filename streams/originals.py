"""The records that Kafka still has: from where on, some of them by their place, and what nobody has read yet.

They hold what a site reported, so nothing of them is logged or kept. What is done with them belongs to
streams/replays.py.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from contracts.errors import EnvironmentProblem
from lake.dead_letters import Place
from lake.home import REPLAY_TOPIC, InternalKafka
from lake.snapshot import Position

NEAR = 2_000
"""Records that are rather read than jumped over: a jump costs a round trip."""
_SECONDS = 10
_QUIET_POLLS = 10


class Originals:
    """A reader as the platform itself. Make it with `opened`; not safe for use by two threads at once."""

    def __init__(self, consumer: Any, topics: Mapping[str, str], first_offsets: dict[tuple[str, int], int]) -> None:
        self._consumer, self._topics = consumer, topics
        self.first_offsets = first_offsets
        """By topic UUID and partition, as far as Kafka has the topic still."""

    def read(self, places: Iterable[Place]) -> Iterator[tuple[Place, Any]]:
        """Each place with its record of kafka-python, None where Kafka has it no more. They must come in order."""
        for (topic_uuid, partition), group in groupby(places, key=lambda place: (place.topic_uuid, place.partition)):
            if (topic_uuid, partition) not in self.first_offsets:
                yield from ((place, None) for place in group)
                continue
            stretch = _Stretch(self._consumer, TopicPartition(self._topics[topic_uuid], partition))
            yield from ((place, stretch.record(place.offset)) for place in group)

    def unread(self, topic: str, positions: Mapping[tuple[str, int], Position]) -> Iterator[Any]:
        """The records of a topic that the lake is not yet at, up to what is there now."""
        for (topic_uuid, partition), first in self.first_offsets.items():
            if self._topics[topic_uuid] == topic:
                there = positions.get((topic_uuid, partition))
                stretch = _Stretch(self._consumer, TopicPartition(topic, partition))
                yield from stretch.after(there.next_offset if there else first)


class _Stretch:
    """One partition, read forwards."""

    def __init__(self, consumer: Any, tp: TopicPartition) -> None:
        consumer.assign([tp])
        self._consumer, self._tp = consumer, tp
        self._first = consumer.beginning_offsets([tp])[tp]
        self._end = consumer.end_offsets([tp])[tp]
        self._records: deque[Any] = deque()
        self._next: int | None = None
        """The offset behind what was read; None before the first record."""

    def record(self, offset: int) -> Any:
        """The record at this offset, None when there is none. Offsets must be asked for in ascending order."""
        if not self._first <= offset < self._end:
            return None
        self._seek(offset)
        while True:
            while self._records and self._records[0].offset < offset:
                self._records.popleft()
            if self._records:
                return self._records[0] if self._records[0].offset == offset else None
            if not self._more():
                return None

    def after(self, offset: int) -> Iterator[Any]:
        """Every record from this offset on."""
        if self._first < self._end:
            self._seek(max(offset, self._first))
            while self._more():
                yield from self._records
                self._records.clear()

    def _seek(self, offset: int) -> None:
        if self._next is None or offset > self._next + NEAR:
            self._consumer.seek(self._tp, offset)
            self._records.clear()
            self._next = offset

    def _more(self) -> bool:
        """Read on; False at what was the end when reading began."""
        assert self._next is not None  # noqa: S101  # everybody seeks first
        for _ in range(_QUIET_POLLS):
            if self._next >= self._end:
                return False
            if found := self._consumer.poll(1000).get(self._tp, []):
                self._records.extend(found)
                self._next = found[-1].offset + 1
                return True
            # What is left may be no records at all, but marks of transactions.
            self._next = max(self._next, self._consumer.position(self._tp))
        raise EnvironmentProblem(f"Kafka gives nothing more of {self._tp.topic}; `b12 status` shows whether it runs")


@contextmanager
def opened(kafka: InternalKafka, positions: Mapping[tuple[str, int], Position]) -> Iterator[Originals]:
    """A reader of the topics that the lake has rows of, and of replays.

    EnvironmentProblem when Kafka does not answer, or ceases to.
    """
    consumer = None
    try:
        topics = _topics(kafka, {REPLAY_TOPIC, *(position.topic for position in positions.values())})
        consumer = KafkaConsumer(
            **kafka.client_settings(),
            bootstrap_timeout_ms=1000 * _SECONDS,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        wanted = {
            (topic_uuid, partition): TopicPartition(topic, partition)
            for topic_uuid, topic in topics.items()
            for partition in consumer.partitions_for_topic(topic) or ()
        }
        firsts = consumer.beginning_offsets(list(wanted.values()))
        yield Originals(consumer, topics, {key: firsts[tp] for key, tp in wanted.items()})
    except KafkaError as error:
        raise EnvironmentProblem(
            f"Kafka at {kafka.bootstrap} does not give its records ({type(error).__name__}): start it with `b12 up`, or"
            " name another with B12_BROKERS"
        ) from None
    finally:
        if consumer is not None:
            consumer.close()


def _topics(kafka: InternalKafka, names: Iterable[str]) -> dict[str, str]:
    """The topics of these names by UUID. One that was made again has another: the records of the old one are gone."""
    client = KafkaAdminClient(bootstrap_timeout_ms=1000 * _SECONDS, **kafka.client_settings())
    try:
        found = client.describe_topics(sorted(names))
    finally:
        client.close()
    return {str(topic["topic_id"]): topic["name"] for topic in found if topic["error_code"] == 0}
