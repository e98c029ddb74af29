"""Receipts: what became of each delivery, told to its site at least once.

They go out after a flush and before Kafka's committed offset moves, so that offset says how far they were sent.
What a receipt holds is contracts/receipts.py's.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import zip_longest
from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError

from contracts.judge import rules
from contracts.platform_event import encode, message, parts
from contracts.receipts import Receipt, Receipts, RefusedDelivery
from contracts.replay_receipts import ReplayedDelivery, ReplayReceipt, Replays
from contracts.site import Site
from lake.home import InternalKafka
from lake.judgements import Judgements, Refused
from lake.replayed import Replayed
from streams.cluster import ssl_context


class Range(NamedTuple):
    """The deliveries that receipts are due for."""

    site: Site
    topic_uuid: str
    partition: int
    start: int
    end: int


def receipts(of: Range, judgements: Judgements) -> Iterator[bytes]:
    """The receipts of a range, as JSON: one, or several of at most MOST_BYTES whose ranges follow each other.

    The same range and judgements always give the same bytes.
    """
    found = list(parts(map(_entry, judgements.refused))) or [[]]
    start = of.start
    for entries, following in zip_longest(found, found[1:]):
        end = following[0].offset if following else of.end
        yield _receipt(of, start, end, judgements, entries)
        start = end


def replay_receipts(site: str, replays: Iterable[Replayed]) -> Iterator[bytes]:
    """The receipts of a site's replays, as JSON of at most MOST_BYTES each; the same replays give the same bytes."""
    for entries in parts(map(_replayed, replays)):
        yield message(ReplayReceipt, Replays(site=site, deliveries=tuple(entries)), b"b12.replays")


class Producer:
    """Sends with an idempotent producer, acknowledged by all replicas in sync."""

    def __init__(self, kafka: InternalKafka) -> None:
        self._kafka = kafka
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect. Raises KafkaConnectionError when nothing answers; may be called again then."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self._kafka.servers,
            security_protocol=self._kafka.security_protocol,
            ssl_context=ssl_context(self._kafka),
            enable_idempotence=True,
            compression_type="gzip",  # the one codec that a lab's small install can read
            max_request_size=1_000_000,
        )
        try:
            await producer.start()
        except KafkaConnectionError:
            await producer.stop()
            raise
        self._producer = producer

    async def stop(self) -> None:
        """Disconnect, if it ever was connected."""
        if self._producer is not None:
            await self._producer.stop()

    async def send(self, topic: str, partition: int, values: list[bytes]) -> None:
        """Raises KafkaError when Kafka does not take them."""
        if self._producer is None:
            raise KafkaConnectionError("not started")
        acknowledged = [await self._producer.send(topic, value, partition=partition) for value in values]
        for future in acknowledged:
            await future


def _entry(refused: Refused) -> RefusedDelivery:
    return RefusedDelivery(
        offset=refused.offset,
        rule=refused.rule,
        path=refused.path,
        fix=_fix(refused.rule),
        kind=refused.kind,
        id_key=refused.id_key,
        subject_key=refused.subject_key,
    )


def _fix(rule: str) -> str:
    known = rules().get(rule)  # a rule of an older contract may be gone
    return known.fix if known else "Ask the platform's operators: this rule is no longer in use."


def _replayed(replay: Replayed) -> ReplayedDelivery:
    return ReplayedDelivery(
        topic_uuid=replay.topic_uuid,
        partition=replay.origin_partition,
        offset=replay.origin_offset,
        verdict="accepted" if replay.rule is None else "refused",
        rule=replay.rule or "",
        path=replay.path,
        fix=_fix(replay.rule) if replay.rule else "",
        kind=replay.kind,
        id_key=replay.id_key,
        subject_key=replay.subject_key,
    )


def _receipt(of: Range, start: int, end: int, judgements: Judgements, entries: list[RefusedDelivery]) -> bytes:
    name = f"{of.topic_uuid}/{of.partition}/{start}/{end}".encode()
    accepted = bisect_left(judgements.accepted, end) - bisect_left(judgements.accepted, start)
    return encode(
        Receipt(
            id=blake2b(name, digest_size=16, person=b"b12.receipt").hexdigest(),
            data=Receipts(
                site=of.site.id,
                topic_uuid=of.topic_uuid,
                partition=of.partition,
                from_offset=start,
                to_offset=end,
                accepted=accepted,
                refused=tuple(entries),
            ),
        )
    )
