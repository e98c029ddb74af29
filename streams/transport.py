"""Faust's Kafka transport, changed to hand over one message per partition and poll, from offsets that we choose.

Faust's own acks lose events on failure and its path per event costs 80 us, so neither is used. What becomes of a
fetch, and where reading starts, belongs to streams/intake.py.

Built on private parts of faust-streaming 0.15 and aiokafka 0.14: a new release of either has to pass the integration
tests, the kill tests above all.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import aiokafka
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import KafkaError, OffsetOutOfRangeError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from streams.records import Record, Undecoded, use_raw_records

MAX_POLL_RECORDS = 30_000
"""Over all partitions: what one answer holds of events in gzip. Judging many together is quickest."""
PARTITION_FETCH_BYTES = 2 << 20
"""One partition's answer, compressed. It is drained before the next one's turn: with 4 MB a quiet site waited 6 s."""
COMMIT_SECONDS = 5.0
"""For the group's coordinator to take an offset. aiokafka would ask one that is away for ever, and flushes would wait
with it, although every other broker hands out records."""


class Fetch(NamedTuple):
    """Consecutive records of one partition."""

    tp: TP
    lease: int
    """Which of our seeks the reading goes back to: a fetch of an older one is stale."""
    start: int
    """Where the fetch before it ended, or the offset of the seek. Offsets in between that no record has are legal
    (aborted transactions), so this, not the first record's offset, shows whether a fetch is missing."""
    end: int
    """The offset behind the last record."""
    records: Sequence[Record]
    """In order of offsets."""


class Grant(NamedTuple):
    """From where to read a partition, and under which lease."""

    offset: int
    lease: int


class Cursor(NamedTuple):
    """How far receipts were sent: Kafka's committed offset, with the topic's UUID as its metadata. A topic that is made
    again under its name inherits the offset, late commits of the old one among them."""

    offset: int
    topic_uuid: str


class HoldingListener(driver.ConsumerRebalanceListener):
    """Holds every partition until its place is known.

    Without a position aiokafka would look for a committed offset, find none and report an error.
    """

    def on_partitions_assigned(self, assigned: Iterable[Any]) -> Awaitable[None]:
        partitions = list(assigned)
        self._thread.hold(partitions)
        waiting: Awaitable[None] = super().on_partitions_assigned(partitions)
        return waiting


class BatchConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that owns aiokafka's consumer. Every method here runs on its loop, so none overtakes another."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.places: dict[TP, Grant] = {}
        self.lost: deque[TP] = deque()
        self.polls = 0
        """How often it was asked for records and answered."""

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        conf = self.app.conf
        use_raw_records()
        return aiokafka.AIOKafkaConsumer(
            client_id=conf.broker_client_id,
            group_id=conf.id,
            bootstrap_servers=driver.server_list(transport.url, transport.default_port),
            partition_assignment_strategy=[RoundRobinPartitionAssignor],
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            max_poll_records=MAX_POLL_RECORDS,
            max_partition_fetch_bytes=PARTITION_FETCH_BYTES,
            fetch_max_wait_ms=500,
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
            metadata_max_age_ms=conf.consumer_metadata_max_age_ms,
            **driver.credentials_to_aiokafka_auth(conf.broker_credentials, conf.ssl_context),
        )

    def hold(self, partitions: Iterable[Any]) -> None:
        """Read nothing from newly assigned partitions until they are granted."""
        consumer = self._ensure_consumer()
        self.places.clear()
        for partition in partitions:
            consumer.seek(partition, 0)
            consumer.pause(partition)

    def grant(self, grants: Mapping[TP, Grant]) -> None:
        """Read these partitions from these offsets on. A partition that was lost meanwhile is passed over."""
        consumer = self._ensure_consumer()
        for tp, grant in grants.items():
            partition = driver.ensure_aiokafka_TP(tp)
            if partition in consumer.assignment():
                consumer.seek(partition, grant.offset)
                consumer.resume(partition)
                self.places[tp] = grant

    def withdraw(self, partitions: Iterable[TP]) -> None:
        """Read these partitions no further."""
        consumer = self._ensure_consumer()
        for tp in partitions:
            self.places.pop(tp, None)
            partition = driver.ensure_aiokafka_TP(tp)
            if partition in consumer.assignment():
                consumer.pause(partition)

    async def committed(self, partitions: Iterable[TP]) -> dict[TP, Cursor]:
        """What Kafka has as committed of each partition; none without a commit."""
        wanted = [driver.ensure_aiokafka_TP(tp) for tp in partitions]
        found = await self._ensure_consumer()._coordinator.fetch_committed_offsets(wanted)
        return {driver_tp(partition): Cursor(*committed) for partition, committed in found.items()}

    async def bounds(self, partitions: Iterable[TP]) -> dict[TP, tuple[int, int]]:
        """First offset that Kafka still has of each partition, and the one behind its last."""
        consumer = self._ensure_consumer()
        wanted = [driver.ensure_aiokafka_TP(tp) for tp in partitions]
        starts, ends = await consumer.beginning_offsets(wanted), await consumer.end_offsets(wanted)
        return {driver_tp(partition): (starts[partition], ends[partition]) for partition in wanted}

    async def commit_receipts(self, cursors: Mapping[TP, Cursor]) -> bool:
        """Move Kafka's committed offsets; False when a rebalance was quicker, and the next owner repeats receipts, or
        when the group has no coordinator at the moment."""
        consumer = self._ensure_consumer()
        assigned = consumer.assignment()
        ours = {driver.ensure_aiokafka_TP(tp): cursor for tp, cursor in cursors.items()}
        ours = {partition: cursor for partition, cursor in ours.items() if partition in assigned}
        try:
            if ours:
                await asyncio.wait_for(consumer.commit(ours), COMMIT_SECONDS)
        except (KafkaError, TimeoutError):
            return False
        return len(ours) == len(cursors)

    async def _fetch_records(self, *arguments: Any, **options: Any) -> dict[TP, Fetch]:
        try:
            records = await super()._fetch_records(*arguments, **options)
        except OffsetOutOfRangeError as error:
            # Retention was quicker, or the topic was made again: what to do is for the main loop to find out.
            lost = [driver_tp(partition) for partition in error.args[0]]
            self.withdraw(lost)
            self.lost.extend(lost)
            return {}
        finally:
            self.polls += 1
        # No await from here on: a seek in between would let records of the old place pass for the new.
        fetches = {}
        for partition, batches in records.items():
            tp = driver_tp(partition)
            place = self.places.get(tp)
            if place is not None:
                end = batches[-1].offset + 1
                fetches[tp] = Fetch(tp, place.lease, place.offset, end, Undecoded(batches))
                self.places[tp] = Grant(end, place.lease)
        return fetches


