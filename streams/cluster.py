"""What the workers ask of Kafka besides records: the UUID of a topic, and the settings of their clients.

Making topics and users is the administrator's business, not a worker's.
"""

import ssl
from collections.abc import Iterable
from typing import Any

from aiokafka.helpers import create_ssl_context
from faust.types import TP
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.errors import KafkaError

from lake.home import InternalKafka
from streams.watchdog import View

_ATTEMPTS = 5


class Cluster:
    """A connection for questions about topics. Blocks; not safe for use by two threads at once."""

    def __init__(self, kafka: InternalKafka) -> None:
        self._kafka = kafka
        self._client: Any = None

    def topic_uuids(self, names: Iterable[str]) -> dict[str, str]:
        """The UUID of each topic that exists: a topic that was deleted and made again has another one."""
        wanted = sorted(set(names))
        if not wanted:
            return {}
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                topics = self._connected().describe_topics(wanted)
            except (KafkaError, OSError):
                self.close()  # a broken connection is not mended by asking again
                if attempt == _ATTEMPTS:
                    raise
            else:
                return {topic["name"]: str(topic["topic_id"]) for topic in topics if topic["error_code"] == 0}
        raise AssertionError("unreachable")

    def view(self, group: str, topics: Iterable[str]) -> View:
        """How far these topics reach, those that exist, and who of a group reads what. Raises what Kafka does."""
        try:
            client = self._connected()
            there = [topic for topic in client.describe_topics(sorted(set(topics))) if topic["error_code"] == 0]
            partitions = [TopicPartition(t["name"], p["partition_index"]) for t in there for p in t["partitions"]]
            ends = client.list_partition_offsets(
                dict.fromkeys(partitions, OffsetSpec.LATEST), isolation_level="read_committed", timeout_ms=10_000
            )
            found = client.describe_groups([group])[group]
        except (KafkaError, OSError):
            self.close()
            raise
        members = {
            member["member_id"]: frozenset(
                TP(dealt["topic"], partition)
                for dealt in (member["member_assignment"] or {}).get("assigned_partitions", ())
                for partition in dealt["partitions"]
            )
            for member in found["members"]
        }
        stable = {TP(partition.topic, partition.partition): end.offset for partition, end in ends.items()}
        return View(stable, found["group_state"], members)

    def close(self) -> None:
        """Close the connection; the next question opens another."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _connected(self) -> Any:
        if self._client is None:
            self._client = KafkaAdminClient(bootstrap_timeout_ms=10_000, **self._kafka.client_settings())
        return self._client


def ssl_context(kafka: InternalKafka) -> ssl.SSLContext | None:
    """For asyncio clients; None for a cluster that is spoken to in plain text."""
    if kafka.cafile is None:
        return None
    pair = {"certfile": str(kafka.certfile), "keyfile": str(kafka.keyfile)} if kafka.certfile else {}
    context: ssl.SSLContext = create_ssl_context(cafile=str(kafka.cafile), **pair)
    return context
