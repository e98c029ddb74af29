"""What the platform asks of Kafka as its administrator: topics, their ids, users, rights.

How the broker is run does not belong here, nor does reading or writing events.
"""

import socket
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    OffsetSpec,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)
from kafka.errors import KafkaError, TopicAlreadyExistsError
from kafka.structs import TopicPartition

from contracts.errors import EnvironmentProblem
from contracts.site import Site
from lake.home import REPLAY_TOPIC, InternalKafka

RETENTION_MS = 30 * 24 * 3600 * 1000
"""A refused delivery points at its record in Kafka: keep it longer than the longest planned outage."""

SEGMENT_MS = 7 * 24 * 3600 * 1000
"""Kafka deletes whole segments, so a record may outlive its retention by the time that one may span (its default)."""

_TOPIC = {"retention.ms": str(RETENTION_MS), "segment.ms": str(SEGMENT_MS), "compression.type": "producer"}
_EVENTS = {
    **_TOPIC,
    # "Received at" and the rule on times ahead use the broker's clock, never a lab's.
    "message.timestamp.type": "LogAppendTime",
    # An acknowledgement has to outlive a power cut, and one node has no second copy: on disk before it is sent.
    # Measured: no difference in throughput, since a batch is flushed, not a message.
    "flush.messages": "1",
}


class _AdminClient(KafkaAdminClient):
    """kafka-python (3.0.12) leaves a thread and a pair of sockets behind when it cannot connect; this does not."""

    _closed = False

    def __init__(self, **settings: object) -> None:
        try:
            super().__init__(**settings)
        except KafkaError:
            self.close()
            raise


@contextmanager
def connect(kafka: InternalKafka, seconds: float = 10) -> Iterator[KafkaAdminClient]:
    """An administrator's connection; EnvironmentProblem when the broker does not answer or turns a request down."""
    require_listening(kafka)
    client = None
    try:
        client = _AdminClient(bootstrap_timeout_ms=int(seconds * 1000), **client_settings(kafka))
        yield client
    except (KafkaError, OSError) as error:
        raise EnvironmentProblem(
            f"Kafka at {kafka.bootstrap} turned the administrator's request down ({type(error).__name__});"
            " `b12 status` shows whether it runs, logs/broker.log why not"
        ) from error
    finally:
        if client is not None:
            client.close()


def client_settings(kafka: InternalKafka) -> dict[str, object]:
    """kafka-python's settings for a client of the platform itself (admin, producer or consumer)."""
    return kafka.client_settings()


def require_listening(kafka: InternalKafka) -> None:
    """EnvironmentProblem at once when nothing listens: a client alone would try for half a minute."""
    if not any(_listens(server) for server in kafka.servers):
        raise EnvironmentProblem(
            f"Kafka does not answer at {kafka.bootstrap}: start it with `b12 up`, or name another with B12_BROKERS"
        )


def reachable(kafka: InternalKafka) -> bool:
    """Does Kafka answer the platform's own client?"""
    try:
        with connect(kafka, seconds=5) as client:
            client.list_topics()
    except EnvironmentProblem:
        return False
    return True


def ensure_replay_topic(client: KafkaAdminClient, partitions: int) -> None:
    """The topic that always exists, so that a worker can subscribe before the first site is there."""
    _ensure_topics(client, {REPLAY_TOPIC: _EVENTS}, partitions)


def ensure_site_topics(client: KafkaAdminClient, site: Site, partitions: int) -> None:
    """The three topics of a site; those that exist stay as they are, with their data."""
    topics = {site.events_topic: _EVENTS, site.receipts_topic: _TOPIC, site.alerts_topic: _TOPIC}
    _ensure_topics(client, topics, partitions)


def consumer_group(site: Site) -> str:
    """The one consumer group that the site's user may read with."""
    return f"b12.site.{site.id}"