class BatchConsumer(driver.Consumer):
    """Faust's side of the consumer, on the main loop."""

    RebalanceListener = HoldingListener
    _thread: BatchConsumerThread
    _leases = itertools.count(1)

    def _new_consumer_thread(self) -> BatchConsumerThread:
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def new_lease(self) -> int:
        """A number that no fetch has yet."""
        return next(self._leases)

    async def grant(self, grants: Mapping[TP, Grant]) -> None:
        """Read these partitions from these offsets on; fetches under their older leases may still arrive."""
        for tp in grants:
            self._read_offset[tp] = None  # else Faust drops what lies below the place that it had reached
        await self._thread.call_thread(self._thread.grant, grants)

    async def withdraw(self, partitions: Iterable[TP]) -> None:
        """Read these partitions no further."""
        await self._thread.call_thread(self._thread.withdraw, list(partitions))

    async def committed(self, partitions: Iterable[TP]) -> dict[TP, Cursor]:
        """What Kafka has as committed of each partition; none without a commit."""
        answer: dict[TP, Cursor] = await self._thread.call_thread(self._thread.committed, list(partitions))
        return answer

    async def bounds(self, partitions: Iterable[TP]) -> dict[TP, tuple[int, int]]:
        """First offset that Kafka still has of each partition, and the one behind its last."""
        answer: dict[TP, tuple[int, int]] = await self._thread.call_thread(self._thread.bounds, list(partitions))
        return answer

    async def commit_receipts(self, cursors: Mapping[TP, Cursor]) -> bool:
        """Move Kafka's committed offsets; False when not all could be."""
        return bool(await self._thread.call_thread(self._thread.commit_receipts, cursors))

    def lost(self) -> set[TP]:
        """Partitions whose offset Kafka no longer has, since the last call. They are read no further."""
        queue = self._thread.lost
        return {queue.popleft() for _ in range(len(queue))}

    def handed_over(self) -> dict[TP, Grant]:
        """How far each granted partition was fetched, and under which lease."""
        return dict(self._thread.places)

    def positions(self) -> dict[TP, int]:
        """The offset that each granted partition is read from next, which passes over what is no record."""
        consumer = self._thread._consumer
        assignment = consumer and consumer._subscription.subscription and consumer._subscription.subscription.assignment
        found = {}
        for tp in list(self._thread.places) if assignment else ():
            state = assignment.state_value(driver.ensure_aiokafka_TP(tp))
            if state is not None and state.has_valid_position:
                found[tp] = state.position
        return found

    @property
    def polls(self) -> int:
        """How often Kafka's side was asked for records and answered."""
        return self._thread.polls

    @property
    def group(self) -> str:
        """The group that this worker is or wants to be a member of."""
        return str(self.app.conf.id)

    @property
    def member(self) -> str:
        """What the group calls this worker; empty while it is no member."""
        consumer = self._thread._consumer
        return consumer._coordinator.member_id if consumer and consumer._coordinator else ""

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Faust calls this after each rebalance, before anything flows: the one moment to take our places."""
        await self.transport.on_assigned(self.assignment())
        return {}

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:
        """One message per partition whose value is a Fetch."""
        fetches, active = await self._wait_next_records(timeout)
        for tp, fetch in (fetches or {}).items():
            # What is dropped here breaks the chain of fetches, which the intake notices, unless new leases come first.
            if self.should_stop or not self.flow_active:
                return
            if active is None or tp in active or tp in self._buffered_partitions:
                yield tp, self._message(fetch)

    def _message(self, fetch: Fetch) -> ConsumerMessage:
        return ConsumerMessage(
            *(fetch.tp.topic, fetch.tp.partition, fetch.end - 1, 0.0, 0),  # nobody asks for the time of a fetch
            *((), None, fetch, None, -1, -1, fetch.tp),
            generation_id=self.app.consumer_generation_id,
        )

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust's own watch on acks and commits, which we do not use, would only raise false alarms."""

    def silent_deaths(self) -> list[str]:
        """The parts that have ended, although nobody stopped them: Faust itself may not notice."""
        thread, consumer = self._thread._thread, self._thread._consumer
        if thread is None or consumer is None:
            return []
        tasks = {"coordinator": consumer._coordinator, "fetcher": consumer._fetcher}
        running = {
            "thread": thread.is_alive(),
            "coordinator": tasks["coordinator"] is None or not tasks["coordinator"]._coordination_task.done(),
            "fetcher": tasks["fetcher"] is None or not tasks["fetcher"]._fetch_task.done(),
        }
        return [name for name, alive in running.items() if not alive]


class BatchTransport(driver.Transport):
    """The transport to give to a Faust app: `app.transport = BatchTransport(broker urls, app)`."""

    Consumer = BatchConsumer

    on_assigned: Callable[[set[TP]], Awaitable[None]]
    """Takes the places of all assigned partitions; set before the app starts."""


def driver_tp(partition: Any) -> TP:
    """Faust's name of an aiokafka partition: they are equal, but only one of them is Faust's type."""
    return partition if isinstance(partition, TP) else TP(partition.topic, partition.partition)
