"""What waits in Kafka and is not yet in the lake, by site: asked of Kafka and the lake, whatever the workers do.

Only numbers are read, and of one record a partition its time. What is to be done about it belongs to standing.py.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.errors import KafkaError

from b12 import admin
from contracts.errors import EnvironmentProblem
from lake import gaps
from lake.home import REPLAY_TOPIC, Home
from lake.snapshot import Position, snapshot

_SECONDS = 3.0
"""To find the oldest waiting delivery of every partition."""


@dataclass(frozen=True)
class Held:
    """A partition that no worker reads until somebody acts."""

    topic: str
    partition: int
    reason: str
    """`no_topic`, `gap` or `log_ends_early`, as a worker's log has it."""
    wanted: int = 0
    """The offset that the lake wants."""
    offered: int = 0
    """The nearest that Kafka has."""


@dataclass
class Backlog:
    """Of one site, or of what operators had replayed, which goes by its topic's name."""

    site: str
    waiting: int = 0
    """Offsets; a few of them may be no deliveries."""
    oldest_at: float | None = None
    """When Kafka took the oldest of them: seconds since 1970; None where nothing waits."""
    held: list[Held] = field(default_factory=list)


def backlogs(home: Home) -> list[Backlog]:
    """Of every registered site, and of replays if any wait. EnvironmentProblem when Kafka does not answer."""
    sites = home.sites()
    if not sites:
        return []
    by_topic = {site.events_topic: site.id for site in sites.values()} | {REPLAY_TOPIC: REPLAY_TOPIC}
    found = {name: Backlog(name) for name in by_topic.values()}
    kafka = home.internal_kafka()
    stood = _positions(home)
    accepted = {(gap.topic_uuid, gap.partition, gap.to_offset) for gap in gaps.gaps(home) if gap.accepted_at}
    with admin.connect(kafka) as client:
        partitions = _partitions(client, by_topic, found)
        bounds = _bounds(client, partitions)
    behind = {}
    for partition, (site, uuid) in partitions.items():
        first, end = bounds[partition]
        position = stood.get((uuid, partition.partition))
        wanted = gaps.wanted(partition.topic, position.next_offset if position else None, first)
        gone = Held(partition.topic, partition.partition, "gap", wanted, first)
        if wanted < first and (uuid, partition.partition, first) not in accepted:
            found[site].held.append(gone)
        elif wanted > end:
            found[site].held.append(Held(partition.topic, partition.partition, "log_ends_early", wanted, end))
        if end > max(wanted, first):
            behind[partition] = max(wanted, first)
            found[site].waiting += end - behind[partition]
    for partition, taken_at in _oldest(admin.client_settings(kafka), behind).items():
        backlog = found[partitions[partition][0]]
        backlog.oldest_at = min(taken_at, backlog.oldest_at or taken_at)
    return [backlog for backlog in found.values() if backlog.site in sites or backlog.waiting or backlog.held]


def _positions(home: Home) -> Mapping[tuple[str, int], Position]:
    try:
        return snapshot(home).positions
    except EnvironmentProblem:  # no lake yet: all of it waits
        return {}


def _partitions(
    client: KafkaAdminClient, by_topic: Mapping[str, str], found: Mapping[str, Backlog]
) -> dict[TopicPartition, tuple[str, str]]:
    """Site and topic UUID of every partition; a topic that is missing is noted in `found`."""
    partitions = {}
    for topic in client.describe_topics(sorted(by_topic)):
        site = by_topic[topic["name"]]
        if topic["error_code"]:
            found[site].held.append(Held(topic["name"], 0, "no_topic"))
            continue
        for partition in topic["partitions"]:
            place = TopicPartition(topic["name"], partition["partition_index"])
            partitions[place] = site, str(topic["topic_id"])
    return partitions


def _bounds(client: KafkaAdminClient, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, tuple[int, int]]:
    wanted = list(partitions)
    settings: dict[str, Any] = {"isolation_level": "read_committed", "timeout_ms": 10_000}
    first = client.list_partition_offsets(dict.fromkeys(wanted, OffsetSpec.EARLIEST), **settings)
    end = client.list_partition_offsets(dict.fromkeys(wanted, OffsetSpec.LATEST), **settings)
    return {partition: (first[partition].offset, end[partition].offset) for partition in wanted}


def _oldest(settings: Mapping[str, object], behind: Mapping[TopicPartition, int]) -> dict[TopicPartition, float]:
    """When Kafka took the first record at or behind each offset, as far as that is found in time."""
    found: dict[TopicPartition, float] = {}
    if not behind:
        return found
    consumer = KafkaConsumer(
        **settings,
        isolation_level="read_committed",
        enable_auto_commit=False,
        max_partition_fetch_bytes=1,  # Kafka gives one batch all the same
    )
    try:
        consumer.assign(list(behind))
        for partition, offset in behind.items():
            consumer.seek(partition, offset)
        end = time.monotonic() + _SECONDS
        while len(found) < len(behind) and time.monotonic() < end:
            for partition, records in consumer.poll(timeout_ms=200).items():
                found[partition] = records[0].timestamp / 1000
                consumer.pause(partition)
    except (KafkaError, OSError):
        pass  # the numbers say enough
    finally:
        consumer.close()
    return found