def grant(client: KafkaAdminClient, site: Site) -> None:
    """Let the site's user write its own events and read its own receipts and alerts, and nothing else.

    An idempotent producer needs no more than Write on the topic (KIP-679).
    """
    rights = [
        (ResourceType.TOPIC, site.events_topic, ACLOperation.WRITE),
        (ResourceType.TOPIC, site.events_topic, ACLOperation.DESCRIBE),
        (ResourceType.TOPIC, site.receipts_topic, ACLOperation.READ),
        (ResourceType.TOPIC, site.receipts_topic, ACLOperation.DESCRIBE),
        (ResourceType.TOPIC, site.alerts_topic, ACLOperation.READ),
        (ResourceType.TOPIC, site.alerts_topic, ACLOperation.DESCRIBE),
        (ResourceType.GROUP, consumer_group(site), ACLOperation.READ),
    ]
    result = client.create_acls(
        [
            ACL(_principal(site), "*", operation, ACLPermissionType.ALLOW, ResourcePattern(kind, name))
            for kind, name, operation in rights
        ]
    )
    if result["failed"]:
        raise EnvironmentProblem(f"site {site.id}: Kafka did not take its rights ({result['failed'][0].__name__})")


def revoke(client: KafkaAdminClient, site: Site) -> None:
    """Take every right from the site's user, at once for open connections too."""
    everything = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
    client.delete_acls([ACLFilter(_principal(site), None, ACLOperation.ANY, ACLPermissionType.ANY, everything)])


def set_password(client: KafkaAdminClient, site: Site, password: str) -> None:
    """Make the site's user, or give it another password. Kafka receives and keeps the salted form only."""
    _alter_user(client, UserScramCredentialUpsertion(site.id, ScramMechanism.SCRAM_SHA_256, password))


def has_password(client: KafkaAdminClient, site: Site) -> bool:
    """Is the site's user known to this cluster?"""
    found = client.describe_user_scram_credentials([site.id])
    return bool(found.get(site.id, {}).get("credential_infos"))


def remove_password(client: KafkaAdminClient, site: Site) -> None:
    """Remove the site's user, so that it can log in no more."""
    if has_password(client, site):
        _alter_user(client, UserScramCredentialDeletion(site.id, ScramMechanism.SCRAM_SHA_256))


def topic_ids(client: KafkaAdminClient, names: Iterable[str]) -> dict[str, uuid.UUID]:
    """Each topic's UUID: a topic that was deleted and made again has another one. Absent topics are left out."""
    wanted = set(names)
    return {
        topic["name"]: uuid.UUID(str(topic["topic_id"]))
        for topic in client.describe_topics(sorted(wanted))
        if topic["name"] in wanted and topic["error_code"] == 0
    }


def has_records(client: KafkaAdminClient, topic: str) -> bool:
    """Was anything ever written to this topic? Records that Kafka has deleted since count too."""
    [described] = client.describe_topics([topic])
    partitions = [TopicPartition(topic, each["partition_index"]) for each in described.get("partitions") or ()]
    ends = client.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST)) if partitions else {}
    return any(end.offset > 0 for end in ends.values())


def _principal(site: Site) -> str:
    return f"User:{site.id}"


def _ensure_topics(client: KafkaAdminClient, topics: dict[str, dict[str, str]], partitions: int) -> None:
    there = set(client.list_topics())
    for name, configs in topics.items():
        if name in there:
            continue
        try:
            client.create_topics({name: {"num_partitions": partitions, "configs": configs}}, wait_for_metadata=True)
        except TopicAlreadyExistsError:
            continue  # another command made it a moment ago


def _alter_user(
    client: KafkaAdminClient, alteration: UserScramCredentialUpsertion | UserScramCredentialDeletion
) -> None:
    failures = [error for error in client.alter_user_scram_credentials([alteration]).values() if error]
    if failures:
        raise EnvironmentProblem(f"site {alteration.user}: Kafka did not take its password: {failures[0]}")


def _listens(server: str) -> bool:
    host, _, port = server.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=5):
            return True
    except (OSError, ValueError):
        return False
