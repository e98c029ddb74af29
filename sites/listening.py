"""What the platform says on one of the site's topics, read from the beginning: receipts, alerts.

What the messages mean belongs to sites/receipts.py and sites/alerts.py.
"""

from collections.abc import Iterator

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from contracts.errors import EnvironmentProblem
from sites import connection
from sites.config import LabConfig

_POLL_MS = 1000
_QUIET_POLLS = 10
"""So many polls without anything, before the end is reached, mean that the platform does not answer."""


def read(config: LabConfig, topic: str, *, follow: bool) -> Iterator[bytes | None]:
    """Every message of a topic that is still held, oldest first, then None, and with `follow` what comes after it.

    EnvironmentProblem, within seconds, when the platform cannot be reached.
    """
    connection.reach(config)
    try:
        consumer = KafkaConsumer(
            **connection.client_settings(config), enable_auto_commit=False, auto_offset_reset="earliest", group_id=None
        )
        try:
            yield from _read(consumer, topic, follow=follow)
        finally:
            consumer.close()
    except KafkaError as error:
        connection.reach(config)
        raise EnvironmentProblem(
            f"topic: {topic} cannot be read ({type(error).__name__}); ask the platform's operators"
        ) from None


def _read(consumer: KafkaConsumer, topic: str, *, follow: bool) -> Iterator[bytes | None]:
    partitions = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
    if not partitions:
        raise EnvironmentProblem(
            f"topic: {topic} cannot be read; ask the platform's operators whether the site is enabled"
        )
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    ends = consumer.end_offsets(partitions)
    quiet = 0
    past = []
    while any(consumer.position(partition) < ends[partition] for partition in partitions):
        batch = consumer.poll(_POLL_MS)
        quiet = 0 if batch else quiet + 1
        if quiet == _QUIET_POLLS:
            raise EnvironmentProblem(f"topic: {topic} does not answer; try again, then ask the platform's operators")
        past += [record for records in batch.values() for record in records]
    # The registry's messages go to any partition, and a later verdict on a delivery replaces an earlier one.
    yield from (record.value for record in sorted(past, key=lambda record: record.timestamp))
    yield None
    while follow:
        yield from (record.value for records in consumer.poll(_POLL_MS).values() for record in records)
